"""The trials of training: one net by its recipe, one perceptron by its rule."""

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny

from rungwise.balancing import read_balancer
from rungwise.balancing.balancer import BalancerSettings
from rungwise.data.tasks import Task, task_classes
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import NetSettings, count_parameters
from rungwise.settings import Settings
from rungwise.training.augment import Augmentation
from rungwise.training.pruning import Pruning
from rungwise.trial import MOST_TOGETHER, Trial

HIGHEST_RATE = 1e30
"""Above it numbers of 32 bits overflow at the first step. A lower one that is still too high makes a trial fail, and
the failure says so."""


class Recipe(Settings):
    """How a net is fitted."""

    epochs: int = Field(ge=1, le=100_000)
    batch: int = Field(64, ge=1, le=1_000_000)
    """Images per step; the last batch of an epoch may be smaller."""
    optimiser: Literal["adam", "sgd", "rmsprop", "adagrad", "muon"] = "adam"
    """muon: for the weights of all layers but the first and the last, with Adam at `adam_rate` for the rest."""
    rate: float = Field(1e-3, gt=0, le=HIGHEST_RATE)
    """Learning rate; with a schedule, the highest."""
    momentum: float = Field(0.0, ge=0, lt=1)
    """Of SGD and Muon; the others take no notice of it."""
    adam_rate: float = Field(8e-3, gt=0, le=HIGHEST_RATE, exclude_if=lambda rate: rate == 8e-3)
    """Beside Muon's `rate`, for what Muon does not move."""
    schedule: Literal["constant", "one-cycle"] = Field("constant", exclude_if=lambda schedule: schedule == "constant")
    """one-cycle: the rates rise in a straight line over the first fifth of the steps, and fall to 0 over the rest."""
    label_smoothing: float = Field(0.0, ge=0, lt=1, exclude_if=lambda share: not share)
    """The share of each label that is spread over all classes; training losses are of the labels so smoothed."""
    augment: Augmentation | None = Field(None, exclude_if=lambda augment: augment is None)
    """Random changes to the training images; the running training accuracy is of the changed ones."""
    pruning: Pruning | None = Field(None, exclude_if=lambda pruning: pruning is None)
    """Epochs that leave out images that are learnt already; running training losses and accuracies are weighted so
    that they are unbiased estimates for all images."""
    test_views: Literal["one", "mirror", "shifts"] = Field("one", exclude_if=lambda views: views == "one")
    """Beside the test accuracy, that of the sum of the logits over these views of each test image, told apart as
    `views_accuracy`: the image and its mirror image, or the image and four shifts of it by one pixel."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 products where the processor has them, else float32; the record says which it was."""
    evaluate: Literal["epochs", "end"] = Field("epochs", exclude_if=lambda when: when == "epochs")
    """When the test images are looked at: after each epoch, or once, after the last."""
    stop_loss: float | None = Field(None, gt=0, le=100, exclude_if=lambda loss: loss is None)
    """Training ends with the first epoch whose mean training loss is below this, even if `epochs` are not over."""
    stacked: bool = Field(False, exclude_if=lambda stacked: not stacked)
    """Whether nets that are alike but for their seeds may be trained as one (`training.stacked`), where that can be
    done and is measured to be faster: sums are then rounded in another order."""


def for_several_tasks(recipe: Recipe) -> Recipe:
    """The recipe, if it can fit nets of several tasks; else ValueError."""
    if recipe.optimiser == "muon":
        raise ValueError("muon fits nets of one task; choose adam, sgd, rmsprop or adagrad for several")
    if recipe.pruning is not None:
        raise ValueError("pruning goes by the loss of one task: leave `pruning` out for several")
    return recipe


def for_balancing(recipe: Recipe) -> None:
    """ValueError where a recipe leaves no room for a way to balance tasks."""
    if recipe.schedule != "constant":
        raise ValueError("ways to balance tasks know the rate as a constant: leave `schedule` out")
    if recipe.pruning is not None:
        raise ValueError("ways to balance tasks know nothing of weighted images: leave `pruning` out")


