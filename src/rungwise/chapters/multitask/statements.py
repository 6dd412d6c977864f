"""The sentences of the multi-task chapter, and what its reader must be warned of."""

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy import stats

from rungwise.chapters.multitask.models import Model
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.weights import TOGETHER, told_weights
from rungwise.chapters.sentences import compared, told, told_pairs
from rungwise.evidence.estimate import Estimate, estimate, paired_difference
from rungwise.evidence.paired import holm, sign_p, t_p
from rungwise.findings import Statement
from rungwise.words import listed

LEVEL = 0.05
"""Of all tests of one question together."""


def statements(results: Results) -> tuple[Statement, ...]:
    return (
        *_verdicts(results),
        *_tuned(results),
        *_best_weights(results),
        *_against_single(results),
        *_sharing(results),
        *_savings(results),
        *_costs(results),
        *_dominance(results),
    )


def warnings(results: Results) -> tuple[str, ...]:
    """Where the best of several weights is told by the accuracy that it was chosen by."""
    ran = len(results.of("fixed"))
    if ran < 2 or _tuned_apart(results):
        return ()
    return (
        f"The best of {ran} weights for a task was chosen by its accuracy on the test set itself, which flatters it."
        + (
            " Set images aside to choose by: validation_images in the chapter's data." if results.of("adaptive") else ""
        ),
    )


# Fixed weights -------------------------------------------------------------------------------------------------


def _best_weights(results: Results) -> tuple[Statement, ...]:
    """For each task, where in the sweep it did best and worst."""
    ran, found = results.of("fixed"), []
    chosen = " This is read off the test images: nothing was chosen by it." if _tuned_apart(results) else ""
    for task in results.tasks:
        each = {m: estimate(results.values(f"test_accuracy_{task}", m.name).values()) for m in ran}
        means = {m.weights: e for m, e in each.items() if e}
        if len(means) < 2:
            continue
        best, worst = (pick(means, key=lambda w: means[w].mean) for pick in (max, min))
        measure = "mean test accuracy" if results.most_seeds > 1 else "test accuracy"
        text = f"On {task}, all weights give the same {measure}, {told(means[best], 4)}."
        if means[best].mean > means[worst].mean:
            text = (
                f"On {task}, {told_weights(best)} has the highest {measure}, {told(means[best], 4)}, and "
                f"{told_weights(worst)} the lowest, {told(means[worst], 4)}.{chosen}"
            )
        found.append(Statement(text=text, trials=results.record_ids(*(m.name for m in ran))))
    return tuple(found)


def _tuned_apart(results: Results) -> bool:
    """Whether weights were chosen by other images than those that they are judged by."""
    return results.choosing != "test_accuracy"


def _against_single(results: Results) -> tuple[Statement, ...]:
    """The best weights of the sweep for each task against the single-task net, paired by seed."""
    found = []
    for task, single in results.single.items():
        best = results.best(task)
        if best is None:
            continue
        accuracy = [results.values(f"test_accuracy_{task}", name) for name in (best.name, single)]
        lead = paired_difference(*accuracy)
        if lead is None:
            continue
        other = "the single-task net"
        words = (f"more accurate than {other}", f"less accurate than {other}", f"exactly as accurate as {other}")
        text = (
            f"On {task}, the multi-task net at {told_weights(best.weights)} is {compared(lead, *words)} "
            f"{told_pairs(lead)}."
        )
        if len(results.of("fixed")) > 1:
            text += (
                " It is the best of the sweep on these very images, which favours the multi-task net."
                if not _tuned_apart(results)
                else " It is the best of the sweep on the images set aside."
            )
        found.append(Statement(text=text, trials=results.record_ids(best.name, single)))
    return tuple(found)


def _tuned(results: Results) -> tuple[Statement, ...]:
    """Which fixed weights were chosen, and what they gain on the single-task nets."""
    tuned, ran = results.tuned, results.of("fixed")
    if tuned is None or len(ran) < 2 or not _tuned_apart(results):
        return ()
    text = (
        f"Of {len(ran)} fixed weights, {told_weights(tuned.weights)} has the highest accuracy, averaged over the "
        f"tasks, on the {results.settings.data.validation_images:,} images set aside: the tuned weights."
    )
    if gain := estimate(results.gains(tuned.name, TOGETHER).values()):
        text += f" On the test images its gain on the single-task nets is {_percent(gain)}."
    return (Statement(text=text, trials=results.record_ids(*(m.name for m in ran), *results.single.values())),)


# Verdicts ------------------------------------------------------------------------------------------------------


class _Test(NamedTuple):
    model: Model
    gain: Estimate
    alone: float
    """Its p, if it were the only one tested."""
    p: float
    """Adjusted after Holm."""


