"""Products of oneDNN against those of PyTorch's own layer."""

import pytest
import torch
from torch import nn

from rungwise.models import linear
from rungwise.models.linear import Linear
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings

needs_onednn = pytest.mark.skipif(not linear.available(), reason="needs a PyTorch built with oneDNN")


def twins(inputs, outputs, bias=True):
    torch.manual_seed(0)
    own, plain = Linear(inputs, outputs, bias), nn.Linear(inputs, outputs, bias)
    plain.load_state_dict(own.state_dict())
    return own, plain


def used(monkeypatch):
    """A list that grows with each product of oneDNN's."""
    calls, product = [], linear.times
    monkeypatch.setattr(linear, "faster", lambda: True)
    monkeypatch.setattr(linear, "times", lambda *args: calls.append(1) or product(*args))
    return calls


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 16, 64])
def test_outputs_and_gradients_are_those_of_the_plain_layer(rows, bias, monkeypatch):
    calls = used(monkeypatch)
    own, plain = twins(512, 300, bias)
    x = torch.randn(rows, 512, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    answers, expected = own(x), plain(y)
    weight = torch.randn(rows, 300)
    (answers * weight).sum().backward()
    (expected * weight).sum().backward()
    assert len(calls) == 3  # forwards, and the two gradients
    exact = x.detach().double() @ own.weight.detach().double().T + (own.bias.detach().double() if bias else 0)
    torch.testing.assert_close(answers.detach().double(), exact, rtol=0, atol=1e-4)
    torch.testing.assert_close(answers, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-5)
    for mine, theirs in zip(own.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-4)


@needs_onednn
def test_only_the_gradients_that_are_asked_for(monkeypatch):
    calls = used(monkeypatch)
    own, _ = twins(512, 300)
    own.weight.requires_grad_(False)
    x = torch.randn(4, 512)
    own(x).sum().backward()
    assert len(calls) == 1
    assert own.weight.grad is None
    assert own.bias.grad.tolist() == [4.0] * 300


@needs_onednn
@pytest.mark.parametrize(
    ("inputs", "dtype", "autocast"), [(20, "float32", 0), (512, "float64", 0), (512, "float32", 1)]
)
def test_small_layers_other_numbers_and_bfloat16_are_left_to_pytorch(inputs, dtype, autocast, monkeypatch):
    calls = used(monkeypatch)
    own, plain = (net.to(getattr(torch, dtype)) for net in twins(inputs, 300))
    x = torch.randn(8, inputs, dtype=getattr(torch, dtype))
    with torch.autocast("cpu", torch.bfloat16, enabled=bool(autocast)):
        assert torch.equal(own(x), plain(x))
    assert not calls


@pytest.mark.parametrize("without", ["available", "faster"])
def test_without_onednn_or_where_it_is_slower_it_is_the_plain_layer(without, monkeypatch):
    calls = used(monkeypatch)
    monkeypatch.setattr(linear, without, lambda: False)
    own, plain = twins(512, 300)
    x = torch.randn(8, 512)
    assert torch.equal(own(x), plain(x))
    assert not calls


@needs_onednn
@pytest.mark.parametrize(
    ("net", "outputs", "layers"),
    [
        (MlpSettings(hidden=(400, 300)), (10,), 2),
        (SharedSettings(filters=(4, 4), shared=(600,), head=(200,)), (10, 4), 3),
    ],
)
def test_the_large_layers_of_nets_are_these(net, outputs, layers, monkeypatch):
    calls = used(monkeypatch)
    net.build((1, 28, 28), outputs)(torch.randn(8, 1, 28, 28))
    assert len(calls) == layers
