"""What our own nets promise beyond what `rungwise.testing` asks of anybody's (tests/testing)."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from rungwise.errors import UserError
from rungwise.models.cnn import CnnSettings
from rungwise.models.collaboration import CollaborationSettings
from rungwise.models.compact import CompactSettings
from rungwise.models.cross_stitch import CrossStitchSettings
from rungwise.models.dropout import seed_dropout
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import count_flops, has_running_statistics, initialise
from rungwise.models.norm import BatchNorm, BatchNorm1d
from rungwise.models.residual import ResidualSettings

IMAGE = (1, 28, 28)

FAMILY = {
    "mlp": (MlpSettings(hidden=(30, 20)), (10,)),
    "mlp without hidden layers": (MlpSettings(hidden=()), (10,)),
    "mlp with BatchNorm and dropout": (MlpSettings(hidden=(30, 20), batch_norm=True, dropout=0.3), (10,)),
    "cnn with BatchNorm": (CnnSettings(filters=(4, 6), batch_norm=True), (10,)),
    "cnn with dense layers": (CnnSettings(filters=(4, 6), halving="pool", dense=(12, 9), dropout=0.2), (10,)),
    "cnn with dropout": (CnnSettings(filters=(4, 6), dropout=0.2), (10,)),
    "cnn by stride": (CnnSettings(filters=(4, 6, 5), halving="stride"), (10,)),
    "cnn by pooling": (CnnSettings(filters=(4, 6, 5), halving="pool"), (10,)),
    "cnn with odd kernels": (CnnSettings(filters=(3, 2), kernel=5), (7,)),
    "shared, one task": (SharedSettings(filters=(4, 5), shared=(12,), head=(6,)), (10,)),
    "shared, two tasks": (SharedSettings(filters=(4, 5), shared=(12, 9), head=(6,)), (10, 3)),
    "shared, three tasks": (SharedSettings(filters=(4, 5), halving="pool", head=(6, 4)), (10, 3, 2)),
    "shared, dropout": (SharedSettings(filters=(4, 5), shared=(12,), head=(6,), dropout=0.2), (10, 3)),
    "shared, dropout of maps": (SharedSettings(filters=(4, 5), dropout=0.2), (10, 3)),
    "compact, dropout": (CompactSettings(filters=(4, 6), shared=(9,), dropout=0.2), (10, 3)),
    "shared trunk, bare heads": (SharedSettings(filters=(4,)), (10, 3)),
    "compact, one task": (CompactSettings(filters=(4, 6)), (10,)),
    "compact, two tasks": (CompactSettings(filters=(4, 6, 5), shared=(9,), head=(7,)), (10, 3)),
    "collaboration, one task": (CollaborationSettings(filters=(4, 6)), (10,)),
    "collaboration, two tasks": (CollaborationSettings(filters=(4, 7), head=(8,)), (10, 3)),
    "collaboration, three tasks": (CollaborationSettings(filters=(3, 4)), (10, 3, 2)),
    "cross-stitch, one task": (CrossStitchSettings(filters=(4, 6)), (10,)),
    "cross-stitch, two tasks": (CrossStitchSettings(filters=(4, 6), head=(8,)), (10, 3)),
    "residual": (ResidualSettings(stem=4, filters=(6, 5), blocks=(1, 2)), (10,)),
    "residual, cropped": (ResidualSettings(stem=4, filters=(6, 5), blocks=(1, 0), crop=3), (10,)),
    "cross-stitch, three tasks": (CrossStitchSettings(filters=(3, 4)), (10, 3, 2)),
}
members = pytest.mark.parametrize(("settings", "outputs"), FAMILY.values(), ids=FAMILY.keys())


def built(settings, outputs, image=IMAGE, seed=0):
    net = settings.build(image, outputs)
    initialise(net, torch.Generator().manual_seed(seed))
    seed_dropout(net, seed)
    return net


def drawn(net):
    """The parameters of layers whose weights are drawn, by name; BatchNorm and cross-stitch units start alike."""
    return {
        f"{name}.{own}": value
        for name, module in net.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
        for own, value in module.named_parameters()
    }


def images(count=3, image=IMAGE):
    return torch.rand((count, *image), generator=torch.Generator().manual_seed(7)) * 2 - 1


# Of every net --------------------------------------------------------------------------------------------------


@members
def test_features_end_with_the_logits_that_forward_gives(settings, outputs):
    (net, twin), x = (built(settings, outputs) for _ in range(2)), images(3)  # in train mode: the same masks, too
    logits, stages = net(x), list(twin.features(x).values())
    for mine, stage in zip(logits, stages[-len(outputs) :], strict=True):
        torch.testing.assert_close(stage, mine, rtol=0, atol=0)
    assert all((stage >= 0).all() for stage in stages[: -len(outputs)]), "stages are those after the ReLU"


@members
def test_initial_weights_are_glorot_uniform_and_biases_0(settings, outputs):
    for name, value in drawn(built(settings, outputs)).items():
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
    first = built(settings, outputs, seed=5)
    torch.manual_seed(2)
    again, other = built(settings, outputs, seed=5).state_dict(), drawn(built(settings, outputs, seed=6))
    assert all(torch.equal(value, again[name]) for name, value in first.state_dict().items())
    weights = {name: value for name, value in drawn(first).items() if name.endswith("weight")}
    assert all(not torch.equal(value, other[name]) for name, value in weights.items())


@members
@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
def test_a_gradient_is_the_slope_of_the_loss(settings, outputs, train):
    """Central differences along one direction, at parameters given from outside (`functional_call`)."""
    net, x = built(settings, outputs).double().train(train), images(6).double()
    draw = torch.Generator().manual_seed(3)

    def near(p, width):
        return p.detach() + width * torch.randn(p.shape, generator=draw, dtype=p.dtype)

    # Away from the start, where biases of 0 put ReLUs on their kink; a short step, so that hardly one passes it.
    start = {name: near(p, 0.1).requires_grad_() for name, p in net.named_parameters()}
    ahead = {name: near(p, 1e-8) for name, p in start.items()}

    def loss(parameters):
        seed_dropout(net, 4)
        return sum(z.square().mean() for z in torch.func.functional_call(net, parameters, (x,)))

    slopes = torch.autograd.grad(loss(start), list(start.values()))
    expected = sum((2 * s * (ahead[name] - start[name])).sum() for s, name in zip(slopes, start, strict=True))
    with torch.no_grad():
        found = loss(ahead) - loss({name: 2 * p - ahead[name] for name, p in start.items()})
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)


@members
def test_the_order_of_memory_changes_nothing(settings, outputs):
    net, x = built(settings, outputs), images(4)
    plain = net.features(x)
    seed_dropout(net, 0)
    net.to(memory_format=torch.channels_last)
    last = net.features(x.contiguous(memory_format=torch.channels_last))
    for name, stage in plain.items():
        torch.testing.assert_close(last[name], stage, rtol=1e-4, atol=1e-4)
        if stage.ndim == 4 and min(stage.shape[1:]) > 1:
            assert last[name].is_contiguous(memory_format=torch.channels_last)


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
        (CnnSettings, {"filters": [4], "dropout": 1}),
        (CnnSettings, {"filters": [4], "dense": [0]}),
        (MlpSettings, {"hidden": [4], "dropout": -0.1}),
        (MlpSettings, {"hidden": [], "dropout": 0.5}),
        (MlpSettings, {"hidden": [], "batch_norm": True}),
        (SharedSettings, {"filters": [4], "dropout": 1.0}),
        (SharedSettings, {"filters": [4], "head": [-1]}),
        (CompactSettings, {"filters": [0]}),
        (CollaborationSettings, {"filters": []}),
        (CrossStitchSettings, {"own": 1.5}),
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


@pytest.mark.parametrize("image", [(1, 1, 1), (3, 8, 8), (2, 17, 23), (3, 5, 64)])
@pytest.mark.parametrize(
    "settings",
    [ResidualSettings(stem=4, filters=(6, 5, 4), blocks=(1, 0, 1)), CompactSettings(filters=(3, 4, 5))],
    ids=str,
)
def test_a_batch_of_one_small_image_can_be_left_over(settings, image):
    """Its maps may have one place, of which BatchNorm learns nothing."""
    net = built(settings, (47,), image).train()
    means = [norm.running_mean.clone() for norm in net.modules() if isinstance(norm, BatchNorm)]
    (logits,) = net(images(1, image))
    torch.autograd.backward(logits.sum())
    assert torch.isfinite(logits).all()
    assert all(p.grad is not None for p in net.parameters())
    if image == (1, 1, 1):
        assert all(map(torch.equal, means, [n.running_mean for n in net.modules() if isinstance(n, BatchNorm)]))
        torch.testing.assert_close(logits, net.eval()(images(1, image))[0], rtol=0, atol=0)


def test_batch_norm_is_the_librarys_for_other_batches():
    mine, theirs = BatchNorm(3), torch.nn.BatchNorm2d(3)
    for x in (images(5, (3, 1, 1)), images(1, (3, 2, 1)), images(4, (3, 7, 5))):
        torch.testing.assert_close(mine(x), theirs(x), rtol=0, atol=0)
    torch.testing.assert_close(mine.state_dict(), theirs.state_dict(), rtol=0, atol=0)


def test_an_mlp_takes_a_last_batch_of_one_image():
    """Its statistics stay as they are; of two images BatchNorm is the library's."""
    net, x = built(MlpSettings(hidden=(5, 4), batch_norm=True), (3,)), images(2)
    means = [norm.running_mean.clone() for norm in net.norms]
    (logits,) = net(x[:1])
    torch.autograd.backward(logits.sum())
    assert all(map(torch.equal, means, [norm.running_mean for norm in net.norms]))
    torch.testing.assert_close(logits, net.eval()(x[:1])[0], rtol=0, atol=0)
    mine, theirs = BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    for values in (torch.randn(2, 3), torch.randn(7, 3)):
        torch.testing.assert_close(mine(values), theirs(values), rtol=0, atol=0)
    torch.testing.assert_close(mine.state_dict(), theirs.state_dict(), rtol=0, atol=0)


