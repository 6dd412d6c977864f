"""The one driver of epochs: it takes the steps of one net, or of several nets that are trained as one."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from rungwise.balancing.learner import Batch, Forward
from rungwise.training.augment import Drawn
from rungwise.training.feed import Feed
from rungwise.training.graph import Replayed
from rungwise.training.steps import Step

PROGRESS_EVERY_S = 0.5
AHEAD = 64
"""Steps on a GPU whose changes to images are drawn at once, while it is at the ones before."""

Watch = Callable[[int, Callable[[], Batch]], None]
"""Told after each step its number in the epoch, and how to have its batch."""
Progress = Callable[[float, Tensor, Tensor, float], None]
"""Told now and then the share of the epoch that is over, the losses of the last step (L,), how many labels were right
since the epoch began (L,), and of how many images, both weighted where images are. Reading the numbers waits for the
device."""


class EpochLog(NamedTuple):
    """The numbers of an epoch's steps. There are L losses a step: one for each task, or one for each net."""

    losses: Tensor
    """(steps, L), from before each step."""
    weights: Tensor
    """(steps, L): of the tasks in the loss; ones where there is nothing to balance."""
    right: Tensor
    """(L,): how many labels were right, weighted where images are."""


class Rates:
    """The optimiser's learning rates, and what a schedule makes of them."""

    def __init__(self, optimiser: torch.optim.Optimizer, schedule: str) -> None:
        self.changes = schedule != "constant"
        self.groups = [(group, float(group["lr"])) for group in optimiser.param_groups]

    def at(self, share: float) -> list[float]:
        """Of each parameter group, at a share of its highest."""
        return [highest * share for _, highest in self.groups]

    def set(self, share: float) -> None:
        if not self.changes:
            return
        for (group, _), rate in zip(self.groups, self.at(share), strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


class EpochDriver:
    """Takes the steps of epochs. Losses stay on the device until an epoch ends: no step waits for a number.

    On a GPU, where `capture` says so, whole batches are steps of a CUDA graph.
    """

    def __init__(
        self,
        step: Step,
        feed: Feed,
        rates: Rates,
        *,
        size: int,
        losses: int,
        random: torch.Generator,
        weights: Callable[[], Tensor] | None = None,
    ) -> None:
        """`size`: images of a whole batch; `losses`: L; `random`: draws the changes to images; `weights`: those of the
        tasks in the last step (L,)."""
        self.step, self.feed, self.rates = step, feed, rates
        self.size, self.losses, self.random, self.weights = size, losses, random, weights
        self.replayed: Replayed | None = None

    @property
    def choices(self) -> dict[str, str]:
        """What a record says of how steps are taken."""
        return {"step": "CUDA graph"} if self.replayed is not None else dict(self.step.choices)

    def capture(self, net: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
        """Take whole batches as steps of a CUDA graph from now on, where there are whole ones."""
        if self.size > len(self.feed.train):
            return
        order = torch.arange(len(self.feed.train), device=self.feed.train.images.device)
        one = self.feed.draw(1, torch.Generator())
        keep = () if self.feed.pruner is None else (self.feed.pruner.losses,)
        self.replayed = Replayed(
            partial(_take_drawn, self.step, self.feed),  # not a method: a cycle would keep the net's memory
            *(net, optimiser, order, self.size, self.losses),
            drawn=one,
            keep=keep,
        )

    def run(
        self, indices: Sequence[Tensor], shares: Sequence[float], progress: Progress, watch: Watch | None = None
    ) -> EpochLog:
        """The steps of an epoch: of each the index of its images, and its share of the highest rate (`schedule`)."""
        losses = torch.zeros(len(indices), self.losses, device=self.feed.train.images.device)
        weights, right, first = torch.ones_like(losses), torch.zeros_like(losses[0]), 0
        if self.replayed is not None:
            first = self._replay(self.replayed, indices, shares, watch)
            losses[:first], right = self.replayed.losses[:first], self.replayed.right.clone()
            if self.weights is not None:
                weights[:first] = self.weights()
        reported, rest = time.perf_counter(), indices[first:]
        seen, images = sum(map(len, indices[:first])), sum(map(len, indices))
        for number, (index, plain) in enumerate(zip(rest, self.feed.train.batches(rest), strict=True), first):
            batch = self.feed.changed(index, plain, self.feed.draw(len(index), self.random))
            self.rates.set(shares[number])
            forward = _take(self.step, self.feed, index, batch)
            losses[number] = forward.losses
            if self.weights is not None:
                weights[number] = self.weights()
            right += forward.right
            seen += len(index)
            if watch is not None:
                watch(number, partial(_same, batch))
            if time.perf_counter() - reported > PROGRESS_EVERY_S:
                reported = time.perf_counter()
                progress(seen / images, losses[number], right, self.feed.counted(indices[: number + 1]))
        self.step.flush()
        return EpochLog(losses, weights, right)

    def _replay(
        self, replayed: Replayed, indices: Sequence[Tensor], shares: Sequence[float], watch: Watch | None
    ) -> int:
        """Take the steps of all whole batches of an epoch; how many they were."""
        whole = sum(len(index) == self.size for index in indices)
        replayed.start(
            torch.cat(list(indices))[: whole * self.size], [self.rates.at(share) for share in shares[:whole]]
        )
        drawn: list[Drawn] = []

        def batch(step: int) -> Batch:
            return self.feed.batch(indices[step], drawn[step])

        for step in range(whole):
            if step == len(drawn):
                several = [self.feed.draw(self.size, self.random) for _ in range(min(AHEAD, whole - step))]
                replayed.draw(step, Drawn.joined(several))
                drawn += several
            replayed.replay()
            if watch is not None:
                watch(step, partial(batch, step))
        return whole


def _take(step: Step, feed: Feed, index: Tensor, batch: Batch) -> Forward:
    forward = step(batch)
    feed.note(index, forward.of_images)
    return forward


def _take_drawn(step: Step, feed: Feed, index: Tensor, drawn: Drawn) -> Forward:
    return _take(step, feed, index, feed.batch(index, drawn))


def _same(batch: Batch) -> Batch:
    return batch
