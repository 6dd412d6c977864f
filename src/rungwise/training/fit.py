"""Fitting one net: the one training loop of rungwise."""

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.balancing import fixed
from rungwise.balancing.balancer import Balancer
from rungwise.balancing.dominance import Dominance
from rungwise.balancing.learner import Batch, Forward
from rungwise.bench import Bench
from rungwise.seeding import stream_seed
from rungwise.training.augment import Augmentation, Drawn
from rungwise.training.batches import Resident
from rungwise.training.evaluate import loss_and_accuracy, predict, predict_views
from rungwise.training.graph import Replayed, can_capture
from rungwise.training.learner import begin, build_learner
from rungwise.training.memory import peak_bytes
from rungwise.training.notes import Epoch, note_end, note_predictions, note_test, note_training
from rungwise.training.precision import resolve
from rungwise.training.pruning import Pruner
from rungwise.training.settings import Fit
from rungwise.trial import Outcome, TrialFailed

PROGRESS_EVERY_S = 0.5
AHEAD = 64
"""Steps on a GPU whose changes to images are drawn at once, while it is at the ones before."""
DOMINANCE_EVERY = 20
"""Steps between two looks at what each task asks of the shared parameters; a look costs K backward passes."""
RISE = 0.2
"""The share of the steps over which the rate of one-cycle training rises."""


