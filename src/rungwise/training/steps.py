"""Which step a net in training takes: by autograd, or in machine code where that is faster.

It is chosen here and nowhere else, and the step says what it is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor, nn

from rungwise.balancing.balancer import Balancer
from rungwise.balancing.fixed import descend, step_down
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.kernels import available
from rungwise.models.cnn import Cnn
from rungwise.models.dropout import has_dropout
from rungwise.models.mlp import Mlp
from rungwise.models.multitask import Shared
from rungwise.optimisers.muon import Muon

MACHINE_CODE = "machine code"
"""What a record says of a step, or of a part of one, that a kernel takes."""


AUTOGRAD = "autograd"
"""What a record says of a step that PyTorch takes as a whole."""


class Step(ABC):
    """The training steps of one net, or of several that are trained as one."""

    choices: Mapping[str, str] = {}
    """What a record says of how the steps are taken, by the keys of `records.record.CHOICES`."""

    @abstractmethod
    def __call__(self, batch: Batch) -> Forward:
        """Update the weights, once, from a batch. Returns the forward pass on it from before the update, detached.

        The update may wait for the next step or `flush`.
        """

    def flush(self) -> None:  # noqa: B027 (most steps keep nothing back)
        """Have the weights be those after the last step."""


class BalancedStep(Step):
    """A step as the way to balance tasks takes it, by autograd."""

    choices: Mapping[str, str] = MappingProxyType({"step": AUTOGRAD})

    def __init__(self, balancer: Balancer) -> None:
        self.balancer = balancer

    def __call__(self, batch: Batch) -> Forward:
        return self.balancer.step(batch)


class Kernel(Protocol):
    """A whole training step in machine code, for one task (`kernels.mlp`, `kernels.conv`)."""

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        """A step on images (B, C, H, W), uint8, with labels (B,), int64; the mean loss before it, in nats, and how many
        labels the net had right."""

    def flush(self) -> None:
        """Have the weights be those after the last step."""


class KernelStep(Step):
    """A whole step in machine code."""

    def __init__(self, kernel: Kernel, choices: Mapping[str, str]) -> None:
        self.kernel, self.choices = kernel, choices

    def __call__(self, batch: Batch) -> Forward:
        loss, correct = self.kernel(batch.images, batch.labels[0])
        return Forward(torch.tensor([loss], dtype=torch.float32), torch.tensor([correct]))

    def flush(self) -> None:
        self.kernel.flush()


class PartlyCompiledStep(Step):
    """A step down a fixed weighted sum of losses, by autograd, with the net's convolutions in machine code."""

    def __init__(self, balancer: Balancer, net: nn.Module, descend: Callable[[Tensor], None], *, dense: bool) -> None:
        """`net`: what the batch goes through instead of the learner's net, whose weights it has; `descend`: takes the
        optimiser's step down a loss; `dense`: whether it does so by machine code for large dense layers."""
        self.through, self.descend = replace(balancer.learner, net=net), descend
        self.weights = balancer.weights
        self.choices = {"convolutions": MACHINE_CODE, **({"dense": MACHINE_CODE} if dense else {})}

    def __call__(self, batch: Batch) -> Forward:
        return step_down(self.through, self.weights, batch, self.descend)


def choose_step(balancer: Balancer, *, weighted: bool = False) -> Step:
    """The fastest step that there is here for a balancer's net and optimiser.

    `weighted`: whether batches have weights of their images, which no whole step in machine code knows, as none knows
    weights of classes or clipped gradients.
    """
    net = balancer.learner.net
    step: Step | None = None
    # Kernels know these classes alone: a subclass may do something else.
    if balancer.constant and type(net) in (Mlp, Cnn, Shared) and available():
        plain = balancer.learner.class_weights is None and balancer.learner.clip_norm is None and not weighted
        if isinstance(net, Cnn | Shared):
            step = _convolutional_step(balancer, net, plain)
        elif isinstance(net, Mlp) and plain:
            step = _mlp_step(balancer.learner, net)
    return step or BalancedStep(balancer)


def can_capture(balancer: Balancer) -> bool:
    """Whether every step is the same work on the GPU, so that a CUDA graph can hold it: fixed weights, an optimiser
    that keeps its numbers there, and no dropout, whose masks come from the CPU."""
    learner = balancer.learner
    return balancer.constant and keeps_on_gpu(learner.optimiser) and not has_dropout(learner.net)


def keeps_on_gpu(optimiser: torch.optim.Optimizer) -> bool:
    on_gpu = optimiser.param_groups[0]["params"][0].is_cuda
    return bool(on_gpu) and isinstance(optimiser, torch.optim.Adam | torch.optim.SGD | Muon)


def _mlp_step(learner: Learner, net: Mlp) -> Step | None:
    from rungwise.kernels.mlp import step as mlp  # numba takes a while to import

    if not mlp.can_compile(net, learner.optimiser, learner.precision):
        return None
    kernel = mlp.MlpStep(net, learner.optimiser, learner.precision, learner.label_smoothing)
    return KernelStep(kernel, {"step": MACHINE_CODE})


def _convolutional_step(balancer: Balancer, net: Cnn | Shared, plain: bool) -> Step | None:
    """`plain`: whether all images count alike and gradients are taken as they are, as whole steps have it."""
    from rungwise.kernels.conv import net_step, step
    from rungwise.kernels.dense.step import DenseDescent, DenseLayers
    from rungwise.kernels.descent import can_descend

    learner = balancer.learner
    if not step.can_compile(net, learner.precision):
        return None
    if plain and isinstance(net, Cnn) and net_step.can_compile(net, learner.optimiser, learner.precision):
        kernel = net_step.CnnStep(net, learner.optimiser, learner.precision, learner.label_smoothing)
        return KernelStep(kernel, {"step": MACHINE_CODE, "convolutions": MACHINE_CODE})
    dense = None
    if isinstance(net, Shared) and can_descend(learner.optimiser) and learner.clip_norm is None:
        dense = DenseLayers(net, learner.precision)
    if dense is not None and dense.large:
        compiled = step.CompiledNet(net, learner.precision, dense)
        return PartlyCompiledStep(balancer, compiled, DenseDescent(learner.optimiser, dense.large), dense=True)
    compiled = step.CompiledNet(net, learner.precision, dense)
    return PartlyCompiledStep(balancer, compiled, partial(descend, learner), dense=False)
