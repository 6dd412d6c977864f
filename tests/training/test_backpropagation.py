"""Gradients by hand against autograd's, and against values worked by hand."""

import math

import pytest
import torch

from rungwise.balancing import fixed
from rungwise.balancing.balancer import Batch, Learner
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import initialise
from rungwise.training.backpropagation import backpropagate, can_do_by_hand


def learner(net, precision="float32", smoothing=0.0):
    initialise(net, torch.Generator().manual_seed(0))
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    return Learner(net, optimiser, 0.1, (1.0,), (), (), None, torch.Generator(), precision, smoothing)


def batch(count, classes, shape=(1, 6, 5)):
    random = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, *shape), generator=random, dtype=torch.uint8)
    return Batch(images, torch.randint(0, classes, (1, count), generator=random))


@pytest.mark.parametrize("hidden", [(), (9,), (12, 7, 5), (700, 200)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_gradients_losses_and_answers_are_those_of_autograd(hidden, bias, smoothing, precision):
    net = MlpSettings(hidden=hidden, bias=bias).build((1, 6, 5), (4,))
    one = learner(net, precision, smoothing)
    for parameter in net.parameters():  # biases, too, start at something
        torch.nn.init.normal_(parameter, std=0.1)
    drawn = batch(33, 4)
    expected = one.forward(drawn)
    found = torch.autograd.grad(expected.losses.sum(), list(net.parameters()))
    forward = backpropagate(one, drawn)
    torch.testing.assert_close(forward.losses, expected.losses.detach(), rtol=1e-6, atol=1e-7)
    assert forward.right.tolist() == expected.right.tolist()
    assert not forward.losses.requires_grad
    # In bfloat16 numbers that round to a neighbour are 2^-8 of their size apart.
    scale = 1e-5 if precision == "float32" else 1e-2
    for parameter, gradient in zip(net.parameters(), found, strict=True):
        assert parameter.grad.dtype == torch.float32
        assert (parameter.grad - gradient).norm() <= scale * gradient.norm()


def test_a_layer_of_two_classes_by_hand():
    net = MlpSettings(hidden=()).build((1, 1, 1), (2,))
    one = learner(net)
    with torch.no_grad():
        net.head.weight[:], net.head.bias[:] = torch.tensor([[1.0], [0.0]]), 0.0
    # Pixels 255 and 0 are 1 and -1: logits (1, 0) and (-1, 0), both of class 0.
    images = torch.tensor([255, 0], dtype=torch.uint8).view(2, 1, 1, 1)
    forward = backpropagate(one, Batch(images, torch.tensor([[0, 0]])))
    p, q = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))  # of class 0
    assert forward.losses.item() == pytest.approx(-(math.log(p) + math.log(q)) / 2, rel=1e-6)
    assert forward.right.tolist() == [1]
    slopes = [(p - 1) / 2, (q - 1) / 2]
    assert net.head.weight.grad[0].item() == pytest.approx(slopes[0] - slopes[1], rel=1e-6)
    assert net.head.bias.grad.tolist() == pytest.approx([sum(slopes), -sum(slopes)], rel=1e-6)


def test_only_whole_multilayer_perceptrons_are_done_by_hand():
    def built(settings):
        return learner(settings.build((1, 8, 8), (3,)))

    assert can_do_by_hand(built(MlpSettings(hidden=(5,))))
    assert not can_do_by_hand(built(CnnSettings(filters=(2, 3))))
    frozen = built(MlpSettings(hidden=(5,)))
    frozen.net.head.bias.requires_grad_(False)
    assert not can_do_by_hand(frozen)


def test_a_step_by_hand_leaves_what_a_step_of_autograd_leaves():
    nets = [MlpSettings(hidden=(9, 8)).build((1, 6, 5), (4,)) for _ in range(2)]
    hand, graph = (fixed.Settings().build(learner(net)) for net in nets)
    graph.by_hand = False
    for _ in range(3):
        one, other = (balancer.step(batch(16, 4)) for balancer in (hand, graph))
        torch.testing.assert_close(one.losses, other.losses)
    for mine, theirs in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def test_weighted_images_are_left_to_autograd():
    net = MlpSettings(hidden=(9,)).build((1, 6, 5), (4,))
    balancer = fixed.Settings().build(learner(net))
    weighted = batch(16, 4)._replace(weights=torch.linspace(0, 2, 16))
    assert balancer.step(weighted).of_images.shape == (1, 16)