def paired_tests(results: Results, models: Sequence[Model], on: Model) -> list[_Test]:
    """The paired t-test of each model's gain on another, adjusted for their number; the best gain first.

    Where a gain does not vary there is no t: the sign test. Left out are models with fewer than two runs.
    """
    known = {m: estimate(results.gains(m.name, on.name).values()) for m in models}
    gains = {m: gain for m, gain in known.items() if gain and gain.n > 1}
    ps = [_p(gain.values) for gain in gains.values()]
    found = [_Test(m, gain, p, q) for (m, gain), p, q in zip(gains.items(), ps, holm(ps), strict=True)]
    return sorted(found, key=lambda test: -test.gain.mean)


def _p(values: Sequence[float]) -> float:
    p = t_p(values, 0.0)
    return p if p is not None else (sign_p(values, 0.0) or 1.0)


def _verdicts(results: Results) -> tuple[Statement, ...]:
    """Whether any adaptive method beats the tuned weights by more than noise; and equal ones, which need no tuning."""
    adaptive, ran = results.of("adaptive"), results.of("fixed")
    if not adaptive or results.tuned is None:
        return ()
    found, tuned, equal = [], results.tuned, results.equal
    if len(ran) > 1:
        after = f" To find the tuned weights took {len(ran)} runs for each seed; each adaptive method took one."
        found.append(_verdict(results, adaptive, tuned, f"the tuned weights ({told_weights(tuned.weights)})", after))
    if equal and (equal is not tuned or len(ran) == 1):
        found.append(_verdict(results, adaptive, equal, f"equal weights ({told_weights(equal.weights)})", ""))
    return tuple(found)


def _verdict(results: Results, models: Sequence[Model], on: Model, name: str, after: str) -> Statement:
    question = f"Does any adaptive method beat {name} by more than noise?"
    family, trials = paired_tests(results, models, on), results.record_ids(*(m.name for m in models), on.name)
    if not family:
        return Statement(text=f"{question} One run each cannot tell.", trials=trials)
    better = [t for t in family if t.gain.mean > 0 and t.p < LEVEL]
    worse = [t for t in reversed(family) if t.gain.mean < 0 and t.p < LEVEL]
    best, others = family[0], len(family)
    how = f"(paired t-tests of the gain by seed, level {LEVEL:g} after Holm over {others})"
    if better:
        verb = "is" if len(better) == 1 else "are"
        text = f"{question} Yes: of {others}, {len(better)} {verb} more accurate {how}: {_each(better)}."
    else:
        text = (
            f"{question} No: of {others}, none is more accurate {how}. The best, {best.model.name}, has a gain of "
            f"{_percent(best.gain)}, adjusted p = {best.p:.2g}."
        )
    if worse:
        text += f" {len(worse)} {'is' if len(worse) == 1 else 'are'} less accurate by more than noise: {_each(worse)}."
    if alone := [t for t in family if t.gain.mean > 0 and t.alone < LEVEL <= t.p]:
        each = listed([f"{t.model.name} ({t.gain.mean:+.2f}%, p = {t.alone:.2g})" for t in alone])
        text += f" Tested alone, without the correction, {each} would count as more accurate."
    text += (
        f" For half the methods, the best of {others} would need a gain above {_least(family):.2f}% to be told from "
        "noise."
        if others > 1
        else f" A gain above {_least(family):.2f}% would be told from noise."
    )
    return Statement(text=text + after, trials=trials)


def _least(family: Sequence[_Test]) -> float:
    """The median over the family of the smallest mean gain that would pass Holm's first, strictest step, in percent."""
    errors = [float(np.std(t.gain.values, ddof=1)) / math.sqrt(t.gain.n) for t in family]
    wanted = [float(stats.t.isf(LEVEL / 2 / len(family), t.gain.n - 1)) for t in family]
    return median(error * t for error, t in zip(errors, wanted, strict=True))


def _each(family: Sequence[_Test]) -> str:
    return listed([f"{t.model.name} ({t.gain.mean:+.2f}%, adjusted p = {t.p:.2g})" for t in family])


def _percent(gain: Estimate) -> str:
    """ "+0.12% (95% interval -0.05% to +0.29%, n = 5)"."""
    if gain.interval is None:
        return f"{gain.mean:+.2f}%"
    low, high = gain.interval
    return f"{gain.mean:+.2f}% (95% interval {low:+.2f}% to {high:+.2f}%, n = {gain.n})"


