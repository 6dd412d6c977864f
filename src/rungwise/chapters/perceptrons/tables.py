"""The table of the chapter."""

from collections.abc import Sequence

from rungwise.chapters.many import MOST_ROWS, nan_last, worst_shown
from rungwise.chapters.perceptrons.results import LAST, PairResult, PerceptronResults
from rungwise.evidence.answers import always
from rungwise.evidence.measure import Answers
from rungwise.findings import Cell, Column, Table

NUMBERS = (
    Column(key="train_accuracy", label="Train accuracy", digits=4),
    Column(key="test_accuracy", label="Test accuracy", digits=4),
    Column(key="gap", label="Gap", digits=4),
    Column(key="iterations", label="Iterations", digits=0),
    Column(key="range", label=f"Range of training error, last {LAST}", digits=4),
    Column(key="fit_s", label="Time (s)", digits=2),
)


def tables(results: PerceptronResults) -> tuple[Table, ...]:
    pairs = results.models
    hardest = sorted(range(len(pairs)), key=lambda i: nan_last(pairs[i].mean("test_accuracy")))
    table = Table(
        id=f"{results.settings.name}-accuracy",
        caption="The last iterate of each pair, on all its training and test images"
        + (", hardest first." if len(pairs) > MOST_ROWS else ".")
        + _always(results.ran),
        columns=(Column(key="pair", label="Pair"), *NUMBERS, Column(key="converged", label="Converged")),
        rows=tuple(map(_row, pairs)),
    )
    return (worst_shown(table, hardest),)


def _always(pairs: Sequence[PairResult]) -> str:
    """What the share of the larger class of a pair is, over all pairs; empty where no labels are on record."""
    runs = [(pair, [[record] for record in pair.records.values()]) for pair in pairs]
    found = [share for pair, own in runs if (share := always(own, Answers(), pair.measures.reader)) is not None]
    if not found:
        return ""
    low, high = (f"{end(found):.1%}" for end in (min, max))
    span = low if low == high else f"{low} to {high}"
    return f" Always answering the larger class of a pair would be right for {span} of its test images."


def _row(pair: PairResult) -> tuple[Cell, ...]:
    n = len(pair.records)
    reached = ("yes" if pair.converged else "no") if n == 1 else f"{pair.converged} of {n}"
    return (pair.name, *(pair.estimate(column.key) for column in NUMBERS), reached if n else None)
