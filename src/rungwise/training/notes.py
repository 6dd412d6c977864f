"""What a record says of training: numbers of epochs, of the end, and predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn

from rungwise.data.images import Split
from rungwise.data.tasks import task_labels
from rungwise.training.batches import Resident
from rungwise.training.evaluate import loss_and_accuracy, most_wrong, score
from rungwise.training.settings import Fit
from rungwise.trial import Outcome

HALF_MAX = float(np.finfo(np.float16).max)


@dataclass
class Epoch:
    """Running means over the batches of one epoch, while the weights were moving."""

    loss: float = 0.0
    """Weighted sum over the tasks, by the study's weights."""
    losses: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    """One per task."""
    weights: list[float] = field(default_factory=list)
    """One per task: the mean over the steps of what the balancer gave them."""
    dominance: list[float] = field(default_factory=list)
    """AU, one per task; empty where no parameters are shared."""


def note_training(out: Outcome, trial: Fit, epoch: Epoch) -> None:
    for k, task in enumerate(trial.tasks):
        values = {"train_loss": epoch.losses[k], "train_accuracy": epoch.accuracy[k]}
        told = {"weight": epoch.weights, "dominance": epoch.dominance} if len(trial.tasks) > 1 else {}
        values |= {name: each[k] for name, each in told.items() if each and np.isfinite(each).all()}
        for name, value in values.items():
            out.history.setdefault(trial.key(name, task), []).append(value)


def note_test(out: Outcome, trial: Fit, logits: tuple[Tensor, ...], labels: Tensor, *, curve: bool = True) -> None:
    """`curve`: whether it is the point of an epoch, too."""
    for k, task in enumerate(trial.tasks):
        loss, accuracy = loss_and_accuracy(logits[k], labels[k])
        for name, value in (("test_loss", loss), ("test_accuracy", accuracy)):
            if curve:
                out.history.setdefault(trial.key(name, task), []).append(value)
            out.summary[trial.key(name, task)] = value


def note_end(out: Outcome, trial: Fit, net: nn.Module, parts: Mapping[str, Resident], precision: str) -> None:
    """The final weights, and what they do on all training images and on those set aside."""
    out.summary["parameters"] = sum(p.numel() for p in net.parameters())
    out.weights = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    for name in (name for name in parts if name != "test"):
        found = score(net, parts[name].images, parts[name].labels, precision)
        for (loss, accuracy), task in zip(found, trial.tasks, strict=True):
            out.summary |= {trial.key(f"{name}_loss", task): loss, trial.key(f"{name}_accuracy", task): accuracy}


def note_predictions(out: Outcome, trial: Fit, logits: tuple[Tensor, ...], split: Split) -> None:
    """What the final weights say of each test image."""
    for k, (task, rule) in enumerate(trial.tasks.items()):
        answers, labels = logits[k].cpu().numpy(), task_labels(rule, split.test)
        small = np.uint8 if answers.shape[1] <= 256 else np.int32
        wrong, half = most_wrong(answers, labels), np.empty(answers.shape, np.float16)
        out.arrays |= {
            trial.key("test_logits", task): np.clip(answers, -HALF_MAX, HALF_MAX, out=half, casting="unsafe"),
            trial.key("test_predictions", task): answers.argmax(1).astype(small),
            trial.key("test_labels", task): labels.astype(small),
            trial.key("wrong_index", task): wrong.astype(np.int32),
            trial.key("wrong_images", task): split.test.images[wrong],
        }
