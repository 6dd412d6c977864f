"""Fitting one net: the one training loop of rungwise."""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.balancing.fixed import weighted_sum
from rungwise.data.images import ImageSet
from rungwise.data.tasks import task_labels
from rungwise.models.net import initialise
from rungwise.seeding import stream_seed
from rungwise.training.evaluate import loss_and_accuracy, most_wrong, predict, scaled
from rungwise.training.precision import resolve
from rungwise.training.trial import Fit, Recipe
from rungwise.trial import Bench, Outcome, TrialFailed

PROGRESS_EVERY_S = 0.5
HALF_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Resident:
    """Images and every task's labels, whole on the device: a batch is one indexing, not one object per image."""

    images: Tensor
    """(N, C, H, W), uint8."""
    labels: Tensor
    """(K, N), int64: one row per task."""

    @classmethod
    def of(cls, part: ImageSet, trial: Fit, device: str) -> "Resident":
        labels = np.stack([task_labels(task, part.labels) for task in trial.tasks.values()])
        return cls(torch.from_numpy(part.images).to(device), torch.from_numpy(labels).to(device))


def carry_out(trial: Fit, bench: Bench) -> Outcome:
    """Fit the trial's net and test it after each epoch. Nothing is selected: the last epoch is what is told.

    Raises TrialFailed where the loss stops being finite.
    """
    split = bench.split(trial.data, trial.seed)
    train = Resident.of(split.train, trial, bench.device)
    test = Resident.of(split.test, trial, bench.device)
    precision = resolve(trial.fit.precision, bench.device)
    net = trial.net.build(split.train.shape, trial.outputs)
    initialise(net, torch.Generator().manual_seed(stream_seed(trial.seed, "initialisation")))
    net.to(device=bench.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    out = Outcome(choices={"precision": precision})
    out.timings["warmup_s"] = _warm_up(net, train, trial, precision)
    loop = _Loop(trial, net, train, precision, bench)
    logits: tuple[Tensor, ...] = ()
    for epoch in range(trial.epochs):
        loop.run_epoch(epoch)
        started = _now(bench.device)
        logits = predict(net, test.images, precision)
        _note_epoch(out, trial, loop.epoch, logits, test.labels)
        loop.evaluate_s += _now(bench.device) - started
        bench.progress({"epoch": epoch + 1, "loss": loop.epoch.loss, "accuracy": loop.epoch.accuracy[0]})

    started = _now(bench.device)
    _note_end(out, trial, predict(net, train.images, precision), train.labels, logits, split.test)
    out.timings |= {"train_s": loop.train_s, "evaluate_s": loop.evaluate_s + _now(bench.device) - started}
    out.summary["time_s"] = loop.train_s
    out.summary["parameters"] = sum(p.numel() for p in net.parameters())
    out.weights = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    return out


@dataclass
class _Epoch:
    """Running means over the batches of one epoch, while the weights were moving."""

    loss: float = 0.0
    """Weighted sum over the tasks."""
    losses: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    """One per task."""


class _Loop:
    """The steps of training. Losses stay on the device until the epoch ends: no step waits for a number."""

    def __init__(self, trial: Fit, net: nn.Module, train: Resident, precision: str, bench: Bench) -> None:
        self.trial, self.net, self.train, self.precision, self.bench = trial, net, train, precision, bench
        self.optimiser = build_optimiser(trial.fit, net)
        self.order = torch.Generator().manual_seed(stream_seed(trial.seed, "order"))
        self.epoch = _Epoch()
        self.train_s = self.evaluate_s = 0.0

    def run_epoch(self, number: int) -> None:
        started = told = _now(self.bench.device)
        n, tasks = len(self.train.images), len(self.trial.tasks)
        batches = list(self._batches(n))
        losses = torch.zeros(len(batches), tasks, device=self.train.images.device)
        right = torch.zeros(tasks, device=self.train.images.device)
        for step, index in enumerate(batches):
            losses[step], correct = self._step(index)
            right += correct
            if time.perf_counter() - told > PROGRESS_EVERY_S:
                told = time.perf_counter()
                seen = float(sum(map(len, batches[: step + 1])))
                self.bench.progress(
                    {
                        "epoch": number + seen / n,
                        "loss": losses[step].sum().item(),
                        "accuracy": right[0].item() / seen,
                    }
                )
        self._refuse_infinite(losses, number)
        share = torch.tensor([len(index) / n for index in batches], device=losses.device)
        means = share @ losses
        self.epoch = _Epoch(weighted_sum(means, self.trial.loss_weights).item(), means.tolist(), (right / n).tolist())
        self.train_s += _now(self.bench.device) - started

    def _batches(self, n: int) -> Iterator[Tensor]:
        """A new random order of the n images, cut into batches."""
        order = torch.randperm(n, generator=self.order).to(self.train.images.device)
        return iter(torch.split(order, self.trial.fit.batch))

    def _step(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """One update. Returns each task's loss and count of right answers, (K,) each, before the update."""
        labels = self.train.labels[:, index]
        with torch.autocast(index.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            outputs = self.net(scaled(self.train.images[index]))
        losses = torch.stack([F.cross_entropy(z.float(), y) for z, y in zip(outputs, labels, strict=True)])
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(weighted_sum(losses, self.trial.loss_weights))
        self.optimiser.step()
        right = torch.stack([(z.argmax(1) == y).sum() for z, y in zip(outputs, labels, strict=True)])
        return losses.detach(), right

    def _refuse_infinite(self, losses: Tensor, epoch: int) -> None:
        bad = torch.isfinite(losses).all(1).logical_not().nonzero().flatten()
        if len(bad):
            step = int(bad[0])
            value = next(v for v in losses[step].tolist() if not np.isfinite(v))
            raise TrialFailed(
                f"the loss became {value} at step {epoch * len(losses) + step + 1} (epoch {epoch + 1}): "
                f"try a learning rate below {self.trial.fit.rate:g}"
            )


def build_optimiser(recipe: Recipe, net: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters, with the fused kernel: one pass over the memory per step."""
    if recipe.optimiser == "adam":
        return torch.optim.Adam(net.parameters(), recipe.rate, fused=True)
    return torch.optim.SGD(net.parameters(), recipe.rate, momentum=recipe.momentum, fused=True)


def _warm_up(net: nn.Module, train: Resident, trial: Fit, precision: str) -> float:
    """Seconds of a first step on a throwaway copy: kernels are chosen and memory is taken outside the clock."""
    started = _now(train.images.device.type)
    twin = copy.deepcopy(net)
    with torch.autocast(train.images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        outputs = twin(scaled(train.images[: trial.fit.batch]))
    torch.autograd.backward(torch.stack([logits.float().sum() for logits in outputs]).sum())
    return _now(train.images.device.type) - started


def _now(device: str) -> float:
    """The clock in seconds, once the device has done all that was asked of it."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _note_epoch(out: Outcome, trial: Fit, epoch: _Epoch, logits: tuple[Tensor, ...], labels: Tensor) -> None:
    for k, task in enumerate(trial.tasks):
        test_loss, test_accuracy = loss_and_accuracy(logits[k], labels[k])
        values = {
            "train_loss": epoch.losses[k],
            "train_accuracy": epoch.accuracy[k],
            "test_loss": test_loss,
            "test_accuracy": test_accuracy,
        }
        for name, value in values.items():
            out.history.setdefault(trial.key(name, task), []).append(value)


def _note_end(
    out: Outcome,
    trial: Fit,
    train_logits: tuple[Tensor, ...],
    train_labels: Tensor,
    test_logits: tuple[Tensor, ...],
    test: ImageSet,
) -> None:
    """The final weights on all training images, and the predictions on the test images."""
    for k, (task, rule) in enumerate(trial.tasks.items()):
        loss, accuracy = loss_and_accuracy(train_logits[k], train_labels[k])
        logits = test_logits[k].cpu().numpy()
        labels = task_labels(rule, test.labels)
        small = np.uint8 if logits.shape[1] <= 256 else np.int32
        wrong = most_wrong(logits, labels)
        out.summary |= {trial.key("train_loss", task): loss, trial.key("train_accuracy", task): accuracy}
        for name in ("test_loss", "test_accuracy"):
            out.summary[trial.key(name, task)] = out.history[trial.key(name, task)][-1]
        out.arrays |= {
            trial.key("test_logits", task): logits.clip(-HALF_MAX, HALF_MAX).astype(np.float16),
            trial.key("test_predictions", task): logits.argmax(1).astype(small),
            trial.key("test_labels", task): labels.astype(small),
            trial.key("wrong_index", task): wrong.astype(np.int32),
            trial.key("wrong_images", task): test.images[wrong],
        }
