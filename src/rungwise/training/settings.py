"""The trials of training: one net by its recipe, one perceptron by its rule."""

import math
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from rungwise.balancing import read_balancer
from rungwise.balancing.balancer import BalancerSettings
from rungwise.data.settings import Data
from rungwise.data.tasks import Task, task_classes
from rungwise.errors import nearest
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import NetSettings, count_parameters
from rungwise.settings import Settings
from rungwise.training.augment import Augmentation
from rungwise.training.pruning import Pruning
from rungwise.trial import MOST_TOGETHER, Trial

HIGHEST_RATE = 1e30
"""Above it numbers of 32 bits overflow at the first step. A lower one that is still too high makes a trial fail, and
the failure says so."""


class Stop(Settings):
    """Early stopping: training ends once the images set aside have not been answered better for some epochs, and the
    weights of the best epoch are kept. Of equal epochs the first is the best."""

    patience: int = Field(ge=1, le=100_000)
    """Epochs without a better value after which training ends."""
    metric: Literal["validation_accuracy", "validation_loss"] = "validation_accuracy"
    """What is looked at after each epoch; of several tasks the mean accuracy, or the weighted sum of the losses."""


ClassWeight = Annotated[float, Field(gt=0, le=1e6)]


def _not_adamw(optimiser: Any) -> Any:
    if isinstance(optimiser, str) and optimiser.lower() == "adamw":
        raise ValueError(
            f'expected "adam" with a weight_decay, which is AdamW, as optimiser = "adam", weight_decay = 0.01; got '
            f"{optimiser!r}"
        )
    return optimiser


class Recipe(Settings):
    """How a net is fitted."""

    epochs: int = Field(ge=1, le=100_000)
    batch: int = Field(64, ge=1, le=1_000_000)
    """Images per step; the last batch of an epoch may be smaller."""
    optimiser: Annotated[Literal["adam", "sgd", "rmsprop", "adagrad", "muon"], BeforeValidator(_not_adamw)] = "adam"
    """muon: for the weights of all layers but the first and the last, with Adam at `adam_rate` for the rest."""
    rate: float = Field(1e-3, gt=0, le=HIGHEST_RATE)
    """Learning rate; with a schedule, the highest."""
    momentum: float = Field(0.0, ge=0, lt=1)
    """Of SGD and Muon; the others take no notice of it."""
    adam_rate: float = Field(8e-3, gt=0, le=HIGHEST_RATE, exclude_if=lambda rate: rate == 8e-3)
    """Beside Muon's `rate`, for what Muon does not move."""
    weight_decay: float = Field(0.0, ge=0, le=100, exclude_if=lambda decay: not decay)
    """Of all parameters. With adam it is decoupled from the gradient (AdamW, Loshchilov and Hutter 2019), with sgd it
    is added to the gradient, as PyTorch has both."""
    clip_norm: float | None = Field(None, gt=0, le=HIGHEST_RATE, exclude_if=lambda norm: norm is None)
    """The gradient of all parameters is scaled down to this Euclidean norm where it is longer."""
    schedule: Literal["constant", "one-cycle", "cosine", "step"] = Field(
        "constant", exclude_if=lambda schedule: schedule == "constant"
    )
    """one-cycle: the rates rise in a straight line over the first fifth of the steps, and fall to 0 over the rest.
    cosine: they fall to 0 along half a cosine, step by step. step: they are multiplied by `step_factor` after every
    `step_epochs` epochs."""
    step_epochs: int | None = Field(None, ge=1, le=100_000, exclude_if=lambda epochs: epochs is None)
    step_factor: float = Field(0.1, gt=0, le=1, exclude_if=lambda factor: factor == 0.1)
    class_weights: Literal["balanced"] | Annotated[dict[str, ClassWeight], Field(min_length=1)] | None = Field(
        None, exclude_if=lambda weights: weights is None
    )
    """How much the images of a class count in the loss, which is divided by the sum of their weights. balanced: N / (K
    N_c), by how many of the N training images are of class c of K. By name: classes that are not named have 1."""
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
    stop: Stop | None = Field(None, exclude_if=lambda stop: stop is None)
    """Early stopping by the images set aside."""
    stacked: bool = Field(False, exclude_if=lambda stacked: not stacked)
    """Whether nets that are alike but for their seeds may be trained as one (`training.stacked`), where that can be
    done and is measured to be faster: sums are then rounded in another order."""

    @property
    def stops(self) -> bool:
        """Whether training may end before `epochs` are over."""
        return self.stop_loss is not None or self.stop is not None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.weight_decay and self.optimiser not in ("adam", "sgd"):
            raise ValueError(
                f'weight_decay goes with optimiser = "adam" (AdamW) or "sgd", got {self.optimiser!r}: choose one of '
                "them, or leave weight_decay out"
            )
        if self.schedule == "step" and self.step_epochs is None:
            raise ValueError(
                'schedule = "step" needs step_epochs, the epochs after which the rate falls: set it, as 10'
            )
        if self.schedule != "step" and self.model_fields_set & {"step_epochs", "step_factor"}:
            raise ValueError(f'step_epochs and step_factor go with schedule = "step", got {self.schedule!r}')
        if self.pruning is not None and self.class_weights is not None:
            raise ValueError("pruning weights each image by itself: leave class_weights out, or pruning")
        return self


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
        """At most, where `fit.stop_loss` or `fit.stop` is set."""
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
        if self.fit.stop is not None and not self.data.aside:
            raise ValueError(
                "stop looks at images that are set aside: set validation_images in the data, as data = { ..., "
                "validation_images = 200 }"
            )
        if isinstance(self.fit.class_weights, dict):
            check_classes(self.fit.class_weights, self.tasks.values(), self.data)
        if self.frozen and self.start is None:
            raise ValueError("a frozen trunk needs a trained net to come from, as `start`")


def recipe_for(recipe: Recipe, tasks: Iterable[Task], among: Iterable[Task], data: Data) -> Recipe:
    """The recipe for nets of some of a chapter's tasks: weights of classes that none of these have are left out.

    `among`: all tasks of the chapter. Raises ValueError where a name is a class of none of them.
    """
    wanted = recipe.class_weights
    if not isinstance(wanted, dict):
        return recipe
    check_classes(wanted, among, data)
    known = {name for task in tasks for name in task_classes(task, data)}
    own = {name: weight for name, weight in wanted.items() if name in known}
    return recipe.model_copy(update={"class_weights": own or None})


def check_classes(names: Iterable[str], tasks: Iterable[Task], data: Data) -> None:
    """Raise ValueError where a name is a class of none of the tasks."""
    known = dict.fromkeys(name for task in tasks for name in task_classes(task, data))
    if wrong := next((name for name in names if name not in known), None):
        raise ValueError(f"class_weights: {data.facts.name} has no class {wrong!r}; {nearest(wrong, known)}")


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