def test_stages_of_a_cnn_with_dense_layers():
    found = shapes(CnnSettings(filters=(2, 3), dense=(12, 9), dropout=0.5), (10,))
    assert list(found.items()) == [
        ("convolution 1", (2, 28, 28)),
        ("convolution 2", (3, 14, 14)),
        ("dense 1", (12,)),
        ("dense 2", (9,)),
        ("logits", (10,)),
    ]


def test_running_statistics_are_found_in_the_net():
    several = [(CompactSettings(filters=(2,)), True), (SharedSettings(filters=(2,), dropout=0.5), False)]
    for settings, has in [*several, (CrossStitchSettings(filters=(2,)), True)]:
        assert has_running_statistics(settings, IMAGE, (10, 3)) == has
    for settings, has in [
        (MlpSettings(hidden=(4,)), False),
        (MlpSettings(hidden=(4,), batch_norm=True), True),
        (CnnSettings(filters=(4,), batch_norm=True), True),
        (ResidualSettings(filters=(4,), blocks=(0,)), True),
    ]:
        assert has_running_statistics(settings, IMAGE, (10,)) == has


def test_what_nets_say_of_their_layers():
    mlp = MlpSettings(hidden=(30, 20), batch_norm=True, dropout=0.25)
    assert mlp.in_short() == "30, 20; BatchNorm; dropout 0.25"
    assert mlp.remarks("A")[1] == "A drops 0.25 of the values of each hidden layer in training, after its ReLU."
    cnn = CnnSettings(filters=(4, 6), dense=(128,), dropout=0.5)
    assert cnn.in_short() == "4-6; dense 128; dropout 0.5"
    assert cnn.remarks("K") == (
        "",
        "K has dense layers of 128 units with ReLU between its last convolution and the logits.",
        "K drops 0.5 of the values of each dense layer in training, after the ReLU.",
    )
    bare, dense = SharedSettings(filters=(4,), dropout=0.5), SharedSettings(filters=(4,), shared=(9,), dropout=0.5)
    assert bare.in_words() == (
        "All tasks share convolutions of 4 filters of 3 × 3; each task adds dropout of 0.5 and its logits."
    )
    assert dense.in_words() == (
        "All tasks share convolutions of 4 filters of 3 × 3, then shared dense layers of 9 units with dropout of 0.5; "
        "each task adds its logits."
    )


