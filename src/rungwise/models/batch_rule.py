"""The batch rule of the perceptron, from many starts, without a product with all images at each iteration.

A row z of Z has the margin z·start + rate z·total, where total is the sum of all rows found misclassified so far,
each as often as it was. Where Z is whole numbers (pixels), so are total and z·total, and float64 holds them exactly,
in any order of summation; z·start is exact too for a start of `grid_start`. So the rows with margin <= 0 are those of
a plain loop that evaluates all margins in float64, in every iteration. A row is left out, or decided in float32, only
where a bound on what was left out and on the rounding proves its sign. For other real numbers all this holds up to
the rounding of sums.

The bound: a change d of the weights moves the margin of z by z·d; along a few common directions V that is computed
for all rows, and the rest of d, r = d - VV'd, moves it by at most ||z - VV'z|| ||r|| (Cauchy-Schwarz).
"""

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

DIRECTIONS = 64
"""Columns of V. These five were the fastest, or nearly, on pairs of MNIST digits that do not converge."""

VAGUE = 300
"""Rows left undecided by the bound above which all margins are computed anew."""

WATCHED = 800
"""Rows that are evaluated in each iteration between two looks at all rows, about."""

RESTLESS = 60
"""Rows changing sides at once above which the next iteration looks at all rows again."""

ALIKE = 15
"""Rows on which two that take turns differ below which one is enough."""

AHEAD = 64
"""Turns between two looks at all rows, at most."""


class Fit(NamedTuple):
    """What a rule returns."""

    weights: np.ndarray
    """(D + 1,); the bias is last."""
    errors: list[float]
    """Share of the images found misclassified in each iteration (batch) or epoch (online)."""


def grid_start(random: np.random.RandomState, size: int) -> np.ndarray:
    """Standard normal weights (size,), float64, rounded to multiples of 2^-20: sums of whole multiples are exact."""
    start: np.ndarray = np.round(random.standard_normal(size) * 2.0**20) / 2.0**20
    return start


def learn_batch_many(Z: np.ndarray, starts: Sequence[np.ndarray], rate: float, max_iter: int, tol: float) -> list[Fit]:
    """The full-batch rule on signed rows Z (N, D + 1), float32 or float64, from each of `starts` (D + 1,).

    What the starts share is computed once; each result is, to the bit, that of its start alone.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite decides no row
        columns = Columns(Z)
        rows = Rows(columns.kept(Z))
        return [columns.fit(rows, np.asarray(start, np.float64), rate, max_iter, tol) for start in starts]


def learn_batch(Z: np.ndarray, start: np.ndarray, rate: float, max_iter: int, tol: float) -> Fit:
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

    def fit(self, rows: "Rows", start: np.ndarray, rate: float, max_iter: int, tol: float) -> Fit:
        """The rule on the kept rows from a start (D + 1,) for all columns."""
        inner, pace = start[self.chosen], np.ones(len(self.chosen))
        inner[-1] += self.signs @ start
        pace[-1] += np.abs(self.signs).sum()
        mistakes = Mistakes(rows, inner, rate, pace)
        found = np.zeros(len(inner))
        """The sum of all rows found misclassified so far, each as often as it was."""
        errors: list[float] = []
        for _ in range(max_iter):
            mistakes.find(found * pace)
            errors.append(mistakes.count / len(rows.Z))
            if errors[-1] <= tol:
                break
            found = found + mistakes.sum
            mistakes = mistakes.next()
        total = self.signs * found[-1]
        total[self.chosen] = found
        return Fit(start + rate * total, errors)


def _everywhere(Z: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Which columns of Z (N, D) are equal to a column (N, 1) in all rows, (D,)."""
    equal: np.ndarray = Z[0] == column[0]
    maybe = np.flatnonzero(equal)
    equal[maybe] = (Z[:, maybe] == column).all(axis=0)
    return equal