def carry_out(trial: Fit, bench: Bench) -> Outcome:
    """Fit the trial's net and test it after each epoch. Nothing is selected: the last epoch is what is told.

    Raises TrialFailed where the loss stops being finite.
    """
    split = bench.split(trial.data, trial.seed)
    parts = {
        name: Resident.of(part, trial, bench.device)
        for name, part in (("train", split.train), ("test", split.test), ("validation", split.validation))
        if part is not None
    }
    precision = resolve(trial.fit.precision, bench.device)
    net = begin(trial, split.train.shape, bench.records)
    net.to(device=bench.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    out = Outcome(choices={"precision": precision})
    out.timings["warmup_s"], out.summary["step_bytes"] = _warm_up(net, parts, trial, precision)
    loop = _Loop(trial, net, parts, precision, bench)
    if loop.replayed is not None:
        out.choices["step"] = "CUDA graph"
    if isinstance(loop.balancer, fixed.Fixed) and loop.balancer.compiled is not None and loop.pruner is None:
        out.choices["step"] = "machine code"
    if isinstance(loop.balancer, fixed.Fixed) and loop.balancer.through is not loop.balancer.learner:
        out.choices["convolutions"] = "machine code"
    if isinstance(loop.balancer, fixed.Fixed) and loop.balancer.taught:
        out.choices["dense"] = "machine code"
    logits: tuple[Tensor, ...] = ()
    for epoch in range(trial.epochs):
        loop.run_epoch(epoch)
        note_training(out, trial, loop.epoch)
        last = epoch + 1 == trial.epochs or loop.epoch.loss < (trial.fit.stop_loss or 0)
        if last or trial.fit.evaluate == "epochs":
            started = now(bench.device)
            logits = predict(net, parts["test"].images, precision)
            note_test(out, trial, logits, parts["test"].labels)
            loop.evaluate_s += now(bench.device) - started
        bench.progress({"epoch": epoch + 1, "loss": loop.epoch.loss, "accuracy": loop.epoch.accuracy[0]})
        if last:
            break

    started = now(bench.device)
    note_end(out, trial, net, parts, precision)
    note_predictions(out, trial, logits, split)
    if trial.fit.test_views != "one":
        seen = predict_views(net, parts["test"].images, precision, trial.fit.test_views)
        for k, task in enumerate(trial.tasks):
            _, out.summary[trial.key("views_accuracy", task)] = loss_and_accuracy(seen[k], parts["test"].labels[k])
    out.timings |= {"train_s": loop.train_s, "evaluate_s": loop.evaluate_s + now(bench.device) - started}
    out.summary |= {"time_s": loop.train_s, "epochs": len(loop.weights), "steps": loop.steps}
    if trial.frozen:
        out.summary["parameters_learnt"] = sum(p.numel() for p in net.parameters() if p.requires_grad)
    if len(trial.tasks) > 1:
        out.arrays["task_weights"] = torch.cat(loop.weights).cpu().numpy()
    return out


@dataclass(frozen=True)
class _Lesson:
    """How the images of an index are learnt."""

    balancer: Balancer
    train: Resident
    augment: Augmentation | None
    mirrored: Tensor | None
    """Which images are mirrored in this epoch, (N,), bool, where that alternates."""
    pruner: Pruner | None

    def draw(self, count: int, random: torch.Generator) -> Drawn:
        """What happens to that many images."""
        return Drawn() if self.augment is None else self.augment.draw(count, self.train.images.shape[2:], random)

    def changed(self, index: Tensor, batch: Batch, drawn: Drawn) -> Batch:
        """Their batch as it is learnt: weighted, augmented."""
        if self.pruner is not None:
            batch = batch._replace(weights=self.pruner.weights[index])
        if self.augment is None:
            return batch
        if self.mirrored is not None:
            drawn = drawn._replace(mirrored=self.mirrored[index])
        return batch._replace(images=self.augment.change(batch.images, drawn))

    def learn(self, index: Tensor, batch: Batch) -> Forward:
        forward = self.balancer.step(batch)
        if self.pruner is not None and forward.of_images is not None:
            self.pruner.losses[index] = forward.of_images[0]
        return forward

    def take(self, index: Tensor, drawn: Drawn) -> Forward:
        """A whole step."""
        return self.learn(index, self.changed(index, self.train.batch(index), drawn))

    def as_graph(self, size: int) -> Replayed:
        """Steps on batches of that size."""
        learner = self.balancer.learner
        order = torch.arange(len(self.train), device=self.train.images.device)
        one = self.draw(1, torch.Generator())
        keep = () if self.pruner is None else (self.pruner.losses,)
        return Replayed(
            self.take, learner.net, learner.optimiser, order, size, len(self.train.labels), drawn=one, keep=keep
        )


class _Loop:
    """The steps of training. Losses stay on the device until the epoch ends: no step waits for a number."""

    def __init__(self, trial: Fit, net: nn.Module, parts: Mapping[str, Resident], precision: str, bench: Bench) -> None:
        self.trial, self.train, self.bench = trial, parts["train"], bench
        learner = build_learner(trial, net, parts, precision)
        self.balancer = (trial.balance or fixed.Settings()).build(learner)
        augment, mirrored = trial.fit.augment, None
        self.dominance = Dominance(self.balancer) if len(trial.tasks) > 1 and learner.shared else None
        self.frozen = [m for m in net.modules() if m.training is False]
        self.order = torch.Generator().manual_seed(stream_seed(trial.seed, "order"))
        self.changes = torch.Generator().manual_seed(stream_seed(trial.seed, "augmentation"))
        if augment is not None and augment.flip == "alternate":
            mirrored = (torch.rand(len(self.train), generator=self.changes) < 0.5).to(bench.device)
        self.pruner: Pruner | None = None
        if trial.fit.pruning is not None:
            self.pruner = Pruner(trial.fit.pruning, len(self.train), trial.epochs, bench.device)
        self.lesson = _Lesson(self.balancer, self.train, augment, mirrored, self.pruner)
        self.groups = [(group, float(group["lr"])) for group in learner.optimiser.param_groups]
        self.replayed: Replayed | None = None
        if can_capture(self.balancer) and trial.fit.batch <= len(self.train):
            self.replayed = self.lesson.as_graph(trial.fit.batch)
        self.epoch = Epoch()
        self.weights: list[Tensor] = []
        """(steps, K) for each epoch."""
        self.steps = 0
        self.train_s = self.evaluate_s = self.aside_s = 0.0

    def run_epoch(self, number: int) -> None:
        for module in self.frozen:
            module.eval()
        started, self.aside_s = now(self.bench.device), 0.0
        n, tasks, device = len(self.train), len(self.trial.tasks), self.train.images.device
        if self.lesson.mirrored is not None:
            self.lesson.mirrored.logical_not_()
        seen = None if self.pruner is None else self.pruner.draw(number, self.order)
        indices = self.train.shuffled(self.trial.fit.batch, self.order, seen)
        whole = -(-n // self.trial.fit.batch)  # steps of an epoch that sees all images
        times = [(number * whole + (step + 1) * whole / len(indices)) for step in range(len(indices))]
        done = [time / (whole * self.trial.epochs + 1) for time in times]
        losses = torch.zeros(len(indices), tasks, device=device)
        weights = torch.ones_like(losses)
        right = torch.zeros(tasks, device=device)
        first = 0
        if self.replayed is not None:
            first = self._replay(self.replayed, indices, done)
            losses[:first], right = self.replayed.losses[:first], self.replayed.right.clone()
            if tasks > 1:
                weights[:first] = self.balancer.weights
        told = time.perf_counter()
        rest = indices[first:]
        for step, (index, plain) in enumerate(zip(rest, self.train.batches(rest), strict=True), first):
            batch = self.lesson.changed(index, plain, self.lesson.draw(len(index), self.changes))
            self._set_rates(done[step])
            forward = self.lesson.learn(index, batch)
            losses[step] = forward.losses
            if tasks > 1:
                weights[step] = self.balancer.weights
            right += forward.right
            if self._looks_at(step):
                self._look(batch)
            if time.perf_counter() - told > PROGRESS_EVERY_S:
                told = time.perf_counter()
                self._tell(number, (step + 1) / len(indices), losses[step], right)
        if (failure := infinite(losses, number, self.trial.fit.rate)) is not None:
            raise failure
        share = torch.tensor([len(index) / n for index in indices], device=device)
        means = share @ losses
        self.balancer.end_epoch(means)
        self.steps += len(indices)
        self.train_s += now(self.bench.device) - started - self.aside_s
        self.weights.append(weights)
        loss = fixed.weighted_sum(means, self.trial.loss_weights).item()
        self.epoch = Epoch(loss, means.tolist(), (right / n).tolist(), weights.mean(0).tolist())
        if self.dominance is not None and self.dominance.average is not None:
            self.epoch.dominance = self.dominance.average.tolist()

    def _replay(self, replayed: Replayed, indices: Sequence[Tensor], done: Sequence[float]) -> int:
        """Learn all whole batches of an epoch; how many they were."""
        size = self.trial.fit.batch
        whole = sum(len(index) == size for index in indices)
        rates = [[highest * one_cycle(share) for _, highest in self.groups] for share in done[:whole]]
        replayed.start(torch.cat(list(indices))[: whole * size], rates)
        drawn: list[Drawn] = []
        for step in range(whole):
            if step == len(drawn):
                several = [self.lesson.draw(size, self.changes) for _ in range(min(AHEAD, whole - step))]
                replayed.draw(step, Drawn.joined(several))
                drawn += several
            replayed.replay()
            if self._looks_at(step):
                index = indices[step]
                self._look(self.lesson.changed(index, self.train.batch(index), drawn[step]))
        return whole

    def _looks_at(self, step: int) -> bool:
        """Whether the tasks' dominance is measured after that step of the epoch."""
        return self.dominance is not None and (self.steps + step) % DOMINANCE_EVERY == 0

    def _look(self, batch: Batch) -> None:
        """Measure it, outside the clock."""
        assert self.dominance is not None
        since = now(self.bench.device)
        self.dominance.look(batch)
        self.aside_s += now(self.bench.device) - since

    def _set_rates(self, done: float) -> None:
        """The optimiser's rates once that share of training is over."""
        if self.trial.fit.schedule == "one-cycle":
            for group, highest in self.groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(highest * one_cycle(done))
                else:
                    group["lr"] = highest * one_cycle(done)

    def _tell(self, epoch: int, done: float, losses: Tensor, right: Tensor) -> None:
        """How far training is; reading the numbers waits for the device, so it is not done at each step."""
        progress = {"epoch": epoch + done, "loss": losses.sum().item()}
        self.bench.progress(progress | {"accuracy": right[0].item() / (done * len(self.train))})


def infinite(losses: Tensor, epoch: int, rate: float) -> TrialFailed | None:
    """What is wrong where an epoch's losses (steps, K) are not all finite."""
    bad = torch.isfinite(losses).all(1).logical_not().nonzero().flatten()
    if not len(bad):
        return None
    step = int(bad[0])
    value = next(v for v in losses[step].tolist() if not np.isfinite(v))
    return TrialFailed(
        f"the loss became {value} at step {epoch * len(losses) + step + 1} (epoch {epoch + 1}): "
        f"try a learning rate below {rate:g}"
    )


def one_cycle(done: float) -> float:
    """The share of the highest rate, from 0 up and down to 0, once that share of training is over."""
    return min(done / RISE, (1 - done) / (1 - RISE))


def _warm_up(net: nn.Module, parts: Mapping[str, Resident], trial: Fit, precision: str) -> tuple[float, int]:
    """Seconds and most bytes of two steps on a throwaway copy: kernels are chosen and memory is taken outside the
    clock. The second step is as any later one: the optimiser's and the balancer's memory is there by then.
    """
    device, twin = parts["train"].images.device.type, copy.deepcopy(net)
    started = now(device)
    first = parts["train"].batch(torch.arange(min(trial.fit.batch, len(parts["train"]))))

    def work() -> None:
        balancer = (trial.balance or fixed.Settings()).build(build_learner(trial, twin, parts, precision))
        for _ in range(2):
            balancer.step(first)

    size = peak_bytes(work)
    return now(device) - started, size


def now(device: str) -> float:
    """The clock in seconds, once the device has done all that this thread asked of it."""
    if device == "cuda":
        torch.cuda.current_stream().synchronize()
    return time.perf_counter()
