"""What training steps in machine code have in common: what the machine must have, and what the optimiser does."""

import math

import numba
import numpy as np
import torch
from torch import Tensor

from rungwise.kernels.llvm import vectors
from rungwise.optimisers.adam import Adam

OTHERWISE = "weight_decay", "nesterov", "dampening", "maximize", "amsgrad"
"""Options of optimisers that are not done here."""
Numbers = tuple[np.float32, ...]
Memory = tuple[list[Tensor], list[Tensor]]
"""The first and the second memory of each parameter."""


def machine_can(precision: str) -> bool:
    """Whether this machine has the instructions, and OpenMP (on Linux libgomp) for numba's threads. Others take 50 to
    100 µs to be handed work, not 1 to 6, a dozen times per step: small nets would be slower than by autograd."""
    threads()
    return vectors.can(precision) and bool(numba.threading_layer() != "workqueue")


def threads() -> int:
    """Let numba have as many threads as torch has, and return how many that is.

    Both may use one library, and starting numba's threads sets how many torch has.
    """
    count = torch.get_num_threads()
    numba.get_num_threads()
    torch.set_num_threads(count)
    most: int = numba.config.NUMBA_NUM_THREADS
    numba.set_num_threads(min(count, most))
    return count


def can_descend(optimiser: torch.optim.Optimizer) -> bool:
    """Whether it is Adam or gradient descent, the same for all parameters."""
    return (
        type(optimiser) in (Adam, torch.optim.SGD)
        and len(optimiser.param_groups) == 1
        and not any(optimiser.param_groups[0].get(name) for name in OTHERWISE)
    )


class Descent:
    """The steps of an optimiser that `can_descend`, which machine code takes."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.optimiser = optimiser
        self.buffers: list[Tensor] | None = None
        """Of gradient descent with momentum."""

    def begin(self) -> tuple[Numbers, Memory]:
        """The numbers of the coming step, as `tiles.update` takes them, and the memory that it is to change, in the
        parameters' order."""
        (group,) = self.optimiser.param_groups
        if isinstance(self.optimiser, Adam):
            firsts, seconds, steps = self.optimiser.count()
            beta, other = group["betas"]
            rate, root = group["lr"] / (1 - beta**steps), 1 / math.sqrt(1 - other**steps)
            return _rounded(1 - beta, other, 1 - other, rate, root, group["eps"]), (firsts, seconds)
        if self.buffers is None:
            states = [self.optimiser.state[p] for p in group["params"]]
            for state, p in zip(states, group["params"], strict=True):
                state.setdefault("momentum_buffer", torch.zeros_like(p))
            self.buffers = [state["momentum_buffer"] for state in states]
        return _rounded(group["momentum"], group["lr"]), (self.buffers, self.buffers)


def _rounded(*numbers: float) -> Numbers:
    return tuple(np.float32(number) for number in numbers)
