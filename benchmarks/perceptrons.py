"""Perceptrons of MNIST digits by the batch rule: a plain NumPy loop against `learn_batch_many`.

    python -m benchmarks.perceptrons [--full]

10 seeds of 1,000 iterations at a rate of 0.01 for pairs of digits, on one thread. The kernel learns all seeds of a
pair; the loops, which take an hour for all pairs, learn two of them unless `--full`, and count five times. Loop and
kernel take turns. Error curves must be equal to the float64 loop's; the float32 loop rounds, so its curves differ.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from rungwise.data.load import load
from rungwise.models.batch_rule import grid_start, learn_batch_many
from rungwise.models.perceptron import signed

PAIRS = ((1, 0), (4, 9), (8, 3), (7, 9), (3, 5), (2, 9), (8, 7), (0, 6))
RATE, ITERATIONS, TOLERANCE, SEEDS = 0.01, 1000, 1e-3, 10


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


def run(short: bool) -> dict[str, object]:
    """Seconds and ratios of each pair and of all; `short`: three pairs, and one seed for the loops."""
    pairs, timed = (PAIRS[:3], 1) if short else (PAIRS, 2)
    with threadpool_limits(1):
        return measure(pairs, timed)


def measure(pairs: tuple[tuple[int, int], ...], timed: int) -> dict[str, object]:
    """The loops learn `timed` of the seeds."""
    train = load("mnist").train
    starts = [grid_start(np.random.RandomState(seed), 785) for seed in range(SEEDS)]
    results = []
    for a, b in pairs:
        chosen = (train.labels == a) | (train.labels == b)
        pixels = train.images[chosen].reshape(chosen.sum(), -1).astype(np.float32) * 2 - 255
        whole = signed(pixels, np.where(train.labels[chosen] == a, 1, -1).astype(np.float32), one=255)
        scaled, doubles = whole / np.float32(255), whole.astype(np.float64)
        kernel_s, exact_s, float32_s, equal = [], [], [], True
        for start in starts[:timed]:
            time_s, fits = _timed(lambda Z=whole: learn_batch_many(Z, starts, RATE / 255, ITERATIONS, TOLERANCE))
            kernel_s.append(time_s)
            time_s, errors = _timed(lambda Z=doubles, w=start: exact_loop(Z, w))
            exact_s.append(time_s * SEEDS)
            float32_s.append(_timed(lambda Z=scaled, w=start: float32_loop(Z, w))[0] * SEEDS)
            equal &= errors == fits[len(exact_s) - 1].errors
        found = {"pair": f"{a} v {b}", "equal": equal, "kernel_s": kernel_s, "exact_s": exact_s, "float32_s": float32_s}
        results.append(found)
        print(_line(found), flush=True)
    times = {
        key: sum(statistics.mean(result[key]) for result in results) for key in ("kernel_s", "exact_s", "float32_s")
    }
    return {
        "pairs": results,
        "seeds": SEEDS,
        "seeds_of_the_loops": timed,
        **times,
        "ratio": times["exact_s"] / times["kernel_s"],
        "ratio_float32": times["float32_s"] / times["kernel_s"],
        "equal": all(result["equal"] for result in results),
    }


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def _line(found: dict) -> str:
    parts = [f"{found['pair']}: curves {'equal' if found['equal'] else 'DIFFER'}"]
    for key, name in (("kernel_s", "kernel"), ("exact_s", "float64 loop"), ("float32_s", "float32 loop")):
        values = found[key]
        parts.append(f"{name} {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})")
    medians = [statistics.median(found[key]) for key in ("exact_s", "float32_s", "kernel_s")]
    return "; ".join(parts) + f"; {medians[0] / medians[2]:.1f} and {medians[1] / medians[2]:.1f} times faster"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="all 45 pairs, the loops with all 10 seeds")
    parser.add_argument("--short", action="store_true", help="three pairs, the loops with one seed")
    options = parser.parse_args()
    if options.full:
        with threadpool_limits(1):
            found = measure(tuple((a, b) for a in range(10) for b in range(a + 1, 10)), SEEDS)
    else:
        found = run(options.short)
    print(
        f"{len(found['pairs'])} pairs x {SEEDS} seeds, loops timed on {found['seeds_of_the_loops']} of them: kernel "
        f"{found['kernel_s']:.1f} s; {found['ratio']:.1f} times faster than the float64 loop with the same iterates, "
        f"{found['ratio_float32']:.1f} times than a float32 loop; curves {'equal' if found['equal'] else 'DIFFER'}"
    )


if __name__ == "__main__":
    main()
