"""Perceptrons of MNIST digits by the batch rule: plain NumPy loops against `learn_batch_many`.

10 seeds of 1,000 iterations at a rate of 0.01 for each pair of digits. Both have all cores: the loops' products in as
many threads, rungwise as its engine does, in a process with one thread per core, all seeds of a pair together. The
loops, which take an hour for all pairs and seeds, learn the first seeds of each pair and count for all. The error
curves must be those of the float64 loop; the float32 loop rounds, so that its curves differ.

Beside them, the online rule against scikit-learn's Perceptron: one core, as many epochs, orders of their own.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
from sklearn import linear_model
from threadpoolctl import threadpool_limits

from rungwise.data.load import load
from rungwise.perceptron.batch_rule import grid_start, learn_batch_many
from rungwise.perceptron.estimator import Perceptron, signed
from rungwise.records.environment import cores, processor

RATE, ITERATIONS, TOLERANCE, SEEDS = 0.01, 1000, 1e-3, 10
ALL = tuple((a, b) for a in range(10) for b in range(a + 1, 10))
FEW = ALL[::4]
"""Of the short version: 12 of the 45."""

Pair = tuple[int, int]


def exact_loop(Z: np.ndarray, start: np.ndarray) -> list[float]:
    """Whole numbers in float64: sums are exact."""
    offset, total, errors = Z @ start, np.zeros(len(start)), []
    for _ in range(ITERATIONS):
        wrong = offset + RATE / 255 * (Z @ total) <= 0
        errors.append(float(wrong.mean()))
        if errors[-1] <= TOLERANCE:
            break
        total = total + Z[wrong].sum(axis=0)
    return errors


def float32_loop(Z: np.ndarray, start: np.ndarray) -> list[float]:
    """Scaled pixels in float32."""
    weights, errors = start.astype(np.float32), []
    for _ in range(ITERATIONS):
        wrong = Z @ weights <= 0
        errors.append(float(wrong.mean()))
        if errors[-1] <= TOLERANCE:
            break
        weights = weights + np.float32(RATE) * Z[wrong].sum(axis=0)
    return errors


def run(*, full: bool, seeds: int = 1) -> dict[str, Any]:
    """Seconds per pair and in all; the loops learn `seeds` of the ten seeds and count for all. `full`: all 45 pairs."""
    pairs = ALL if full else FEW
    with ProcessPoolExecutor(cores(), get_context("spawn"), _one_thread) as pool:
        list(pool.map(_kernel, FEW[:1] * 2 * cores()))  # warm: images read, loop compiled
        found = [_Found(pair, *_loops(pair, seeds)) for pair in pairs[: len(pairs) // 2]]
        kernel_s, fits = _timed(lambda: list(pool.map(_kernel, pairs)))  # halfway, so that a drift hits both alike
        found += [_Found(pair, *_loops(pair, seeds)) for pair in pairs[len(pairs) // 2 :]]
    online = [_online(pair) for pair in FEW[::3]]
    rows = [
        {
            "pair": f"{one.pair[0]} v {one.pair[1]}",
            "kernel_s": seconds,
            "float64_loop_s": one.float64_s,
            "float32_loop_s": one.float32_s,
            "iterations": statistics.mean(map(len, errors)),
            "equal": errors[:seeds] == one.errors,
        }
        for one, (seconds, errors) in zip(found, fits, strict=True)
    ]
    loops = {
        name: SEEDS * sum(statistics.mean(row[name]) for row in rows) for name in ("float64_loop_s", "float32_loop_s")
    }
    ratios = [SEEDS * statistics.mean(row["float64_loop_s"]) / row["kernel_s"] for row in rows]
    return {
        "pairs": rows,
        "seeds": SEEDS,
        "seeds_of_the_loops": seeds,
        "kernel_s": kernel_s,
        **loops,
        "ratio": loops["float64_loop_s"] / kernel_s,
        "ratio_float32": loops["float32_loop_s"] / kernel_s,
        "ratio_by_pair": {"median": statistics.median(ratios), "least": min(ratios), "greatest": max(ratios)},
        "equal": all(row["equal"] for row in rows),
        "online": online,
        "machine": {"processor": processor(), "cores": cores()},
    }


class _Found(NamedTuple):
    pair: Pair
    float64_s: list[float]
    float32_s: list[float]
    errors: list[list[float]]
    """Of the float64 loop, by seed."""


def _loops(pair: Pair, seeds: int) -> tuple[list[float], list[float], list[list[float]]]:
    whole = _rows(pair)
    scaled, doubles = whole / np.float32(255), whole.astype(np.float64)
    float64_s, float32_s, curves = [], [], []
    for start in _starts()[:seeds]:
        seconds, errors = _timed(partial(exact_loop, doubles, start))
        float64_s.append(seconds)
        curves.append(errors)
        float32_s.append(_timed(partial(float32_loop, scaled, start))[0])
    return float64_s, float32_s, curves


def _kernel(pair: Pair) -> tuple[float, list[list[float]]]:
    """Seconds, the making of the rows included, and the error curves of all seeds."""
    seconds, fits = _timed(lambda: learn_batch_many(_rows(pair), _starts(), RATE / 255, ITERATIONS, TOLERANCE))
    return seconds, [fit.errors for fit in fits]


def _online(pair: Pair) -> dict[str, Any]:
    """Seconds of five epochs of Rosenblatt's rule, rungwise's and scikit-learn's in turn, and training accuracies."""
    whole, found = _rows(pair), {"rungwise_s": [], "sklearn_s": []}
    y = np.sign(whole[:, -1])
    X = whole[:, :-1] * y[:, None] / np.float32(255)
    for seed in range(3):
        ours = Perceptron("online", learning_rate=1.0, max_iter=5, tol=0, random_state=seed)
        theirs = linear_model.Perceptron(max_iter=5, tol=None, random_state=seed)
        for name, model in (("rungwise_s", ours), ("sklearn_s", theirs)):
            found[name].append(_timed(partial(model.fit, X, y))[0])
    scores = {"rungwise_accuracy": ours.score(X, y), "sklearn_accuracy": theirs.score(X, y)}
    return {"pair": f"{pair[0]} v {pair[1]}", **found, **scores}


