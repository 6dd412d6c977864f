"""A work's weights for libraries that keep maps as (N, H, W, C)."""

import numpy as np

from benchmarks.work import Conv, Dense, Weights, Work, scaled


def weights(work: Work) -> list[Weights]:
    """Kernels (side, side, in, out) and (in, out), by layer; what follows maps takes them flattened as (H, W, C)."""
    net = work.net
    channels, height, width = net.image
    after_maps = _after_maps(work)
    turned: list[Weights] = []
    for number, (layer, (weight, bias)) in enumerate(zip(net.layers, work.weights, strict=True)):
        if isinstance(layer, Conv):
            channels, height, width = layer.filters, -(-height // layer.stride), -(-width // layer.stride)
            kernel = weight.transpose(2, 3, 1, 0)
        elif number in after_maps:
            kernel = weight.reshape(-1, channels, height, width).transpose(2, 3, 1, 0).reshape(-1, layer.width)
        else:
            kernel = weight.T
        turned.append((np.ascontiguousarray(kernel), bias))
    return turned


def _after_maps(work: Work) -> set[int]:
    """The layers that take flattened maps: the first dense one of the trunk, or else the first of each head."""
    for number, layer in enumerate(work.net.trunk):
        if isinstance(layer, Dense):
            return {number}
    starts, number = set(), len(work.net.trunk)
    for head in work.net.heads:
        starts.add(number)
        number += len(head)
    return starts


def pixels(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) uint8 as (N, H, W, C) float32 in [-1, 1]."""
    return scaled(images.transpose(0, 2, 3, 1))
