"""What the filters of a net answer to: maps, and by layer how sparse, how dead and how selective they are.

A map is what one filter gives for one image after the ReLU; an activation is one number of it, 0 or above.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.models.pixels import scaled
from rungwise.training.evaluate import BATCH


@dataclass(frozen=True)
class Activity:
    """How the F filters of one layer answered to many images."""

    zero_share: np.ndarray
    """(F,), float64: the fraction of each filter's activations that are exactly 0."""
    class_means: np.ndarray
    """(classes, F), float64: mean over a class's images and the map; NaN for a class without images."""

    @property
    def sparsity(self) -> float:
        """The fraction of all activations that are exactly 0; the maps of a layer are equally large."""
        return float(self.zero_share.mean())

    @property
    def dead(self) -> int:
        """Filters that were never above 0."""
        return int((self.zero_share == 1).sum())

    @property
    def selectivity(self) -> float:
        """The mean `selectivity` of the filters that are not dead; NaN where all are."""
        each = selectivity(self.class_means)
        defined = each[np.isfinite(each)]
        return float(defined.mean()) if len(defined) else float("nan")


def selectivity(class_means: np.ndarray) -> np.ndarray:
    """Class selectivity of each filter, (F,), after Morcos et al. (2018, arXiv 1803.06959).

    From mean activations by class (classes, F), none negative: (mu_max - mu_rest) / (mu_max + mu_rest), where
    mu_max is that of the class with the highest and mu_rest the mean of those of all other classes. 0: the
    same for all classes; 1: silent but for one; NaN: silent for all. A class whose means are NaN is left out,
    and where fewer than two remain, all is NaN.
    """
    means = class_means[np.isfinite(class_means).all(axis=1)]
    if len(means) < 2:
        return np.full(class_means.shape[1], np.nan)
    highest = means.max(axis=0)
    rest = (means.sum(axis=0) - highest) / (len(means) - 1)
    both = highest + rest
    return np.asarray((highest - rest) / np.where(both > 0, both, np.nan))


@torch.no_grad()
def maps(net: nn.Module, image: Tensor) -> dict[str, np.ndarray]:
    """The maps (F, h, w), float32, of every layer for one image (C, H, W), uint8 on the net's device."""
    net.eval()
    stages = _layers(net, scaled(image[None]))
    return {name: stage[0].float().cpu().contiguous().numpy() for name, stage in stages.items()}


def dark(layer: np.ndarray) -> np.ndarray:
    """Which filters stay dark, (F,), bool: their map (of F, h, w) is 0 everywhere."""
    return np.asarray((layer == 0).all(axis=(1, 2)))


@torch.no_grad()
def activity(net: nn.Module, images: Tensor, labels: np.ndarray, classes: int) -> dict[str, Activity]:
    """Every layer's activity over images (N, C, H, W), uint8 on the net's device, with their labels (N,)."""
    net.eval()
    zeros: dict[str, Tensor] = {}
    sums: dict[str, Tensor] = {}
    cells: dict[str, int] = {}
    each = torch.eye(classes, dtype=torch.float64, device=images.device)
    of = torch.from_numpy(labels).to(images.device)
    for start in range(0, len(images), BATCH):
        batch = slice(start, start + BATCH)
        for name, stage in _layers(net, scaled(images[batch])).items():
            # Each map in float32, where a count is exact: three times faster than float64 means and integer counts.
            means = stage.mean((2, 3)).double()  # (n, F)
            above = (stage != 0).float().sum((2, 3)).double()  # (n, F)
            zeros[name] = zeros.get(name, 0) + (stage[0, 0].numel() - above).sum(0)
            sums[name] = sums.get(name, 0) + each[of[batch]].T @ means
            cells[name] = stage[0, 0].numel()
    counts = np.bincount(labels, minlength=classes).astype(np.float64)[:, None]
    counts[counts == 0] = np.nan
    return {
        name: Activity(
            zero_share=zeros[name].cpu().numpy() / (len(images) * cells[name]),
            class_means=sums[name].cpu().numpy() / counts,
        )
        for name in zeros
    }


def _layers(net: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The stages that are maps, (N, F, h, w), in order."""
    stages: dict[str, Tensor] = net.features(x)  # type: ignore[operator]
    return {name: stage for name, stage in stages.items() if stage.ndim == 4}


def mosaic(slices: np.ndarray) -> np.ndarray:
    """One filter's kernels for each of its inputs (C, k, k) as one picture, (h, w), in reading order.

    The slices lie one pixel apart in a grid about as high as wide; the pixels between, and empty places, are NaN.
    """
    inputs, height, width = slices.shape
    across = math.ceil(math.sqrt(inputs))
    down = math.ceil(inputs / across)
    spaced = np.full((down * across, height + 1, width + 1), np.nan, slices.dtype)
    spaced[:inputs, :height, :width] = slices
    grid = spaced.reshape(down, across, height + 1, width + 1).swapaxes(1, 2)
    return grid.reshape(down * (height + 1), across * (width + 1))[:-1, :-1]
