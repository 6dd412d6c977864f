"""What every net promises: logits per task, named stages, exact counts of parameters and operations, and its start."""

import csv
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from rungwise.models.cnn import CnnSettings, SameConv
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import count_flops, count_parameters, initialise

IMAGE = (1, 28, 28)
REFERENCE = Path(__file__).parents[1] / "reference"

FAMILY = {
    "mlp": (MlpSettings(hidden=(30, 20)), (10,)),
    "mlp without hidden layers": (MlpSettings(hidden=()), (10,)),
    "cnn by stride": (CnnSettings(filters=(4, 6, 5), halving="stride"), (10,)),
    "cnn by pooling": (CnnSettings(filters=(4, 6, 5), halving="pool"), (10,)),
    "cnn with odd kernels": (CnnSettings(filters=(3, 2), kernel=5), (7,)),
    "shared, one task": (SharedSettings(filters=(4, 5), shared=(12,), head=(6,)), (10,)),
    "shared, two tasks": (SharedSettings(filters=(4, 5), shared=(12, 9), head=(6,)), (10, 3)),
    "shared, three tasks": (SharedSettings(filters=(4, 5), halving="pool", head=(6, 4)), (10, 3, 2)),
    "shared trunk, bare heads": (SharedSettings(filters=(4,)), (10, 3)),
}
members = pytest.mark.parametrize(("settings", "outputs"), FAMILY.values(), ids=FAMILY.keys())


def built(settings, outputs, image=IMAGE, seed=0):
    net = settings.build(image, outputs)
    initialise(net, torch.Generator().manual_seed(seed))
    return net


def images(count=3, image=IMAGE):
    return torch.rand((count, *image), generator=torch.Generator().manual_seed(7)) * 2 - 1


# The conformance suite -----------------------------------------------------------------------------------------


@members
def test_one_group_of_logits_per_task(settings, outputs):
    logits = built(settings, outputs)(images(3))
    assert isinstance(logits, tuple)
    assert [tuple(z.shape) for z in logits] == [(3, classes) for classes in outputs]
    assert all(torch.isfinite(z).all() for z in logits)


@members
def test_features_end_with_the_logits_that_forward_gives(settings, outputs):
    net, x = built(settings, outputs), images(3)
    logits, stages = net(x), list(net.features(x).values())
    for mine, stage in zip(logits, stages[-len(outputs) :], strict=True):
        torch.testing.assert_close(stage, mine, rtol=0, atol=0)
    assert all((stage >= 0).all() for stage in stages[: -len(outputs)]), "stages are those after the ReLU"


@members
def test_images_do_not_influence_each_other(settings, outputs):
    net, x = built(settings, outputs), images(4)
    for whole, alone in zip(net(x), net(x[2:3]), strict=True):
        torch.testing.assert_close(whole[2:3], alone, rtol=1e-5, atol=1e-5)


@members
def test_every_parameter_learns(settings, outputs):
    net = built(settings, outputs)
    torch.autograd.backward(sum(z.square().sum() for z in net(images(16))))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@members
def test_the_image_is_left_as_it_was(settings, outputs):
    net, x = built(settings, outputs), images(2)
    before = x.clone()
    net(x)
    assert torch.equal(x, before)


@members
def test_counts_need_no_memory_and_agree_with_the_module(settings, outputs):
    counted = sum(p.numel() for p in settings.build(IMAGE, outputs).parameters())
    assert count_parameters(settings, IMAGE, outputs) == counted


@members
def test_initial_weights_are_glorot_uniform_and_biases_0(settings, outputs):
    for name, value in built(settings, outputs).named_parameters():
        if name.endswith("bias"):
            assert (value == 0).all()
            continue
        area = math.prod(value.shape[2:])
        bound = math.sqrt(6 / (area * (value.shape[0] + value.shape[1])))
        assert value.abs().max() <= bound
        if value.numel() > 500:  # uniform on [-b, b]: mean 0, variance b²/3, and the edges are reached
            assert value.abs().max() > 0.97 * bound
            assert abs(value.mean()) < 4 * bound / math.sqrt(3 * value.numel())
            assert value.var().item() == pytest.approx(bound**2 / 3, rel=0.15)


@members
def test_initial_weights_are_decided_by_the_generator_alone(settings, outputs):
    torch.manual_seed(1)
    first = built(settings, outputs, seed=5).state_dict()
    torch.manual_seed(2)
    again, other = built(settings, outputs, seed=5).state_dict(), built(settings, outputs, seed=6).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in first if name.endswith("weight"))


@members
def test_settings_are_frozen_and_survive_json(settings, outputs):
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(ValidationError):
        settings.family = "other"


@pytest.mark.parametrize("settings", [MlpSettings(hidden=(5,)), CnnSettings(filters=(2,))])
def test_plain_nets_have_one_task(settings):
    with pytest.raises(ValueError, match="too many values"):
        settings.build(IMAGE, (10, 3))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (MlpSettings, {"hidden": [0]}),
        (CnnSettings, {"filters": []}),
        (CnnSettings, {"filters": [4], "kernel": 0}),
        (CnnSettings, {"filters": [4], "halving": "none"}),
        (SharedSettings, {"filters": [4], "head": [-1]}),
    ],
)
def test_senseless_architectures_are_refused(kind, wrong):
    with pytest.raises(ValidationError):
        kind.model_validate(wrong)


# Stages --------------------------------------------------------------------------------------------------------


