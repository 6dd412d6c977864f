"""The figures of the multi-task chapter: the sweep, one task against another, gains, weights, and who dominates."""

import math
from collections.abc import Sequence
from itertools import combinations

from rungwise.chapters.multitask.models import Model
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.statements import dominance_shares
from rungwise.chapters.multitask.tables import title as accuracy_title
from rungwise.chapters.multitask.weights import TOGETHER, short_weights, told_weights
from rungwise.evidence.estimate import estimate
from rungwise.findings import Bars, Cloud, Figure, Level, Lines, Panel, Points, Series

STILL = 1e-6
"""A weight that moves by less in all of training stays."""


def figures(results: Results) -> tuple[Figure, ...]:
    """Neither a sweep of a single point nor a curve of a single epoch."""
    fixed, others = results.of("fixed"), results.of("adaptive", "sharing")
    return (
        *((_sweeps(results, fixed),) if len(fixed) > 1 else ()),
        *_learning(results, fixed),
        *(_front(results, others) if others and fixed else ()),
        *_gains(results, others),
        *_weights(results),
        *_dominance(results),
    )


def _mean(results: Results, key: str, model: str) -> float:
    found = estimate(results.values(key, model).values())
    return found.mean if found else math.nan


# Fixed weights -------------------------------------------------------------------------------------------------


def _sweeps(results: Results, ran: Sequence[Model]) -> Figure:
    told_each = "; ".join(
        f"{task}: "
        + ", ".join(
            f"{e.mean:.4f} at {told_weights(m.weights)}"
            for m in ran
            if (e := estimate(results.values(f"test_accuracy_{task}", m.name).values()))
        )
        for task in results.tasks
    )
    return Figure(
        id=f"{results.settings.name}-sweep",
        caption=(
            "Test accuracy on each task by loss weight; the line across is the single-task net. Nets in which a task "
            "has no weight are in the table: here they would hide all other differences."
            if any(min(m.weights) == 0 for m in ran)
            else "Test accuracy on each task by loss weight; the line across is the single-task net."
        ),
        alt=f"Test accuracy by loss weight. {told_each}.",
        panels=tuple(_sweep(results, task, ran) for task in results.tasks),
        columns=2,
    )


def _sweep(results: Results, task: str, ran: Sequence[Model]) -> Panel:
    key, place = f"test_accuracy_{task}", results.tasks.index(task)
    ran = [m for m in ran if m.weights[place] > 0]
    level = Level(name="single-task", values=tuple(results.values(key, results.single[task]).values()))
    levels = (level,) if level.values else ()
    if len(results.tasks) > 2:
        values = tuple(tuple(results.values(key, m.name).values()) for m in ran)
        return Bars(
            title=accuracy_title(task), names=tuple(short_weights(m.weights) for m in ran), values=values, levels=levels
        )
    ordered = sorted(ran, key=lambda m: m.weights)
    by_weight = [results.values(key, m.name) for m in ordered]
    seeds = sorted({seed for values in by_weight for seed in values})
    runs = tuple(tuple(values.get(seed, math.nan) for values in by_weight) for seed in seeds)
    return Lines(
        title=accuracy_title(task),
        x_label=f"λ (weight of {results.tasks[0]})",
        series=(Series(name="multi-task", x=tuple(m.weights[0] for m in ordered), runs=runs),),
        levels=levels,
        markers=True,
    )


def _learning(results: Results, ran: Sequence[Model]) -> tuple[Figure, ...]:
    """Test accuracy by epoch, where it was looked at after each."""

    def curves(model: Model, task: str) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(r.history[f"test_accuracy_{task}"]) for (r,) in results.runs[model.name].values())

    if not ran or max(len(curve) for m in ran for curve in curves(m, results.tasks[0])) < 2:
        return ()

    def series(model: Model, task: str) -> Series:
        own = curves(model, task)
        return Series(name=told_weights(model.weights), x=tuple(range(1, 1 + max(map(len, own)))), runs=own)

    panels = tuple(
        Lines(
            title=accuracy_title(task),
            x_label="Epoch",
            series=tuple(series(m, task) for m in ran),
            markers=results.settings.fit.epochs < 3,
        )
        for task in results.tasks
    )
    return (
        Figure(
            id=f"{results.settings.name}-learning",
            caption="Test accuracy by epoch at each weight.",
            alt="Test accuracy of the multi-task net by epoch, one line per weight; the last values are in the table.",
            panels=panels,
            columns=2,
        ),
    )


