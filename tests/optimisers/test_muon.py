"""Muon against the singular value decomposition, a step worked by hand, and Adam."""

import pytest
import torch
from torch import nn

from rungwise.optimisers.muon import BETAS, COEFFICIENTS, ITERATIONS, Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (6, 40), (40, 6)])
def test_it_keeps_the_singular_vectors_and_evens_the_values(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    values = u.T @ orthogonal([matrix])[0] @ v.T  # diagonal where the vectors are kept
    diagonal = values.diagonal()
    assert (values - torch.diag(diagonal)).abs().max() < 1e-3
    assert diagonal.min() > 0.3
    assert diagonal.max() < 1.3


def test_the_size_of_the_gradient_does_not_matter() -> None:
    matrix = torch.randn(5, 9)
    one, other = orthogonal([matrix, 1000 * matrix])
    assert torch.allclose(one, other, atol=1e-4)


def test_it_is_the_published_iteration() -> None:
    random = torch.Generator().manual_seed(2)
    matrices = [torch.randn(shape, generator=random).double() for shape in [(4, 9), (9, 4), (7, 7), (4, 30)]]
    a, b, c = COEFFICIENTS
    for matrix, found in zip(matrices, orthogonal(matrices), strict=True):
        x = matrix / matrix.norm()
        for _ in range(ITERATIONS):
            square = x @ x.T
            x = a * x + (b * square + c * square @ square) @ x
        assert torch.allclose(found, x, atol=1e-6)


def test_two_steps_by_hand() -> None:
    weight, bias = nn.Parameter(torch.ones(4, 2)), nn.Parameter(torch.zeros(4))
    optimiser = Muon([weight], [bias], rate=0.1, momentum=0.5, adam_rate=0.01)
    first, second = torch.randn(4, 2), torch.randn(4, 2)
    weight.grad, bias.grad = first.clone(), torch.ones(4)
    optimiser.step()
    # velocity = g, ahead = g + .5 g; the longer side is the rows: sqrt(4 / 2)
    after = torch.ones(4, 2) - 0.1 * 2**0.5 * orthogonal([1.5 * first])[0]
    assert torch.allclose(weight, after, atol=1e-6)
    assert torch.allclose(bias, torch.full((4,), -0.01), atol=1e-6), "Adam's first step is its rate"
    weight.grad = second.clone()
    optimiser.step()
    velocity = 0.5 * first + second
    expected = after - 0.1 * 2**0.5 * orthogonal([second + 0.5 * velocity])[0]
    assert torch.allclose(weight, expected, atol=1e-6)


def test_convolutions_are_matrices_of_filters() -> None:
    a, b = nn.Parameter(torch.zeros(3, 2, 3, 3)), nn.Parameter(torch.zeros(3, 18))
    gradient = torch.randn(3, 2, 3, 3)
    a.grad, b.grad = gradient.contiguous(memory_format=torch.channels_last), gradient.flatten(1)
    for weight in (a, b):
        Muon([weight], [nn.Parameter(torch.zeros(1))], 0.1, 0.9, 0.01).step()
    assert torch.allclose(a.flatten(1), b)


def test_the_others_are_adams() -> None:
    ours, theirs = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    muon = Muon([nn.Parameter(torch.ones(2, 2))], [ours], 0.1, 0.9, 0.05)
    adam = torch.optim.Adam([theirs], 0.05, betas=BETAS)
    for _ in range(3):
        ours.grad = theirs.grad = torch.randn(3)
        muon.step()
        adam.step()
    assert torch.allclose(ours, theirs)


def test_a_schedule_reaches_every_group() -> None:
    bias = nn.Parameter(torch.zeros(2))
    muon = Muon([nn.Parameter(torch.ones(2, 2))], [bias], 0.1, 0.9, 0.05)
    assert [group["lr"] for group in muon.param_groups] == [0.1, 0.05]
    for group in muon.param_groups:
        group["lr"] = 0.0
    bias.grad = torch.ones(2)
    muon.step()
    assert bias.eq(0).all()
    muon.zero_grad()
    assert bias.grad is None
