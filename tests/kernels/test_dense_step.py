"""Dense layers that keep no gradients of their weights, against autograd with PyTorch's optimisers, and NumPy."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from rungwise.balancing import fixed
from rungwise.kernels.conv import step as conv_step
from rungwise.kernels.conv.step import CompiledNet
from rungwise.kernels.dense.passes import update_by_gradient
from rungwise.kernels.dense.step import DenseDescent, DenseLayer, DenseLayers, can_compile
from rungwise.kernels.descent import machine_can
from rungwise.kernels.llvm import vectors
from rungwise.kernels.llvm.update_tiles import MomentumConstants
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise
from rungwise.optimisers.adam import Adam
from rungwise.training.steps import PartlyCompiledStep
from tests.kernels import steps
from tests.kernels.steps import PRECISIONS, by_autograd, chosen

if not machine_can("float32"):
    pytest.skip("this machine has no OpenMP, or no products in one instruction", allow_module_level=True)

F = np.float32


def whole_numbers(*shape, seed=0):
    """Small ones: their products and sums are exact, in bfloat16, too."""
    return torch.randint(-3, 4, shape, generator=torch.Generator().manual_seed(seed)).float()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("outputs", [ROWS, 2 * ROWS - 1, 70])
@pytest.mark.parametrize("count", [1, 5, 64, 67])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_learns_what_numpy_says(precision, outputs, count, bias) -> None:
    """Weights of whole numbers, moved by their gradient as it is; twice, so that momentum shows."""
    module = nn.Linear(3 * COLUMNS, outputs, bias)
    with torch.no_grad():
        module.weight[:] = whole_numbers(outputs, 3 * COLUMNS)
        if bias:
            module.bias[:] = whole_numbers(outputs)
    layer = DenseLayer(module, precision)
    memory = [torch.zeros_like(p) for p in module.parameters()]
    held = [tensor for p, one in zip(module.parameters(), memory, strict=True) for tensor in (p.detach(), one, one)]
    weight = module.weight.detach().double().clone()
    biases = module.bias.detach().double().clone() if bias else torch.zeros(outputs)
    of_weight, of_bias = torch.zeros_like(weight), torch.zeros_like(biases)
    for step in range(2):
        x, slopes = (whole_numbers(count, n, seed=step + 1) for n in (3 * COLUMNS, outputs))
        x.requires_grad_()
        y = layer(x)
        given = weight.to(layer.dtype).double()
        expected = x.detach().double() @ given.T + biases.to(layer.dtype).double()
        torch.testing.assert_close(y.detach(), expected.to(layer.dtype))
        y.backward(slopes.to(y.dtype))
        torch.testing.assert_close(x.grad, (slopes.double() @ given).to(layer.dtype).float())
        assert module.weight.grad is None
        of_weight = 0.5 * of_weight + slopes.double().T @ x.detach().double()
        of_bias = bias * (0.5 * of_bias + slopes.double().sum(0))
        weight, biases = weight - 0.25 * of_weight, biases - 0.25 * of_bias
        layer.update(MomentumConstants(F(0.5), F(0.25)), held)
        np.testing.assert_array_equal(module.weight.detach().double(), weight)
        if bias:
            np.testing.assert_array_equal(module.bias.detach().double(), biases)
        assert torch.equal(layer.rounded(), module.weight.detach().to(layer.dtype))


@pytest.mark.parametrize("count", [1, LANES - 1, LANES, 5 * LANES + 3])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_numbers_in_line_are_moved_by_momentum(count, threads) -> None:
    weight, first, gradient = (np.random.default_rng(n).normal(size=count).astype(F) for n in range(3))
    expected = 0.9 * first.astype(float) + gradient
    then = weight - 0.1 * expected
    update_by_gradient(weight, first, first, gradient, MomentumConstants(F(0.9), F(0.1)), threads)
    np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(weight, then, rtol=1e-5, atol=1e-6)


# In training ---------------------------------------------------------------------------------------------------------


def built(shared=(320,), head=(320,)):
    """Three large layers: 512 x 320, and 320 x 320 for each task; small ones after them."""
    net = SharedSettings(filters=(32,), shared=shared, head=head).build((1, 8, 8), (3, 2))
    initialise(net, torch.Generator().manual_seed(0))
    return net.to(memory_format=torch.channels_last)


def learner(net, precision="float32", optimiser=None):
    optimiser = optimiser or Adam(net.parameters(), 0.01, eps=1e-3, fused=True)
    return steps.learner(net, precision, (0.3, 0.7), optimiser=optimiser)


def batch(count, seed=1):
    return steps.batch(count, (1, 8, 8), (3, 2), seed)


def partly(learner):
    """A step with convolutions and large dense layers in machine code, on any processor."""
    dense = DenseLayers(learner.net, learner.precision)
    descent = DenseDescent(learner.optimiser, dense.large)
    net = CompiledNet(learner.net, learner.precision, dense)
    return PartlyCompiledStep(fixed.Fixed(learner), net, descent, dense=True)


# Adam's first steps go by the signs of gradients, so that rounding in the convolutions grows: with tiles for other
# processors than those that take them in training, beyond what is asked here.
needs_tiles = pytest.mark.skipif(not conv_step.pays("float32"), reason="convolutions are machine code with AVX-512")


@pytest.mark.parametrize("kind", [pytest.param("adam", marks=needs_tiles), "momentum", "sgd"])
def test_steps_leave_what_autograd_and_pytorch_leave(kind) -> None:
    nets = [built() for _ in range(2)]
    optimisers = [steps.optimiser(kind, net, eps=1e-3) for net in nets]
    ones = [learner(net, optimiser=optimiser) for net, optimiser in zip(nets, optimisers, strict=True)]
    mine, theirs = partly(ones[0]), by_autograd(ones[1])
    assert len(mine.descend.layers) == 3
    for step, count in enumerate([16, 16, 5, 70, 16, 1]):
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 0.01 * (step + 1)  # as a schedule does
        drawn = batch(count, seed=step)
        if step == 2:
            drawn = drawn._replace(weights=torch.linspace(0, 2, count))
        found, expected = mine(drawn), theirs(drawn)
        torch.testing.assert_close(found.losses, expected.losses, rtol=1e-4, atol=1e-5)
        assert found.right.tolist() == expected.right.tolist()
    for (name, found), expected in zip(nets[0].named_parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.skipif(not vectors.can("bfloat16"), reason="this processor has no bfloat16 products")
def test_gradients_in_bfloat16_are_no_further_off_than_those_of_autograd() -> None:
    net, drawn = built(), batch(48)
    twin = copy.deepcopy(net).double()
    logits = twin(drawn.images.double() / 127.5 - 1)
    losses = [nn.functional.cross_entropy(z, y) for z, y in zip(logits, drawn.labels, strict=True)]
    exact = torch.autograd.grad(0.3 * losses[0] + 0.7 * losses[1], list(twin.parameters()))
    nets, moments = [copy.deepcopy(net) for _ in range(2)], []
    for one, kind in zip(nets, (partly, by_autograd), strict=True):
        started = learner(one, "bfloat16")
        kind(started)(drawn)
        state = started.optimiser.state
        moments.append([state[p]["exp_avg"].double() / 0.1 for p in one.parameters()])
    for found, plain, true in zip(*moments, exact, strict=True):
        assert (found - true).norm() <= 1.5 * (plain - true).norm() + 2e-3 * true.norm() + 1e-8


@pytest.mark.parametrize("precision", PRECISIONS)
def test_any_number_of_threads_gives_the_same_weights(precision) -> None:
    before, nets = torch.get_num_threads(), [built() for _ in range(3)]
    try:
        for net, threads in zip(nets, (1, 2, 3), strict=True):
            torch.set_num_threads(threads)
            partly(learner(net, precision))(batch(20))
    finally:
        torch.set_num_threads(before)
    for one, two, three in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)  # PyTorch's products have their own order
        torch.testing.assert_close(one, three, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_that_were_changed_in_between_are_read_anew(precision) -> None:
    net, other = built(), built()
    for parameter in other.parameters():
        nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(5))
    step = partly(learner(net, precision))
    step(batch(16))
    net.load_state_dict(other.state_dict())
    expected = learner(other, precision).forward(batch(16)).losses.detach()
    torch.testing.assert_close(step(batch(16)).losses, expected, rtol=2e-2, atol=1e-3)


def test_only_large_layers_of_whole_tiles_that_learn() -> None:
    assert can_compile(nn.Linear(320, 320))
    assert not can_compile(nn.Linear(320, 300))  # small
    assert not can_compile(nn.Linear(330, 400))  # no whole tiles
    assert not can_compile(nn.Linear(320, 320).requires_grad_(False))
    assert not can_compile(nn.ReLU())
    assert len(DenseLayers(built(), "float32").large) == 3


def test_other_optimisers_and_nets_without_large_layers_keep_theirs(monkeypatch) -> None:
    monkeypatch.setattr(conv_step, "pays", lambda precision: True)
    net = built()
    assert chosen(learner(net)).choices == {"convolutions": "machine code", "dense": "machine code"}
    for one in (learner(net, optimiser=torch.optim.RMSprop(net.parameters())), learner(built((40,), (30,)))):
        assert chosen(one).choices == {"convolutions": "machine code"}
