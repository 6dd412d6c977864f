"""Ways to share a net: the equations of each, what its tasks have in common, and how a study file chooses one."""

import json
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from pydantic import TypeAdapter, ValidationError

from rungwise.models.collaboration import CollaborationSettings, Collaborative
from rungwise.models.compact import Blocks, Compact, CompactSettings
from rungwise.models.cross_stitch import CrossStitch, CrossStitchSettings
from rungwise.models.families import SharingNet, families_for
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import count_flops, count_parameters, initialise

IMAGE = (1, 28, 28)
COLUMNS = [CollaborationSettings(filters=(4, 6), head=(5,)), CrossStitchSettings(filters=(4, 6), head=(5,), own=0.7)]
columns = pytest.mark.parametrize("settings", COLUMNS, ids=lambda settings: settings.family)


def built(settings, outputs, image=IMAGE):
    net = settings.build(image, outputs)
    initialise(net, torch.Generator().manual_seed(0))
    return net


def scattered(module, seed=5):
    """The module in float64 with every parameter drawn anew, BatchNorm's and the units' too."""
    draw = torch.Generator().manual_seed(seed)
    for p in module.double().parameters():
        p.data = torch.randn(p.shape, generator=draw, dtype=p.dtype)
    return module


def images(count):
    return maps(count, *IMAGE).float()


def maps(*shape, seed=3):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(x, norm):
    """Batch normalisation over one batch, written out; x (N, C, H, W)."""
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = (x - mean).square().mean((0, 2, 3), keepdim=True)
    weight, bias = norm.weight[:, None, None], norm.bias[:, None, None]
    return (x - mean) / torch.sqrt(variance + norm.eps) * weight + bias


# The compact net -----------------------------------------------------------------------------------------------


def test_stages_and_sides_of_a_compact_net():
    net = built(CompactSettings(filters=(2, 3, 4, 5, 6), shared=(9,)), (10, 3))
    found = {name: tuple(stage.shape[1:]) for name, stage in net.features(images(2)).items()}
    sides = {f"block {i}": (i + 1, side, side) for i, side in enumerate((14, 7, 4, 2, 2), 1)}
    assert found == {**sides, "shared": (9,), "logits 1": (10,), "logits 2": (3,)}
    assert list(found) == [*sides, "shared", "logits 1", "logits 2"]


@pytest.mark.parametrize(("sides", "last"), [((8, 8), (2, 2)), ((5, 20), (2, 5)), ((2, 9), (2, 9)), ((1, 4), (1, 4))])
def test_small_images_are_halved_down_to_2(sides, last):
    x = maps(1, 3, *sides)
    for block in Blocks((3, *sides), (4, 4, 4)).double():
        x = block(x)  # in train mode, one image
    assert x.shape[2:] == last


def test_a_block_written_out():
    net = scattered(Blocks((2, 5, 6), (3,)))
    (block,), x = net, maps(4, 2, 5, 6)
    pooled = F.max_pool2d(F.conv2d(x, block.convolution.weight, padding=1), 2, ceil_mode=True)
    torch.testing.assert_close(block(x), normal(pooled, block.norm).clamp(min=0))
    assert block(x).shape == (4, 3, 3, 3)


def test_all_tasks_share_all_but_the_heads():
    net = built(CompactSettings(filters=(2, 3), shared=(12,), head=(6,)), (10, 3))
    own = [reached(net, logits) & ids(net.heads) for logits in net(images(4))]
    assert own == [ids(head) for head in net.heads]
    common = [reached(net, logits) - ids(net.heads) for logits in net(images(4))]
    assert common == [ids(net.blocks) | ids(net.shared)] * 2


def ids(module):
    return {id(p) for p in module.parameters()}


def reached(net, logits):
    """The parameters that the logits depend on."""
    parameters = list(net.parameters())
    slopes = torch.autograd.grad(logits.square().sum(), parameters, retain_graph=True, allow_unused=True)
    return {id(p) for p, slope in zip(parameters, slopes, strict=True) if slope is not None and slope.abs().sum() > 0}


# Parameters and operations -------------------------------------------------------------------------------------


def blocks(*channels):
    """A convolution of 3x3 without bias, and BatchNorm's weight and bias."""
    return sum(9 * a * b + 2 * b for a, b in pairwise(channels))


def dense(*widths):
    return sum((a + 1) * b for a, b in pairwise(widths))


