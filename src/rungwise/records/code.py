"""A digest of the source code that a trial's result depends on, so that two versions of it are told apart."""

import functools
import hashlib
import importlib.util
from pathlib import Path

from rungwise.settings import Settings
from rungwise.trial import Trial
from rungwise.works import find_work

ROOMS = ("data", "models", "optimisers", "training", "kernels", "perceptron", "balancing", "insight")
"""The folders of rungwise whose code decides results, beside each chapter's work and the seeds."""
DIGITS = 16
"""Hexadecimal digits of a digest."""


def code_of(trial: Trial) -> dict[str, str]:
    """Digests of what computes a trial: rungwise's own part, and the packages that its settings or work are from."""
    parts = [part for _, part in trial if isinstance(part, Settings)]
    modules = [type(part).__module__ for part in (trial, *parts)] + [find_work(trial.work).__module__]
    packages = sorted({module.partition(".")[0] for module in modules} - {"rungwise"})
    return {"rungwise": own_code()[:DIGITS]} | {name: _package(name)[:DIGITS] for name in packages}


@functools.cache
def own_code() -> str:
    """The digest of rungwise's own part."""
    root = Path(__file__).parents[1]
    files = [path for room in ROOMS for path in (root / room).rglob("*.py")]
    return _digest(root, [*files, *(root / "chapters").glob("*/work.py"), root / "seeding.py"])


@functools.cache
def _package(name: str) -> str:
    """The digest of another package's code; "unknown" where it has no files, as what is typed into a notebook."""
    spec = importlib.util.find_spec(name) if name != "__main__" else None
    if spec is None:
        return "unknown"
    roots = [Path(place) for place in spec.submodule_search_locations or ()]
    if not roots and spec.origin and Path(spec.origin).is_file():
        return _digest(Path(spec.origin).parent, [Path(spec.origin)])
    return _digest(roots[0], list(roots[0].rglob("*.py"))) if roots else "unknown"


def _digest(root: Path, files: list[Path]) -> str:
    """Of the files' contents and their places under the root, whatever the system's newlines."""
    found = hashlib.sha256()
    for path in sorted(files, key=lambda file: file.relative_to(root).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()
