"""The batch rule of the perceptron, from many starts, without a product with all images at each iteration.

A row z of Z has the margin z·start + rate z·total, where total is the sum of all rows found misclassified so far,
each as often as it was. Where Z is whole numbers (pixels), so are total and z·total, and float64 holds them exactly,
in any order of summation; z·start is exact too for a start of `grid_start`. So the rows with margin <= 0 are those of
a plain loop that evaluates all margins in float64, in every iteration. A row is left out, or decided in float32, only
where a bound on what was left out and on the rounding proves its sign. For other real numbers all this holds up to
the rounding of sums.

The bound: a change d of the weights since all margins were computed moves the margin of z by z·d. Along a few
directions V, one of them that in which the weights went lately, that is computed for all rows; the rest of d,
r = d - VV'd, moves it by at most ||z - VV'z|| ||r|| (Cauchy-Schwarz).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rungwise.kernels import available
from rungwise.perceptron import batch_loop, batch_loop_numpy
from rungwise.perceptron.batch_loop import BLOCK, Rows

DIRECTIONS = 7
"""Rows of V that all starts share; with one of each start's own, eight: the fastest on pairs of MNIST digits."""


class Fitted(NamedTuple):
    """What a rule returns."""

    weights: np.ndarray
    """(D + 1,); the bias is last."""
    errors: list[float]
    """Share of the images found misclassified in each iteration (batch) or epoch (online)."""


def grid_start(random: np.random.RandomState, size: int) -> np.ndarray:
    """Standard normal weights (size,), float64, rounded to multiples of 2^-20: sums of whole multiples are exact."""
    start: np.ndarray = np.round(random.standard_normal(size) * 2.0**20) / 2.0**20
    return start


def learn_batch_many(
    Z: np.ndarray, starts: Sequence[np.ndarray], rate: float, max_iter: int, tol: float
) -> list[Fitted]:
    """The full-batch rule on signed rows Z (N, D + 1), float32 or float64, from each of `starts` (D + 1,).

    What the starts share is computed once; each result is, to the bit, that of its start alone.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite decides no row
        columns = Columns(Z)
        rows = look_at(columns.kept(Z))
        return [columns.fit(rows, np.asarray(start, np.float64), rate, max_iter, tol)[0] for start in starts]


def learn_batch(Z: np.ndarray, start: np.ndarray, rate: float, max_iter: int, tol: float) -> Fitted:
    """`learn_batch_many` from one start."""
    return learn_batch_many(Z, [start], rate, max_iter, tol)[0]


class Columns:
    """Columns that are 0, or the last one or its negative, in all rows: pixels that are black in all images are.

    A weight of the first sort never moves. One of the others moves as the last one does, or the opposite way, so that
    all of them act on margins as a last weight that moves so many times as far.
    """

    def __init__(self, Z: np.ndarray) -> None:
        last = Z[:, -1:]
        alike = np.array([_everywhere(Z, sign * last) for sign in (1, -1)])
        alike[:, -1] = False
        self.signs = np.where(alike[0], 1.0, np.where(alike[1], -1.0, 0.0))  # (D + 1,)
        self.chosen = np.flatnonzero(~alike.any(axis=0) & ~_everywhere(Z, 0 * last))
        if not len(self.chosen) or self.chosen[-1] != Z.shape[1] - 1:  # a last column of 0
            self.signs[:], self.chosen = 0, np.arange(Z.shape[1])

    def kept(self, Z: np.ndarray) -> np.ndarray:
        """The columns that are learnt, (N, d), the last of them for all that are alike."""
        return Z if len(self.chosen) == Z.shape[1] else Z.take(self.chosen, axis=1)

    def fit(self, rows: Rows, start: np.ndarray, rate: float, max_iter: int, tol: float) -> tuple[Fitted, int]:
        """The rule on the kept rows from a start (D + 1,) for all columns; how many margins were computed in full."""
        inner, pace = start[self.chosen], np.ones(len(self.chosen))
        inner[-1] += self.signs @ start
        pace[-1] += np.abs(self.signs).sum()
        learn = batch_loop.learn if available() else batch_loop_numpy.learn
        found, errors, computed = learn(rows, inner, float(rate), pace, max_iter, float(tol))
        total = self.signs * found[-1]
        total[self.chosen] = found
        return Fitted(start + rate * total, errors.tolist()), computed


def _everywhere(Z: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Which columns of Z (N, D) are equal to a column (N, 1) in all rows, (D,)."""
    equal: np.ndarray = Z[0] == column[0]
    maybe = np.flatnonzero(equal)
    equal[maybe] = (Z[:, maybe] == column).all(axis=0)
    return equal


def look_at(Z: np.ndarray) -> Rows:
    """What to know of signed rows Z (N, D), float32 or float64."""
    Z32 = Z.astype(np.float32, copy=False)
    V = np.zeros((DIRECTIONS + 1, Z.shape[1]))
    directions = _directions(Z32)
    V[: len(directions)] = directions
    P = Z32 @ V.T.astype(np.float32)
    squares = np.square(Z32).sum(axis=1)
    rounding = (Z.shape[1] + 32) * 2.0**-24
    rounding_P = rounding * (1 + len(V) ** 0.5)
    # Rows too small for float32 squares are never decided by a bound.
    norms = np.where(squares > 1e-24, np.sqrt(squares) * np.float32(1.0001), np.float32(np.inf))
    fill = -len(Z) % BLOCK
    blocks = np.pad(P, ((0, fill), (0, 0))).reshape(-1, BLOCK, len(V)).transpose(0, 2, 1)
    whole = Z.astype(np.int16)
    return Rows(
        Z=np.ascontiguousarray(whole if (whole == Z).all() else Z),
        V=V,
        P=np.ascontiguousarray(blocks),
        beside=squares - np.square(P).sum(axis=1),
        spare=np.float32(3 * rounding_P) * squares,
        norms=np.pad(norms, (0, fill)),
        rounding=rounding,
        rounding_P=rounding_P,
    )


def _directions(Z: np.ndarray) -> np.ndarray:
    """Orthonormal rows (k, D), float64, near the span of the leading singular vectors; any would be correct."""
    rows = Z[:: max(1, len(Z) // 1024)]
    k = min(DIRECTIONS, *rows.shape)
    sketch = np.random.default_rng(0).standard_normal((len(rows), k)).astype(np.float32)
    for _ in range(2):  # power iterations (Halko, Martinsson and Tropp 2011)
        sketch = rows @ (rows.T @ sketch)
        sketch /= np.abs(sketch).max() + np.float32(1e-30)
    wide = np.nan_to_num((rows.T @ sketch).astype(np.float64))
    return np.linalg.qr(wide)[0].T
