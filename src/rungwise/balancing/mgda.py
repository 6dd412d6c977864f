"""MGDA: the shared parameters descend the shortest mean of the tasks' gradients."""

from typing import ClassVar, Literal

from pydantic import Field

from rungwise.balancing.jacobian import JacobianSettings, Weighting


class Settings(JacobianSettings):
    """min_w ||sum_k w_k g_k||, w on the simplex, by Frank-Wolfe; of the gradients as they are, not normalised, and of
    the shared parameters themselves, not of what they compute (MGDA-UB)."""

    method: Literal["mgda"] = "mgda"
    source: ClassVar[str] = "Désidéri 2012; Sener and Koltun 2018, arXiv 1810.04650"
    says: ClassVar[str] = (
        "The shared parameters follow the shortest weighted mean of the tasks' gradients, along which no task's loss "
        "rises; the smaller a task's gradient, the more it counts."
    )
    epsilon: float = Field(0.001, gt=0, lt=1)
    """The search for the weights ends with a step shorter than this share of the way."""
    max_iters: int = Field(100, ge=1, le=1_000_000)
    """At most as many steps are searched."""

    def weighting(self, tasks: int) -> Weighting:
        from torchjd.aggregation import MGDAWeighting

        return MGDAWeighting(self.epsilon, self.max_iters)
