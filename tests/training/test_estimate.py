"""The estimate of memory, against what training takes here."""

import pytest

from rungwise.data.settings import Data
from rungwise.models.cnn import CnnSettings
from rungwise.models.compact import CompactSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings
from rungwise.models.residual import ResidualSettings
from rungwise.testing.chapters import carried_out
from rungwise.training.estimate import TOO_LARGE, memory_of_fit
from rungwise.training.settings import Fit, Recipe

TASKS = {"a": "labels", "b": {"low": (0, 1, 2, 3, 4), "high": (5, 6, 7, 8, 9)}}
TWO = {"tasks": TASKS, "loss_weights": (0.5, 0.5)}


def trial(net: NetSettings, optimiser: str = "adam", **more: object) -> Fit:
    recipe = {"epochs": 1, "batch": 64, "optimiser": optimiser, "precision": "float32", "momentum": 0.5}
    data = Data(source="digits", train_images=128)
    return Fit.model_validate(
        {"label": "x", "data": data, "seed": 0, "net": net, "fit": Recipe.model_validate(recipe), **more}
    )


@pytest.mark.parametrize(
    ("net", "more", "most"),
    [
        (MlpSettings(hidden=(500, 500)), {}, 1.5),
        (MlpSettings(hidden=(500, 500)), {"optimiser": "sgd"}, 1.7),
        (CnnSettings(filters=(16, 32)), {}, 1.2),
        (ResidualSettings(stem=8, filters=(8, 16), blocks=(1, 0), members=2), {}, 1.2),
        (SharedSettings(filters=(8, 16), shared=(200,), head=(50,)), TWO, 1.4),
        (SharedSettings(filters=(8, 16), shared=(200,), head=(50,)), {**TWO, "balance": "adatask"}, 1.4),
        (CompactSettings(filters=(8, 16)), TWO, 1.2),
        (CompactSettings(filters=(8, 16)), {**TWO, "balance": "auto-lambda"}, 1.4),
    ],
    ids=str,
)
def test_no_less_than_what_a_step_takes_beside_two_nets_and_not_much_more(
    net: NetSettings, more: dict[str, object], most: float
) -> None:
    one = trial(net, **more)
    if "balance" in more and more["balance"] == "auto-lambda":
        one = one.model_copy(update={"data": Data(source="digits", train_images=128, validation_images=64)})
    found = carried_out([one])[one.id].summary
    estimate = memory_of_fit(one)
    step = found["step_bytes"] + 2 * 4 * found["parameters"]  # its weights, and those of the copy that warms up
    tests = 1000 / 64  # testing goes by 1,000 images at a time, which may be the most
    assert 0.85 * step < estimate.net < max(most * step, tests * found["step_bytes"]), estimate.net / step


def test_seeds_trained_together_take_as_many_times_the_memory() -> None:
    alone = trial(MlpSettings(hidden=(8,)))
    stacked = alone.model_copy(update={"fit": alone.fit.model_copy(update={"stacked": True})})
    assert memory_of_fit(stacked).net == stacked.most_together * memory_of_fit(alone).net
    assert stacked.most_together > 1


@pytest.mark.parametrize(
    "net",
    [
        MlpSettings(hidden=(10**30,)),
        MlpSettings(hidden=(10**18, 10**18)),
        MlpSettings(hidden=(10**19,) * 100),
        CnnSettings(filters=(10**17, 10**17)),
        SharedSettings(filters=(8,), shared=(10**25,)),
        CompactSettings(filters=(10**20,)),
        ResidualSettings(stem=10**40, filters=(8,), blocks=(0,)),
    ],
    ids=str,
)
def test_a_net_beyond_all_numbers_is_said_to_be(net: NetSettings) -> None:
    assert memory_of_fit(trial(net)).net == TOO_LARGE


def test_a_net_of_many_layers_is_estimated_without_being_made() -> None:
    memory = memory_of_fit(trial(MlpSettings(hidden=(10**6,) * 100)))
    assert memory.net > 99 * 10**12 * 4 * 5
