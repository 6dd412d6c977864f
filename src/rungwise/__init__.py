"""rungwise: a comparative study of image classifiers, from records to a report that one can defend.

The public names are below; each module loads when one of its names is first used, so ``import rungwise`` does no work.
"""

import importlib
from typing import Any

_PUBLIC = {
    "Study": "rungwise.study.study",
    "StudyError": "rungwise.study.study",
    "read_study": "rungwise.study.reading",
    "parse_study": "rungwise.study.reading",
    "study_trials": "rungwise.study.study",
    "plan": "rungwise.study.plan",
    "run_study": "rungwise.runs.run",
    "settle_study": "rungwise.runs.settle",
    "open_run": "rungwise.runs.run",
    "Run": "rungwise.runs.run",
    "DamagedRecordsWarning": "rungwise.runs.run",
    "TrialsFailedWarning": "rungwise.runs.run",
    "judged": "rungwise.judging.judge",
    "Record": "rungwise.records.record",
    "Store": "rungwise.records.store",
    "StoreError": "rungwise.records.errors",
    "DataError": "rungwise.data.errors",
    "load": "rungwise.data.load",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("rungwise")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'rungwise' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
