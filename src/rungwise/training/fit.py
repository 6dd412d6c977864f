"""Fitting one net: from a trial to what a record keeps of it."""

import copy
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.balancing import fixed
from rungwise.balancing.balancer import Balancer
from rungwise.balancing.dominance import Dominance
from rungwise.balancing.learner import Batch, Learner
from rungwise.bench import Bench
from rungwise.seeding import stream_seed
from rungwise.training.batches import Resident
from rungwise.training.epochs import EpochDriver, Rates
from rungwise.training.evaluate import loss_and_accuracy, predict, predict_views
from rungwise.training.feed import Feed
from rungwise.training.learner import begin, build_learner
from rungwise.training.memory import peak_bytes
from rungwise.training.notes import Epoch, note_end, note_predictions, note_test, note_training
from rungwise.training.precision import resolve
from rungwise.training.pruning import Pruner
from rungwise.training.schedule import shares
from rungwise.training.settings import Fit
from rungwise.training.steps import can_capture, choose_step
from rungwise.training.stop import EarlyStop
from rungwise.trial import Outcome, TrialFailed

DOMINANCE_EVERY = 20
"""Steps between two looks at what each task asks of the shared parameters; a look costs K backward passes."""


def carry_out(trial: Fit, bench: Bench) -> Outcome:
    """Fit the trial's net and test it after each epoch. Nothing is selected by the test images: the last epoch is what
    counts, or with early stopping the one that was best on the images set aside.

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
    out.choices |= loop.choices
    stop = None if trial.fit.stop is None else EarlyStop(trial, parts["validation"], precision)
    logits: tuple[Tensor, ...] = ()
    for epoch in range(trial.epochs):
        loop.run_epoch(epoch)
        note_training(out, trial, loop.epoch)
        started = now(bench.device)
        over = stop is not None and stop.look(net, epoch + 1, out)
        last = over or epoch + 1 == trial.epochs or loop.epoch.loss < (trial.fit.stop_loss or 0)
        if trial.fit.evaluate == "epochs" or (last and stop is None):
            logits = predict(net, parts["test"].images, precision)
            note_test(out, trial, logits, parts["test"].labels)
        loop.evaluate_s += now(bench.device) - started
        bench.progress({"epoch": epoch + 1, "loss": loop.epoch.loss, "accuracy": loop.epoch.accuracy[0]})
        if last:
            break

    started = now(bench.device)
    if stop is not None:
        stop.restore(net)
        out.summary["best_epoch"] = stop.epoch
        logits = predict(net, parts["test"].images, precision)
        note_test(out, trial, logits, parts["test"].labels, curve=trial.fit.evaluate == "end")
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


class _Loop:
    """The epochs of one net's training, and their clock."""

    def __init__(self, trial: Fit, net: nn.Module, parts: Mapping[str, Resident], precision: str, bench: Bench) -> None:
        self.trial, self.train, self.bench = trial, parts["train"], bench
        learner = build_learner(trial, net, parts, precision)
        self.balancer = _balancer(trial, learner)
        several = len(trial.tasks) > 1
        self.dominance = Dominance(self.balancer) if several and learner.shared else None
        self.frozen = [m for m in net.modules() if m.training is False]
        self.order = torch.Generator().manual_seed(stream_seed(trial.seed, "order"))
        changes = torch.Generator().manual_seed(stream_seed(trial.seed, "augmentation"))
        self.feed = _feed(trial, self.train, changes)
        self.driver = EpochDriver(
            choose_step(self.balancer, weighted=self.feed.pruner is not None),
            self.feed,
            Rates(learner.optimiser, trial.fit.schedule),
            size=trial.fit.batch,
            losses=len(trial.tasks),
            random=changes,
            weights=partial(getattr, self.balancer, "weights") if several else None,
        )
        if can_capture(self.balancer):
            self.driver.capture(net, learner.optimiser)
        self.number = 0
        """Of the epoch that runs."""
        self.epoch = Epoch()
        self.weights: list[Tensor] = []
        """(steps, K) for each epoch."""
        self.steps = 0
        self.train_s = self.evaluate_s = self.aside_s = 0.0

    @property
    def choices(self) -> dict[str, str]:
        """What a record says of the steps."""
        return self.driver.choices

    def run_epoch(self, number: int) -> None:
        for module in self.frozen:
            module.eval()
        self.number, self.aside_s, started = number, 0.0, now(self.bench.device)
        n, feed, recipe = len(self.train), self.feed, self.trial.fit
        if feed.mirrored is not None:
            feed.mirrored.logical_not_()
        seen = None if feed.pruner is None else feed.pruner.draw(number, self.order)
        indices = self.train.shuffled(recipe.batch, self.order, seen)
        whole = -(-n // recipe.batch)  # steps of an epoch that sees all images
        rates = shares(recipe, number, len(indices), whole)
        log = self.driver.run(indices, rates, self._report, None if self.dominance is None else self._look)
        if (failure := infinite(log.losses, number, recipe.rate)) is not None:
            raise failure
        share = torch.tensor([len(index) / n for index in indices], device=self.train.images.device)
        means = share @ log.losses
        self.balancer.end_epoch(means)
        self.steps += len(indices)
        self.train_s += now(self.bench.device) - started - self.aside_s
        self.weights.append(log.weights)
        loss = fixed.weighted_sum(means, self.trial.loss_weights).item()
        # Where images were left out, the weights of the others make up for them on average, and not in each epoch.
        accuracy = (log.right / n).clamp(max=1)
        self.epoch = Epoch(loss, means.tolist(), accuracy.tolist(), log.weights.mean(0).tolist())
        if self.dominance is not None and self.dominance.average is not None:
            self.epoch.dominance = self.dominance.average.tolist()

    def _look(self, step: int, batch: Callable[[], Batch]) -> None:
        """Measure the tasks' dominance after some steps, outside the clock."""
        if self.dominance is None or (self.steps + step) % DOMINANCE_EVERY:
            return
        drawn, since = batch(), now(self.bench.device)
        self.dominance.look(drawn)
        self.aside_s += now(self.bench.device) - since

    def _report(self, done: float, losses: Tensor, right: Tensor, counted: float) -> None:
        progress = {"epoch": self.number + done, "loss": losses.sum().item()}
        self.bench.progress(progress | {"accuracy": right[0].item() / counted})


def _balancer(trial: Fit, learner: Learner) -> Balancer:
    return (trial.balance or fixed.Settings()).build(learner)


def _feed(trial: Fit, train: Resident, random: torch.Generator) -> Feed:
    """`random`: draws which images are mirrored first."""
    augment, mirrored, pruner = trial.fit.augment, None, None
    if augment is not None and augment.flip == "alternate":
        mirrored = (torch.rand(len(train), generator=random) < 0.5).to(train.images.device)
    if trial.fit.pruning is not None:
        pruner = Pruner(trial.fit.pruning, len(train), trial.epochs, train.images.device.type)
    return Feed(train, augment, mirrored, pruner)


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


def _warm_up(net: nn.Module, parts: Mapping[str, Resident], trial: Fit, precision: str) -> tuple[float, int]:
    """Seconds and most bytes of two steps on a throwaway copy: kernels are chosen and memory is taken outside the
    clock. The second step is as any later one: the optimiser's and the balancer's memory is there by then.
    """
    device, twin = parts["train"].images.device.type, copy.deepcopy(net)
    started = now(device)
    first = parts["train"].batch(torch.arange(min(trial.fit.batch, len(parts["train"]))))

    def work() -> None:
        balancer = _balancer(trial, build_learner(trial, twin, parts, precision))
        step = choose_step(balancer, weighted=trial.fit.pruning is not None)
        for _ in range(2):
            step(first)

    size = peak_bytes(work)
    return now(device) - started, size


def now(device: str) -> float:
    """The clock in seconds, once the device has done all that this thread asked of it."""
    if device == "cuda":
        torch.cuda.current_stream().synchronize()
    return time.perf_counter()
