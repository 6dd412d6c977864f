"""Adam against PyTorch's, to the bit."""

import pytest
import torch

from rungwise.optimisers.adam import Adam


def pair(count=3, **options):
    """The same parameters twice, and an optimiser of each kind over them."""
    torch.manual_seed(0)
    mine = [torch.nn.Parameter(torch.randn(5, size)) for size in range(1, count + 1)]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in mine]
    return mine, theirs, Adam(mine, fused=True, **options), torch.optim.Adam(theirs, fused=True, **options)


def give(parameters, seed, without=()):
    random = torch.Generator().manual_seed(seed)
    for number, parameter in enumerate(parameters):
        gradient = torch.randn(parameter.shape, generator=random)
        parameter.grad = None if number in without else gradient


def same(mine, theirs, one, other):
    for p, q in zip(mine, theirs, strict=True):
        assert torch.equal(p, q)
        assert one.state[p].keys() == other.state[q].keys()
        for name, value in other.state[q].items():
            assert torch.equal(one.state[p][name], value), name


@pytest.mark.parametrize("options", [{}, {"betas": (0.8, 0.9), "eps": 1e-4}, {"weight_decay": 0.1}, {"amsgrad": True}])
def test_steps_are_those_of_pytorch_to_the_bit(options):
    mine, theirs, one, other = pair(lr=0.01, **options)
    for step in range(5):
        for parameters, optimiser in ((mine, one), (theirs, other)):
            give(parameters, step)
            optimiser.param_groups[0]["lr"] = 0.01 * (step + 1)  # as a schedule does
            optimiser.step()
        same(mine, theirs, one, other)


def test_all_count_together_once_all_have_had_as_many_gradients():
    mine, _, one, _ = pair()
    give(mine, 0)
    one.step()
    assert len({id(one.state[p]["step"]) for p in mine}) == 1


# Which parameters are without a gradient, step by step: later, from the start, then all at once.
@pytest.mark.parametrize("missing", [((), (), (1,), (), ()), ((0,), (0,), (), ()), ((2,), (), (0, 1), (), (), ())])
def test_parameters_without_a_gradient_stay_and_do_not_count(missing):
    mine, theirs, one, other = pair()
    for step, without in enumerate(missing):
        for parameters, optimiser in ((mine, one), (theirs, other)):
            give(parameters, step, without)
            optimiser.step()
        same(mine, theirs, one, other)


def test_two_groups_with_rates_of_their_own():
    torch.manual_seed(0)
    sets = [[torch.nn.Parameter(torch.ones(4)), torch.nn.Parameter(torch.ones(3))] for _ in range(2)]
    one, other = (
        kind([{"params": [a], "lr": 0.1}, {"params": [b], "lr": 0.2}], fused=True)
        for kind, (a, b) in zip((Adam, torch.optim.Adam), sets, strict=True)
    )
    for step in range(3):
        for parameters, optimiser in zip(sets, (one, other), strict=True):
            give(parameters, step)
            optimiser.step()
    same(*sets, one, other)