RecipeOfTasks = Annotated[Recipe, AfterValidator(for_several_tasks)]
"""Of nets of several tasks."""
Balance = Annotated[SerializeAsAny[BalancerSettings], BeforeValidator(read_balancer)]
"""A way to balance tasks, from its table in a study file or from its name."""


class Fit(Trial):
    """One net fitted to the tasks of one data set. With one task this is plain classification."""

    work: ClassVar[str] = "rungwise.training.fit:carry_out"
    together: ClassVar[str] = "rungwise.training.stacked:fit_many"
    on_gpu: ClassVar[bool] = True

    net: SerializeAsAny[NetSettings]
    fit: Recipe
    tasks: dict[str, Task] = Field({"label": "labels"}, min_length=1)
    """By name, in the order of the net's outputs."""
    loss_weights: tuple[float, ...] = (1.0,)
    """One per task: the loss is the weighted sum of the tasks' cross-entropies."""
    balance: Balance | None = Field(None, exclude_if=lambda balance: balance is None)
    """How the tasks are balanced; left out: by `loss_weights`, fixed."""
    start: "Fit | None" = Field(None, exclude_if=lambda start: start is None)
    """The trained net whose shared part this one starts from; its heads start afresh. Left out: all starts afresh."""
    frozen: bool = Field(False, exclude_if=lambda frozen: not frozen)
    """Whether the part that comes from `start` stays as it is."""

    @property
    def needs(self) -> tuple[Trial, ...]:
        return () if self.start is None else (self.start,)

    @property
    def compiled(self) -> str:
        return self.net.compiled

    @property
    def most_together(self) -> int:
        return most_stacked(self) if self.fit.stacked else 1

    @property
    def epochs(self) -> int:
        """At most, where `fit.stop_loss` is set."""
        return self.fit.epochs

    @property
    def outputs(self) -> tuple[int, ...]:
        """The number of classes of each task."""
        return tuple(len(task_classes(task, self.data)) for task in self.tasks.values())

    def key(self, name: str, task: str) -> str:
        """The key of one task's number in a record: the bare name where there is only one task."""
        return name if len(self.tasks) == 1 else f"{name}_{task}"

    def model_post_init(self, context: Any) -> None:
        if len(self.loss_weights) != len(self.tasks):
            raise ValueError(f"{len(self.tasks)} tasks need as many loss weights, got {len(self.loss_weights)}")
        if len(self.tasks) > 1:
            for_several_tasks(self.fit)
        if self.balance is not None:
            for_balancing(self.fit)
        if self.frozen and self.start is None:
            raise ValueError("a frozen trunk needs a trained net to come from, as `start`")


MEMORY = 2**31
"""Bytes that the nets of a stack, their optimiser's memory and their images may take."""
KNOWN = {
    Fit: {"data", "seed", "net", "fit", "tasks"},
    MlpSettings: {"family", "hidden", "bias"},
    Recipe: {"epochs", "batch", "optimiser", "rate", "momentum", "precision", "evaluate", "stop_loss", "stacked"},
}
"""The settings that `training.stacked` takes account of; others must be left as they are by default."""


def stackable(trial: Fit) -> bool:
    """Whether `training.stacked` fits such a trial as `training.fit` does: a plain MLP on one task."""

    def known(settings: Settings) -> bool:
        own = type(settings)
        return own in KNOWN and settings.model_dump(exclude_defaults=True).keys() <= KNOWN[own]

    return (
        known(trial)
        and known(trial.net)
        and known(trial.fit)
        and len(trial.tasks) == 1
        and trial.fit.optimiser in ("adam", "sgd", "rmsprop", "adagrad")
    )


def most_stacked(trial: Fit) -> int:
    """How many trials like this one are fitted as one at most; 1 where it is not stackable."""
    if not stackable(trial):
        return 1
    facts = trial.data.facts
    floats = 4 * count_parameters(trial.net, facts.image, trial.outputs)  # weights, gradients, two moments
    pixels = (trial.data.size + facts.test_images) * math.prod(facts.image)
    return max(1, min(MOST_TOGETHER, MEMORY // (4 * floats + pixels)))
