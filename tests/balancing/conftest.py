"""A net of two numbers whose tasks' losses and gradients are plain to see; one thread."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from rungwise.balancing.learner import Batch, Forward, Learner


class Place(nn.Module):
    """Two numbers, from (0, 0): as a matrix of one row, or as no matrix."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(shape))


@dataclass(frozen=True)
class Pulled(Learner):
    """Task k's loss is half the squared distance of a point to the k-th row of the labels: its gradient, the way."""

    def forward(self, batch: Batch) -> Forward:
        losses = (self.net.place - batch.labels).square().sum(1) / 2
        return Forward(losses, torch.zeros(len(losses)))


def nothing(part: str) -> Batch:
    raise AssertionError(f"no {part} batch is to be drawn")


@pytest.fixture
def pulled() -> Callable[..., Pulled]:
    def build(weights: Sequence[float], rate: float = 0.1, shape: tuple[int, ...] = (1, 2), seed: int = 0) -> Pulled:
        """A point at (0, 0) under plain SGD; with a rate of 0 it stays there."""
        net = Place(shape)
        optimiser = torch.optim.SGD(net.parameters(), rate)
        own = ((),) * len(weights)
        random = torch.Generator().manual_seed(seed)
        return Pulled(net, optimiser, rate, tuple(weights), (net.place,), own, nothing, random)

    return build


@pytest.fixture
def to() -> Callable[..., Batch]:
    """The batch whose tasks pull to these targets. From (0, 0), the gradient of each is minus its target."""
    return lambda *targets: Batch(torch.empty(0), torch.tensor(targets, dtype=torch.float32))


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
