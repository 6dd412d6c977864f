"""What a recipe may have beside its optimiser, each against PyTorch's own, step for step."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.optim import lr_scheduler

from rungwise.data.settings import Data
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise
from rungwise.models.residual import ResidualSettings
from rungwise.seeding import stream_seed
from rungwise.training.fit import carry_out
from rungwise.training.learner import balanced
from rungwise.training.pruning import Pruning
from rungwise.training.schedule import shares
from rungwise.training.settings import Fit, Recipe, Stop
from tests.training.test_fit import BENCH, CLASSES, GROUPS, SPLIT, trial

EPOCHS, BATCH = 4, 32
STEPS = -(-len(SPLIT.train) // BATCH)
Optimiser = Callable[[Any], torch.optim.Optimizer]
Schedule = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]


def start(wanted: Fit) -> nn.Module:
    net = wanted.net.build((1, 28, 28), (10,))
    initialise(net, torch.Generator().manual_seed(stream_seed(wanted.seed, "initialisation")))
    return net


def orders(wanted: Fit, count: int) -> Iterator[Iterator[Tensor]]:
    order = torch.Generator().manual_seed(stream_seed(wanted.seed, "order"))
    for _ in range(wanted.epochs):
        yield iter(torch.randperm(count, generator=order).split(BATCH))


def plain(
    wanted: Fit,
    optimiser: Optimiser,
    schedule: Schedule | None = None,
    *,
    clip: float | None = None,
    weights: Tensor | None = None,
) -> nn.Module:
    """The same training by PyTorch's own optimiser, schedule (stepped after each batch), clipping and weighted loss."""
    x, y = torch.from_numpy(SPLIT.train.images).float() / 127.5 - 1, torch.from_numpy(SPLIT.train.labels)
    net = start(wanted)
    steps = optimiser(net.parameters())
    rates = None if schedule is None else schedule(steps)
    loss = nn.CrossEntropyLoss(weights, label_smoothing=wanted.fit.label_smoothing)
    for epoch in orders(wanted, len(x)):
        for index in epoch:
            steps.zero_grad()
            loss(net(x[index])[0], y[index]).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            steps.step()
            if rates is not None:
                rates.step()
    return net


def recipe(**own: Any) -> Recipe:
    return Recipe(**({"epochs": EPOCHS, "batch": BATCH, "precision": "float32"} | own))


def sgd(rate: float = 0.1, **own: Any) -> Optimiser:
    return lambda parameters: torch.optim.SGD(parameters, rate, **own)


def adam(kind: Any = torch.optim.Adam, **own: Any) -> Optimiser:
    return lambda parameters: kind(parameters, 1e-3, **own)


COUNTS = np.bincount(SPLIT.train.labels, minlength=10)
BALANCED = torch.tensor(compute_class_weight("balanced", classes=np.arange(10), y=SPLIT.train.labels)).float()
THREE = torch.ones(10).index_fill(0, torch.tensor([3]), 5.0)
CASES = {
    "AdamW": (recipe(weight_decay=0.3), adam(torch.optim.AdamW, weight_decay=0.3), {}),
    "SGD with weight decay": (
        recipe(optimiser="sgd", rate=0.1, momentum=0.5, weight_decay=0.05),
        sgd(momentum=0.5, weight_decay=0.05),
        {},
    ),
    "cosine": (
        recipe(optimiser="sgd", rate=0.1, schedule="cosine"),
        sgd(),
        {"schedule": lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS * STEPS)},
    ),
    "cosine with AdamW": (
        recipe(weight_decay=0.3, schedule="cosine"),
        adam(torch.optim.AdamW, weight_decay=0.3),
        {"schedule": lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS * STEPS)},
    ),
    "step": (
        recipe(optimiser="sgd", rate=0.1, schedule="step", step_epochs=1, step_factor=0.3),
        sgd(),
        {"schedule": lambda o: lr_scheduler.StepLR(o, STEPS, 0.3)},
    ),
    "clipped": (recipe(optimiser="sgd", rate=0.1, clip_norm=0.05), sgd(), {"clip": 0.05}),
    "clipped Adam": (recipe(clip_norm=0.05), adam(), {"clip": 0.05}),
    "balanced": (recipe(class_weights="balanced"), adam(), {"weights": BALANCED}),
    "weights by name": (recipe(class_weights={"3": 5}), adam(), {"weights": THREE}),
    "weights and smoothed labels": (
        recipe(class_weights={"3": 5}, label_smoothing=0.2),
        adam(),
        {"weights": THREE},
    ),
}


