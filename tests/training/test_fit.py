"""The training loop against a plain one, against values worked by hand, and against itself."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rungwise.bench import Bench
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.kernels import available
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise
from rungwise.seeding import stream_seed
from rungwise.training.augment import Augmentation
from rungwise.training.fit import carry_out
from rungwise.training.precision import resolve
from rungwise.training.schedule import one_cycle
from rungwise.training.settings import Fit, Pruning, Recipe
from rungwise.trial import TrialFailed

CLASSES = tuple("0123456789")
ALTERNATE = Augmentation(flip="alternate")
GROUPS = {"low": (0, 1, 2, 3, 4), "high": (5, 6, 7, 8, 9)}


def images(count: int, seed: int) -> ImageSet:
    """Noise with a bright column whose place is the label: easy to learn."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    pixels = random.integers(0, 60, (count, 1, 28, 28), np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[0, :, 2 * label + 3] += 150
    return ImageSet(pixels, labels.astype(np.int64))


SPLIT = Split(CLASSES, images(200, 1), images(60, 2), {})
BENCH = Bench(device="cpu", split=lambda data, seed: SPLIT, records={})


def trial(**changes: object) -> Fit:
    settings = {
        "label": "net",
        "data": Data(source="digits"),
        "seed": 3,
        "net": MlpSettings(hidden=(16,)),
        "fit": Recipe(epochs=2, batch=32),
    }
    return Fit(**(settings | changes))  # type: ignore[arg-type]


def plain_loop(wanted: Fit) -> tuple[torch.nn.Module, list[float]]:
    """The same training as anybody would write it, in float32: the net, and each epoch's mean training loss."""
    x = torch.from_numpy(SPLIT.train.images).float() / 127.5 - 1
    y = torch.from_numpy(SPLIT.train.labels)
    net = wanted.net.build((1, 28, 28), (10,))
    initialise(net, torch.Generator().manual_seed(stream_seed(wanted.seed, "initialisation")))
    order = torch.Generator().manual_seed(stream_seed(wanted.seed, "order"))
    optimiser = torch.optim.Adam(net.parameters(), lr=wanted.fit.rate)
    means = []
    changes = torch.Generator().manual_seed(stream_seed(wanted.seed, "augmentation"))
    started_mirrored = torch.rand(len(x), generator=changes) >= 0.5
    for _ in range(wanted.fit.epochs):
        total = 0.0
        if wanted.fit.augment == ALTERNATE:
            x = x.flip(3) if means else torch.where(started_mirrored[:, None, None, None], x.flip(3), x)
        for index in torch.randperm(len(x), generator=order).split(wanted.fit.batch):
            loss = F.cross_entropy(net(x[index])[0], y[index])
            total += loss.item() * len(index)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        means.append(total / len(x))
    return net, means