# Ways to balance and to share ----------------------------------------------------------------------------------


def _front(results: Results, others: Sequence[Model]) -> tuple[Figure, ...]:
    """One task's accuracy against another's, for each pair of tasks; for two tasks, once more from near by where
    a model that lies far away would crowd the rest."""
    weighed = [m for m in results.of("fixed") if min(m.weights) > 0]
    pairs = list(combinations(results.tasks, 2))
    far = _far(results, weighed, others) if len(pairs) == 1 else []
    near = [m for m in others if m not in far]
    panels = tuple(
        _pair(results, pair, weighed, others, named=far or others, title="All" if far else "") for pair in pairs
    )
    if far:
        panels = (*panels, _pair(results, pairs[0], weighed, near, named=near, title="Near the fixed weights"))
    drawn = len(weighed) == len(results.of("fixed"))
    left_out = "" if drawn else " Weights that leave a task out altogether lie far away and are not drawn."
    joined = f"; the line joins the fixed weights in the order of λ, the weight of {results.tasks[0]}"
    each = {m.name: [_mean(results, f"test_accuracy_{t}", m.name) for t in results.tasks] for m in others}
    told = ", ".join(f"{name} {' / '.join(f'{mean:.4f}' for mean in means)}" for name, means in each.items())
    return (
        Figure(
            id=f"{results.settings.name}-front",
            caption=(
                "Test accuracy on one task against that on another, means over the seeds: above and to the right is "
                f"better{joined if len(results.tasks) == 2 else ''}.{left_out}"
            ),
            alt=f"Test accuracy on {', '.join(results.tasks)}: {told}.",
            panels=panels,
            columns=1 if len(pairs) == 1 else 2,
        ),
    )


def _far(results: Results, weighed: Sequence[Model], others: Sequence[Model]) -> list[Model]:
    """Those farther from the fixed weights, on either task, than these are from each other."""
    far = []
    for task in results.tasks:
        means = [_mean(results, f"test_accuracy_{task}", m.name) for m in weighed]
        low, high = min(means, default=-math.inf), max(means, default=math.inf)
        reach = high - low
        own = {m: _mean(results, f"test_accuracy_{task}", m.name) for m in others}
        far += [m for m, mean in own.items() if not low - reach <= mean <= high + reach]
    return [m for m in others if m in far] if len(weighed) > 1 else []


def _pair(
    results: Results, pair: tuple[str, str], weighed: Sequence[Model], others: Sequence[Model],
    named: Sequence[Model], title: str,
) -> Points:  # fmt: skip
    def cloud(name: str, models: Sequence[Model], labels: Sequence[str], joined: bool = False) -> Cloud:
        x, y = (tuple(_mean(results, f"test_accuracy_{task}", m.name) for m in models) for task in pair)
        return Cloud(name=name, x=x, y=y, labels=tuple(labels), joined=joined)

    two, roomy = len(results.tasks) == 2, len(named) == len(others)
    order = sorted(weighed, key=lambda m: m.weights)
    labels = [short_weights(m.weights) if two and roomy else "" for m in order]
    clouds = [cloud("fixed weights", order, labels, joined=two)]
    for role, name in (("adaptive", "adaptive"), ("sharing", "other ways to share")):
        own = [m for m in others if m.role == role]
        clouds += [cloud(name, own, [m.name if m in named else "" for m in own])] if own else []
    if results.runs[TOGETHER]:
        x, y = (_mean(results, f"test_accuracy_{task}", results.single[task]) for task in pair)
        clouds.append(Cloud(name="single-task nets", x=(x,), y=(y,)))
    x_label, y_label = map(accuracy_title, pair)
    return Points(title=title, x_label=x_label, y_label=y_label, clouds=tuple(clouds))


