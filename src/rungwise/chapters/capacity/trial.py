"""The trial of a two-layer net whose capacity is measured."""

from typing import Any, ClassVar

from rungwise.models.mlp import MlpSettings
from rungwise.training.settings import Fit


class CapacityTrial(Fit):
    """One net f(x) = V relu(U x) on one task."""

    work: ClassVar[str] = "rungwise.training.capacity:fit_and_measure"

    net: MlpSettings

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if len(self.net.hidden) != 1 or self.net.bias:
            raise ValueError(
                "capacity is measured of nets of two layers without biases: set hidden = [h] and bias = false; got "
                f"hidden = {list(self.net.hidden)} and bias = {str(self.net.bias).lower()}"
            )
        if len(self.tasks) != 1:
            raise ValueError(f"capacity is measured of nets with one task, got {len(self.tasks)}")
        if self.net.batch_norm or self.net.dropout:
            raise ValueError("capacity is measured of plain nets: leave batch_norm and dropout out")
