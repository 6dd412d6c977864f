"""Steps in machine code against autograd and PyTorch's optimisers, and against values worked by hand."""

import copy
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from rungwise.balancing.learner import Batch
from rungwise.kernels import descent as machine_code
from rungwise.kernels.llvm import vectors
from rungwise.kernels.mlp import step as mlp_step
from rungwise.kernels.mlp.step import MlpStep, can_compile
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.optimisers.adam import Adam
from rungwise.training.batches import Resident
from rungwise.training.epochs import EpochDriver, Rates
from rungwise.training.feed import Feed
from rungwise.training.steps import BalancedStep
from tests.kernels import steps
from tests.kernels.steps import PRECISIONS, begun, by_autograd, chosen, compiled, learner

IMAGE = 1, 6, 5


def built(hidden=(9, 8), bias=True, shape=IMAGE, classes=4):
    return begun(MlpSettings(hidden=hidden, bias=bias).build(shape, (classes,)))


def batch(count, seed=1):
    return steps.batch(count, IMAGE, seed=seed)


NETS = [  # hidden layers, images, classes
    ((), IMAGE, 4),
    ((9,), IMAGE, 4),
    ((12, 7, 5), IMAGE, 4),
    ((300, 200), IMAGE, 4),
    ((60,), (3, 8, 8), 2),
    ((100, 50), (3, 17, 23), 47),
    ((), (4, 32, 32), 200),
    ((70,), (3, 48, 64), 1000),
]


@pytest.mark.parametrize(("hidden", "image", "classes"), NETS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("count", [1, 33, 64, 130])
def test_gradients_losses_and_answers_are_those_of_autograd(hidden, image, classes, bias, smoothing, precision, count):
    one = learner(built(hidden, bias, image, classes), precision, smoothing=smoothing)
    drawn = steps.batch(count, image, (classes,))
    expected = one.forward(drawn)
    gradients = torch.autograd.grad(expected.losses.sum(), list(one.net.parameters()))
    twin = copy.deepcopy(one.net).double()
    logits = twin(drawn.images.double() / 127.5 - 1)[0]
    loss = F.cross_entropy(logits, drawn.labels[0], label_smoothing=smoothing)
    true = torch.autograd.grad(loss, list(twin.parameters()))
    mine = compiled(MlpStep, one)
    forward = mine(drawn)
    mine.flush()
    close = 1e-5 if precision == "float32" else 4e-3
    torch.testing.assert_close(forward.losses, expected.losses.detach(), rtol=close, atol=close)
    if precision == "float32":
        assert forward.right.tolist() == expected.right.tolist()
    assert not forward.losses.requires_grad
    for parameter, gradient, exact in zip(one.net.parameters(), gradients, true, strict=True):
        found = one.optimiser.state[parameter]["exp_avg"].double() / 0.1  # 1 - beta1
        off = (gradient - exact).norm()  # in bfloat16 some units are on or off by rounding
        assert (found - exact).norm() <= 1.5 * off + (1e-5 if precision == "float32" else 2e-3) * exact.norm() + 1e-8


def test_a_layer_of_two_classes_by_hand():
    net = built((), shape=(1, 1, 1), classes=2)
    with torch.no_grad():
        net.head.weight[:], net.head.bias[:] = torch.tensor([[1.0], [0.0]]), 0.0
    one = learner(net, optimiser=torch.optim.SGD(net.parameters(), 0.5))
    # Pixels 255 and 0 are 1 and -1: logits (1, 0) and (-1, 0), both of class 0.
    images = torch.tensor([255, 0], dtype=torch.uint8).view(2, 1, 1, 1)
    step = compiled(MlpStep, one)
    forward = step(Batch(images, torch.tensor([[0, 0]])))
    step.flush()
    p, q = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))  # of class 0
    assert forward.losses.item() == pytest.approx(-(math.log(p) + math.log(q)) / 2, rel=1e-6)
    assert forward.right.tolist() == [1]
    slopes = [(p - 1) / 2, (q - 1) / 2]
    assert net.head.weight[0].item() == pytest.approx(1 - 0.5 * (slopes[0] - slopes[1]), rel=1e-6)
    assert net.head.bias.tolist() == pytest.approx([-0.5 * sum(slopes), 0.5 * sum(slopes)], rel=1e-6)


