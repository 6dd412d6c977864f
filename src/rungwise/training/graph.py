"""Training steps as CUDA graphs: one launch each, in which the batch is cut out and its losses are noted, too."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rungwise.balancing.learner import Forward
from rungwise.training.augment import Drawn

REHEARSALS = 3
"""Steps before the capture: libraries choose their kernels and take their memory in them."""
_capturing = threading.Lock()

Take = Callable[[Tensor, Drawn], Forward]
"""A training step on the images of an index, given what was drawn for them."""


class Replayed:
    """The steps of epochs on batches of one size. All that a step reads and writes lies on the device, so that it is
    captured once and then replayed. Capturing leaves the net, its fresh optimiser and `keep` as they were.

    On a CPU, where there is nothing to capture, `replay` takes the step by itself.
    """

    def __init__(
        self,
        take: Take,
        net: nn.Module,
        optimiser: torch.optim.Optimizer,
        order: Tensor,
        size: int,
        tasks: int,
        *,
        drawn: Drawn | None = None,
        keep: Sequence[Tensor] = (),
    ) -> None:
        """`order`: any order of images, (N,); `drawn`: anything drawn for one image."""
        device, count = order.device, len(order)
        self.take, self.optimiser, self.size = take, optimiser, size
        self.order = order.clone()
        self.drawn = (drawn or Drawn()).each(lambda one: one.new_zeros(count, *one.shape[1:], device=device))
        self.scheduled = [group for group in optimiser.param_groups if isinstance(group["lr"], Tensor)]
        self.rates = torch.zeros(count // size, len(self.scheduled), device=device)
        self.losses = torch.zeros(count // size, tasks, device=device)
        """(steps, K), of the steps since `start`."""
        self.right = torch.zeros(tasks, device=device)
        """(K,): how many images were right in them."""
        self.at = torch.zeros(1, dtype=torch.int64, device=device)
        self.span = torch.arange(size, device=device)
        self.graph = self._captured(net, keep) if order.is_cuda else None

    def start(self, order: Tensor, rates: Sequence[Sequence[float]] = ()) -> None:
        """Begin an epoch: the images of its whole batches in their order (n,), and where rates change, those of
        each parameter group at each step."""
        self.order[: len(order)] = order
        if self.scheduled:
            self.rates[: len(rates)] = torch.tensor(rates).to(self.rates.device)
        self.at.zero_()
        self.right.zero_()

    def draw(self, step: int, drawn: Drawn) -> None:
        """Lay down what was drawn, on the CPU, for the images of the steps from that one on."""
        for place, values in zip(self.drawn, drawn, strict=True):
            if place is not None and values is not None:
                values = values.pin_memory() if place.is_cuda else values  # so that nobody waits for the copy
                place[step * self.size :][: len(values)].copy_(values, non_blocking=True)

    def replay(self) -> None:
        if self.graph is None:
            self._step()
        else:
            self.graph.replay()

    def _step(self) -> None:
        place = self.at * self.size + self.span
        if self.scheduled:
            for group, rate in zip(self.scheduled, self.rates[self.at].unbind(1), strict=True):
                group["lr"].copy_(rate[0])
        forward = self.take(self.order[place], self.drawn.each(lambda values: values[place]))
        self.losses.index_copy_(0, self.at, forward.losses[None])
        self.right += forward.right
        self.at += 1

    def _captured(self, net: nn.Module, keep: Sequence[Tensor]) -> Any:
        """A step as a graph. It is captured on the stream that it will run on where that is not the default one:
        libraries keep working memory for each stream, and graphs that run side by side must not share it. Other threads
        may go on with their work meanwhile.
        """
        graph, here = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        stream = torch.cuda.Stream() if here == torch.cuda.default_stream() else here  # type: ignore[no-untyped-call]
        with unchanged(net, self.optimiser, keep), _capturing:
            stream.wait_stream(here)
            with torch.cuda.stream(stream):
                for _ in range(REHEARSALS):
                    self.at.zero_()
                    self._step()
                self.optimiser.zero_grad(set_to_none=True)
                graph.capture_begin(capture_error_mode="thread_local")
                try:
                    self._step()
                finally:
                    graph.capture_end()
            here.wait_stream(stream)
        return graph


@contextmanager
def unchanged(net: nn.Module, optimiser: torch.optim.Optimizer, keep: Sequence[Tensor] = ()) -> Iterator[None]:
    """Steps in here leave no trace: the net and the tensors of `keep` are put back, in place, and the fresh optimiser
    to its start."""
    places = [*net.state_dict().values(), *keep]
    before = [value.clone() for value in places]
    try:
        yield
    finally:
        with torch.no_grad():
            for place, value in zip(places, before, strict=True):
                place.copy_(value)
            for part in (optimiser, getattr(optimiser, "adam", None)):
                for memory in part.state.values() if part is not None else ():
                    for value in memory.values():
                        if isinstance(value, Tensor):
                            value.zero_()  # where all of them start: counts, momenta, squares
