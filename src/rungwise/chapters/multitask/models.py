"""What the chapter fits: single-task nets, fixed weights, methods, other ways to share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.multitask.weights import (
    LossWeights,
    equal_weights,
    multi_name,
    single_name,
)
from rungwise.data.tasks import Task
from rungwise.training.settings import Balance, Fit, recipe_for

ModelRole = Literal["single", "fixed", "adaptive", "sharing"]


@dataclass(frozen=True, eq=False)
class PlannedModel:
    """One row of the chapter's tables, with its trials."""

    name: str
    role: ModelRole
    trials: Mapping[int, Fit]
    """By seed."""
    task: str = ""
    """Of a single-task net."""
    weights: LossWeights = ()
    """Fixed ones."""
    balance: Balance | None = None


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[Fit, ...]:
    return tuple(trial for model in models(settings, seeds) for trial in model.trials.values())


def models(settings: Settings, seeds: tuple[int, ...]) -> tuple[PlannedModel, ...]:
    """Every model in the order of the tables."""
    single = tuple(
        PlannedModel(
            single_name(task), "single", _fits(settings, seeds, single_name(task), tasks={task: rule}), task=task
        )
        for task, rule in settings.tasks.items()
    )
    fixed = tuple(
        PlannedModel(
            multi_name(weights, tuple(settings.tasks)),
            "fixed",
            _fits(
                settings, seeds, multi_name(weights, tuple(settings.tasks)), tasks=settings.tasks, loss_weights=weights
            ),
            weights=weights,
        )
        for weights in settings.weights
    )
    equal = {"tasks": settings.tasks, "loss_weights": equal_weights(len(settings.tasks))}
    adaptive = tuple(
        PlannedModel(name, "adaptive", _fits(settings, seeds, name, balance=balance, **equal), balance=balance)
        for name, balance in settings.methods.items()
    )
    sharing = tuple(
        PlannedModel(name, "sharing", _fits(settings, seeds, name, **(equal | {"net": net})))
        for name, net in settings.sharing.items()
    )
    return (*single, *fixed, *adaptive, *sharing)


def _fits(settings: Settings, seeds: tuple[int, ...], name: str, **own: Any) -> dict[int, Fit]:
    tasks: Mapping[str, Task] = own["tasks"]
    fit = recipe_for(settings.fit, tasks.values(), settings.tasks.values(), settings.data)
    same = {"data": settings.data, "net": settings.net, "fit": fit}
    return {seed: Fit(label=name, seed=seed, **(same | own)) for seed in seeds}
