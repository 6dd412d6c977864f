"""Nash-MTL: the tasks bargain for the step of the shared parameters."""

import warnings
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from rungwise.balancing.jacobian import JacobianSettings, Weighting


class Settings(JacobianSettings):
    """G w = 1 / w elementwise, w > 0, G the Gramian: the step then has length sqrt(K) whatever the gradients' lengths,
    and is cut to max_norm. So with a max_norm below sqrt(K) each step of plain SGD is as long as any other."""

    method: Literal["nash-mtl"] = "nash-mtl"
    source: ClassVar[str] = "Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik and Fetaya 2022, arXiv 2202.01017"
    says: ClassVar[str] = (
        "The tasks bargain for the step of the shared parameters, and take the one with the largest product of their "
        "gains."
    )
    needs: ClassVar[tuple[str, ...]] = ("cvxpy", "ecos")
    max_norm: float = Field(1.0, ge=0, le=1e6)
    """At most as long is the step before the learning rate; 0: as long as it comes."""
    update_weights_every: int = Field(1, ge=1, le=1_000_000)
    """Steps between two bargains; between them the weights stay. It saves the solver's time, no backward passes."""
    optim_niter: int = Field(20, ge=1, le=10_000)
    """At most as many convex problems are solved for one bargain."""

    def weighting(self, tasks: int) -> Weighting:
        return Bargain(tasks, self)


class Bargain:
    """The weights of step after step: TorchJD's, of gradients scaled to a mean square length of 1 at each bargain.

    G / u asks for sqrt(u) w where G asks for w, so that nothing changes but what the solver makes of it: gradients of
    length 0.001 as they are gave it weights for which w_k (G w)_k was 25 rather than 1, and of length 10 now and then.

    A task whose gradient is 0 has nothing to bargain with: the scaled weights stay as they were.
    """

    def __init__(self, tasks: int, settings: Settings) -> None:
        """Raises ImportError where TorchJD is missing."""
        from torchjd.aggregation import NashMTL

        self.every = settings.update_weights_every
        self.weigh = NashMTL(tasks, settings.max_norm, self.every, settings.optim_niter).weighting
        self.steps, self.unit = 0, torch.ones(())

    def __call__(self, products: Tensor) -> Tensor:
        if self.steps % self.every == 0:
            self.unit = products.diagonal().mean().double()
        self.steps += 1
        with warnings.catch_warnings():  # at each step: cvxpy could solve faster, is inexact, or divides by 0
            warnings.filterwarnings("ignore", "You are solving a parameterized problem that is not DPP", UserWarning)
            warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            weights: Tensor = self.weigh(root(products / self.unit))
        return weights / self.unit.sqrt()


def root(products: Tensor) -> Tensor:
    """R (K, K), float64, with R R^T the Gramian. TorchJD asks for the Jacobian (K, parameters), but uses no more of it
    than its rows' products and the length of their weighted sum, which R has as well."""
    squares, vectors = torch.linalg.eigh(products.double())
    factor: Tensor = vectors * squares.clamp_min(0).sqrt()
    return factor