def shapes(settings, outputs, image=IMAGE):
    return {
        name: tuple(stage.shape[1:])
        for name, stage in built(settings, outputs, image).features(images(2, image)).items()
    }


def test_stages_of_an_mlp():
    expected = {"hidden 1": (30,), "hidden 2": (20,), "logits": (10,)}
    assert shapes(MlpSettings(hidden=(30, 20)), (10,)) == expected
    assert list(shapes(MlpSettings(hidden=(30, 20)), (10,))) == list(expected), "in order"


@pytest.mark.parametrize("halving", ["stride", "pool"])
def test_the_side_halves_rounding_up(halving):
    found = shapes(CnnSettings(filters=(2, 3, 4, 5, 6), halving=halving), (10,))
    sides = {f"convolution {i}": (i + 1, side, side) for i, side in enumerate((28, 14, 7, 4, 2), 1)}
    assert found == {**sides, "logits": (10,)}
    assert list(found) == [*sides, "logits"]


@pytest.mark.parametrize("halving", ["stride", "pool"])
def test_images_need_not_be_square_or_grey(halving):
    found = shapes(CnnSettings(filters=(2, 3, 4), kernel=3, halving=halving), (5,), (3, 9, 13))
    assert found["convolution 2"] == (3, 5, 7)
    assert found["convolution 3"] == (4, 3, 4)


def test_stages_of_a_shared_net():
    found = shapes(SharedSettings(filters=(2, 3), shared=(12, 9), head=(6,)), (10, 3))
    assert found == {
        "convolution 1": (2, 28, 28),
        "convolution 2": (3, 14, 14),
        "shared": (9,),
        "logits 1": (10,),
        "logits 2": (3,),
    }
    assert shapes(SharedSettings(filters=(2, 3)), (10,))["shared"] == (3 * 14 * 14,)


def test_tasks_share_the_trunk_and_not_the_heads():
    net = built(SharedSettings(filters=(2, 3), shared=(12,), head=(6,)), (10, 3))
    shared = {id(p) for part in (net.trunk, net.shared) for p in part.parameters()}
    reached = []
    for logits in net(images(4)):
        net.zero_grad(set_to_none=True)
        torch.autograd.backward(logits.sum(), inputs=list(net.parameters()), retain_graph=True)
        reached.append({id(p) for p in net.parameters() if p.grad is not None and p.grad.abs().sum() > 0})
    assert reached[0] & reached[1] == shared
    assert reached[0] | reached[1] == {id(p) for p in net.parameters()}


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


# The convolution -----------------------------------------------------------------------------------------------


def convolved(x, weight, bias, stride):
    """(N, C, H, W) by (O, C, k, k), with the sums written out: zeros around, one more after than before if odd."""
    kernel = weight.shape[2]
    sides = [math.ceil(side / stride) for side in x.shape[2:]]
    totals = [max((out - 1) * stride + kernel - side, 0) for out, side in zip(sides, x.shape[2:], strict=True)]
    x = np.pad(x, ((0, 0), (0, 0), *((total // 2, total - total // 2) for total in totals)))
    y = np.empty((len(x), len(weight), *sides))
    for i in range(sides[0]):
        for j in range(sides[1]):
            window = x[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            y[:, :, i, j] = np.einsum("nckl,ockl->no", window, weight) + bias
    return y


def convolution(kernel, stride):
    torch.manual_seed(0)
    return SameConv(2, 3, kernel, stride=stride).double()


def maps(height, width):
    return torch.rand(2, 2, height, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64) - 0.5


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # of the oracle, which copies for even kernels
@pytest.mark.parametrize("sides", [(8, 8), (7, 7), (6, 9), (2, 3), (1, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_convolution_of_stride_1_is_the_librarys(kernel, sides):
    layer, x = convolution(kernel, 1), maps(*sides)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight, layer.bias, padding="same"))


@pytest.mark.parametrize("sides", [(8, 8), (7, 7), (6, 9), (2, 3), (1, 1)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_written_out(kernel, stride, sides):
    layer, x = convolution(kernel, stride), maps(*sides)
    expected = convolved(x.numpy(), layer.weight.detach().numpy(), layer.bias.detach().numpy(), stride)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-12)


def test_padding_by_hand():
    """A kernel of ones on ones counts the pixels under it: side 4, kernel 4, stride 2 has one zero on every side."""
    layer = SameConv(1, 1, 4, stride=2, bias=False)
    torch.nn.init.ones_(layer.weight)
    with torch.no_grad():
        assert layer(torch.ones(1, 1, 4, 4)).squeeze().tolist() == [[9, 9], [9, 9]]
        assert layer(torch.ones(1, 1, 3, 3)).squeeze().tolist() == [[9, 6], [6, 4]]  # 1 before, 2 after


def test_pooling_by_hand():
    """A 1x1 kernel of 1 leaves the image alone, so that the second map is the greatest of each four pixels."""
    net = CnnSettings(filters=(1, 1), kernel=1, halving="pool").build((1, 3, 3), (2,))
    for layer in net.trunk.convolutions:
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    x = torch.tensor([[[[1.0, 2, 3], [4, 5, 6], [-7, -8, -9]]]])
    with torch.no_grad():
        stages = net.features(x)
    assert stages["convolution 1"].squeeze().tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]
    assert stages["convolution 2"].squeeze().tolist() == [[5, 6], [0, 0]]
