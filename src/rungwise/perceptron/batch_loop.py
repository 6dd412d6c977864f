"""The batch rule over its iterations, in machine code (numba); `batch_rule` says what it does and why it is exact."""

from typing import NamedTuple

import numpy as np

from rungwise.kernels.compiled import compiled, one_at_a_time

BLOCK = 512
"""Rows whose margins are predicted together, in the first cache."""

ANY_ORDER = {"reassoc", "contract", "nsz"}
"""What a sum may be: in any order, with fused products. Where it must be exact it is so in any order."""


class Rows(NamedTuple):
    """Signed rows and what all starts need to know of them; float32 but for Z and V."""

    Z: np.ndarray
    """(N, D), of the dtype that is read fastest: int16 where it holds all numbers exactly."""
    V: np.ndarray
    """(DIRECTIONS + 1, D), float64, orthonormal or 0; the last is for each start to choose, again and again."""
    P: np.ndarray
    """(blocks, DIRECTIONS + 1, BLOCK): z·v of the rows of each block, 0 beyond the last row."""
    beside: np.ndarray
    """(N,): ||z - VV'z||² without the last direction, as computed,"""
    spare: np.ndarray
    """(N,): and how far it may be off."""
    norms: np.ndarray
    """(blocks × BLOCK,): at least ||z||."""
    rounding: float
    """|float32 z·w - z·w| <= rounding ||z|| ||w||, in any order of summation (Higham 2002, 3.1); some to spare."""
    rounding_P: float
    """The same of a margin that moves along V."""