@pytest.mark.parametrize("net", [MlpSettings(hidden=(16, 8)), CnnSettings(filters=(4, 6))], ids=["mlp", "cnn"])
@pytest.mark.parametrize("case", CASES)
def test_each_is_pytorchs_own_step_for_step(case: str, net: MlpSettings | CnnSettings) -> None:
    fit, optimiser, own = CASES[case]
    wanted = trial(net=net, fit=fit)
    found, expected = carry_out(wanted, BENCH).weights, plain(wanted, optimiser, **own).state_dict()
    without = carry_out(trial(net=net, fit=recipe(optimiser=fit.optimiser, rate=fit.rate)), BENCH).weights
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4)
    assert any(not torch.allclose(found[name], without[name], rtol=1e-3, atol=1e-4) for name in found)


@pytest.mark.parametrize("case", ["clipped", "clipped Adam", "balanced", "AdamW"])
def test_the_record_says_that_autograd_takes_what_machine_code_has_not(case: str) -> None:
    assert carry_out(trial(fit=CASES[case][0]), BENCH).choices["step"] == "autograd"


def test_members_of_an_ensemble_have_the_weighted_loss_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    from rungwise.balancing.learner import Batch
    from rungwise.training.batches import Resident
    from rungwise.training.learner import build_learner

    net = ResidualSettings(filters=(4,), blocks=(1,), stem=4, members=2)
    wanted = trial(net=net, fit=recipe(class_weights={"3": 5}))
    module = net.build((1, 28, 28), (10,))
    initialise(module, torch.Generator().manual_seed(1))
    train = Resident.of(SPLIT.train, wanted, "cpu")
    batch: Batch = train.batch(torch.arange(24))
    learner = build_learner(wanted, module, {"train": train}, "float32")
    module.train()
    with learner.still():
        (logits,) = module(batch.images.float() / 127.5 - 1)
        expected = torch.stack([F.cross_entropy(one, batch.labels[0], THREE) for one in logits]).mean()
        torch.testing.assert_close(learner.forward(batch).losses[0], expected, rtol=1e-4, atol=1e-5)


def test_balanced_weights_are_scikit_learns_and_none_for_a_class_without_images() -> None:
    torch.testing.assert_close(balanced(torch.from_numpy(SPLIT.train.labels), 10).float(), BALANCED)
    assert balanced(torch.tensor([0, 0, 0, 2]), 3).tolist() == pytest.approx([4 / 9, 0, 4 / 3])


def test_weights_of_several_tasks_go_by_the_names_of_their_classes() -> None:
    tasks = {"item": "labels", "half": GROUPS}
    net = SharedSettings(filters=(4,), shared=(8,))
    same = {"net": net, "tasks": tasks, "loss_weights": (0.5, 0.5)}
    weighted = carry_out(trial(fit=recipe(class_weights={"high": 4}), **same), BENCH)
    other = carry_out(trial(fit=recipe(), **same), BENCH)
    assert weighted.history["train_loss_half"] != other.history["train_loss_half"]
    recall = [
        (one.arrays["test_predictions_half"] == 1)[one.arrays["test_labels_half"] == 1].mean()
        for one in (weighted, other)
    ]
    assert recall[0] >= recall[1]


def test_schedules_of_epochs_that_leave_images_out_go_by_epochs() -> None:
    whole, half = (shares(recipe(schedule="cosine"), 1, steps, 8) for steps in (8, 4))
    assert half == pytest.approx(whole[::2])
    assert shares(recipe(schedule="step", step_epochs=2, step_factor=0.5), 3, 2, 8) == [0.5, 0.5]
    assert shares(recipe(), 3, 2, 8) == [1.0, 1.0]


# Early stopping ------------------------------------------------------------------------------------------------

ASIDE = SPLIT.train.take(np.arange(150, 200))


def with_aside(test: object = SPLIT.test) -> Any:
    from rungwise.bench import Bench
    from rungwise.data.images import Split

    split = Split(CLASSES, SPLIT.train.take(np.arange(150)), test, {}, ASIDE)  # type: ignore[arg-type]
    return Bench(device="cpu", split=lambda data, seed: split, records={})