def _rows(pair: Pair) -> np.ndarray:
    """Signed rows (N, 785), float32, of whole numbers: 255 times the scaled pixels."""
    train = _train()
    chosen = np.isin(train.labels, pair)
    pixels = train.images[chosen].reshape(chosen.sum(), -1).astype(np.float32) * 2 - 255
    return signed(pixels, np.where(train.labels[chosen] == pair[0], 1, -1).astype(np.float32), one=255)


def _starts() -> Sequence[np.ndarray]:
    return [grid_start(np.random.RandomState(seed), 785) for seed in range(SEEDS)]


@cache
def _train() -> Any:
    return load("mnist", offline=True).train


def _one_thread() -> None:
    threadpool_limits(1)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def markdown(found: dict[str, Any]) -> str:
    """A sentence of all, and a row per pair."""
    by_pair, machine = found["ratio_by_pair"], found["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores. "
        f"{len(found['pairs'])} pairs × {found['seeds']} seeds: {found['kernel_s']:.1f} s, "
        f"**{found['ratio']:.1f} times** as fast as the float64 loop of the same iterates "
        f"({found['float64_loop_s']:.0f} s) and {found['ratio_float32']:.1f} times as the float32 loop "
        f"({found['float32_loop_s']:.0f} s), whose times are of {found['seeds_of_the_loops']} seed(s) of each pair. "
        f"One pair on one core against a loop on all: {by_pair['median']:.1f} times, from {by_pair['least']:.1f} to "
        f"{by_pair['greatest']:.1f}. Error curves {'equal' if found['equal'] else '**differ**'}.",
        "",
        "| pair | iterations | ten seeds, s | float64 loop, s per seed | float32 loop, s per seed | curves equal |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for row in found["pairs"]:
        loops = (statistics.mean(row[name]) for name in ("float64_loop_s", "float32_loop_s"))
        cells = " | ".join(f"{seconds:.2f}" for seconds in (row["kernel_s"], *loops))
        lines.append(f"| {row['pair']} | {row['iterations']:.0f} | {cells} | {'yes' if row['equal'] else '**no**'} |")
    lines += ["", "| pair, online rule | five epochs, s | scikit-learn's, s | training accuracy | scikit-learn's |"]
    lines.append("|---|---:|---:|---:|---:|")
    for row in found["online"]:
        cells = [f"{statistics.median(row[name]):.3f}" for name in ("rungwise_s", "sklearn_s")]
        cells += [f"{row[name]:.4f}" for name in ("rungwise_accuracy", "sklearn_accuracy")]
        lines.append(f"| {row['pair']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
