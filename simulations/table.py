"""What a simulation returns, one row per case, and how it is printed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One case of a simulation.

    what: the case, in words. n: seeds per study (None where that has no meaning). rate: in [0, 1], or any other mean
    over the simulated studies. error: the standard error of the rate. at_least, at_most: what the rate should be; None
    where nothing is promised. width: the mean width of the interval, in the unit of the quantity.
    """

    what: str
    n: int | None
    rate: float
    error: float
    at_least: float | None = None
    at_most: float | None = None
    width: float | None = None

    def holds(self, errors: float = 4) -> bool:
        """Whether the rate lies within its bounds, with room for so many standard errors."""
        room = errors * self.error
        high_enough = self.at_least is None or self.rate >= self.at_least - room
        return high_enough and (self.at_most is None or self.rate <= self.at_most + room)

    @property
    def expected(self) -> str:
        """The bounds in words."""
        bounds = [("at least", self.at_least), ("at most", self.at_most)]
        return ", ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


def share(
    what: str,
    n: int | None,
    hits: np.ndarray,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    width: float | None = None,
) -> Row:
    """The row of a share of studies. hits: (studies,), bool: where it came true.

    The standard error is that of Agresti and Coull (1998): it is not 0 where all studies agree.
    """
    count, studies = int(np.count_nonzero(hits)), int(np.size(hits))
    middle = (count + 2) / (studies + 4)
    error = math.sqrt(middle * (1 - middle) / (studies + 4))
    return Row(what, n, count / studies, error, at_least, at_most, width)


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text under a head; bounds that are missed by more than 4 standard errors are marked."""
    head = ("what", "n", "rate", "error", "expected", "width", "")
    lines = [head, *(_cells(row) for row in rows)]
    sizes = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(size) for cell, size in zip(line, sizes, strict=True)).rstrip() for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.what,
        "" if row.n is None else str(row.n),
        f"{row.rate:.4g}",
        f"{row.error:.2g}",
        row.expected,
        "" if row.width is None else f"{row.width:.3g}",
        "" if row.holds() else "MISSED",
    )
