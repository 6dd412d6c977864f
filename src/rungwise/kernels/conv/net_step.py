"""Training steps of a net of convolutions and a dense layer in machine code: the passes of `conv.step`, the loss and
the optimiser. Nothing is pending between steps: the weights are those after the last one."""

import numpy as np
import torch

from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.kernels.conv import step as conv_step
from rungwise.kernels.conv.parameters import ParameterArrays
from rungwise.kernels.conv.step import ConvStep
from rungwise.kernels.descent import Descent, Moments, can_descend
from rungwise.models.cnn import Cnn


def can_compile(learner: Learner) -> bool:
    """Whether the net is convolutions and a dense layer, its trunk is one that `conv.step` can compile, and all of it
    learns, by Adam or gradient descent."""
    net = learner.net
    return (
        isinstance(net, Cnn)
        and conv_step.can_compile(learner)
        and can_descend(learner.optimiser)
        and all(p.requires_grad for p in net.head.parameters())
    )


class CnnStep:
    """The training steps of a learner that `can_compile`."""

    def __init__(self, learner: Learner) -> None:
        self.learner, self.descent = learner, Descent(learner.optimiser)
        self.passes: ConvStep | None = None
        """Made for the first images' shape: all have the same."""
        self.moments: Moments | None = None
        """The optimiser's."""
        self.places: list[tuple[int, int]] = []
        """The parameters' addresses."""
        self.arrays: list[ParameterArrays] = []
        """Both, by layer, made anew when either is replaced."""

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Forward:
        """A step down the gradient of the batch's mean loss; what the net said before it."""
        images, labels = np.ascontiguousarray(batch.images.numpy()), batch.labels[0].numpy()
        if self.passes is None:
            net, (channels, height, width) = self.learner.net, images.shape[1:]
            assert isinstance(net, Cnn)
            self.passes = ConvStep(net.trunk, (channels, height, width), self.learner.precision, net.head)
        loss, right = self.passes.learn(images, labels, self.learner.label_smoothing)
        constants, moments = self.descent.begin()
        places = [weights.places for weights in self.passes.weights]
        if self.moments is None or moments[0] is not self.moments[0] or places != self.places:
            self.moments, self.places, self.arrays = moments, places, _arrays(self.passes, moments)
        for weights, arrays in zip(self.passes.weights, self.arrays, strict=True):
            weights.update(constants, arrays)
        return Forward(torch.tensor([loss], dtype=torch.float32), torch.tensor([right]))

    def settle(self) -> None:
        """Have the net's weights be those after the last step: they are."""


def _arrays(passes: ConvStep, moments: Moments) -> list[ParameterArrays]:
    triples, found = zip(passes.parameters, *moments, strict=True), []
    for weights in passes.weights:
        weight, first, second = (weights.filters.matrix(one).numpy() for one in next(triples))
        bias, bias_first, bias_second = (one.detach().numpy() for one in next(triples))
        found.append(ParameterArrays(weight, first, second, bias, bias_first, bias_second))
    return found