def _gains(results: Results, others: Sequence[Model]) -> tuple[Figure, ...]:
    own = {m.name: m for m in (results.tuned, results.equal) if m}
    shown = [*own.values(), *others]
    panels = []
    for on, name in ((TOGETHER, "single-task nets"), (results.tuned.name if results.tuned else "", "tuned weights")):
        rows = [m for m in shown if m.name != on]
        values = tuple(tuple(results.gains(m.name, on).values()) for m in rows) if on else ()
        if any(values):
            names = tuple(m.name for m in rows)
            panels.append(Bars(title=f"Gain on the {name}", x_label="percent", names=names, values=values))
    if not others or not panels:
        return ()
    means = {
        m.name: e.mean for m in others if on and (e := estimate(results.gains(m.name, on).values()))
    }  # on the tuned weights, or nothing
    ends = "; ".join(f"{name} {gain:+.2f}%" for name, gain in means.items())
    return (
        Figure(
            id=f"{results.settings.name}-gains",
            caption="Gain in test accuracy, averaged over the tasks: each dot is one seed, the bar their mean.",
            alt=f"Gains on the tuned weights: {ends}.",
            panels=tuple(panels),
            columns=2,
        ),
    )


def _weights(results: Results) -> tuple[Figure, ...]:
    """The path of the weights, for each method that moves them."""
    panels, ends = [], []
    for model in results.of("adaptive"):
        curves = {
            task: tuple(tuple(r.history.get(f"weight_{task}", ())) for (r,) in results.runs[model.name].values())
            for task in results.tasks
        }
        every = [value for own in curves.values() for curve in own for value in curve]
        moved = any(max(curve) - min(curve) > STILL for own in curves.values() for curve in own if curve)
        if not moved or not all(map(math.isfinite, every)):
            continue
        series = tuple(Series(name=t, x=tuple(range(1, 1 + max(map(len, own)))), runs=own) for t, own in curves.items())
        panels.append(Lines(title=model.name, x_label="Epoch", series=series))
        last = [sum(results.last_weights(model.name, t)) / len(own) for t, own in curves.items()]
        ends.append(f"{model.name} {', '.join(f'{w:.3f}' for w in last)}")
    if not panels:
        return ()
    return (
        Figure(
            id=f"{results.settings.name}-weights",
            caption=(
                "The weights that each method gave the tasks, mean over the steps of each epoch. Methods whose weights "
                "stay, or that have none, are left out."
            ),
            alt=f"Weights of {', '.join(results.tasks)} by epoch; at the end: {'; '.join(ends)}.",
            panels=tuple(panels),
            columns=3,
        ),
    )


def _dominance(results: Results) -> tuple[Figure, ...]:
    shares = {m.name: s for m in results.of("fixed", "adaptive", "sharing") if (s := dominance_shares(results, m.name))}
    if len(shares) < 2 or not results.of("adaptive", "sharing"):
        return ()
    even = Level(name="even", values=(1 / len(results.tasks),))
    tasks = results.tasks[:1] if len(results.tasks) == 2 else results.tasks
    panels = tuple(
        Bars(
            title=f"Share of {task} in the sum of AU",
            names=tuple(shares),
            values=tuple(own[task].values for own in shares.values()),
            levels=(even,),
        )
        for task in tasks
    )
    ends = "; ".join(f"{name} {', '.join(f'{own[t].mean:.2f}' for t in tasks)}" for name, own in shares.items())
    return (
        Figure(
            id=f"{results.settings.name}-dominance",
            caption=(
                "Which task moves the shared parameters most, after the last epoch: each dot is one seed, the bar "
                "their mean."
            ),
            alt=f"Share of {', '.join(tasks)} in the sum of all tasks' AU: {ends}.",
            panels=panels,
            columns=1 if len(panels) == 1 else 2,
        ),
    )
