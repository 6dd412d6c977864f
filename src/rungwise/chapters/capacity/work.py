"""The trial of capacity: one two-layer net fitted, and what its weights say of its capacity."""

import math

import torch
from torch import Tensor

from rungwise.bench import Bench
from rungwise.chapters.capacity.trial import CapacityTrial
from rungwise.insight import capacity
from rungwise.insight.capacity import TwoLayers
from rungwise.models.pixels import scaled
from rungwise.training.batches import Resident
from rungwise.training.fit import carry_out
from rungwise.training.learner import begin
from rungwise.trial import Outcome

DROPPED = ("test_logits", "wrong_index", "wrong_images")
"""Arrays of a fit that the chapter has no use for."""


def fit_and_measure(trial: CapacityTrial, bench: Bench) -> Outcome:
    """Fit the net, then compare its weights with those it started from.

    The summary gains ``unit_capacity`` and ``unit_impact`` (means over the hidden units), the measures of
    `insight.capacity.measures`, ``gamma``, and ``bound`` where it is defined; the arrays gain ``unit_capacity`` and
    ``unit_impact``, (h,), float32. The weights are not kept: those of the widest nets take 100 MB.
    """
    outcome = carry_out(trial, bench)
    train = bench.split(trial.data, trial.seed).train
    start = _layers(begin(trial, train.shape, bench.records).state_dict(), bench.device)
    end = _layers(outcome.weights, bench.device)
    part = Resident.of(train, trial, bench.device)
    x = scaled(part.images).flatten(1).double()  # (m, d)

    units = {"unit_capacity": capacity.unit_capacity(start, end), "unit_impact": capacity.unit_impact(end)}
    gamma = capacity.margin_quantile(end.logits(x), part.labels[0])
    bound = capacity.bound(start, end, capacity.scale_of(start, x), gamma)
    outcome.summary |= {name: float(norms.mean()) for name, norms in units.items()}
    outcome.summary |= capacity.measures(start, end) | {"gamma": gamma}
    if math.isfinite(bound):
        outcome.summary["bound"] = bound
    for name in DROPPED:
        outcome.arrays.pop(name, None)
    outcome.arrays |= {name: norms.float().cpu().numpy() for name, norms in units.items()}
    outcome.weights = {}
    return outcome


def _layers(weights: dict[str, Tensor], device: str) -> TwoLayers:
    u, v = (weights[name].detach().to(device, torch.float64) for name in ("hidden.0.weight", "head.weight"))
    return TwoLayers(u, v)
