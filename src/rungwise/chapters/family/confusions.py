"""Which classes the nets of a family take for which."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rungwise.chapters.family.results import NetResult
from rungwise.chapters.many import MOST_CELLS, WORST_ROWS
from rungwise.chapters.results import most_seeds
from rungwise.findings import Cell, Column, Table


def confusion(result: NetResult) -> np.ndarray:
    """How often each class (row) was said to be each class (column), (C, C), as a mean over the seeds."""
    size = len(result.data.classes)
    counts = [
        np.bincount(
            record.arrays["test_labels"].astype(int) * size + record.arrays["test_predictions"],
            minlength=size**2,
        ).reshape(size, size)
        for record in result.records.values()
    ]
    return np.asarray(np.mean(counts, axis=0))


class Confused(NamedTuple):
    """Two classes, by their labels, and how many test images of one are taken for the other, both ways together."""

    a: int
    b: int
    images: float


def confused(results: Sequence[NetResult]) -> list[Confused]:
    """The pairs of classes that any of the nets confuses, a < b, those with the most images of all nets together first.

    `results`: nets with records.
    """
    total = np.sum([confusion(result) for result in results], axis=0)
    both = np.triu(total + total.T, 1)
    found = [Confused(a, b, float(both[a, b])) for a, b in np.argwhere(both).tolist()]
    return sorted(found, key=lambda pair: -pair.images)


def confusion_tables(results: Sequence[NetResult], chapter: str) -> tuple[Table, ...]:
    """Every cell of the matrices that holds an image, the mistakes made most often first; none where the figure of the
    matrices shows them whole.

    `results`: nets with records.
    """
    if not results or len(results[0].data.classes) <= MOST_CELLS:
        return ()
    names, matrices = results[0].data.classes, [confusion(result) for result in results]
    total = np.sum(matrices, axis=0)
    cells = sorted(np.argwhere(total).tolist(), key=lambda cell: (cell[0] == cell[1], -total[*cell]))
    rows: list[tuple[Cell, ...]] = [
        (names[is_], names[said], *(float(matrix[is_, said]) for matrix in matrices)) for is_, said in cells
    ]
    several = most_seeds(results) > 1
    digits, means = (1, ", as means over the seeds") if several else (0, "")
    return (
        Table(
            id=f"{chapter}-confused",
            caption=f"Test images of a class that were taken for another{means}: the mistakes that all nets together "
            "make most often. The other rows are the rest of the confusion matrices, without cells that are 0 for all "
            "nets.",
            columns=(
                Column(key="true", label="True class"),
                Column(key="predicted", label="Predicted class"),
                *(Column(key=result.name, label=result.name, digits=digits) for result in results),
            ),
            rows=tuple(rows),
            shown=WORST_ROWS,
        ),
    )
