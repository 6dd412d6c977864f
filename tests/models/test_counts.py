"""Parameters and operations of the plain and the hard-sharing nets, by hand and as published."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import count_flops, count_parameters
from rungwise.models.residual import ResidualSettings

IMAGE = (1, 28, 28)
REFERENCE = Path(__file__).parents[1] / "reference"

# Parameters ----------------------------------------------------------------------------------------------------


def dense(*widths):
    return sum((a + 1) * b for a, b in pairwise(widths))


def convolutions(kernel, *channels):
    return sum((kernel**2 * a + 1) * b for a, b in pairwise(channels))


@pytest.mark.parametrize("halving", ["stride", "pool"])
def test_parameters_by_hand(halving):
    assert count_parameters(MlpSettings(hidden=(30, 20)), IMAGE, (10,)) == dense(784, 30, 20, 10) == 24_380
    cnn = CnnSettings(filters=(4, 6, 5), kernel=3, halving=halving)
    assert count_parameters(cnn, IMAGE, (10,)) == convolutions(3, 1, 4, 6, 5) + dense(7 * 7 * 5, 10) == 2997
    shared = SharedSettings(filters=(4, 6), kernel=3, halving=halving, shared=(12,), head=(8,))
    trunk = convolutions(3, 1, 4, 6) + dense(14 * 14 * 6, 12)
    for outputs in ((10,), (10, 3), (10, 3, 2)):
        heads = sum(dense(12, 8, classes) for classes in outputs)
        assert count_parameters(shared, IMAGE, outputs) == trunk + heads


def test_parameters_with_batch_norm_and_dense_layers_by_hand():
    """BatchNorm's scale and shift take the place of a bias; dropout has none."""
    mlp = MlpSettings(hidden=(30, 20), batch_norm=True, dropout=0.5)
    assert count_parameters(mlp, IMAGE, (10,)) == dense(784, 30, 20, 10) + 30 + 20
    cnn = CnnSettings(filters=(4, 6), kernel=3, batch_norm=True, dense=(12, 9), dropout=0.5)
    expected = convolutions(3, 1, 4, 6) + 4 + 6 + dense(14 * 14 * 6, 12, 9, 10)
    assert count_parameters(cnn, IMAGE, (10,)) == expected


def test_parameters_of_a_residual_net_by_hand():
    settings = ResidualSettings(stem=3, filters=(4, 6), blocks=(1, 2))
    convolutions_alone = 9 * (1 * 3 + 3 * 4 + 2 * 4 * 4 + 4 * 6 + 4 * 6 * 6)
    norms, head = 2 * (3 + 3 * 4 + 5 * 6), 6 * 10
    assert count_parameters(settings, IMAGE, (10,)) == convolutions_alone + norms + head == 2085
    with pytest.raises(ValueError, match=r"one number, 0 or more, for each of the 2 stages in filters; got \[1\]"):
        ResidualSettings(filters=(4, 6), blocks=(1,))


def published(table):
    with (REFERENCE / f"{table}.csv").open() as file:
        return list(csv.DictReader(file))


def mlp_of(row):
    width, depth = map(int, row["hidden"].split("x"))
    return MlpSettings(hidden=(width,) * depth)


REFERENCE_TRUNK = SharedSettings(filters=(32, 64, 128), kernel=3, shared=(3136,), head=(1024, 100))
TASKS = {"single-item": (10,), "single-group": (3,), "multi": (10, 3)}
PUBLISHED = {
    **{row["name"]: (mlp_of(row), (10,), int(row["parameters"])) for row in published("mlps")},
    **{
        f"{row['name']} by {halving}": (
            CnnSettings(filters=tuple(map(int, row["filters"].split("-"))), halving=halving),
            (10,),
            int(row["parameters"]),
        )
        for row in published("cnns")
        for halving in ("stride", "pool")
    },
    **{row["model"]: (REFERENCE_TRUNK, TASKS[row["model"]], int(row["parameters"])) for row in published("multitask")},
}


@pytest.mark.parametrize(("settings", "outputs", "parameters"), PUBLISHED.values(), ids=PUBLISHED.keys())
def test_parameters_are_those_published(settings, outputs, parameters):
    assert count_parameters(settings, IMAGE, outputs) == parameters


def test_all_13_published_counts_are_compared():
    assert (
        len({(settings.model_dump_json(exclude={"halving"}), outputs) for settings, outputs, _ in PUBLISHED.values()})
        == 13
    )


def test_the_published_depth_of_mlp_5_does_not_fit_its_count():
    """Its table prints eight layers of 500; its count, like its text, says nine."""
    (row,) = (row for row in published("mlps") if row["name"] == "MLP-5")
    assert mlp_of(row).hidden == (500,) * 9
    assert count_parameters(MlpSettings(hidden=(500,) * 8), IMAGE, (10,)) == int(row["parameters"]) - 500 * 501


# Floating-point operations -------------------------------------------------------------------------------------


def step_flops(macs):
    """Forward, gradient of the weights and gradient of the inputs cost as much each; the first layer lacks the last."""
    return 2 * (3 * sum(macs) - macs[0])


@pytest.mark.parametrize("halving", ["stride", "pool"])
def test_flops_by_hand(halving):
    assert count_flops(MlpSettings(hidden=(30, 20)), IMAGE, (10,)) == step_flops([784 * 30, 30 * 20, 20 * 10])
    assert count_flops(MlpSettings(hidden=()), IMAGE, (10,)) == step_flops([7840]) == 4 * 7840
    cnn = CnnSettings(filters=(4, 6, 5), kernel=4, halving=halving)
    macs = [28**2 * 16 * 1 * 4, 14**2 * 16 * 4 * 6, 7**2 * 16 * 6 * 5, 7**2 * 5 * 10]
    assert count_flops(cnn, IMAGE, (10,)) == step_flops(macs)
    shared = SharedSettings(filters=(4, 6), kernel=3, halving=halving, shared=(12,), head=(8,))
    macs = [28**2 * 9 * 4, 14**2 * 9 * 4 * 6, 14**2 * 6 * 12, 12 * 8, 8 * 10, 12 * 8, 8 * 3]
    assert count_flops(shared, IMAGE, (10, 3)) == step_flops(macs)


def test_flops_of_colour_images():
    macs = [32 * 24 * 9 * 3 * 2, 32 * 24 * 2 * 5]
    assert count_flops(CnnSettings(filters=(2,), kernel=3), (3, 32, 24), (5,)) == step_flops(macs)