def collaborative(c, t):
    z = -(-c * t // 4)
    common = t * c * z + 2 * z + 9 * z * z + 2 * z
    return common + t * ((c + z) * c + 2 * c + 9 * c * c + 2 * c)


def test_parameters_by_hand():
    compact = CompactSettings(filters=(4, 6), shared=(12,), head=(8,))
    assert count_parameters(compact, IMAGE, (10, 3)) == blocks(1, 4, 6) + dense(294, 12) + sum(
        dense(12, 8, classes) for classes in (10, 3)
    )
    for outputs in ((10, 3), (10, 3, 2)):
        t = len(outputs)
        apart = t * blocks(1, 4, 7) + sum(dense(343, 5, classes) for classes in outputs)
        together = CollaborationSettings(filters=(4, 7), head=(5,))
        assert count_parameters(together, IMAGE, outputs) == apart + collaborative(4, t) + collaborative(7, t)
        stitched = CrossStitchSettings(filters=(4, 7), head=(5,))
        assert count_parameters(stitched, IMAGE, outputs) == apart + t * t * (4 + 7)


def test_operations_by_hand():
    """Two operations per multiply-add, three products per layer, two for the first of each column."""
    stem, second = 28**2 * 9 * 4, 14**2 * 9 * 4 * 6
    logits = 7**2 * 6 * (10 + 3)
    assert count_flops(CompactSettings(filters=(4, 6)), IMAGE, (10, 3)) == 2 * (2 * stem + 3 * (second + logits))
    columns = 2 * (2 * 2 * stem + 3 * (2 * second + logits))
    assert count_flops(CrossStitchSettings(filters=(4, 6)), IMAGE, (10, 3)) == columns

    def joined(c, z):
        return 2 * c * z + 9 * z * z + 2 * ((c + z) * c + 9 * c * c)

    blocks = 14**2 * joined(4, 2) + 7**2 * joined(6, 3)
    assert count_flops(CollaborationSettings(filters=(4, 6)), IMAGE, (10, 3)) == columns + 2 * 3 * blocks


# Columns -------------------------------------------------------------------------------------------------------


@columns
def test_one_task_has_a_column_alone(settings):
    net = built(settings, (10,))
    alone = built(CompactSettings(filters=settings.filters, head=settings.head), (10,))
    assert isinstance(net, Compact)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), alone.parameters(), strict=True))


@columns
def test_stages_are_the_maps_of_every_column(settings):
    found = {n: tuple(s.shape[1:]) for n, s in built(settings, (10, 3)).features(images(2)).items()}
    expected = {f"block {b} column {k}": shape for b, shape in ((1, (4, 14, 14)), (2, (6, 7, 7))) for k in (1, 2)}
    assert found == {**expected, "logits 1": (10,), "logits 2": (3,)}
    assert list(found) == [*expected, "logits 1", "logits 2"]


@columns
def test_every_task_reaches_all_columns_and_its_own_head_alone(settings):
    net = built(settings, (10, 3))
    for head, logits in zip(net.heads, net(images(4)), strict=True):
        found = reached(net, logits)
        assert ids(net.columns) <= found
        assert found & ids(net.heads) == ids(head)


@columns
def test_tasks_may_change_places(settings):
    """With the columns, heads and what joins them exchanged, the logits are exchanged."""
    net, other = (scattered(settings.build(IMAGE, (4, 4))) for _ in range(2))
    other.columns = other.columns[::-1]
    other.heads = other.heads[::-1]
    for junction, channels in zip(other.junctions, settings.filters, strict=True):
        if isinstance(junction, CrossStitch):
            junction.units.data = junction.units.data.flip(0, 1)
        else:
            junction.own = junction.own[::-1]
            first = junction.common[0].weight.data  # H reads [x_2; x_1] now
            junction.common[0].weight.data = torch.cat((first[:, channels:], first[:, :channels]), 1)
    x = maps(5, *IMAGE)
    for mine, exchanged in zip(net(x), reversed(other(x)), strict=True):
        torch.testing.assert_close(mine, exchanged)


# Deep Collaboration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "tasks", "common"), [(4, 2, 2), (3, 2, 2), (2, 3, 2), (1, 2, 1), (8, 5, 10)])
def test_a_collaborative_block_is_its_equations(channels, tasks, common):
    block = scattered(Collaborative(channels, tasks))
    x = [maps(3, channels, 5, 4, seed=i) for i in range(tasks)]

    def transform(layers, into):
        first, norm, _, second, last = layers
        inner = normal(F.conv2d(into, first.weight), norm).clamp(min=0)
        return normal(F.conv2d(inner, second.weight, padding=1), last)

    z = transform(list(block.common)[:5], torch.cat(x, 1)).clamp(min=0)
    assert z.shape == (3, common, 5, 4)
    for own, mine, y in zip(block.own, x, block(x), strict=True):
        expected = (mine + transform(list(own), torch.cat((mine, z), 1))).clamp(min=0)
        torch.testing.assert_close(y, expected)
        assert y.shape == mine.shape