def test_layers_that_are_not_wanted_leave_no_trace_in_what_is_kept():
    for kind, kept in (
        (MlpSettings, {"family": "mlp", "hidden": (3,)}),
        (CnnSettings, {"family": "cnn", "filters": (3,), "kernel": 4, "halving": "stride"}),
        (CompactSettings, {"family": "compact", "filters": (3,), "shared": (), "head": ()}),
    ):
        own = {key: value for key, value in kept.items() if key in ("hidden", "filters")}
        assert kind(**own).model_dump() == kept


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


def test_a_cropped_net_is_that_of_smaller_images():
    whole, cropped = (ResidualSettings(stem=4, filters=(6, 5), blocks=(1, 0), crop=crop) for crop in (0, 3))
    x = images(8)
    (inner,), (same,) = built(whole, (10,), (1, 22, 22))(x[..., 3:25, 3:25]), built(cropped, (10,))(x)
    torch.testing.assert_close(same, inner, rtol=0, atol=0)
    assert count_flops(cropped, IMAGE, (10,)) == count_flops(whole, (1, 22, 22), (10,))
    with pytest.raises(UserError, match=r"crop = 14 leaves nothing of images of 28 x 28 pixels; expected at most 13"):
        ResidualSettings(stem=4, filters=(6,), blocks=(0,), crop=14).build(IMAGE, (10,))