def _sharing(results: Results) -> tuple[Statement, ...]:
    """Every other way to share against the chapter's net, both at equal weights."""
    hard, others = results.equal, results.of("sharing")
    if hard is None:
        return ()
    adjusted, found = {t.model.name: t.p for t in paired_tests(results, others, hard)}, []
    for model in others:
        gain = estimate(results.gains(model.name, hard.name).values())
        if gain is None:
            continue
        text = f"{model.name} has a gain of {_percent(gain)} on the chapter's own net"
        if model.name in adjusted:
            text += f", adjusted p = {adjusted[model.name]:.2g}"
        sizes = [next(iter(results.values("parameters", name).values())) for name in (model.name, hard.name)]
        text += f", with {sizes[0]:,.0f} parameters against {sizes[1]:,.0f}"
        if ratio := estimate(results.values("step_time_ratio", model.name).values()):
            text += f" and {ratio.mean:.1f} times the training time for each step"
        found.append(Statement(text=f"{text}.", trials=results.record_ids(model.name, hard.name)))
    return tuple(found)


# Costs ---------------------------------------------------------------------------------------------------------


def _savings(results: Results) -> tuple[Statement, ...]:
    """Parameters and training time of one net with fixed weights against one net per task."""
    fixed, single = results.of("fixed"), [*results.single.values()]
    if not fixed or not all(results.runs[name] for name in single):
        return ()

    def mean(key: str, names: Sequence[str]) -> float:
        values = [value for name in names for value in results.values(key, name).values()]
        return sum(values) / len(values)

    ours = {key: mean(key, [m.name for m in fixed]) for key in ("parameters", "time_s")}
    theirs = {key: sum(mean(key, [name]) for name in single) for key in ours}
    smaller = _change(ours["parameters"], theirs["parameters"], "fewer")
    faster = _change(ours["time_s"], theirs["time_s"], "less")
    text = (
        f"One multi-task net has {ours['parameters']:,.0f} parameters, against {theirs['parameters']:,.0f} for "
        f"{len(results.tasks)} single-task nets together{smaller}; it trains in {ours['time_s']:.1f} s, on average "
        f"over the weights, against {theirs['time_s']:.1f} s{faster}."
    )
    return (Statement(text=text, trials=results.record_ids(*single, *(m.name for m in fixed))),)


def _change(value: float, reference: float, less: str) -> str:
    """ ", 42.8% fewer", or nothing where there is no change that one could see."""
    change = value / reference - 1 if reference else 0.0
    return f", {abs(change):.1%} {less if change < 0 else 'more'}" if abs(change) >= 0.0005 else ""


def _costs(results: Results) -> tuple[Statement, ...]:
    """What a step of the adaptive methods takes, in times of plain training."""
    adaptive, parts = results.of("adaptive"), []
    for key, what in (("step_time_ratio", "time"), ("memory_ratio", "memory")):
        ratios = {m.name: e.mean for m in adaptive if (e := estimate(results.values(key, m.name).values()))}
        if len(ratios) > 1:
            least, most = (pick(ratios, key=ratios.__getitem__) for pick in (min, max))
            ends = f"between {ratios[least]:.2f} ({least}) and {ratios[most]:.2f} ({most})"
            parts.append(f"{ends} times the {what} of fixed weights")
    if not parts:
        return ()
    text = f"A training step of the adaptive methods takes {' and '.join(parts)}."
    return (Statement(text=text, trials=results.record_ids(*(m.name for m in adaptive + results.of("fixed")))),)


def dominance_shares(results: Results, model: str) -> dict[str, Estimate]:
    """Each task's share of the sum of all tasks' AU after the last epoch."""
    each = {task: results.values(f"dominance_{task}", model) for task in results.tasks}
    seeds = [s for s in results.runs[model] if all(s in values for values in each.values())]
    sums = {s: sum(values[s] for values in each.values()) for s in seeds}
    shares = {task: estimate(values[s] / sums[s] for s in seeds if sums[s]) for task, values in each.items()}
    return {task: share for task, share in shares.items() if share}


def _dominance(results: Results) -> tuple[Statement, ...]:
    """Which task moves the shared parameters most: at equal weights, and where it is most and least so."""
    task, equal, adaptive = results.tasks[0], results.equal, results.of("adaptive")
    shares = {m.name: found[task].mean for m in adaptive if (found := dominance_shares(results, m.name))}
    known = dominance_shares(results, equal.name) if equal else {}
    if equal is None or not known or len(shares) < 2:
        return ()
    least, most = (pick(shares, key=shares.__getitem__) for pick in (min, max))
    text = (
        f"At equal weights, {task} has {known[task].mean:.0%} of the sum of all tasks' AU after the last epoch; of the "
        f"adaptive methods, {least} gives it the least, {shares[least]:.0%}, and {most} the most, {shares[most]:.0%}."
    )
    return (Statement(text=text, trials=results.record_ids(equal.name, *(m.name for m in adaptive))),)
