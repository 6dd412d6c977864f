"""What tests of training steps begin with: a net that has learnt nothing, what learns it, and a batch."""

import pytest
import torch
from torch import nn

from rungwise.balancing import fixed
from rungwise.balancing.learner import Batch, Learner
from rungwise.kernels.llvm import vectors
from rungwise.models.net import initialise
from rungwise.optimisers.adam import Adam
from rungwise.training.steps import BalancedStep, KernelStep, choose_step

PRECISIONS = [
    "float32",
    pytest.param(
        "bfloat16",
        marks=pytest.mark.skipif(not vectors.can("bfloat16"), reason="this processor has no bfloat16 products"),
    ),
]


def begun(net):
    """The net with weights, and biases, too, that are always the same."""
    initialise(net, torch.Generator().manual_seed(0))
    for name, parameter in net.named_parameters():
        if "bias" in name:
            nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(1))
    return net


def optimiser(kind, net, eps=1e-8):
    """Adam, or gradient descent, by momentum or not."""
    if kind == "adam":
        return Adam(net.parameters(), 0.01, eps=eps, fused=True)
    return torch.optim.SGD(net.parameters(), 0.1, momentum=0.9 * (kind == "momentum"))


def learner(net, precision="float32", weights=(1.0,), smoothing=0.0, optimiser=None):
    optimiser = optimiser or Adam(net.parameters(), 0.01, fused=True)
    return Learner(net, optimiser, 0.01, weights, (), (), None, torch.Generator(), precision, smoothing)


def batch(count, image, classes=(4,), seed=1):
    """Of a task for each number of classes."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, *image), generator=random, dtype=torch.uint8)
    return Batch(images, torch.stack([torch.randint(0, k, (count,), generator=random) for k in classes]))


def by_autograd(learner):
    """All of a step by PyTorch."""
    return BalancedStep(fixed.Fixed(learner))


def compiled(kernel, learner):
    """All of a step by a kernel: `MlpStep` or `CnnStep`."""
    return KernelStep(kernel(learner.net, learner.optimiser, learner.precision, learner.label_smoothing), {})


def chosen(learner, **options):
    """The step that training takes here."""
    return choose_step(fixed.Fixed(learner), **options)
