"""Dropout against PyTorch's, and its stream of masks."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rungwise.models.cnn import CnnSettings
from rungwise.models.dropout import Dropout, has_dropout, seed_dropout
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise, net_fault
from rungwise.testing.material import batches, learner_of


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_output_and_gradient_are_the_librarys_from_the_same_state(share, dtype):
    x = torch.randn(64, 50, dtype=dtype).requires_grad_()
    layer = Dropout(share)
    seed_dropout(layer, 5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        for _ in range(3):  # both go on from where they are
            mine, theirs = layer(x), F.dropout(x, share)
            assert torch.equal(mine, theirs)
            (of_mine,), (of_theirs,) = (torch.autograd.grad(z.square().sum(), x) for z in (mine, theirs))
            assert torch.equal(of_mine, of_theirs)


def test_in_evaluation_nothing_is_dropped_and_nothing_drawn():
    layer, x = Dropout(0.5), torch.randn(4, 6)
    seed_dropout(layer, 1)
    first = layer(x)
    seed_dropout(layer, 1)
    assert layer.eval()(x) is x
    assert torch.equal(layer.train()(x), first)


def test_layers_of_a_net_draw_one_after_the_other_and_a_copy_apart():
    net, x = nn.Sequential(Dropout(0.5), nn.Identity(), Dropout(0.5)), torch.ones(8, 30)
    seed_dropout(net, 2)
    copy.deepcopy(net)(x)
    expected = torch.Generator().manual_seed(2)
    first, second = (torch.empty(8, 30).bernoulli_(0.5, generator=expected) * 2 for _ in range(2))
    assert torch.equal(net[0](x), first)
    assert torch.equal(net[2](x), second)
    assert not torch.equal(first, second)


def test_without_numbers_there_is_nothing_to_draw():
    layer = Dropout(0.5)
    before = layer.generator.get_state()
    assert layer(torch.empty(3, 4, device="meta")).is_meta
    assert torch.equal(layer.generator.get_state(), before)


def test_a_net_may_have_this_dropout():
    for settings, outputs in (
        (MlpSettings(hidden=(4,), dropout=0.5), (3,)),
        (SharedSettings(filters=(2,), dropout=0.5), (3, 2)),
    ):
        assert net_fault(settings, (1, 8, 8), outputs) == ""
        assert has_dropout(settings.build((1, 8, 8), outputs))
    assert not has_dropout(MlpSettings(hidden=(4,)).build((1, 8, 8), (3,)))


def of_torch(channels, dense):
    """The same layers as PyTorch has them, for images of 8x8: (convolution, norm, ReLU), then dense with dropout."""
    layers = []
    for a, b in zip((1, *channels), channels, strict=False):
        layers += [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
    layers.append(nn.Flatten())
    inputs = (channels[-1] * 64 if channels else 64, *dense)
    for a, b in zip(inputs, dense, strict=False):
        norm = [] if channels else [nn.BatchNorm1d(b)]
        layers += [nn.Linear(a, b, bias=bool(channels)), *norm, nn.ReLU(), nn.Dropout(0.4)]
    return nn.Sequential(*layers, *([] if dense else [nn.Dropout(0.4)]), nn.Linear(inputs[-1], 4))


CASES = {
    "mlp": (MlpSettings(hidden=(20, 16), batch_norm=True, dropout=0.4), of_torch((), (20, 16))),
    "cnn": (CnnSettings(filters=(3,), kernel=3, batch_norm=True, dense=(9, 8), dropout=0.4), of_torch((3,), (9, 8))),
    "cnn, dropout of maps": (CnnSettings(filters=(3,), kernel=3, batch_norm=True, dropout=0.4), of_torch((3,), ())),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "theirs"), CASES.values(), ids=CASES)
def test_a_net_learns_step_for_step_what_the_librarys_layers_learn(settings, theirs):
    mine = settings.build((1, 8, 8), (4,))
    initialise(mine, torch.Generator().manual_seed(0))
    # Both have their layers in the order of the paper, but mine keeps them by kind.
    places = dict(zip(ordered(mine), theirs.state_dict(), strict=True))
    theirs.load_state_dict({places[name]: value for name, value in mine.state_dict().items()})
    seed_dropout(mine, 7)
    learner, optimiser = learner_of(mine, (1, 8, 8), (4,)), torch.optim.Adam(theirs.parameters(), 0.01)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        for _, batch in zip(range(6), batches((1, 8, 8), (4,), 1), strict=False):
            loss = learner.forward(batch).losses[0]
            other = F.cross_entropy(theirs(batch.images / 127.5 - 1), batch.labels[0])
            for one, value in ((learner.optimiser, loss), (optimiser, other)):
                one.zero_grad()
                value.backward()
                one.step()
            torch.testing.assert_close(loss, other)
    for name, value in mine.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[places[name]], rtol=1e-4, atol=1e-5)


def ordered(net):
    """The names of a net's state, layer by layer: what is normalised, then the norm."""
    names = list(net.state_dict())
    layers, norms = ("hidden", "norms") if "hidden.0.weight" in names else ("trunk.convolutions", "trunk.norms")

    def place(name):
        parts = name.rsplit(".", 2)
        if parts[0] in (layers, norms):
            return (0, int(parts[1]), parts[0] == norms)
        return (2 if name.startswith("head") else 1, 0, False)

    return sorted(names, key=place)