class Rows:
    """The signed rows Z (N, D), and what all starts need to know of them, in float32."""

    def __init__(self, Z: np.ndarray) -> None:
        if len(Z) * float(np.abs(Z).max()) >= 2**24:  # below, float32 sums of whole numbers are exact
            Z = Z.astype(np.float64)
        self.Z, self.Z32 = Z, Z.astype(np.float32, copy=False)
        self.columns = np.asfortranarray(self.Z32)  # with columns in a row a product takes half as long (OpenBLAS)
        self.V = _directions(self.Z32)  # (D, k)
        self.P = self.Z32 @ self.V.astype(np.float32)
        # |float32 z·w - z·w| <= rounding ||z|| ||w||, in any order of summation (Higham 2002, 3.1); some to spare.
        self.rounding = (Z.shape[1] + 32) * 2.0**-24
        self.rounding_P = self.rounding * (1 + self.V.shape[1] ** 0.5)
        squares = np.square(self.Z32).sum(axis=1)
        beside = np.maximum(squares - np.square(self.P).sum(axis=1), 0)
        # Rows too small for float32 squares are never decided by a bound.
        self.norms = np.where(squares > 1e-24, np.sqrt(squares) * np.float32(1.0001), np.float32(np.inf))
        self.beside = np.sqrt(beside + np.float32(3 * self.rounding_P) * squares)  # >= ||z - VV'z||
        positive = Z[:, -1] > 0
        self.classes = (positive, ~positive)
        self.sums = tuple(chosen.astype(Z.dtype) @ Z for chosen in self.classes)


