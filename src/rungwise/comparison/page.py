"""A comparison as a page: the report's own document, with chapters made of differences."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rungwise.comparison import tables
from rungwise.comparison.outcome import ComparedNumber
from rungwise.comparison.result import Compared, Comparison
from rungwise.comparison.words import headline, ordered, possible_losses, tally, told
from rungwise.evidence.paired import LEVEL
from rungwise.findings import Findings, Statement
from rungwise.report.document import Document
from rungwise.words import counted, listed

SENTENCES = 6
"""Numbers of one outcome told in sentences; the tables have them all."""
ASIDE = "Outcomes in parentheses don't decide."
CHANGED = ("worse", "better", "differs", "within margin")


def document(compared: Compared, command: str) -> Document:
    """The page's document. `command`: what wrote the page."""
    chapters = dict.fromkeys(row.chapter for comparison in compared.comparisons for row in comparison.rows)
    return Document(
        title=f"{listed([one.name for one in compared.runs[1:]])} against {compared.base}",
        created=max(run.ended for run in compared.runs)[:10],
        chapters=(_verdict(compared), _differences(compared), *(_chapter(compared, name) for name in chapters)),
        environment=tuple(_environment(compared)),
        trials=tuple(trial for run in compared.runs for trial in run.trials),
        command=command,
    )


def _environment(compared: Compared) -> Iterator[tuple[str, str]]:
    """Each fact once where it is the same for all runs, and else with the runs' names."""
    for name in dict.fromkeys(name for run in compared.runs for name in run.facts):
        values = {run.name: run.facts.get(name, "none") for run in compared.runs}
        same = len(set(values.values())) == 1
        yield name, values[compared.base] if same else "; ".join(f"{run}: {value}" for run, value in values.items())


def _verdict(compared: Compared) -> Findings:
    """What the exit code says, and why."""
    every = [(one.run, row) for one in compared.comparisons for row in ordered(one.rows)]
    changed = [(run, row) for run, row in every if row.outcome in CHANGED]
    return Findings(
        kind="comparison",
        name="outcome",
        title="What got worse, and what got better",
        question=f"Did anything get worse than in {compared.base}, beyond noise?",
        method=_method(compared),
        statements=tuple(s for one in compared.comparisons for s in _statements(one, compared.base)),
        tables=tables.numbers(
            compared, "changed", f"What changed beyond noise, the most important first. {ASIDE}", changed, chapters=True
        ),
        warnings=tuple(warning for one in compared.comparisons for warning in one.warnings),
        seeds=_seeds([row for _, row in every]),
    )


def _method(compared: Compared) -> tuple[str, ...]:
    times = "so do times" if compared.times else "times don't, as they depend on the machine"
    margin = f" A loss counts as worse only where it is certainly larger than the margin, {compared.margin:g}."
    only = f" The comparison was restricted to {listed(compared.metrics)}." if compared.metrics else ""
    return (
        f"Every number that {compared.base} and another run both have is compared over the seeds that both have: the "
        "other run's value less the base's, seed by seed. Its p is that of the paired t-test. Where every seed differs "
        "by the same amount there is no scatter to go by, and the exact sign test stands in. Where there is one seed, "
        "test accuracies whose predictions are kept are compared by McNemar's exact test on the test images.",
        f"Numbers of which one way is better decide; {times}. The p-values of a run's numbers that decide are "
        "corrected after Holm (1979). Those of the numbers that don't decide are corrected separately, and so are "
        "those of recall and precision of single classes. Were there no difference at all, at most "
        f"{LEVEL:.0%} of such comparisons would call any of the deciding numbers worse or better. "
        f"The intervals are not corrected.{margin if compared.margin else ''}{only}",
    )


def _statements(comparison: Comparison, base: str) -> Iterator[Statement]:
    yield Statement(text=headline(comparison, base), trials=())
    for outcome in ("worse", "better"):
        rows = [row for row in ordered(comparison.rows) if row.outcome == outcome and row.decides]
        for row in rows[:SENTENCES]:
            text = f"{outcome.capitalize()} in {comparison.run}: {told(row)}."
            yield Statement(text=text, trials=_ids(comparison.run, base, [row]))
    if comparison.rows:
        yield Statement(text=tally(comparison), trials=())
    losses = possible_losses(comparison)
    if losses and not comparison.worse:
        text = f"Losses too small to be seen are possible: the 95% intervals in {comparison.run} still allow "
        yield Statement(text=f"{text}{listed(losses)}.", trials=())


def _differences(compared: Compared) -> Findings:
    """Settings, models, machine and data."""
    statements = []
    for one in compared.comparisons:
        kinds = (("setting", one.settings), ("model", one.models), ("fact of the machine or software", one.environment))
        found = [counted(len(many), noun) if noun != "model" else f"{len(many)} models" for noun, many in kinds if many]
        found += ["the data"] * bool(one.data)
        text = f"{one.run} differs from {compared.base} in {listed(found or ['no setting, machine or data'])}."
        statements.append(Statement(text=text, trials=()))
    return Findings(
        kind="comparison",
        name="differences",
        title="What differs between the runs",
        question="What was done otherwise, where, and on what data?",
        method=(),
        statements=tuple(statements),
        tables=tables.differences(compared),
        seeds=0,
    )


def _chapter(compared: Compared, name: str) -> Findings:
    """One chapter's numbers, whatever came of them."""
    statements = []
    for one in compared.comparisons:
        rows = [row for row in one.rows if row.chapter == name]
        if not rows:
            continue
        counts = Counter(row.outcome for row in ordered(rows))
        told_counts = listed([f"{count} {outcome}" for outcome, count in counts.items()])
        text = f"{one.run}, {counted(len(rows), 'number')}: {told_counts}."
        statements.append(Statement(text=text, trials=_ids(one.run, compared.base, rows)))
    every = [(one.run, row) for one in compared.comparisons for row in one.rows if row.chapter == name]
    changed = [(run, row) for run, row in every if row.outcome != "identical"]
    left_out = f", less {len(every) - len(changed)} identical ones" if len(changed) < len(every) else ""
    caption = f"Every number that the runs have in common{left_out}. {ASIDE}"
    return Findings(
        kind="comparison",
        name=name,
        title=name,
        question=f"How far are the chapter's numbers from those of {compared.base}?",
        method=(),
        statements=tuple(statements),
        tables=tables.numbers(compared, name, caption, changed),
        figures=tables.figures(compared, name, every),
        seeds=_seeds([row for _, row in every]),
    )


def _seeds(rows: Sequence[ComparedNumber]) -> int:
    return max((len(row.seeds) for row in rows), default=0)


def _ids(run: str, base: str, rows: Sequence[ComparedNumber]) -> tuple[str, ...]:
    """The trials that rows rest on, as the page's appendix calls them."""
    ours = (f"{base}/{trial}" for row in rows for trial in row.base_trials)
    return tuple(dict.fromkeys((*ours, *(f"{run}/{trial}" for row in rows for trial in row.other_trials))))
