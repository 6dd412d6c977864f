"""Compares runs: each of several folders with the first, number by number, paired by seed."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from rungwise.comparison import differences, limits
from rungwise.comparison.numbers import Pair, paired, with_nets
from rungwise.comparison.opened import Opened, names
from rungwise.comparison.outcome import OUTCOMES, Options, judge, listed
from rungwise.comparison.page import document
from rungwise.comparison.result import Compared, Comparison, Summary
from rungwise.errors import UserError, nearest
from rungwise.evidence.measure import Metric, meant
from rungwise.records.record import Record
from rungwise.report.build import write_report
from rungwise.runs.run import open_run
from rungwise.words import counted


def compare(folders: Sequence[Path], options: Options) -> Compared:
    """Each run with the first; writes nothing.

    Raises UserError where there are fewer than two, one holds no run or has nothing in common with the first, or a
    metric is unknown to all.
    """
    if len(folders) < 2:
        raise UserError(f"a comparison needs the folders of at least two runs, the base first; got {len(folders)}")
    base, *others = (Opened(name, open_run(path)) for name, path in zip(names(folders), folders, strict=True))
    pairs = [_common(base, other) for other in others]
    _check(options, {pair.metric: pair.about for found in pairs for pair in found})
    comparisons = tuple(_compare(base, other, found, options) for other, found in zip(others, pairs, strict=True))
    return Compared(
        runs=tuple(one.source() for one in (base, *others)),
        metrics=options.metrics,
        margin=options.margin,
        times=options.times,
        comparisons=comparisons,
        worse=any(comparison.worse for comparison in comparisons),
    )


def check_out(out: Path, folders: Sequence[Path]) -> None:
    """UserError where a page in that folder would overwrite a run's report, or lie within a run."""
    inside = any(folder.resolve() in (out.resolve(), *out.resolve().parents) for folder in folders)
    if inside or (out / "study.json").exists():
        raise UserError(f"the page would be written into the run in {out}; give --out a folder of its own")


def write_page(compared: Compared, out: Path) -> Path:
    """Write the comparison as a page like a report's into the folder; the path of report.html."""
    words = ["rungwise", "compare", *(run.folder for run in compared.runs)]
    words += [word for name in compared.metrics for word in ("--metric", name)]
    words += [f"--margin={compared.margin:g}"] * (compared.margin > 0) + ["--times"] * compared.times
    try:
        return write_report(document(compared, shlex.join([*words, "--out", str(out)])), out)
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}. Choose another --out") from None


# One run against the base ---------------------------------------------------------------------------------------


def _common(base: Opened, other: Opened) -> list[Pair]:
    """The numbers that both have. Raises UserError where there are none."""
    kinds = {chapter.name: chapter.kind for chapter in other.run.study.chapters}
    same = [chapter.name for chapter in base.run.study.chapters if kinds.get(chapter.name) == chapter.kind]
    pairs = paired(base.measured, other.measured, {name: base.metrics[name] for name in same}, base.ratios)
    if not pairs:
        raise UserError(
            f"{other.name} and {base.name} have no number in common: expected a chapter of the same name and kind with "
            f"a model of the same name that has finished for a same seed in both; {_has(base)}; {_has(other)}"
        )
    return pairs


def _has(opened: Opened) -> str:
    measured = dict.fromkeys(one.chapter for one in opened.measured)
    damaged = list(opened.found.damaged.values())
    also = f" ({counted(len(damaged), 'record')} damaged, the first: {damaged[0]})" if damaged else ""
    return f"{opened.name} has results of {', '.join(measured) or 'no chapter'}{also}"


def _check(options: Options, known: Mapping[str, Metric]) -> None:
    for name in options.metrics:
        if name not in known:
            valid = nearest(name, meant(name, known))
            raise UserError(f"no metric that the runs have in common is called {name!r}; {valid}")


def _compare(base: Opened, other: Opened, pairs: Sequence[Pair], options: Options) -> Comparison:
    data = differences.data(_records(base, pairs, "base_trials"), _records(other, pairs, "other_trials"))
    apart = {one.chapter for one in data}
    chosen = [
        pair if pair.chapter in apart else with_nets(pair, base.records, other.records)
        for pair in pairs
        if not options.metrics or pair.metric in options.metrics
    ]
    judged = judge(chosen, options)
    rows = listed(judged)
    outcomes = Counter(row.outcome for row in rows)
    decisive = Counter(row.outcome for row in rows if row.decides)
    return Comparison(
        run=other.name,
        settings=differences.settings(base.run.study, other.run.study),
        models=differences.models(base.metrics, other.metrics),
        environment=differences.machines(*(differences.facts(one.records.values()) for one in (base, other))),
        data=data,
        warnings=(
            *(limits.apart(one) for one in data),
            *limits.unequal_origin(base, other),
            *limits.unfinished(base, other),
            *limits.unsaid(rows),
            *limits.unlisted(judged, rows),
        ),
        rows=tuple(rows),
        summary=Summary(
            compared=len(rows),
            decide=sum(row.decides for row in rows),
            outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES},
            decisive={outcome: decisive[outcome] for outcome in OUTCOMES},
        ),
        worse=decisive["worse"] > 0,
    )


def _records(
    opened: Opened, pairs: Sequence[Pair], side: Literal["base_trials", "other_trials"]
) -> dict[str, list[Record]]:
    """The records that the numbers of each chapter rest on."""
    ids: dict[str, dict[str, None]] = {}
    for pair in pairs:
        ids.setdefault(pair.chapter, {}).update(dict.fromkeys(getattr(pair, side)))
    return {chapter: [opened.records[trial] for trial in trials] for chapter, trials in ids.items()}
