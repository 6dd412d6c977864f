"""UPGrad: each task's gradient is projected to where it conflicts with none."""

from typing import ClassVar, Literal

from rungwise.balancing.jacobian import JacobianSettings, Weighting, unit_trace


class Settings(JacobianSettings):
    """The mean over k of the point nearest to g_k in the cone {d: d . g_j >= 0 for all j}.

    TorchJD adds 1e-4 to the diagonal of the Gramian, scaled to a trace of 1: where one gradient is 30 times as long as
    another, the step may still oppose the shorter one.
    """

    method: Literal["upgrad"] = "upgrad"
    source: ClassVar[str] = "Quinton and Rey 2024, arXiv 2406.16232"
    says: ClassVar[str] = (
        "Each task's gradient is replaced by the nearest direction along which no task's loss rises; these are "
        "averaged."
    )
    needs: ClassVar[tuple[str, ...]] = ("qpsolvers", "quadprog")

    def weighting(self, tasks: int) -> Weighting:
        from torchjd.aggregation import UPGradWeighting

        return unit_trace(UPGradWeighting())
