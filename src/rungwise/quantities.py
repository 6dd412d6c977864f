"""What each number is: its kind, its unit and the range that it must lie in. One table for records and metrics.

An asterisk stands for nothing, or for an underscore and more: ``test_accuracy*`` is ``test_accuracy_item``, too.
Other packages add theirs under the entry point ``rungwise.quantities``: the address of a `Quantity`.
"""

import functools
import math
from typing import Any, Literal, NamedTuple

from rungwise.extensions import Registry

Kind = Literal["share", "count", "loss", "time", "size", "number"]
"""share: a part of a whole; count: how many; loss: from 0 up; time; size: of memory; number: anything else."""


class Quantity(NamedTuple):
    """What one number is."""

    kind: Kind = "number"
    low: float = -math.inf
    high: float = math.inf
    """The least and the most that it can be, both included."""
    unit: str = ""
    """As "s" or "nats"; empty: a plain number, shares as fractions of 1."""

    def holds(self, value: float) -> bool:
        """Whether the value is finite and in the range, but for rounding."""
        room = 1e-6 * max((1.0, *(abs(end) for end in (self.low, self.high) if math.isfinite(end))))
        return math.isfinite(value) and self.low - room <= value <= self.high + room

    @property
    def range(self) -> str:
        """As "from 0 to 1"."""
        if math.isinf(self.high):
            return "any finite number" if math.isinf(self.low) else f"{self.low:g} or more"
        return f"from {self.low:g} to {self.high:g}"


SHARE = Quantity("share", 0.0, 1.0)
COUNT = Quantity("count", 0.0)
LOSS = Quantity("loss", 0.0, unit="nats")
SECONDS = Quantity("time", 0.0, unit="s")
RATIO = Quantity("number", 0.0)
"""How many times as much, and whatever else cannot be below 0."""
DIFFERENCE = Quantity("number", -1.0, 1.0)
"""Of two shares."""
PERCENT = Quantity("number", -100.0, unit="%")
"""By how much something is above something else."""
ANY = Quantity()

OWN = {
    # Shares of images, and what is made of them.
    "train_accuracy*": SHARE,
    "test_accuracy*": SHARE,
    "validation_accuracy*": SHARE,
    "test_macro_f1*": SHARE,
    "test_balanced_accuracy*": SHARE,
    "test_recall*": SHARE,
    "test_precision*": SHARE,
    "views_accuracy": SHARE,
    "mean_test_accuracy": SHARE,
    "pair_accuracy": SHARE,
    "mean_pair_accuracy": SHARE,
    "train_error": SHARE,
    "test_error": SHARE,
    "error": SHARE,
    "gap": DIFFERENCE,
    "flattery": DIFFERENCE,
    "unsteadiness": SHARE,
    "accuracy_per_million": RATIO,
    "gain_on_single": PERCENT,
    "gain_on_tuned": PERCENT,
    "gain_on_equal": PERCENT,
    # Losses.
    "train_loss*": LOSS,
    "test_loss*": LOSS,
    "validation_loss*": LOSS,
    # Training.
    "epochs": COUNT,
    "best_epoch": COUNT,
    "steps": COUNT,
    "iterations": COUNT,
    "converged": SHARE,
    "train_images": COUNT,
    "test_images": COUNT,
    "weight*": RATIO,
    "dominance*": RATIO,
    # Cost.
    "parameters": COUNT,
    "parameters_learnt": COUNT,
    "parameters_saved": Quantity("share", -math.inf, 1.0),
    "time_saved": Quantity("share", -math.inf, 1.0),
    "time_s": SECONDS,
    "fit_s": SECONDS,
    "epoch_s": SECONDS,
    "epoch_s_per_million": SECONDS,
    "image_us": Quantity("time", 0.0, unit="µs"),
    "step_ms": Quantity("time", 0.0, unit="ms"),
    "step_time_ratio": RATIO,
    "step_bytes": Quantity("size", 0.0, unit="bytes"),
    "step_memory_mb": Quantity("size", 0.0, unit="MB"),
    "memory_ratio": RATIO,
    # Projection and perceptrons.
    "variance*": SHARE,
    "kept_variance": SHARE,
    "cluster_variance": RATIO,
    "cluster_variance_pc1": RATIO,
    "pair_rank": Quantity("count", 1.0),
    "unconverged_svms": COUNT,
    "range": RATIO,
    # Seeing.
    "filters*": COUNT,
    "dark*": COUNT,
    "dead*": COUNT,
    "sparsity*": SHARE,
    "selectivity*": SHARE,
    "dark_share": SHARE,
    "dead_share": SHARE,
    "net_as_aimed*": SHARE,
    "judge_as_aimed*": SHARE,
    "net_share": SHARE,
    "judge_share": SHARE,
    "net_probability": SHARE,
    "judge_probability": SHARE,
    # Capacity.
    "unit_capacity": RATIO,
    "unit_impact": RATIO,
    "measure*": RATIO,
    "bound": RATIO,
    "gamma": ANY,
}


def _quantity(name: str, found: Any) -> Quantity:
    if not isinstance(found, Quantity):
        raise ValueError(f"expected a rungwise.quantities.Quantity, got {found!r}")
    return found


QUANTITIES = Registry("quantities", "quantity", {}, _quantity)
"""Those of other packages; none of them takes a name of `OWN`."""


@functools.cache
def quantity(name: str) -> Quantity | None:
    """What a record or a metric calls by that name; None where the table does not know it."""
    found, base = _entry(name), name
    while found is None and base:
        found, base = _entry(f"{base}*"), base.rpartition("_")[0]
    return found


def _entry(name: str) -> Quantity | None:
    if name in OWN:
        return OWN[name]
    return QUANTITIES.find(name) if name in QUANTITIES.addresses() else None