def test_with_nothing_to_add_the_maps_go_on():
    block = scattered(Collaborative(4, 2))
    for own in block.own:
        own[-1].weight.data.zero_()  # of F's last BatchNorm: F = 0
        own[-1].bias.data.zero_()
    x = [maps(3, 4, 5, 5, seed=i) for i in range(2)]
    assert all(torch.equal(y, mine.clamp(min=0)) for y, mine in zip(block(x), x, strict=True))


# Cross-stitch units --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tasks", "own", "others"), [(2, 0.9, 0.1), (3, 0.9, 0.05), (5, 0.2, 0.2), (2, 1.0, 0.0)])
def test_units_start_mostly_at_their_own(tasks, own, others):
    units = CrossStitch(3, tasks, own).units
    expected = torch.full((tasks, tasks), others).fill_diagonal_(own)
    torch.testing.assert_close(units, expected[..., None].expand(-1, -1, 3))
    torch.testing.assert_close(units.sum(1), torch.ones(tasks, 3))


def test_units_combine_the_columns_channel_by_channel():
    stitch = scattered(CrossStitch(4, 3, 0.9))
    x = [maps(2, 4, 5, 6, seed=i) for i in range(3)]
    expected = torch.einsum("ijc,jnchw->inchw", stitch.units, torch.stack(x))
    torch.testing.assert_close(torch.stack(stitch(x)), expected)


def test_columns_that_mix_nothing_are_nets_apart():
    settings = CrossStitchSettings(filters=(4, 6), head=(5,), own=1.0)
    net, x = built(settings, (10, 3)), images(6)
    for k, (classes, logits) in enumerate(zip((10, 3), net(x), strict=True)):
        alone = CompactSettings(filters=(4, 6), head=(5,)).build(IMAGE, (classes,))
        alone.blocks.load_state_dict(net.columns[k].state_dict())
        alone.heads[0].load_state_dict(net.heads[k].state_dict())
        torch.testing.assert_close(logits, alone(x)[0])


# Choosing one --------------------------------------------------------------------------------------------------

NET = TypeAdapter(SharingNet)


def faults(net):
    with pytest.raises(ValidationError) as caught:
        NET.validate_python(net)
    return [(fault["loc"], fault["type"], fault["msg"]) for fault in caught.value.errors()]


def test_a_family_is_chosen_by_name():
    for family in families_for("sharing"):
        net = NET.validate_python({"family": family, "filters": [4, 5]})
        assert net.family == family
        assert NET.validate_python(net) is net
        assert NET.validate_json(NET.dump_json(net)) == net


def test_a_study_of_old_names_no_family():
    net = NET.validate_python({"filters": [4], "shared": [12]})
    assert net == SharedSettings(filters=(4,), shared=(12,))
    assert json.loads(NET.dump_json(net)) == {
        "family": "shared", "filters": [4], "kernel": 3, "halving": "stride", "shared": [12], "head": []
    }  # fmt: skip


def test_an_unknown_family_is_told_with_the_nearest():
    ((loc, kind, says),) = faults({"family": "colaboration"})
    assert loc == ()
    assert kind == "value_error"
    assert says == (
        "Value error, no family of nets that share is called 'colaboration'; did you mean 'collaboration'? "
        "Known: collaboration, compact, cross-stitch, shared"
    )
    ((_, _, says),) = faults({"family": 3})
    assert "is called 3; Known: " in says
    ((_, _, says),) = faults("compact")
    assert says == """Value error, a net is a table of settings, as { family = "compact" }, got 'compact'"""


def test_faults_are_told_of_the_named_family_alone():
    ((loc, kind, _),) = faults({"family": "cross-stitch", "filters": [4], "own": 2})
    assert (loc, kind) == (("own",), "less_than_equal")
    ((loc, kind, _),) = faults({"family": "compact", "filters": [4], "own": 0.5})
    assert (loc, kind) == (("own",), "extra_forbidden")
    ((loc, kind, _),) = faults({"shared": [12]})
    assert (loc, kind) == (("filters",), "missing")
