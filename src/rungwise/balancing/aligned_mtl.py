"""Aligned-MTL: the tasks' gradients are turned until they are orthogonal and equally long."""

from typing import ClassVar, Literal

from rungwise.balancing.jacobian import JacobianSettings, Weighting


class Settings(JacobianSettings):
    """J^T B w with w = 1/K and B = sigma V Sigma^-1 V^T, from the Gramian's V Sigma^2 V^T: all singular values of the
    aligned B J are one sigma."""

    method: Literal["aligned-mtl"] = "aligned-mtl"
    source: ClassVar[str] = "Senushkin, Patakin, Kuznetsov and Konushin 2023, arXiv 2305.19000"
    says: ClassVar[str] = (
        "The tasks' gradients are replaced by the nearest ones that are orthogonal and equally long, and averaged."
    )
    scale_mode: Literal["min", "median", "rmse"] = "min"
    """What the common sigma is: the smallest of the gradients' own, the middle one, or their root mean square."""

    def weighting(self, tasks: int) -> Weighting:
        from torchjd.aggregation import AlignedMTLWeighting

        return AlignedMTLWeighting(scale_mode=self.scale_mode)
