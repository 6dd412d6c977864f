"""What training steps in machine code have in common: what the machine must have, and what the optimiser does."""

import math

import numba
import numpy as np
import torch
from torch import Tensor

from rungwise.kernels.llvm import vectors
from rungwise.kernels.llvm.update_tiles import AdamConstants, MomentumConstants
from rungwise.optimisers.adam import Adam

NOT_DONE = "weight_decay", "nesterov", "dampening", "maximize", "amsgrad"
"""Options of optimisers that kernels do not have."""
Constants = AdamConstants | MomentumConstants
"""Of an optimiser's step, float32."""
Moments = tuple[list[Tensor], list[Tensor]]
"""The first and the second moment of each parameter. Gradient descent has one buffer, which stands in both places."""


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
        and not any(optimiser.param_groups[0].get(name) for name in NOT_DONE)
    )


class Descent:
    """The steps of an optimiser that `can_descend`, which machine code takes."""

    def __init__(self, optimiser: torch.optim.Optimizer) -> None:
        self.optimiser = optimiser
        self.buffers: list[Tensor] | None = None
        """Of gradient descent, with momentum or without."""

    def begin(self) -> tuple[Constants, Moments]:
        """The constants of the coming step, and the moments that it is to change, in the parameters' order."""
        (group,) = self.optimiser.param_groups
        if isinstance(self.optimiser, Adam):
            firsts, seconds, steps = self.optimiser.count()
            beta1, beta2 = group["betas"]
            size, unbias = group["lr"] / (1 - beta1**steps), 1 / math.sqrt(1 - beta2**steps)
            numbers = 1 - beta1, beta2, 1 - beta2, size, unbias, group["eps"]
            return AdamConstants(*map(np.float32, numbers)), (firsts, seconds)
        if self.buffers is None:
            states = [self.optimiser.state[p] for p in group["params"]]
            for state, p in zip(states, group["params"], strict=True):
                state.setdefault("momentum_buffer", torch.zeros_like(p))
            self.buffers = [state["momentum_buffer"] for state in states]
        return MomentumConstants(*map(np.float32, (group["momentum"], group["lr"]))), (self.buffers, self.buffers)
