"""Convolutions in machine code against autograd, and against values worked by hand."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rungwise.balancing import fixed
from rungwise.kernels.arrays import as_numbers, as_words
from rungwise.kernels.conv import step as conv_step
from rungwise.kernels.conv.layout import padded_channels
from rungwise.kernels.conv.passes import head_loss, mask_gradient, pair_images, scale_images
from rungwise.kernels.conv.records import BACKWARD, GRADIENT, GROUP
from rungwise.kernels.conv.step import CompiledNet, ConvFunction, ConvStep, can_compile
from rungwise.kernels.conv.weight_passes import transpose
from rungwise.kernels.descent import machine_can
from rungwise.kernels.llvm import vectors
from rungwise.kernels.llvm.conv_tiles import TILE_COLUMNS, TILE_ROWS
from rungwise.kernels.llvm.vectors import LANES
from rungwise.models.cnn import CnnSettings, same_padding
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise
from rungwise.models.pixels import scaled
from rungwise.training.steps import BalancedStep, PartlyCompiledStep
from tests.kernels.steps import PRECISIONS, batch, begun, chosen, learner

if not machine_can("float32"):
    pytest.skip("this machine has no OpenMP, or no products in one instruction", allow_module_level=True)

SHAPES = [  # filters, kernel, images
    pytest.param((32, 64), 4, (1, 28, 28), id="as the reference's"),
    pytest.param((5, 9, 33), 3, (2, 11, 8), id="odd kernel, channels that fill no tile"),
    pytest.param((7,), 5, (3, 9, 13), id="one convolution of an odd run"),
    pytest.param((4, 8, 16, 8, 4), 4, (1, 8, 8), id="down to one place"),
    pytest.param((40, 70), 2, (3, 7, 12), id="kernel as large as the stride"),
    pytest.param((3,), 1, (1, 4, 3), id="one weight"),
    pytest.param((4, 3), 9, (1, 6, 5), id="one row in the last tile"),
    pytest.param((3, 2), 6, (1, 5, 2), id="kernel larger than the image"),
    pytest.param((8, 12), 4, (3, 32, 32), id="colour"),
    pytest.param((6, 5, 9), 4, (3, 17, 23), id="colour, odd sides"),
    pytest.param((5,), 3, (4, 24, 32), id="four channels"),
]


def net_of(filters, kernel=4, image=(1, 28, 28), classes=4):
    net = CnnSettings(filters=filters, kernel=kernel).build(image, (classes,))
    return begun(net).to(memory_format=torch.channels_last)


def passes(step, images, slopes):
    maps = ConvFunction.apply(step, images, *step.parameters)
    return maps.detach().clone(), torch.autograd.grad(maps, step.parameters, slopes.to(maps.dtype))


class Rounded(torch.autograd.Function):
    """To bfloat16 and back, both ways."""

    @staticmethod
    def forward(context, x):
        return x.bfloat16().double()

    @staticmethod
    def backward(context, slope):
        return slope.bfloat16().double()


def by_autograd(trunk, images, slopes, precision="float32", head=None):
    """In float64, with what goes from one layer to the next rounded as it is there."""
    rounded = Rounded.apply if precision == "bfloat16" else lambda x: x
    modules = trunk if head is None else nn.ModuleList([trunk, head])
    parameters = [p.detach().double().requires_grad_() for p in modules.parameters()]
    maps = rounded(images.double())
    for conv, weight, bias in zip(trunk.convolutions, parameters[::2], parameters[1::2], strict=False):
        padding = [same_padding(side, conv.kernel_size[0], conv.stride[0]) for side in maps.shape[:1:-1]]
        padded = F.pad(maps, [zeros for pair in padding for zeros in pair])
        maps = rounded(F.conv2d(padded, rounded(weight), bias, conv.stride).relu())
    if head is not None:
        maps = rounded(F.linear(maps.flatten(1), rounded(parameters[-2]), parameters[-1]))[..., None, None]
    return maps.detach(), torch.autograd.grad(maps, parameters, slopes.to(maps.dtype))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("filters", "kernel", "image"), SHAPES)
def test_maps_and_gradients_are_those_of_autograd(filters, kernel, image, precision) -> None:
    trunk = net_of(filters, kernel, image).trunk
    step, random = ConvStep(trunk, image, precision), torch.Generator().manual_seed(2)
    for count in (6, 1, 35, 70):  # memory grows; one image is left over; more than one group of the tables
        images = torch.rand(count, *image, generator=random) * 2 - 1
        slopes = torch.randn(trunk(images).shape, generator=random).to(step.dtype)
        maps, gradients = passes(step, images, slopes)
        true_maps, true = by_autograd(trunk, images, slopes.double(), precision)
        for mine, right in zip((maps, *gradients), (true_maps, *true), strict=True):
            close = 5e-6 if precision == "float32" else 1e-3 if mine is maps else 4e-3
            assert (mine.double() - right).norm() <= close * right.norm() + 1e-8


def test_two_places_by_hand() -> None:
    net = CnnSettings(filters=(1, 1), kernel=2).build((1, 1, 2), (2,))
    first, second = net.trunk.convolutions
    with torch.no_grad():
        for conv, weights, bias in ((first, [[1.0, -2.0], [9.0, 9.0]], 0.5), (second, [[3.0, 4.0], [9.0, 9.0]], -1.0)):
            conv.weight[0, 0], conv.bias[0] = torch.tensor(weights), bias
    step = ConvStep(net.trunk, (1, 1, 2), "float32")
    # Zeros are below and to the right. First: 2 - 2 * 1 + .5 = .5, 1 + .5 = 1.5. Second: 3 * .5 + 4 * 1.5 - 1 = 6.5.
    maps, found = passes(step, torch.tensor([[[[2.0, 1.0]]]]), torch.tensor([[[[10.0]]]]))
    assert maps.tolist() == [[[[6.5]]]]
    # Slopes in what the first gives: 3 * 10 and 4 * 10.
    assert found[2].tolist() == [[[[5.0, 15.0], [0.0, 0.0]]]]
    assert found[3].tolist() == [10.0]
    assert found[0].tolist() == [[[[30 * 2 + 40 * 1, 30 * 1], [0.0, 0.0]]]]
    assert found[1].tolist() == [70.0]


def test_nothing_comes_back_where_nothing_was_active() -> None:
    net = net_of((32, 32))
    with torch.no_grad():
        net.trunk.convolutions[1].bias[:] = -1e3
    step = ConvStep(net.trunk, (1, 28, 28), "float32")
    maps, found = passes(step, torch.rand(3, 1, 28, 28), torch.ones(3, 32, 14, 14))
    assert not maps.any()
    assert not any(gradient.any() for gradient in found)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_any_number_of_threads_gives_the_same_bits(precision) -> None:
    before, trunk, found = torch.get_num_threads(), net_of((32, 64)).trunk, []
    images, slopes = torch.rand(7, 1, 28, 28), torch.randn(7, 64, 14, 14)
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(passes(ConvStep(trunk, (1, 28, 28), precision), images, slopes))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for maps, gradients in found[1:]:
        assert torch.equal(maps, found[0][0])
        assert all(map(torch.equal, gradients, found[0][1]))


def test_what_was_in_memory_before_does_not_matter() -> None:
    trunk = net_of((32, 40), 3).trunk
    images, slopes = torch.rand(5, 1, 28, 28), torch.randn(5, 40, 14, 14)
    fresh = passes(ConvStep(trunk, (1, 28, 28), "float32"), images, slopes)
    used = ConvStep(trunk, (1, 28, 28), "float32")
    passes(used, torch.full((90, 1, 28, 28), 100.0), torch.full((90, 40, 14, 14), 100.0))
    maps, gradients = passes(used, images, slopes)
    assert torch.equal(maps, fresh[0])
    assert all(map(torch.equal, gradients, fresh[1]))


def test_what_is_no_number_is_passed_on() -> None:
    net = net_of((32, 32))
    with torch.no_grad():
        net.trunk.convolutions[0].weight[3] = torch.nan
    maps, found = passes(
        ConvStep(net.trunk, (1, 28, 28), "float32"), torch.rand(2, 1, 28, 28), torch.ones(2, 32, 14, 14)
    )
    assert maps.isnan().all()
    assert found[2].isnan().any()


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_weights_may_lie_either_way_and_change(memory_format) -> None:
    net = net_of((32, 64)).to(memory_format=memory_format)
    step = ConvStep(net.trunk, (1, 28, 28), "float32")
    images, slopes = torch.rand(4, 1, 28, 28), torch.randn(4, 64, 14, 14)
    passes(step, images, slopes)
    with torch.no_grad():
        for parameter in net.trunk.parameters():
            parameter.mul_(0.5)
    net.trunk.convolutions[0].bias.data = torch.rand(32)
    maps, gradients = passes(step, images, slopes)
    true_maps, true = by_autograd(net.trunk, images, slopes)
    for mine, right in zip((maps, *gradients), (true_maps, *true), strict=True):
        assert (mine.double() - right).norm() <= 5e-6 * right.norm()
    other = torch.contiguous_format if memory_format == torch.channels_last else torch.channels_last
    net.to(memory_format=other)
    with pytest.raises(RuntimeError, match="view"):  # rather than to learn what nobody sees
        passes(step, images, slopes)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("filters", "kernel", "image"), SHAPES)
def test_a_dense_layer_over_the_maps_goes_through_too(filters, kernel, image, precision) -> None:
    net, random = net_of(filters, kernel, image), torch.Generator().manual_seed(2)
    step = ConvStep(net.trunk, image, precision, net.head)
    for count in (6, 1, 70):
        images = torch.rand(count, *image, generator=random) * 2 - 1
        slopes = torch.randn(count, 4, 1, 1, generator=random).to(step.dtype)
        logits, gradients = passes(step, images, slopes)
        true_logits, true = by_autograd(net.trunk, images, slopes.double(), precision, net.head)
        for mine, right in zip((logits, *gradients), (true_logits, *true), strict=True):
            close = 5e-6 if precision == "float32" else 4e-3
            assert mine.shape == right.shape
            assert (mine.double() - right).norm() <= close * right.norm() + 1e-8


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("filters", "kernel", "image"), SHAPES)
def test_no_product_reads_or_writes_beyond_its_memory(filters, kernel, image, precision) -> None:
    net = net_of(filters, kernel, image)
    step, count = ConvStep(net.trunk, image, precision, net.head), 2 * GROUP + GROUP // 2
    step.forward(torch.zeros(count, *image))
    made = step.products
    tables = {table.ctypes.data: table for table in made.tables}
    memory = {
        m.data_ptr(): m.numel() * m.itemsize
        for m in (*made.maps, *made.gradients, *made.paired, *made.paired_gradients)
    }
    last, there = 2, GROUP // 2  # images of the last group

    def reaches(one, start, rows, group, beyond, shared=1) -> None:
        """Rows of the whole groups, and of the last, stay within what begins at an address."""
        table = tables[one[rows]]
        assert table.min() >= 0
        for before, images in ((last, there), (last - 1, GROUP)):
            used = table[: one["row_count"] * images // 2 // shared]
            if len(used):
                assert before * one[group] + used.max() + beyond <= memory[one[start]]

    forth, back = made.forward[0], made.backward[0]
    for one in (*forth, *(one for one in back if one["kind"] == BACKWARD)):
        across = int(one["blocks"]) * TILE_COLUMNS
        reaches(one, "a", "rows", "a_group", tables[one["steps"]][:, 0].max() + 4)
        if one["out"]:
            reaches(one, "out", "out_rows", "out_group", across * step.bytes)
        if one["pairs"]:
            reaches(one, "pairs", "pairs_rows", "pairs_group", 4 * across, shared=2)
        if one["kind"] == BACKWARD:
            reaches(one, "active", "active_rows", "active_group", across * step.bytes)
    for one in (one for one in back if one["kind"] == GRADIENT):
        per_pair, chunk = (2 if step.bytes == 4 else 1), int(one["chunk"])
        steps = tables[one["steps"]].reshape(chunk, -1, 2)
        for before, images in ((last, there), (last - 1, GROUP)):
            full, rest = divmod(images // 2 * per_pair, chunk)
            for name, place, beyond in (
                ("a", 0, tables[one["rows"]].max() + 4),
                ("b", 1, one["blocks"] * 4 * TILE_COLUMNS),
            ):
                ends = [(full - 1) * one[f"{name}_chunk"] + steps[..., place].max()] if full else []
                ends += [full * one[f"{name}_chunk"] + steps[:rest, :, place].max()] if rest else []
                assert before * one[f"{name}_group"] + max(ends) + beyond <= memory[one[name]]
    for layer, weights in zip(step.layers, step.weights, strict=True):
        assert len(layer.gradient_rows) % TILE_ROWS == 0
        assert len(weights.gradient) >= max(len(layer.gradient_rows), -(-layer.filters.size // LANES) * LANES)


# What is between the products ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("blocks", "width", "columns"), [(1, 32, 16), (3, 32, 40), (1, 9, 7), (2, 16, 6)])
@pytest.mark.parametrize("kind", [np.float32, np.uint32])
def test_blocks_of_rows_are_transposed(blocks, width, columns, kind) -> None:
    rows = np.arange(blocks * width * columns, dtype=kind).reshape(-1, columns)
    into = np.zeros((blocks, columns, width), kind)
    transpose(rows, into, 2)
    np.testing.assert_array_equal(into, rows.reshape(blocks, width, columns).transpose(0, 2, 1))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_packing_rounds_weights_into_three_forms(memory_format, precision) -> None:
    net = net_of((5, 40), 3, (2, 7, 7)).to(memory_format=memory_format)
    step = ConvStep(net.trunk, (2, 7, 7), precision)
    layer, weights = step.layers[1], step.weights[1]
    weights.pack()
    biases, padded, _, forward, starts, backward = weights.forms
    np.testing.assert_array_equal(biases[:40], net.trunk.convolutions[1].bias.detach())
    assert not biases[40:].any()
    channels, filters = padded_channels(5), padded_channels(40)
    true = torch.zeros(filters, 3, 3, channels, dtype=step.dtype)  # filters and channels fill tiles
    true[:40, ..., :5] = net.trunk.convolutions[1].weight.detach().permute(0, 2, 3, 1)
    found = padded[:, : 3 * layer.run].reshape(filters, 3, layer.run)[..., : 3 * channels]
    np.testing.assert_array_equal(found.reshape(filters, 3, 3, channels), as_numbers(true))
    whole = (
        torch.from_numpy(padded.view(np.int16)).view(torch.bfloat16) if step.bytes == 2 else torch.from_numpy(padded)
    )
    blocks = filters // TILE_COLUMNS
    np.testing.assert_array_equal(forward, as_words(whole).reshape(blocks, TILE_COLUMNS, -1).transpose(0, 2, 1))
    runs = padded.reshape(-1)[starts[..., None] + np.arange(TILE_COLUMNS)]  # (rows, 1 or 2, columns)
    packed = backward.view(padded.dtype).reshape(len(starts), TILE_COLUMNS, -1)
    np.testing.assert_array_equal(packed, runs.transpose(0, 2, 1))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_images_are_scaled_and_stored_channels_last(precision) -> None:
    images = torch.randint(0, 256, (2, 3, 2, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    into = torch.full((3, 60), -9.0, dtype=getattr(torch, precision))
    scale_images(images.numpy(), as_numbers(into), 5, 18)
    for n, y in np.ndindex(2, 2):
        start = 5 + 18 * y
        assert torch.equal(into[n, start : start + 12], scaled(images)[n, :, y].T.flatten().to(into.dtype))
    assert (into == -9).sum() == 180 - images.numel()


def test_the_loss_of_a_batch_by_hand() -> None:
    """Equal logits: a loss of ln 2, half of the slopes. A third image, which has no label, gets none."""
    logits, slopes = np.zeros((3, 4), np.float32), np.full((3, 6), 9, np.float32)
    loss, right = head_loss(logits, np.array([0, 1]), 2, 0.0, slopes, 3)
    assert (loss, right) == (pytest.approx(np.log(2), rel=1e-6), 1)  # the first is the answer
    assert slopes[:, 3:5].tolist() == [[-0.25, 0.25], [0.25, -0.25], [0, 0]]
    assert (slopes[:, [0, 1, 2, 5]] == 9).all()


def test_pairing_puts_two_images_into_a_word() -> None:
    numbers = np.arange(4 * 6, dtype=np.uint16).reshape(4, 6)
    into = np.zeros((2, 6), np.uint32)
    pair_images(numbers.view(np.uint32), into, 2)
    np.testing.assert_array_equal(into, numbers[::2] + (numbers[1::2].astype(np.uint32) << 16))


def test_masking_drops_what_was_not_active_and_clears_images_that_are_not_there() -> None:
    slopes = np.arange(1, 13, dtype=np.float32).reshape(1, 3, 4).transpose(0, 2, 1)  # 4 places, 3 channels
    active = np.array([[1, 1, 0, 9, 0, 1, 1, 9, 1, 1, 1, 9, 0, 0, 0, 9], [1] * 16], np.float32)  # 3 of 4 channels
    into = np.full((2, 30), -1, np.float32)
    mask_gradient(slopes, active, np.array([2, 8, 14, 20]), into, 4, 2)
    assert into[0, [2, 3, 4]].tolist() == [1, 5, 0]
    assert into[0, [8, 9, 10]].tolist() == [0, 6, 10]
    assert into[0, [14, 15, 16]].tolist() == [3, 7, 11]
    assert into[0, [20, 21, 22]].tolist() == [0, 0, 0]
    assert into[1, [2, 3, 4, 8, 9, 10, 14, 15, 16, 20, 21, 22]].tolist() == [0] * 12
    assert set(into[0, [0, 1, 5, 6, 7, 11, 12, 13]]) == {-1}


# In training ---------------------------------------------------------------------------------------------------------


def two(net, weights=(1.0,)):
    """The net with its convolutions in machine code, and a twin by autograd."""
    nets = net, copy.deepcopy(net)
    mine, theirs = (fixed.Fixed(learner(one, weights=weights)) for one in nets)
    descend = partial(fixed.descend, mine.learner)
    step = PartlyCompiledStep(mine, CompiledNet(net, "float32"), descend, dense=False)
    return nets, step, BalancedStep(theirs)


@pytest.mark.parametrize("tasks", [1, 2])
def test_steps_leave_what_autograd_leaves(tasks) -> None:
    if tasks == 1:
        nets, mine, theirs = two(net_of((32, 64)))
    else:
        net = SharedSettings(filters=(32, 32), shared=(20,), head=(8,)).build((1, 28, 28), (4, 4))
        initialise(net, torch.Generator().manual_seed(0))
        nets, mine, theirs = two(net.to(memory_format=torch.channels_last), (0.25, 0.75))
    for seed, count in enumerate([16, 16, 5, 33, 16]):
        drawn = batch(count, (1, 28, 28), (4,) * tasks, seed)
        if seed == 3:
            drawn = drawn._replace(weights=torch.linspace(0, 2, count))
        found, expected = mine(drawn), theirs(drawn)
        torch.testing.assert_close(found.losses, expected.losses, rtol=1e-4, atol=1e-5)
    for found, expected in zip(*(net.parameters() for net in nets), strict=True):
        off = (found - expected).abs()  # where a gradient is next to nothing, Adam's first steps go by its sign
        assert off.median() < 1e-4
        assert off.max() < 0.05


def test_only_trunks_that_pay_are_compiled(monkeypatch) -> None:
    def can(net, **options):
        one = learner(net, **options)
        return can_compile(one.net, one.precision)

    def cnn(**settings):
        return CnnSettings(**settings).build((1, 28, 28), (4,))

    monkeypatch.setattr(conv_step, "machine_can", lambda precision: True)
    monkeypatch.setattr(vectors, "LANES", 16)
    C = TILE_COLUMNS  # the processor has its own tiles, whatever `pays` is told
    net = cnn(filters=(C, 2 * C))
    assert can(net)
    assert "convolutions" in chosen(learner(net)).choices
    assert can(SharedSettings(filters=(C, 2 * C)).build((1, 28, 28), (4, 3)), weights=(0.5, 0.5))
    assert can(cnn(filters=(C - C // 16,), kernel=1))
    for image, classes in (((3, 17, 23), 2), ((2, 48, 64), 1000)):
        assert can(CnnSettings(filters=(C, 2 * C)).build(image, (classes,)))
    assert not can(cnn(filters=(C, 2 * C), kernel=1))  # a stride of 2 passes over most of what comes in
    assert not can(cnn(filters=(C, 2 * C), halving="pool"))
    assert not can(cnn(filters=(C // 2, 2 * C)))  # half of a tile would be empty
    assert not can(MlpSettings(hidden=(32,)).build((1, 28, 28), (4,)))
    frozen = cnn(filters=(C, 2 * C))
    frozen.trunk.convolutions[0].weight.requires_grad_(False)
    assert not can(frozen)
    monkeypatch.setattr(vectors, "LANES", 8)
    assert not can(net)
    monkeypatch.setattr(vectors, "LANES", 16)
    monkeypatch.setattr(conv_step, "machine_can", lambda precision: False)
    assert not can(net)
    assert chosen(learner(net)).choices == {"step": "autograd"}


def test_padding_fills_the_last_tile() -> None:
    assert [padded_channels(channels) // TILE_COLUMNS for channels in (1, TILE_COLUMNS, TILE_COLUMNS + 1)] == [1, 1, 2]
