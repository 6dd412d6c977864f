"""CAGrad: near the mean gradient, the step that helps the worst-off task most."""

from typing import ClassVar, Literal

from pydantic import Field

from rungwise.balancing.jacobian import JacobianSettings, Weighting, unit_trace


class Settings(JacobianSettings):
    """max_d min_k g_k . d, within ||d - g_0|| <= c ||g_0||, g_0 the mean gradient."""

    method: Literal["cagrad"] = "cagrad"
    source: ClassVar[str] = "Liu, Liu, Jin, Stone and Liu 2021, arXiv 2110.14048"
    says: ClassVar[str] = (
        "The shared parameters take the step that lowers the slowest task's loss most, among those near the mean "
        "gradient."
    )
    needs: ClassVar[tuple[str, ...]] = ("cvxpy", "clarabel")
    c: float = Field(0.4, ge=0, le=100)
    """How near, as a share of the mean gradient's length; 0: the mean itself. The default is the authors' for NYU-v2;
    from 1 on, the mean loss need no longer fall."""

    def weighting(self, tasks: int) -> Weighting:
        from torchjd.aggregation import CAGradWeighting

        return unit_trace(CAGradWeighting(self.c))
