"""A whole training step as one CUDA graph: one launch instead of hundreds, which small nets wait for."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from rungwise.balancing.balancer import Balancer, Batch, Forward, Learner
from rungwise.balancing.fixed import Fixed
from rungwise.training.muon import Muon

REHEARSALS = 3
"""Steps before the capture: libraries choose their kernels and take their memory in them."""


def can_capture(balancer: Balancer) -> bool:
    """Whether every step is the same work on the GPU: fixed weights, and an optimiser that keeps its numbers there."""
    optimiser = balancer.learner.optimiser
    on_gpu = optimiser.param_groups[0]["params"][0].is_cuda
    return on_gpu and isinstance(balancer, Fixed) and isinstance(optimiser, torch.optim.Adam | torch.optim.SGD | Muon)


class Captured:
    """`Balancer.step` for batches of one size, replayed. Capturing leaves the net and its optimiser as they were."""

    def __init__(self, balancer: Balancer, batch: Batch) -> None:
        self.batch = Batch(batch.images.clone(), batch.labels.clone())
        self.graph = torch.cuda.CUDAGraph()
        with unchanged(balancer.learner):
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(REHEARSALS):
                    balancer.step(self.batch)
            torch.cuda.current_stream().wait_stream(side)
            balancer.learner.optimiser.zero_grad(set_to_none=True)
            with torch.cuda.graph(self.graph):
                self.forward = balancer.step(self.batch)

    def fits(self, batch: Batch) -> bool:
        return batch.images.shape == self.batch.images.shape and batch.images.dtype == self.batch.images.dtype

    def step(self, batch: Batch) -> Forward:
        """What it returns is overwritten by the next step."""
        self.batch.images.copy_(batch.images)
        self.batch.labels.copy_(batch.labels)
        self.graph.replay()
        return self.forward


@contextmanager
def unchanged(learner: Learner) -> Iterator[None]:
    """Steps in here leave no trace: the net is put back, in place, and its fresh optimiser to its start."""
    state = learner.net.state_dict()
    before = {name: value.clone() for name, value in state.items()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, value in state.items():
                value.copy_(before[name])
            for optimiser in (learner.optimiser, getattr(learner.optimiser, "adam", None)):
                for memory in optimiser.state.values() if optimiser is not None else ():
                    for value in memory.values():
                        if isinstance(value, Tensor):
                            value.zero_()  # where all of them start: counts, momenta, squares
