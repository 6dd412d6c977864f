"""Capacity of two-layer ReLU nets f(x) = V relu(U x), after Neyshabur et al. 2018 (arXiv 1805.12076).

d inputs, h hidden units, c classes, m images. All tensors are float64: norms of a million weights are summed here.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 1000
"""Images whose activations are held at once: 50,000 images times 2^15 units would be 13 GB."""


@dataclass(frozen=True)
class TwoLayers:
    """The weights of a two-layer net without biases, before or after training."""

    u: Tensor
    """(h, d): one row per hidden unit."""
    v: Tensor
    """(c, h): one column per hidden unit."""

    def __post_init__(self) -> None:
        if self.u.ndim != 2 or self.v.ndim != 2 or self.u.shape[0] != self.v.shape[1]:
            raise ValueError(f"U (h, d) and V (c, h) must share h; got {tuple(self.u.shape)} and {tuple(self.v.shape)}")

    def hidden(self, x: Tensor) -> Tensor:
        """relu(U x), (m, h), for images x (m, d)."""
        return (x @ self.u.T).relu_()

    def logits(self, x: Tensor) -> Tensor:
        """(m, c)."""
        return torch.cat([self.hidden(part) @ self.v.T for part in torch.split(x, CHUNK)])


def unit_capacity(start: TwoLayers, end: TwoLayers) -> Tensor:
    """(h,): ||u_i - u_i^0||_2, how far training has moved the weights into each hidden unit."""
    return _norms(end.u - start.u, dim=1)


def unit_impact(end: TwoLayers) -> Tensor:
    """(h,): ||v_i||_2 of the weights out of each hidden unit."""
    return _norms(end.v, dim=0)


def _norms(matrix: Tensor, dim: int) -> Tensor:
    """The Euclidean norms of the columns (dim 0) or rows (dim 1)."""
    norms: Tensor = torch.linalg.vector_norm(matrix, dim=dim)
    return norms


def frobenius_norm(matrix: Tensor) -> float:
    return float(torch.linalg.vector_norm(matrix))


def spectral_norm(matrix: Tensor) -> float:
    """The largest singular value of a matrix (a, b): the root of the largest eigenvalue of the smaller Gram matrix.

    Much cheaper than all singular values of a long matrix; squaring costs the small ones their digits, not the largest.
    """
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    return math.sqrt(max(0.0, float(torch.linalg.eigvalsh(gram)[-1])))


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """(m,): f(x)[y] - max over j != y of f(x)[j], for logits (m, c) and labels (m,) int64; negative where wrong."""
    right = logits.gather(1, labels[:, None])
    return (right - logits.scatter(1, labels[:, None], -math.inf).amax(1, keepdim=True)).squeeze(1)


def margin_quantile(logits: Tensor, labels: Tensor, share: float = 0.05) -> float:
    """gamma: the margin that `share` of the images lie below, as in the paper's experiments."""
    ordered = margins(logits, labels).sort().values  # torch.quantile refuses more than 2^24 values
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(low + (high - low) * (place - math.floor(place)))


# Measures: terms that a bound on capacity grows with, constants, margins and the number of classes left out -----


def measures(start: TwoLayers, end: TwoLayers) -> dict[str, float]:
    """The rows of the paper's Table 1 but the count of parameters, by the names under which records keep them.

    ``measure``: the paper's own (Theorem 2); ``measure_l1``: Bartlett and Mendelson 2002; ``measure_frobenius``:
    Neyshabur et al. 2015, Golowich et al. 2018; ``measure_spectral``: Bartlett et al. 2017; ``measure_pac_bayes``:
    Neyshabur et al. 2018 (arXiv 1707.09564).
    """
    h = end.u.shape[0]
    moved_u, moved_v = end.u - start.u, end.v - start.v
    u, v = spectral_norm(end.u), spectral_norm(end.v)
    frobenius_v, distance = frobenius_norm(end.v), frobenius_norm(moved_u)
    return {
        "measure": (spectral_norm(start.u) + distance) * frobenius_v + math.sqrt(h),
        "measure_l1": _largest_row(end.u) * _largest_row(end.v),
        "measure_frobenius": frobenius_norm(end.u) * frobenius_v,
        "measure_spectral": u * _sum_of_rows(moved_v) + _sum_of_rows(moved_u) * v,
        "measure_pac_bayes": u * frobenius_norm(moved_v) + math.sqrt(h) * distance * v,
    }


def _largest_row(matrix: Tensor) -> float:
    """The largest sum of absolute values in a row."""
    return float(matrix.abs().sum(1).max())


def _sum_of_rows(matrix: Tensor) -> float:
    """The sum of the rows' Euclidean norms: of the units' weights into them."""
    return float(_norms(matrix, dim=1).sum())


# The bound -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """How large the images are, to the eye of the net before training."""

    images: int
    """m."""
    input: float
    """sqrt(mean ||x||^2)."""
    hidden: float
    """sqrt(mean ||relu(U0 x)||^2)."""


def scale_of(start: TwoLayers, x: Tensor) -> Scale:
    """Of images x (m, d)."""
    squares = sum(float(start.hidden(part).square().sum()) for part in torch.split(x, CHUNK))
    return Scale(len(x), math.sqrt(float(x.square().sum()) / len(x)), math.sqrt(squares / len(x)))


def bound(start: TwoLayers, end: TwoLayers, scale: Scale, gamma: float, delta: float = 0.01) -> float:
    """The capacity in the paper's generalisation bound, with the constants of its authors' experiments.

    R = 3 sqrt(2) (sqrt(2c) + 1) (||V||_F + 1) (hidden + ||U - U0||_F input + 1) / gamma;
    (R + 3 sqrt(5h + ln(max(1, gamma sqrt(m)) / delta)))^2. With probability 1 - delta the test error exceeds the share
    of training images with a margin below gamma by no more than about the root of this over m.
    NaN where gamma <= 0: the net has not fitted that share of its images, and the bound says nothing.
    """
    if not gamma > 0:
        return math.nan
    (c, h), m = end.v.shape, scale.images
    distance = frobenius_norm(end.u - start.u)
    layers = (frobenius_norm(end.v) + 1) * (scale.hidden + distance * scale.input + 1)
    r = 3 * math.sqrt(2) * (math.sqrt(2 * c) + 1) * layers / gamma
    rest = 3 * math.sqrt(5 * h + math.log(max(1.0, gamma * math.sqrt(m)) / delta))
    return (r + rest) ** 2
