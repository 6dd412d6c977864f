"""The figure of one task's accuracy against another's."""

import math
from collections.abc import Sequence
from itertools import combinations

from rungwise.chapters.drawing import missing
from rungwise.chapters.multitask.models import PlannedModel
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.weights import SINGLE_NETS, short_weights
from rungwise.chapters.sentences import accuracy_title
from rungwise.findings import Cloud, Figure, Points

BOTH = "it shows fixed weights beside other ways to balance and share, and one of the two has no record"


def front_figure(results: Results) -> tuple[Figure, ...]:
    """One task's accuracy against another's, for each pair of tasks; for two tasks, once more from near by where
    a model that lies far away would crowd the rest."""
    others = results.of("adaptive", "sharing")
    if not results.plans("adaptive", "sharing"):
        return ()
    if not others or not results.of("fixed"):
        caption = "Test accuracy on one task against that on another, means over the seeds."
        return missing(results.settings.name, {"front": caption}, BOTH)
    weighed = [m for m in results.of("fixed") if min(m.weights) > 0]
    pairs = list(combinations(results.shown, 2))
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
    each = {m.name: [_mean(results, f"test_accuracy_{t}", m.name) for t in results.shown] for m in others}
    ends = ", ".join(f"{name} {' / '.join(f'{mean:.4f}' for mean in means)}" for name, means in each.items())
    return (
        Figure(
            id=f"{results.settings.name}-front",
            caption=(
                "Test accuracy on one task against that on another, means over the seeds: above and to the right is "
                f"better{joined if len(results.tasks) == 2 else ''}.{left_out}{results.of_shown}"
            ),
            alt=f"Test accuracy on {', '.join(results.shown)}: {ends}.",
            panels=panels,
            columns=1 if len(pairs) == 1 else 2,
        ),
    )


def _far(results: Results, weighed: Sequence[PlannedModel], others: Sequence[PlannedModel]) -> list[PlannedModel]:
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
    results: Results, pair: tuple[str, str], weighed: Sequence[PlannedModel], others: Sequence[PlannedModel],
    named: Sequence[PlannedModel], title: str,
) -> Points:  # fmt: skip
    def cloud(name: str, models: Sequence[PlannedModel], labels: Sequence[str], joined: bool = False) -> Cloud:
        x, y = (tuple(_mean(results, f"test_accuracy_{task}", m.name) for m in models) for task in pair)
        return Cloud(name=name, x=x, y=y, labels=tuple(labels), joined=joined)

    two, roomy = len(results.tasks) == 2, len(named) == len(others)
    order = sorted(weighed, key=lambda m: m.weights)
    labels = [short_weights(m.weights, results.tasks) if two and roomy else "" for m in order]
    clouds = [cloud("fixed weights", order, labels, joined=two)]
    for role, name in (("adaptive", "adaptive"), ("sharing", "other ways to share")):
        own = [m for m in others if m.role == role]
        clouds += [cloud(name, own, [m.name if m in named else "" for m in own])] if own else []
    if results.runs[SINGLE_NETS]:
        x, y = (_mean(results, f"test_accuracy_{task}", results.single[task]) for task in pair)
        clouds.append(Cloud(name="single-task nets", x=(x,), y=(y,)))
    x_label, y_label = map(accuracy_title, pair)
    return Points(title=title, x_label=x_label, y_label=y_label, clouds=tuple(clouds))


def _mean(results: Results, key: str, model: str) -> float:
    found = results.estimate(key, model)
    return found.mean if found else math.nan