def _directions(Z: np.ndarray) -> np.ndarray:
    """Orthonormal columns (D, k), float64, near the span of the leading singular vectors; any would be correct."""
    rows = Z[:: max(1, len(Z) // 1024)]
    k = min(DIRECTIONS, *rows.shape)
    sketch = np.random.default_rng(0).standard_normal((len(rows), k)).astype(np.float32)
    for _ in range(2):  # power iterations (Halko, Martinsson and Tropp 2011)
        sketch = rows @ (rows.T @ sketch)
        sketch /= np.abs(sketch).max() + np.float32(1e-30)
    wide = np.nan_to_num((rows.T @ sketch).astype(np.float64))
    return np.asarray(np.linalg.qr(wide)[0].astype(np.float32).astype(np.float64))


class Mistakes:
    """The misclassified rows, for a total that grows step by step.

    At a high rate the weights come to swing: from one iteration to the next many rows change sides, and one later they
    are back. Then two of these take turns, each with an iteration of its own kind to compare with.
    """

    def __init__(self, rows: Rows, start: np.ndarray, rate: float, pace: float | np.ndarray = 1.0) -> None:
        """`total` grows by `sum` times `pace` (D,) in each iteration."""
        self.rows, self.start, self.rate, self.pace = rows, start, rate, pace
        self.count = 0
        """How many rows are misclassified,"""
        self.sum = np.zeros(len(start))
        """their sum (D,),"""
        self.last = self.sum
        """the sum of the turn before,"""
        self.flags = np.zeros(len(rows.Z), bool)
        """and which they are,"""
        self.earlier = self.flags
        """and were at the look before the last."""
        self.between: Mistakes | None = None
        """Whose turn it is in the iterations between its own, where the weights swing."""
        self.looked = self.drift = np.zeros(len(start))  # total then, and its expected growth per turn
        self.age, self.ahead, self.radius = 0, 0, 0.0  # turns since then, and until when the watch holds
        self.near = np.zeros(0, int)
        self.near_rows = rows.Z32[self.near]
        self._anchor(self.looked)

    def next(self) -> "Mistakes":
        """Whose turn the next iteration is."""
        if self.between is None:
            return self
        self.between.between = self
        return self.between

    def find(self, total: np.ndarray) -> None:
        """Make count and sum those of the weights start + rate total."""
        self.age += 1
        self.last = self.sum
        if self.age <= self.ahead:
            off = total - self.looked - self.age * self.drift
            if self.rate * np.sqrt(off @ off) < self.radius:
                self._look_near(total)
                return
        self._look_at_all(total)

    def _look_near(self, total: np.ndarray) -> None:
        flags = self._decide(self.near, self.near_rows, total)
        changed = self.near[flags != self.flags[self.near]]
        if len(changed):
            self.flags[changed] = ~self.flags[changed]
            signs = np.where(self.flags[changed], 1, -1).astype(self.rows.Z.dtype)
            self.sum = self.sum + signs @ self.rows.Z[changed]
            self.count += int(signs.sum())

    def _look_at_all(self, total: np.ndarray) -> None:
        rows = self.rows
        while True:
            margins, beside, error = self._predict(total)
            sizes = np.abs(margins)
            undecided = np.flatnonzero(~(sizes > beside * rows.beside + error * rows.norms))
            if len(undecided) <= VAGUE or self.anchor is total:
                break
            self._anchor(total)
        flags = margins <= 0
        flags[undecided] = self._decide(undecided, rows.Z32[undecided], total)
        before = self.flags
        changes = self._take(flags)
        self._take_turns(before, changes)
        # The drift of a long watch goes on; after a short one the next step is the better guess.
        step = (self.sum + self.last) / 2 if self.between is None else self.sum + self.between.sum
        drift = (total - self.looked) / self.age if self.age >= 4 else step * self.pace
        ahead = max(8, min(AHEAD, 2 * self.age))
        self.looked, self.age, self.ahead = total, 0, 0
        if changes <= RESTLESS:
            self._watch(drift, ahead, margins, sizes, beside, error)

    def _take_turns(self, before: np.ndarray, changes: int) -> None:
        """Two take turns from where many rows change sides and change back, until both find nearly the same."""
        if self.between is not None:
            if np.count_nonzero(self.flags != self.between.flags) <= ALIKE:
                self.between = None
                self.age = 0  # what it saw so far were steps of two iterations
        elif self.age == 1 and changes > RESTLESS >= np.count_nonzero(self.flags != self.earlier):
            self.between = copy(self)
            self.between.flags, self.between.ahead = self.flags.copy(), 0
        self.earlier = before

    def _watch(
        self,
        drift: np.ndarray,
        ahead: int,
        margins: np.ndarray,
        sizes: np.ndarray,
        beside: np.float32,
        error: np.float32,
    ) -> None:
        """Choose the rows to watch: those that may change sides while total stays near looked + age drift."""
        rows = self.rows
        then, beside_then, error_then = self._predict(self.looked + ahead * drift)
        room = np.minimum(sizes, np.where(margins > 0, then, -then)) - max(beside, beside_then) * rows.beside
        room = room / rows.norms - max(error, error_then)
        sample = room[:: 16 if len(room) > 4096 else 1]
        rank = min(WATCHED * len(sample) // len(room), len(sample) - 1)
        radius = np.partition(sample, rank)[rank]
        if radius > 0:
            self.drift, self.ahead, self.radius = drift, ahead, float(radius) * 0.999
            self.near = np.flatnonzero(~(room > radius))
            self.near_rows = rows.Z32[self.near]

    def _anchor(self, total: np.ndarray) -> None:
        """Compute the margins of all rows for `total`."""
        weights = self.start + self.rate * total
        self.anchor = total
        self.anchor_margins = self.rows.columns @ weights.astype(np.float32)
        self.anchor_error = self.rows.rounding * _norm(weights)

    def _predict(self, total: np.ndarray) -> tuple[np.ndarray, np.float32, np.float32]:
        """Margins (N,), float32, for `total`: at most ||z - VV'z|| times the second plus ||z|| times the third off."""
        change = self.rate * (total - self.anchor)
        along = change @ self.rows.V
        margins = self.rows.P @ along.astype(np.float32)
        margins += self.anchor_margins
        rest = change - self.rows.V @ along
        error = self.anchor_error + self.rows.rounding_P * float(np.sqrt(change @ change))
        return margins, np.float32(np.sqrt(rest @ rest)), np.float32(error)

    def _decide(self, index: np.ndarray, Z32: np.ndarray, total: np.ndarray) -> np.ndarray:
        """Which of the rows at `index` are misclassified: by float32 where its rounding allows, else by float64."""
        weights = self.start + self.rate * total
        margins = Z32 @ weights.astype(np.float32)
        flags: np.ndarray = margins <= 0
        error = np.float32(self.rows.rounding * _norm(weights))
        close = np.flatnonzero(~(np.abs(margins) > error * self.rows.norms[index]))
        if len(close):
            exact = self.rows.Z[index[close]].astype(np.float64)
            flags[close] = exact @ self.start + self.rate * (exact @ total) <= 0
        return flags

    def _take(self, flags: np.ndarray) -> int:
        """Make `flags` (N,) the misclassified rows; how many changed."""
        change = flags.view(np.int8) - self.flags.view(np.int8)
        changes = int(np.count_nonzero(change))
        self.flags, self.count = flags, int(np.count_nonzero(flags))
        for chosen, total in zip(self.rows.classes, self.rows.sums, strict=True):
            net = int(change[chosen].sum(dtype=int)) if changes > RESTLESS else 0
            if 2 * abs(net) > np.count_nonzero(chosen):  # most of a class at once: its sum less the others
                sign = 1 if net > 0 else -1
                self.sum = self.sum + sign * total
                change -= np.int8(sign) * chosen.view(np.int8)
        moved = np.flatnonzero(change)
        if len(moved):
            self.sum = self.sum + change[moved].astype(self.rows.Z.dtype) @ self.rows.Z[moved]
        return changes


def _norm(weights: np.ndarray) -> float:
    """||weights||; infinite, so that it decides nothing, where float32 could not hold the weights or their square."""
    norm = float(np.sqrt(weights @ weights))
    return norm if 1e-12 < norm < 1e12 else np.inf
