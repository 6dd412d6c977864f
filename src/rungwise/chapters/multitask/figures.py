"""The figures of the chapter: the sweep, one task against another, gains, weights, and who dominates."""

import math

from rungwise.chapters.drawing import missing, over_epochs
from rungwise.chapters.multitask.front_figure import front_figure
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.sweep_figures import sweep_figures
from rungwise.chapters.multitask.weights import SINGLE_NETS
from rungwise.findings import Bars, Figure, Level, Lines

GAINS = "Gain in test accuracy, averaged over the tasks."
WEIGHTS = "The weights that each method gave the tasks, by epoch."
FEW_MODELS = "fewer than two of the models have a record"
NO_PAIR = "no seed has records of both a way to balance or share and the nets that it is compared with"
DOMINANCE = "Which task moves the shared parameters most, after the last epoch."
STILL = 1e-6
"""A weight that moves by less in all of training stays."""


def figures(results: Results) -> tuple[Figure, ...]:
    return (
        *sweep_figures(results),
        *front_figure(results),
        *_gains(results),
        *_weights(results),
        *_dominance(results),
    )


def _gains(results: Results) -> tuple[Figure, ...]:
    others = results.of("adaptive", "sharing")
    own = {m.name: m for m in (results.tuned, results.equal) if m}
    shown = [*own.values(), *others]
    panels = []
    for on, name in ((SINGLE_NETS, "single-task nets"), (results.tuned.name if results.tuned else "", "tuned weights")):
        rows = [m for m in shown if m.name != on]
        values = tuple(tuple(results.gains(m.name, on).values()) for m in rows) if on else ()
        if any(values):
            names = tuple(m.name for m in rows)
            title = f"Gain on the {name}" if len(results.tasks) == 2 else f"On {name}"  # names of weights are long
            panels.append(Bars(title=title, x_label="percent", names=names, values=values))
    if not others or not panels:
        planned = results.plans("adaptive", "sharing")
        return missing(results.settings.name, {"gains": GAINS}, NO_PAIR) if planned else ()
    means = {
        m.name: e.mean for m in others if on and (e := results.gain_estimate(m.name, on))
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
            for task in results.shown
        }
        every = [value for own in curves.values() for curve in own for value in curve]
        moved = any(max(curve) - min(curve) > STILL for own in curves.values() for curve in own if curve)
        if not moved or not all(map(math.isfinite, every)):
            continue
        series = tuple(over_epochs(task, own) for task, own in curves.items())
        panels.append(Lines(title=model.name, x_label="Epoch", series=series, **results.measures.band()))
        last = [sum(results.last_weights(model.name, t)) / len(own) for t, own in curves.items()]
        ends.append(f"{model.name} {', '.join(f'{w:.3f}' for w in last)}")
    if not panels:
        return missing(results.settings.name, {"weights": WEIGHTS}) if results.lacks("adaptive") else ()
    return (
        Figure(
            id=f"{results.settings.name}-weights",
            caption=(
                "The weights that each method gave the tasks, mean over the steps of each epoch. Methods whose weights "
                "stay, or that have none, are left out."
                f"{results.of_shown}"
            ),
            alt=f"Weights of {', '.join(results.shown)} by epoch; at the end: {'; '.join(ends)}.",
            panels=tuple(panels),
            columns=3,
        ),
    )


def _dominance(results: Results) -> tuple[Figure, ...]:
    shares = {m.name: s for m in results.of("fixed", "adaptive", "sharing") if (s := results.dominance_shares(m.name))}
    if not results.plans("adaptive", "sharing"):
        return ()
    if len(shares) < 2 or not results.of("adaptive", "sharing"):
        lacks = results.lacks("fixed", "adaptive", "sharing")
        return missing(results.settings.name, {"dominance": DOMINANCE}, FEW_MODELS) if lacks else ()
    even = Level(name="even", values=(1 / len(results.tasks),))
    tasks = results.tasks[:1] if len(results.tasks) == 2 else results.shown
    panels = tuple(
        Bars(
            title=f"Share of {task} in the sum of AU" if len(results.tasks) == 2 else f"AU of {task} (share)",
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
                f"their mean.{results.of_shown}"
            ),
            alt=f"Share of {', '.join(tasks)} in the sum of all tasks' AU: {ends}.",
            panels=panels,
            columns=1 if len(panels) == 1 else 2,
        ),
    )
