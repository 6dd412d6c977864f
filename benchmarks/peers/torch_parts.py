"""What the peers on PyTorch share: the net as a tutorial would write it, the batches, the loop, the predictions.

Nothing of rungwise's own: what makes rungwise faster must not make its peers faster.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from benchmarks.work import Conv, Dense, Net, Pace, Work


class Plain(nn.Module):
    """The net of a work; its forward gives one tensor of logits (B, classes) per task."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.trunk, width = _trunk(net)
        self.heads = nn.ModuleList(_head(width, head) for head in net.heads)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        features = self.trunk(x)
        return tuple(head(features) for head in self.heads)


def _trunk(net: Net) -> tuple[nn.Sequential, int]:
    """The shared layers, and how many numbers come out of them."""
    layers: list[nn.Module] = []
    (channels, *sides), flat = net.image, False
    for layer in net.trunk:
        if isinstance(layer, Conv):
            layers += _convolution(channels, sides, layer)
            channels, sides = layer.filters, [-(-side // layer.stride) for side in sides]
        else:
            if not flat:
                layers.append(nn.Flatten())
                channels, sides, flat = channels * sides[0] * sides[1], [1, 1], True
            layers.append(nn.Linear(channels, layer.width))
            channels = layer.width
        layers.append(nn.ReLU())
    if not flat:
        layers.append(nn.Flatten())
    return nn.Sequential(*layers), channels * sides[0] * sides[1]


def _convolution(channels: int, sides: list[int], layer: Conv) -> list[nn.Module]:
    pads = [max((-(-side // layer.stride) - 1) * layer.stride + layer.kernel - side, 0) for side in sides]
    (top, bottom), (left, right) = ((pad // 2, pad - pad // 2) for pad in pads)
    if (top, left) == (bottom, right):
        return [nn.Conv2d(channels, layer.filters, layer.kernel, layer.stride, (top, left))]
    padding = nn.ZeroPad2d((left, right, top, bottom))
    return [padding, nn.Conv2d(channels, layer.filters, layer.kernel, layer.stride)]


def _head(width: int, head: tuple[Dense, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for layer in head:
        layers += [nn.Linear(width, layer.width), nn.ReLU()]
        width = layer.width
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def build(work: Work) -> Plain:
    """The net with the given weights, or with PyTorch's own. On a GPU PyTorch rounds what convolutions multiply to
    TF32; equal work is in float32."""
    torch.backends.cudnn.allow_tf32 = not work.equal
    net = Plain(work.net)
    layers = [module for module in net.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    if work.equal:
        for layer, (weight, bias) in zip(layers, work.weights, strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))  # type: ignore[union-attr]
    return net.to(work.device)


class Resident:
    """Batches of tensors in memory, by index: images (B, C, H, W) float32, labels (B, K). One pass is an epoch."""

    def __init__(self, work: Work, memory_format: torch.memory_format = torch.contiguous_format) -> None:
        self.images = torch.from_numpy(work.images).to(work.device)
        self.labels = torch.from_numpy(work.labels).T.contiguous().to(work.device)
        self.batch, self.format, self.orders = work.batch, memory_format, iter(work.orders)

    def __len__(self) -> int:
        return -(-len(self.images) // self.batch)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        given = next(self.orders, None)
        order = torch.randperm(len(self.images)) if given is None else torch.from_numpy(given)
        for index in order.to(self.images.device).split(self.batch):
            images = self.images[index].to(torch.float32, memory_format=self.format)
            yield images.div_(127.5).sub_(1), self.labels[index]


class OneByOne(Dataset[tuple[Tensor, Tensor]]):
    """Images as a tutorial's data set gives them: one at a time, scaled when asked for."""

    def __init__(self, work: Work) -> None:
        self.images, self.labels = work.images, work.labels.T.copy()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.images[index]).float() / 127.5 - 1, torch.from_numpy(self.labels[index])


class Given(Sampler[int]):
    """The work's orders, one after the other."""

    def __init__(self, orders: tuple[np.ndarray, ...]) -> None:
        self.orders, self.length = iter(orders), len(orders[0])

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        return iter(next(self.orders).tolist())


def loader(work: Work) -> DataLoader[tuple[Tensor, Tensor]]:
    sampler = Given(work.orders) if work.equal else None
    return DataLoader(OneByOne(work), batch_size=work.batch, shuffle=None if sampler else True, sampler=sampler)


def weighted_loss(logits: tuple[Tensor, ...], labels: Tensor, weights: tuple[float, ...]) -> Tensor:
    """sum_k w_k L_k, for labels (B, K)."""
    tasks = zip(logits, labels.unbind(1), weights, strict=True)
    terms = [F.cross_entropy(z, y) * w if w != 1 else F.cross_entropy(z, y) for z, y, w in tasks]
    return terms[0] if len(terms) == 1 else torch.stack(terms).sum()


def train(
    work: Work,
    pace: Pace,
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
    precision: str = "float32",
) -> None:
    """The loop that everybody writes; losses are read once per epoch."""
    for _ in range(work.epochs):
        total = torch.zeros((), device=work.device)
        for images, labels in batches:
            images, labels = images.to(work.device), labels.to(work.device)
            with torch.autocast(work.device, torch.bfloat16, enabled=precision == "bfloat16"):
                loss = weighted_loss(net(images), labels, work.loss_weights)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(images)
        pace.epoch(total.item() / len(work.images))


@torch.inference_mode()
def predict(net: nn.Module, work: Work, precision: str = "float32") -> tuple[np.ndarray, ...]:
    with torch.autocast(work.device, torch.bfloat16, enabled=precision == "bfloat16"):
        images = torch.from_numpy(work.test_images).to(work.device)
        parts = [net(part.float() / 127.5 - 1) for part in images.split(1000)]
    return tuple(torch.cat(task).argmax(1).cpu().numpy() for task in zip(*parts, strict=True))