@pytest.mark.parametrize("kind", ["adam", "momentum", "sgd"])
def test_steps_with_batches_of_many_sizes_leave_what_autograd_and_pytorch_leave(kind):
    nets = [built((13, 40)) for _ in range(2)]
    optimisers = [steps.optimiser(kind, net) for net in nets]
    ones = [learner(net, optimiser=optimiser) for net, optimiser in zip(nets, optimisers, strict=True)]
    mine, theirs = compiled(MlpStep, ones[0]), by_autograd(ones[1])
    for step, count in enumerate([16, 16, 5, 70, 16, 1]):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 0.01 * (step + 1)  # as a schedule does
        found, expected = (take(batch(count, seed=step)) for take in (mine, theirs))
        torch.testing.assert_close(found.losses, expected.losses)
        assert found.right.tolist() == expected.right.tolist()
    mine.flush()
    for found, expected in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_step_waits_for_the_next_one_or_to_be_flushed_and_all_the_same_are_the_weights(precision):
    waiting, flushed = (compiled(MlpStep, learner(built((70, 50)), precision)) for _ in range(2))
    before = [p.clone() for p in waiting.kernel.parameters]
    waiting(batch(16))
    assert all(map(torch.equal, waiting.kernel.parameters, before))
    waiting.flush()
    assert not any(map(torch.equal, waiting.kernel.parameters, before))
    flushed(batch(16))
    for seed, count in enumerate([16, 16, 64, 16, 5, 5]):
        flushed.flush()
        flushed.flush()  # there is nothing left to be done
        losses = [step(batch(count, seed=seed)).losses for step in (waiting, flushed)]
        assert torch.equal(*losses)
    for step in (waiting, flushed):
        step.flush()
    assert all(map(torch.equal, waiting.kernel.parameters, flushed.kernel.parameters))


def test_the_end_of_an_epoch_flushes():
    nets, images = [built() for _ in range(2)], batch(16)
    for net, step in zip(nets, (compiled(MlpStep, learner(nets[0])), by_autograd(learner(nets[1]))), strict=True):
        feed, draws = Feed(Resident(images.images, images.labels)), torch.Generator()
        rates = Rates(torch.optim.SGD(net.parameters()), "constant")
        silent = lambda done, losses, right: None  # noqa: E731
        driver = EpochDriver(step, feed, rates, size=16, losses=1, random=draws)
        driver.run([torch.arange(16)], [1.0], silent)
    for found, expected in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_weights_changed_before_a_step_is_flushed_are_refused():
    step, other = compiled(MlpStep, learner(built())), built()
    step(batch(16))
    step.kernel.parameters[0].data = step.kernel.parameters[0] + 1
    for act in (lambda: step(batch(16)), lambda: step(batch(8)), step.flush):
        with pytest.raises(RuntimeError, match="before the last step was flushed"):
            act()
    step = compiled(MlpStep, learner(other))
    step(batch(16))
    with torch.no_grad():
        other.head.bias.add_(1)
    with pytest.raises(RuntimeError, match="before the last step was flushed"):
        step(batch(16))


def test_memory_of_the_optimiser_replaced_before_a_step_is_flushed_is_refused():
    net = built()
    step = compiled(MlpStep, learner(net, optimiser=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)))
    step(batch(16))
    step.kernel.descent.buffers = None
    for parameter in step.kernel.parameters:
        step.kernel.descent.optimiser.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    with pytest.raises(RuntimeError, match="before the last step was flushed"):
        step(batch(16))
    step.flush()
    step(batch(16))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_any_number_of_threads_gives_the_same_bits(precision):
    before, nets = torch.get_num_threads(), [built((70, 50)) for _ in range(3)]
    try:
        for net, threads in zip(nets, (1, 2, 3), strict=True):
            torch.set_num_threads(threads)
            step = compiled(MlpStep, learner(net, precision))
            assert torch.get_num_threads() == threads
            for seed in range(4):
                step(batch(50, seed=seed))
            step.flush()
    finally:
        torch.set_num_threads(before)
    for values in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.equal(values[0], values[1])
        assert torch.equal(values[0], values[2])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_that_were_changed_in_between_are_read_anew(precision):
    one, other = learner(built(), precision), built((9, 8))
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(5))
    step = compiled(MlpStep, one)
    step(batch(16))
    step.flush()
    one.net.load_state_dict(other.state_dict())
    torch.testing.assert_close(step(batch(16)).losses, one_loss(other, precision), rtol=2e-3, atol=1e-4)
    step.flush()
    for parameter in one.net.parameters():
        parameter.data = torch.full_like(parameter, 0.01)
    torch.testing.assert_close(step(batch(16)).losses, one_loss(constant(other), precision), rtol=2e-3, atol=1e-4)


def one_loss(net, precision):
    return learner(net, precision).forward(batch(16)).losses.detach()


def constant(net):
    for parameter in net.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    return net


def test_steps_here_and_by_autograd_may_take_turns():
    nets = [built() for _ in range(2)]
    ones = [learner(net) for net in nets]
    mine, plain, theirs = compiled(MlpStep, ones[0]), by_autograd(ones[0]), by_autograd(ones[1])
    for seed, weighted in enumerate([False, True, True, False, False]):
        drawn = batch(16, seed=seed)
        if weighted:
            drawn = drawn._replace(weights=torch.linspace(0, 2, 16))
        mine.flush()
        one, other = (plain if weighted else mine)(drawn), theirs(drawn)
        torch.testing.assert_close(one.losses, other.losses)
    mine.flush()
    for found, expected in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_what_is_no_number_is_told():
    net = built()
    with torch.no_grad():
        net.hidden[0].weight[0, 0] = math.nan
    step = compiled(MlpStep, learner(net))
    assert math.isnan(step(batch(16)).losses.item())


