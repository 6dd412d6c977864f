"""The batch rule over its iterations in NumPy, where there is no numba: the loop of `batch_loop`, with the same bounds,
by whole arrays. On whole numbers it finds the same sets, and so the same bits; on others up to the rounding of sums.

Products with weights go through einsum, not BLAS, whose threads take longer to wake than such a product takes."""

import numpy as np

from rungwise.perceptron.batch_loop import Rows


def learn(
    rows: Rows, start: np.ndarray, rate: float, pace: np.ndarray, max_iter: int, tol: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """As `batch_loop.learn`, which explains the names."""
    Z, N = rows.Z, len(rows.Z)
    Z32, norms = Z.astype(np.float32), rows.norms[:N]
    P = rows.P.transpose(1, 0, 2).reshape(len(rows.V), -1)  # (DIRECTIONS + 1, blocks x BLOCK), 0 beyond the last row
    found, wrong, anchor = (np.zeros(Z.shape[1]) for _ in range(3))
    sides = np.ones(N, np.float32)
    anchored = apart = np.zeros(N, np.float32)
    errors, anchor_error, since, computed = np.zeros(max_iter), 0.0, 0, 0
    for t in range(max_iter):
        total = found * pace
        weights = start + rate * total
        weights32, change = weights.astype(np.float32), rate * (total - anchor)
        error = rows.rounding * _norm(weights)
        if t == 0 or since > N:
            turn(rows.V, change)
            anchored = _times(Z32, weights32)
            along = _times(Z32, rows.V[-1].astype(np.float32))
            P[-1, :N] = along
            apart = np.sqrt(np.maximum(rows.beside - along * along, np.float32(0)) + rows.spare)
            anchor, change, anchor_error, since = total, np.zeros_like(change), error, 0
            computed += N
        parts = rows.V @ change
        square = change @ change
        rest = np.float32(1.0001 * np.sqrt(max(square - parts @ parts, 0.0) + 1e-12 * square))
        off = np.float32(anchor_error + rows.rounding_P * np.sqrt(square))
        margins = anchored + _times(P[:, :N].T, parts.astype(np.float32))
        bound = rest * apart + off * norms
        changed = _decide(rows, Z32, start, rate, total, weights32, error, margins, bound, sides)
        since, computed = since + changed[1], computed + changed[1]
        wrong -= changed[0]
        errors[t] = np.count_nonzero(sides < 0) / N
        if errors[t] <= tol:
            return found, errors[: t + 1], computed
        found = found + wrong
    return found, errors, computed


def _decide(
    rows: Rows,
    Z32: np.ndarray,
    start: np.ndarray,
    rate: float,
    total: np.ndarray,
    weights32: np.ndarray,
    error: float,
    margins: np.ndarray,
    bound: np.ndarray,
    sides: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Bring `sides` (N,) up to date by predicted margins (N,) and how far they may be off; the sum of the rows that
    changed sides, times their new ones (D,), and how many margins were computed in full."""
    unproven = np.flatnonzero(~(margins * sides > bound))
    signs = margins[unproven].astype(np.float64)
    unsure = np.flatnonzero(~(np.abs(signs) > bound[unproven]))
    at = unproven[unsure]
    signs[unsure] = _times(Z32[at], weights32)
    close = unsure[~(np.abs(signs[unsure]) > error * rows.norms[at])]
    exact = rows.Z[unproven[close]].astype(np.float64)
    signs[close] = _times(exact, start) + rate * _times(exact, total)
    new = np.where(signs <= 0, np.float32(-1), np.float32(1))
    changed = new != sides[unproven]
    moved, new = unproven[changed], new[changed]
    sides[moved] = new
    return _times(rows.Z[moved].T.astype(np.float64), new.astype(np.float64)), len(at)


def turn(V: np.ndarray, change: np.ndarray) -> None:
    """Make the last direction that of a change (D,), as far as the others do not span it; 0 where they do."""
    last = change.copy()
    for _ in range(2):  # twice is enough (Giraud, Langou and Rozložník 2005)
        for direction in V[:-1]:
            last -= (direction @ last) * direction
    size = _norm(last)
    V[-1] = last / size if size > 1e-6 * _norm(change) else 0.0


def _times(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rows (N, D) times weights (D,)."""
    product: np.ndarray = np.einsum("ij,j->i", rows, weights)
    return product


def _norm(weights: np.ndarray) -> float:
    """||weights||; infinite, so that it decides nothing, where float32 could not hold the weights or their square."""
    norm = float(np.sqrt(weights @ weights))
    return norm if 1e-12 < norm < 1e12 else np.inf
