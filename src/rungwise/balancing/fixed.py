"""Fixed weights: the loss of several tasks is the weighted sum of theirs."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.models.cnn import Cnn
from rungwise.models.mlp import Mlp
from rungwise.models.multitask import Shared

if TYPE_CHECKING:
    from rungwise.kernels.conv.net_step import CnnStep
    from rungwise.kernels.mlp.step import MlpStep


class Settings(BalancerSettings):
    method: Literal["fixed"] = "fixed"
    source: ClassVar[str] = "the usual way"
    says: ClassVar[str] = "The weights are set beforehand and stay."

    def build(self, learner: Learner) -> "Fixed":
        return Fixed(learner)


class Fixed(Balancer):
    def __init__(self, learner: Learner) -> None:
        super().__init__(learner)
        self.on_device = self.weights.to(next(learner.net.parameters()).device)
        self.descend: Callable[[Tensor], None] = partial(descend, learner)
        """A step down a loss."""
        self.taught = False
        """Whether large dense layers go down it by themselves, in machine code."""
        self.compiled: MlpStep | CnnStep | None = None
        """A whole step in machine code, where there is one."""
        self.through = learner
        """What the batch goes through: its net has its convolutions in machine code, where they are."""
        if isinstance(learner.net, Mlp):
            from rungwise.kernels.mlp import step as mlp_step  # numba takes a while to import

            if mlp_step.can_compile(learner):
                self.compiled = mlp_step.MlpStep(learner)
        elif isinstance(learner.net, Cnn | Shared):
            from rungwise.kernels import descent as machine_code
            from rungwise.kernels.conv import net_step as cnn_step
            from rungwise.kernels.conv import step as conv_step
            from rungwise.kernels.dense import step as dense_step

            if cnn_step.can_compile(learner):
                self.compiled = cnn_step.CnnStep(learner)
            if conv_step.can_compile(learner):
                dense = None
                if isinstance(learner.net, Shared) and machine_code.can_descend(learner.optimiser):
                    dense = dense_step.DenseLayers(learner.net, learner.precision)
                    if dense.large:
                        self.taught = True
                        self.descend = dense_step.DenseDescent(learner.optimiser, dense.large)
                self.through = replace(learner, net=conv_step.CompiledNet(learner.net, learner.precision, dense))

    def step(self, batch: Batch) -> Forward:
        if self.compiled is not None:
            if batch.weights is None:
                return self.compiled(batch)
            self.compiled.settle()
        forward = self.through.forward(batch)
        self.descend(forward.losses @ self.on_device)
        return Forward(forward.losses.detach(), forward.right, of_images=forward.of_images)

    def end_epoch(self, losses: Tensor) -> None:
        if self.compiled is not None:
            self.compiled.settle()


def weighted_sum(losses: Tensor, weights: tuple[float, ...]) -> Tensor:
    """sum_k w_k L_k of the losses (K,), as a scalar."""
    return losses @ torch.tensor(weights, dtype=losses.dtype, device=losses.device)


def descend(learner: Learner, loss: Tensor) -> None:
    """One step of the optimiser down the gradient of a scalar loss."""
    learner.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    learner.optimiser.step()