def test_only_whole_multilayer_perceptrons_are_compiled(monkeypatch):
    def can(net, **options):
        one = learner(net, **options)
        return can_compile(one.net, one.optimiser, one.precision)

    monkeypatch.setattr(machine_code.numba, "threading_layer", lambda: "omp")
    net = built()
    assert can(net)
    assert isinstance(chosen(learner(net)).kernel, MlpStep)
    assert chosen(learner(net)).choices == {"step": "machine code"}
    assert isinstance(chosen(learner(net), weighted=True), BalancedStep)
    assert can(net, optimiser=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9))
    assert not can(CnnSettings(filters=(2, 3)).build((1, 8, 8), (3,)))
    assert not can(net, optimiser=torch.optim.RMSprop(net.parameters()))
    assert not can(net, optimiser=Adam(net.parameters(), 0.1, weight_decay=0.1, fused=True))
    assert not can(net, optimiser=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True))
    assert not can(net, optimiser=Adam([{"params": [p]} for p in net.parameters()], 0.1, fused=True))
    frozen = built()
    frozen.head.bias.requires_grad_(False)
    assert not can(frozen, optimiser=Adam(frozen.parameters(), fused=True))
    monkeypatch.setattr(vectors, "features", dict)
    assert not can(net)
    assert isinstance(chosen(learner(net)), BalancedStep)
    assert chosen(learner(net)).choices == {"step": "autograd"}


@pytest.mark.parametrize(
    ("image", "hidden", "with_avx2"),
    [
        ((3, 32, 32), (100, 100), True),
        ((3, 32, 32), (1000, 1000), False),  # too many weights
        ((3, 64, 64), (30,), False),  # too many inputs
        ((1, 28, 28), (100,) * 30, True),
        ((2, 17, 23), (), True),
    ],
)
def test_large_nets_are_left_to_mkl_with_avx2(image, hidden, with_avx2, monkeypatch):
    monkeypatch.setattr(machine_code.numba, "threading_layer", lambda: "omp")
    one = learner(MlpSettings(hidden=hidden).build(image, (47,)))
    for lanes, expected in ((4, True), (8, with_avx2), (16, True)):
        monkeypatch.setattr(vectors, "LANES", lanes)
        assert can_compile(one.net, one.optimiser, one.precision) == expected


def test_where_there_is_no_openmp_autograd_does_it():
    program = (
        "from test_mlp_step import built, can_compile, learner; import sys; one = learner(built()); "
        "sys.exit(can_compile(one.net, one.optimiser, one.precision))"
    )
    done = elsewhere(program, NUMBA_THREADING_LAYER="workqueue")
    assert done.returncode == 0, done.stderr


def test_padding_leaves_space_for_a_tile_more_and_avoids_whole_pages():
    for width in (1, 58, 59, 250, 768, 1000, 1018, 1024):
        padded = mlp_step._padded(width)
        assert padded >= width + vectors.ROWS - 1
        assert padded % vectors.COLUMNS == 0
        assert padded % 256


def elsewhere(program, **settings):
    """A program in a process of its own, which may import this file."""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2]), *sys.path])
    known = os.environ | {"PYTHONPATH": path} | settings
    return subprocess.run([sys.executable, "-c", program], env=known, capture_output=True, text=True)


ELSEWHERE = """
import llvmlite.binding
import rungwise.kernels.llvm.words  # numba asks for the features, too, as soon as it is used
here = llvmlite.binding.get_host_cpu_features
llvmlite.binding.get_host_cpu_features = lambda: {features}
from rungwise.kernels.llvm import vectors
assert vectors.shape(vectors.features()) == (vectors.LANES, vectors.ROWS, vectors.VECTORS) == {shape}
llvmlite.binding.get_host_cpu_features = here
import torch
from test_mlp_step import batch, built, by_autograd, compiled, learner
from rungwise.kernels.mlp.step import MlpStep
nets = [built((13, 40)) for _ in range(2)]
mine, theirs = compiled(MlpStep, learner(nets[0])), by_autograd(learner(nets[1]))
for seed, count in enumerate([16, 70, 5]):
    torch.testing.assert_close(mine(batch(count, seed=seed)).losses, theirs(batch(count, seed=seed)).losses)
mine.flush()
for found, expected in zip(*(net.parameters() for net in nets)):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
"""


@pytest.mark.parametrize(
    ("features", "shape"), [({"avx": True, "fma": True}, (8, 6, 2)), ({"neon": True}, (4, 6, 4))], ids=["avx", "neon"]
)
def test_tiles_of_other_processors_give_the_same(features, shape, tmp_path):
    done = elsewhere(ELSEWHERE.format(features=features, shape=shape), NUMBA_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
