"""Training steps of a net of convolutions and a dense layer in machine code: the passes of `conv.step`, the loss and
the optimiser. Nothing is pending between steps: the weights are those after the last one."""

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.kernels.conv import step as conv_step
from rungwise.kernels.conv.parameters import ParameterArrays
from rungwise.kernels.conv.step import ConvStep
from rungwise.kernels.descent import Descent, Moments, can_descend
from rungwise.models.cnn import Cnn


def can_compile(net: nn.Module, optimiser: torch.optim.Optimizer, precision: str) -> bool:
    """Whether the net is convolutions and a dense layer, its trunk is one that `conv.step` can compile, and all of it
    learns, by Adam or gradient descent."""
    return (
        isinstance(net, Cnn)
        and conv_step.can_compile(net, precision)
        and can_descend(optimiser)
        and all(p.requires_grad for p in net.head.parameters())
    )


class CnnStep:
    """The training steps of a net that `can_compile`."""

    def __init__(self, net: Cnn, optimiser: torch.optim.Optimizer, precision: str, label_smoothing: float) -> None:
        self.net, self.precision, self.smoothing = net, precision, label_smoothing
        self.descent = Descent(optimiser)
        self.passes: ConvStep | None = None
        """Made for the first images' shape: all have the same."""
        self.moments: Moments | None = None
        """The optimiser's."""
        self.places: list[tuple[int, int]] = []
        """The parameters' addresses."""
        self.arrays: list[ParameterArrays] = []
        """Both, by layer, made anew when either is replaced."""

    @torch.no_grad()
    def __call__(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        """A step down the gradient of the mean loss of images (B, C, H, W), uint8, with labels (B,), int64.

        Returns that loss, in nats, and how many labels the net had right, both from before the step."""
        if self.passes is None:
            channels, height, width = images.shape[1:]
            self.passes = ConvStep(self.net.trunk, (channels, height, width), self.precision, self.net.head)
        found = self.passes.learn(np.ascontiguousarray(images.numpy()), labels.numpy(), self.smoothing)
        constants, moments = self.descent.begin()
        places = [weights.places for weights in self.passes.weights]
        if self.moments is None or moments[0] is not self.moments[0] or places != self.places:
            self.moments, self.places, self.arrays = moments, places, _arrays(self.passes, moments)
        for weights, arrays in zip(self.passes.weights, self.arrays, strict=True):
            weights.update(constants, arrays)
        return found

    def flush(self) -> None:
        """Have the net's weights be those after the last step: they are."""


def _arrays(passes: ConvStep, moments: Moments) -> list[ParameterArrays]:
    triples, found = zip(passes.parameters, *moments, strict=True), []
    for weights in passes.weights:
        weight, first, second = (weights.filters.matrix(one).numpy() for one in next(triples))
        bias, bias_first, bias_second = (one.detach().numpy() for one in next(triples))
        found.append(ParameterArrays(weight, first, second, bias, bias_first, bias_second))
    return found