@pytest.mark.parametrize("net", [MlpSettings(hidden=(16, 8)), CnnSettings(filters=(4, 6))])
@pytest.mark.parametrize("augment", [None, ALTERNATE])
def test_it_trains_as_a_plain_loop_does(net: MlpSettings | CnnSettings, augment: Augmentation | None) -> None:
    wanted = trial(net=net, fit=Recipe(epochs=3, batch=32, precision="float32", augment=augment))
    outcome = carry_out(wanted, BENCH)
    expected, losses = plain_loop(wanted)
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(outcome.weights[name], value, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(outcome.history["train_loss"], losses, rtol=1e-4)


def test_the_same_trial_gives_the_same_bits() -> None:
    for net in (MlpSettings(hidden=(32, 32)), CnnSettings(filters=(8, 16))):
        first, second = carry_out(trial(net=net), BENCH), carry_out(trial(net=net), BENCH)
        assert first.history == second.history
        assert {k: v for k, v in first.summary.items() if k != "time_s"} == {
            k: v for k, v in second.summary.items() if k != "time_s"
        }
        for name, value in first.weights.items():
            assert torch.equal(value, second.weights[name])
        for name, array in first.arrays.items():
            np.testing.assert_array_equal(array, second.arrays[name])


def test_another_seed_gives_another_net() -> None:
    first, second = carry_out(trial(), BENCH), carry_out(trial(seed=4), BENCH)
    assert not torch.equal(first.weights["head.weight"], second.weights["head.weight"])


def test_it_learns_what_can_be_learnt() -> None:
    outcome = carry_out(trial(fit=Recipe(epochs=15, batch=32)), BENCH)
    assert outcome.summary["test_accuracy"] > 0.9
    assert len(outcome.history["test_accuracy"]) == 15


def test_what_is_recorded_follows_from_the_weights_and_predictions() -> None:
    wanted = trial(
        net=SharedSettings(filters=(4, 8), shared=(16,), head=(8,)),
        tasks={"item": "labels", "half": GROUPS},
        loss_weights=(0.25, 0.75),
    )
    outcome = carry_out(wanted, BENCH)
    half = np.where(SPLIT.test.labels < 5, 0, 1)
    for task, labels in (("item", SPLIT.test.labels), ("half", half)):
        predictions = outcome.arrays[f"test_predictions_{task}"]
        np.testing.assert_array_equal(outcome.arrays[f"test_labels_{task}"], labels)
        assert outcome.summary[f"test_accuracy_{task}"] == pytest.approx((predictions == labels).mean())
        assert outcome.arrays[f"test_logits_{task}"].dtype == np.float16
        wrong = outcome.arrays[f"wrong_index_{task}"]
        assert (predictions[wrong] != labels[wrong]).all()
        np.testing.assert_array_equal(outcome.arrays[f"wrong_images_{task}"], SPLIT.test.images[wrong])

    net = wanted.net.build((1, 28, 28), wanted.outputs)
    net.load_state_dict(outcome.weights)
    x = torch.from_numpy(SPLIT.train.images).float() / 127.5 - 1
    with torch.no_grad():
        logits = net(x)[0]
    labels = torch.from_numpy(SPLIT.train.labels)
    assert outcome.summary["train_loss_item"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)
    assert outcome.summary["train_accuracy_item"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())


def test_a_task_of_weight_zero_is_not_learnt() -> None:
    net = SharedSettings(filters=(4, 8), shared=(16,), head=(8,))
    wanted = trial(net=net, tasks={"item": "labels", "half": GROUPS}, loss_weights=(1.0, 0.0))
    outcome = carry_out(wanted, BENCH)
    fresh = net.build((1, 28, 28), wanted.outputs)
    initialise(fresh, torch.Generator().manual_seed(stream_seed(wanted.seed, "initialisation")))
    for name, value in fresh.state_dict().items():
        assert torch.equal(outcome.weights[name], value) == name.startswith("heads.1."), name


def test_one_step_of_sgd_by_hand() -> None:
    """Softmax regression on one batch: dL/dW = (p - onehot)' x / N."""
    wanted = trial(
        net=MlpSettings(hidden=()), fit=Recipe(epochs=1, batch=200, optimiser="sgd", rate=0.1, precision="float32")
    )
    outcome = carry_out(wanted, BENCH)
    net = wanted.net.build((1, 28, 28), (10,))
    initialise(net, torch.Generator().manual_seed(stream_seed(wanted.seed, "initialisation")))
    weight = net.head.weight.detach().numpy().astype(np.float64)
    x = SPLIT.train.images.reshape(200, -1) / 127.5 - 1
    z = x @ weight.T
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    onehot = np.eye(10)[SPLIT.train.labels]
    expected = weight - 0.1 * (p - onehot).T @ x / 200
    np.testing.assert_allclose(outcome.weights["head.weight"].numpy(), expected, atol=1e-5)
    assert outcome.history["train_loss"][0] == pytest.approx(-np.log(p[onehot == 1]).mean(), rel=1e-4)


def test_a_loss_that_is_not_finite_names_the_step() -> None:
    broken = trial(fit=Recipe(epochs=3, batch=32, optimiser="sgd", rate=1e30))
    with pytest.raises(
        TrialFailed, match=r"the loss became (nan|inf) at step [23] \(epoch 1\): try a learning rate below"
    ):
        carry_out(broken, BENCH)


def test_progress_is_told_by_epoch() -> None:
    told: list[dict[str, float]] = []
    bench = Bench(device="cpu", split=lambda data, seed: SPLIT, records={}, progress=lambda v: told.append(dict(v)))
    outcome = carry_out(trial(), bench)
    assert [values["epoch"] for values in told if values["epoch"] in (1, 2)] == [1, 2]
    assert told[-1]["loss"] == pytest.approx(outcome.history["train_loss"][-1])


def test_the_number_format_is_what_was_asked_for() -> None:
    assert resolve("float32", "cpu") == "float32"
    assert resolve("bfloat16", "cpu") == "bfloat16"
    assert resolve("auto", "cpu") in ("float32", "bfloat16")
    told = carry_out(trial(fit=Recipe(epochs=1, precision="bfloat16")), BENCH)
    assert told.choices["precision"] == "bfloat16"


def test_how_steps_were_taken_is_told() -> None:
    here, wide = False, False  # whether steps in machine code run here, and those of convolutions
    if available():
        from rungwise.kernels.conv.step import pays
        from rungwise.kernels.descent import machine_can

        here, wide = machine_can("float32"), pays("float32")
    net = MlpSettings(hidden=(8,))
    for recipe, compiled in (
        (Recipe(epochs=1, precision="float32"), here),
        (Recipe(epochs=1, precision="float32", optimiser="rmsprop"), False),
        (Recipe(epochs=1, precision="float32", pruning=Pruning()), False),
    ):
        told = carry_out(trial(net=net, fit=recipe), BENCH)
        assert (told.choices.get("step") == "machine code") == compiled
    for filters in ((32, 32), (2, 3)):
        told = carry_out(trial(net=CnnSettings(filters=filters), fit=Recipe(epochs=1, precision="float32")), BENCH)
        compiled = filters == (32, 32) and wide
        assert (told.choices.get("convolutions") == "machine code") == compiled
    for width in (30, 8):  # of a dense layer after 6,272 numbers
        net = SharedSettings(filters=(32, 32), shared=(width,))
        told = carry_out(trial(net=net, fit=Recipe(epochs=1, precision="float32")), BENCH)
        compiled = width == 30 and wide
        assert (told.choices.get("dense") == "machine code") == compiled


# Recipes of our own --------------------------------------------------------------------------------------------


def test_one_cycle_rises_to_the_rate_and_falls_to_nothing() -> None:
    assert [one_cycle(done) for done in (0, 0.1, 0.2, 0.6, 1)] == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_one_cycle_and_smoothed_labels_against_a_plain_loop() -> None:
    wanted = trial(
        fit=Recipe(
            epochs=2,
            batch=32,
            optimiser="sgd",
            rate=0.1,
            schedule="one-cycle",
            label_smoothing=0.2,
            precision="float32",
        )
    )
    x, y = torch.from_numpy(SPLIT.train.images).float() / 127.5 - 1, torch.from_numpy(SPLIT.train.labels)
    net = wanted.net.build((1, 28, 28), (10,))
    initialise(net, torch.Generator().manual_seed(stream_seed(wanted.seed, "initialisation")))
    order = torch.Generator().manual_seed(stream_seed(wanted.seed, "order"))
    steps, step = 2 * 7, 0  # 200 images in batches of 32
    for _ in range(2):
        for index in torch.randperm(len(x), generator=order).split(32):
            step += 1
            smooth = 0.8 * F.one_hot(y[index], 10) + 0.02
            loss = -(smooth * net(x[index])[0].log_softmax(1)).sum(1).mean()
            gradients = torch.autograd.grad(loss, list(net.parameters()))
            rate = 0.1 * min(step / 15 / 0.2, (1 - step / (steps + 1)) / 0.8)
            with torch.no_grad():
                for p, g in zip(net.parameters(), gradients, strict=True):
                    p -= rate * g
    outcome = carry_out(wanted, BENCH)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(outcome.weights[name], value, rtol=1e-4, atol=1e-5)


OWN = Recipe(
    epochs=8,
    batch=32,
    optimiser="muon",
    rate=0.05,
    momentum=0.9,
    schedule="one-cycle",
    augment=Augmentation(cutout=3),
    evaluate="end",
    test_views="shifts",
)


def test_the_whole_recipe_learns_and_gives_the_same_bits_again() -> None:
    wanted = trial(net=CnnSettings(filters=(8, 12)), fit=OWN)
    first, second = carry_out(wanted, BENCH), carry_out(wanted, BENCH)
    assert first.summary["test_accuracy"] > 0.8
    assert first.summary["views_accuracy"] > 0.5
    assert len(first.history["test_accuracy"]) == 1, "the test images are looked at once"
    for name, value in first.weights.items():
        assert torch.equal(value, second.weights[name])


def test_augmentation_changes_the_training_alone() -> None:
    plain, changed = (
        carry_out(trial(fit=Recipe(epochs=1, augment=augment)), BENCH) for augment in (None, Augmentation(flip=True))
    )
    assert not torch.equal(plain.weights["head.weight"], changed.weights["head.weight"])
    np.testing.assert_array_equal(plain.arrays["test_labels"], changed.arrays["test_labels"])


def test_what_a_recipe_leaves_out_is_no_part_of_a_trial() -> None:
    told = set(Recipe(epochs=1).model_dump(mode="json"))
    assert told == {"epochs", "batch", "optimiser", "rate", "momentum", "precision"}, "the ids of old records hold"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tasks": {"item": "labels", "half": GROUPS}, "loss_weights": (1, 1)}, "muon fits nets of one task"),
        ({"balance": "dwa"}, "know the rate as a constant"),
    ],
)
def test_recipes_that_cannot_be(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        trial(fit=OWN, **changes)


def test_a_net_without_inner_layers_is_none_for_muon() -> None:
    with pytest.raises(TrialFailed, match="this net has none: give it another layer"):
        carry_out(trial(net=CnnSettings(filters=(4,)), fit=OWN), BENCH)