@one_at_a_time
@compiled()
def learn(
    rows: Rows, start: np.ndarray, rate: float, pace: np.ndarray, max_iter: int, tol: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """The rule from `start` (D,), float64, with weights that move `pace` (D,) times as far as their rows say.

    Returns the sum of all rows found misclassified (D,), each as often as it was; the share of misclassified rows of
    each iteration; and how many margins were computed in full, of as many as there are rows and iterations.
    """
    Z, norms = rows.Z, rows.norms
    N, D = Z.shape
    found, wrong = np.zeros(D), np.zeros(D)  # sums of the misclassified rows: of all iterations, of this one
    total, weights, weights32 = np.zeros(D), np.zeros(D), np.zeros(D, np.float32)
    sides = np.ones(N, np.float32)  # -1: misclassified
    count = 0
    anchor, change = np.zeros(D), np.zeros(D)  # `total` when all margins were computed; how far weights went since
    margins, anchored = np.ones(len(norms), np.float32), np.ones(len(norms), np.float32)  # now; then
    apart = np.zeros(N, np.float32)  # >= ||z - VV'z||
    along = np.zeros(len(rows.V), np.float32)
    unproven = np.zeros(N + 1, np.int64)
    errors = np.zeros(max_iter)
    anchor_error, since, computed = 0.0, 0, 0
    for t in range(max_iter):
        for j in range(D):
            total[j] = found[j] * pace[j]
            weights[j] = start[j] + rate * total[j]
            weights32[j] = weights[j]
            change[j] = rate * (total[j] - anchor[j])
        error = rows.rounding * _norm(weights)
        if t == 0 or since > N:  # a margin at a time has cost as much as all at once
            _turn(rows.V, change)
            _all_margins(rows, weights32, anchored, apart)
            anchor_error, since = error, 0
            computed += N
            for j in range(D):
                anchor[j], change[j] = total[j], 0.0
        rest, moved = _project(rows.V, change, along)
        # A margin is known up to rest ||z - VV'z|| + off ||z||.
        off = np.float32(anchor_error + rows.rounding_P * moved)
        for b in range(len(rows.P)):
            lo, hi = b * BLOCK, (b + 1) * BLOCK
            _predict(rows.P[b], along, anchored[lo:hi], margins[lo:hi])
        many = _unproven(margins, sides, apart, norms, rest, off, unproven)
        for n in range(many):
            i = unproven[n]
            margin = np.float64(margins[i])
            if not abs(margin) > rest * apart[i] + off * norms[i]:
                margin = np.float64(_dot32(Z[i], weights32))
                since, computed = since + 1, computed + 1
                if not abs(margin) > error * norms[i]:
                    margin = np.float64(_dot(Z[i], start) + rate * _dot(Z[i], total))
            side = np.float32(-1.0) if margin <= 0 else np.float32(1.0)
            if side != sides[i]:
                sides[i] = side
                count -= int(side)
                _add(Z[i], -np.float64(side), wrong)
        errors[t] = count / N
        if errors[t] <= tol:
            return found, errors[: t + 1], computed
        for j in range(D):
            found[j] += wrong[j]
    return found, errors, computed


@compiled()
def _turn(V: np.ndarray, change: np.ndarray) -> None:
    """Make the last direction that of a change (D,), as far as the others do not span it; 0 where they do."""
    last = len(V) - 1
    for j in range(len(change)):
        V[last, j] = change[j]
    before = _norm(change)
    for _ in range(2):  # twice is enough (Giraud, Langou and Rozložník 2005)
        for c in range(last):
            part = _dot(V[c], V[last])
            for j in range(len(change)):
                V[last, j] -= part * V[c, j]
    size = _norm(V[last])
    for j in range(len(change)):
        V[last, j] = V[last, j] / size if size > 1e-6 * before else 0.0


@compiled()
def _all_margins(rows: Rows, weights: np.ndarray, margins: np.ndarray, apart: np.ndarray) -> None:
    """The margins of all rows for weights (D,), what the last direction has of them, and what all leave of them."""
    last = len(rows.V) - 1
    direction = rows.V[last].astype(np.float32)
    for i in range(len(rows.Z)):
        margins[i] = _dot32(rows.Z[i], weights)
        along = _dot32(rows.Z[i], direction)
        rows.P[i // BLOCK, last, i % BLOCK] = along
        apart[i] = np.sqrt(max(rows.beside[i] - along * along, np.float32(0)) + rows.spare[i])


@compiled()
def _project(V: np.ndarray, change: np.ndarray, along: np.ndarray) -> tuple[np.float32, float]:
    """Fill `along` (k,) with V'change; at least the norm of change - VV'change, and the norm of change."""
    square = _dot(change, change)
    rest = square
    for c in range(len(V)):
        part = _dot(V[c], change)
        along[c] = part
        rest -= part * part
    return np.float32(1.0001 * np.sqrt(max(rest, 0.0) + 1e-12 * square)), np.sqrt(square)


@compiled(fastmath=ANY_ORDER)
def _predict(P: np.ndarray, along: np.ndarray, anchored: np.ndarray, margins: np.ndarray) -> None:
    """The margins (BLOCK,) of a block of rows that had those of `anchored`."""
    for i in range(len(margins)):
        margins[i] = anchored[i]
    for c in range(len(along)):
        part, column = along[c], P[c]
        for i in range(len(margins)):
            margins[i] += part * column[i]


@compiled()
def _unproven(
    margins: np.ndarray,
    sides: np.ndarray,
    apart: np.ndarray,
    norms: np.ndarray,
    rest: np.float32,
    off: np.float32,
    found: np.ndarray,
) -> int:
    """Fill `found` with the rows (N,) that are not proven to be on their side still; how many there are."""
    many = 0
    for i in range(len(sides)):
        found[many] = i
        many += not margins[i] * sides[i] > rest * apart[i] + off * norms[i]
    return many


@compiled()
def _norm(weights: np.ndarray) -> float:
    """||weights||; infinite, so that it decides nothing, where float32 could not hold the weights or their square."""
    norm = np.sqrt(_dot(weights, weights))
    return norm if 1e-12 < norm < 1e12 else np.inf


@compiled(fastmath=ANY_ORDER)
def _dot(row: np.ndarray, weights: np.ndarray) -> float:
    """The product of a row (D,) and float64 weights (D,)."""
    total = 0.0
    for j in range(len(weights)):
        total += row[j] * weights[j]
    return total


@compiled(fastmath=ANY_ORDER)
def _dot32(row: np.ndarray, weights: np.ndarray) -> np.float32:
    """The product of a row (D,) and float32 weights (D,), in float32."""
    total = np.float32(0)
    for j in range(len(weights)):
        total += np.float32(row[j]) * weights[j]
    return total


@compiled()
def _add(row: np.ndarray, sign: float, total: np.ndarray) -> None:
    """Add a row (D,) times a sign to a total (D,)."""
    for j in range(len(total)):
        total[j] += sign * row[j]
