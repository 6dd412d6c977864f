"""IMTL-G: a step whose projections on all tasks' gradients are equally long."""

from typing import ClassVar, Literal

from rungwise.balancing.jacobian import JacobianSettings, Weighting


class Settings(JacobianSettings):
    """sum_k w_k = 1, d . g_k / ||g_k|| the same for all k, d = sum_k w_k g_k. A weight may be negative. Where gradients
    are linearly dependent, by the pseudo-inverse of the Gramian (Quinton and Rey 2024, arXiv 2406.16232)."""

    method: Literal["imtl-g"] = "imtl-g"
    source: ClassVar[str] = "Liu, Li, Kuang, Xue, Chen, Yang, Liao and Zhang 2021, ICLR"
    says: ClassVar[str] = (
        "The shared parameters take the step that goes equally far along each task's gradient, whatever the "
        "gradients' lengths."
    )

    def weighting(self, tasks: int) -> Weighting:
        from torchjd.aggregation import IMTLGWeighting

        return IMTLGWeighting()
