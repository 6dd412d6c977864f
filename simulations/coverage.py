"""How often intervals cover the truth."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from simulations.table import Row, share

Ends = tuple[float, float] | None
"""An interval; None where the method gives none."""


def covered(
    what: str,
    n: int,
    found: Sequence[Ends],
    truth: float,
    at_least: float | None = None,
    middle: Callable[[np.ndarray], float] = np.nanmean,
) -> Row:
    """The row of the share of studies whose interval holds the truth; a study without an interval does not.

    middle: what the width of the row is of those intervals that there are.
    """
    ends = np.array([each or (math.nan, math.nan) for each in found])
    hits = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    return share(what, n, hits, at_least=at_least, width=float(middle(ends[:, 1] - ends[:, 0])))
