"""How the learning rate changes in the course of training."""

import math

from rungwise.training.settings import Recipe

RISE = 0.2
"""The share of the steps over which the rate of one-cycle training rises."""


def shares(recipe: Recipe, epoch: int, steps: int, whole: int) -> list[float]:
    """The share of the highest rate, 0 to 1, at each of an epoch's steps.

    `epoch`: its number, from 0; `steps`: how many it has, fewer than `whole` where it leaves images out: the schedule
    goes by epochs, which all take as long.
    """
    length = whole / steps
    starts = [epoch * whole + step * length for step in range(steps)]
    last = recipe.epochs * whole
    match recipe.schedule:
        case "one-cycle":
            return [one_cycle((epoch * whole + (step + 1) * whole / steps) / (last + 1)) for step in range(steps)]
        case "cosine":
            return [(1 + math.cos(math.pi * start / last)) / 2 for start in starts]
        case "step":
            assert recipe.step_epochs is not None
            return [recipe.step_factor ** (epoch // recipe.step_epochs)] * steps
        case _:
            return [1.0] * steps


def one_cycle(done: float) -> float:
    """The share of the highest rate, from 0 up and down to 0, once that share of training is over."""
    return min(done / RISE, (1 - done) / (1 - RISE))
