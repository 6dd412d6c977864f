"""Small problems that members are tried with."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from rungwise.balancing.learner import Batch, Learner
from rungwise.models.net import Shape
from rungwise.training.learner import dependence

COUNT, KINDS = 24, 4
"""Images of a batch, and kinds of them."""


def batches(image: Shape, outputs: tuple[int, ...], seed: int) -> Iterator[Batch]:
    """Noise in which a bright row says what all the labels are; each task calls it by another number."""
    random = torch.Generator().manual_seed(seed)
    while True:
        kinds = torch.randint(0, KINDS, (COUNT,), generator=random)
        images = torch.randint(0, 100, (COUNT, *image), dtype=torch.uint8, generator=random)
        images[torch.arange(COUNT), :, image[1] // KINDS * kinds] = 255
        yield Batch(images, torch.stack([(kinds + k) % count for k, count in enumerate(outputs)]))


def learner_of(
    net: nn.Module,
    image: Shape,
    outputs: tuple[int, ...],
    weights: tuple[float, ...] | None = None,
    rate: float = 0.01,
    shared: bool = True,
) -> Learner:
    """The net with Adam. `shared`: whether a balancer is to know which parameters the tasks share."""
    both, own = dependence(net, image) if shared else ((), ((),) * len(outputs))
    other = batches(image, outputs, seed=9)
    return Learner(
        net=net,
        optimiser=torch.optim.Adam([p for p in net.parameters() if p.requires_grad], rate),
        rate=rate,
        weights=weights or (1 / len(outputs),) * len(outputs),
        shared=both,
        own=own,
        draw=lambda part: next(other),
        random=torch.Generator().manual_seed(5),
    )


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """A copy of the net's `state_dict`."""
    return {key: value.clone() for key, value in net.state_dict().items()}