def stopped(**own: Any) -> Fit:
    fit = {"epochs": 60, "rate": 0.02, "optimiser": "sgd", "stop": Stop(patience=3)} | own
    return trial(data=Data(source="digits", validation_images=50), fit=recipe(**fit))


@pytest.mark.parametrize(("metric", "patience"), [("validation_accuracy", 3), ("validation_loss", 1)])
def test_the_weights_of_the_best_epoch_are_kept_and_training_ends(metric: str, patience: int) -> None:
    wanted = stopped(stop=Stop(patience=patience, metric=metric))  # type: ignore[arg-type]
    out = carry_out(wanted, with_aside())
    curve = np.array(out.history[metric]) * (1 if metric == "validation_accuracy" else -1)
    best = int(curve.argmax()) + 1
    assert out.summary["best_epoch"] == best
    assert out.summary["epochs"] == len(curve) == min(60, best + patience)
    assert len(curve) < 60, "it stops before the last epoch, else this shows nothing"
    again = carry_out(wanted.model_copy(update={"fit": recipe(epochs=best, rate=0.02, optimiser="sgd")}), with_aside())
    for name, value in again.weights.items():
        assert torch.equal(value, out.weights[name])
    for key in ("test_accuracy", "test_loss", "validation_accuracy", "train_loss"):
        assert out.summary[key] == again.summary[key]
    np.testing.assert_array_equal(out.arrays["test_logits"], again.arrays["test_logits"])
    assert out.summary[metric] == curve.max() * (1 if metric == "validation_accuracy" else -1)


@pytest.mark.parametrize("evaluate", ["epochs", "end"])
def test_the_test_images_have_no_part_in_it(evaluate: str) -> None:
    """Other test images, with labels that contradict everything, change nothing but what is said of them."""
    random = np.random.default_rng(5)
    other = type(SPLIT.test)(255 - SPLIT.test.images, random.integers(0, 10, len(SPLIT.test)))
    first, second = (carry_out(stopped(evaluate=evaluate), with_aside(test)) for test in (SPLIT.test, other))
    assert first.summary["test_accuracy"] != second.summary["test_accuracy"]
    assert first.summary["best_epoch"] == second.summary["best_epoch"]
    assert first.history["validation_loss"] == second.history["validation_loss"]
    for name, value in first.weights.items():
        assert torch.equal(value, second.weights[name])
    if evaluate == "end":
        assert first.history["test_accuracy"] == [first.summary["test_accuracy"]]
    else:
        assert len(first.history["test_accuracy"]) == first.summary["epochs"]


def test_tasks_stop_together_by_their_mean() -> None:
    wanted = trial(
        data=Data(source="digits", validation_images=50),
        net=SharedSettings(filters=(4,), shared=(8,)),
        tasks={"item": "labels", "half": GROUPS},
        loss_weights=(0.25, 0.75),
        fit=recipe(epochs=12, rate=0.01, stop=Stop(patience=2)),
    )
    out = carry_out(wanted, with_aside())
    mean = (np.array(out.history["validation_accuracy_item"]) + np.array(out.history["validation_accuracy_half"])) / 2
    assert out.summary["best_epoch"] == mean.argmax() + 1


# What is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"stop": {"patience": 0}}, "greater than or equal to 1"),
        ({"stop": {"patience": 3, "metric": "test_accuracy"}}, "'validation_accuracy' or 'validation_loss'"),
        ({"optimiser": "adamw"}, 'optimiser = "adam", weight_decay = 0.01; got \'adamw\''),
        ({"optimiser": "muon", "weight_decay": 0.1}, "weight_decay goes with"),
        ({"schedule": "step"}, "needs step_epochs"),
        ({"step_epochs": 3}, 'go with schedule = "step", got \'constant\''),
        ({"class_weights": {"3": 0}}, "greater than 0"),
        ({"class_weights": {}}, "at least 1 item"),
        ({"clip_norm": 0}, "greater than 0"),
        ({"class_weights": "balanced", "pruning": Pruning()}, "leave class_weights out, or pruning"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_told_so(own: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as error:
        recipe(**own)
    assert says in str(error.value)


def test_a_trial_needs_images_set_aside_to_stop_by_and_classes_to_weigh() -> None:
    with pytest.raises(ValidationError, match="set validation_images in the data"):
        trial(fit=recipe(stop=Stop(patience=2)))
    with pytest.raises(ValidationError, match="class_weights: digits has no class 'thre'"):
        trial(fit=recipe(class_weights={"thre": 2}))
