"""PCGrad: where the gradients of two tasks conflict, each loses its part along the other."""

from typing import ClassVar, Literal

from rungwise.balancing.jacobian import JacobianSettings, Weighting


class Settings(JacobianSettings):
    """g_i <- g_i - (g_i . g_j) g_j / ||g_j||^2 for each other j, in random order, where the product is negative.

    As in the paper, the results are summed, not averaged: without conflicts each weight is 1.
    """

    method: Literal["pcgrad"] = "pcgrad"
    source: ClassVar[str] = "Yu, Kumar, Gupta, Levine, Hausman and Finn 2020, arXiv 2001.06782"
    says: ClassVar[str] = (
        "Where the gradients of two tasks point against each other, each loses its part along the other; then all are "
        "summed."
    )

    def weighting(self, tasks: int) -> Weighting:
        from torchjd.aggregation import PCGradWeighting

        return PCGradWeighting()
