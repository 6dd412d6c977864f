"""The table of the chapter."""

from rungwise.chapters.perceptrons.results import LAST, Result
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Column, Table

COLUMNS = (
    Column(key="pair", label="Pair"),
    Column(key="train_accuracy", label="Train accuracy", digits=4),
    Column(key="test_accuracy", label="Test accuracy", digits=4),
    Column(key="gap", label="Gap", digits=4),
    Column(key="iterations", label="Iterations", digits=0),
    Column(key="range", label=f"Range of training error, last {LAST}", digits=4),
    Column(key="fit_s", label="Time (s)", digits=2),
)


def table(results: list[Result], chapter: str) -> Table:
    rows: list[tuple[str | Estimate | None, ...]] = []
    for result in results:
        numbers = [result.estimate(column.key) for column in COLUMNS[1:]]
        n = len(result.records)
        reached = ("yes" if result.converged else "no") if n == 1 else f"{result.converged} of {n}"
        rows.append((result.name, *numbers, reached if n else None))
    return Table(
        id=f"{chapter}-accuracy",
        caption="The last iterate of each pair, on all its training and test images.",
        columns=(*COLUMNS, Column(key="converged", label="Converged")),
        rows=tuple(rows),
    )
