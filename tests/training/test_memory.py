"""Peak bytes against allocations made by hand; all numbers are float32, 4 bytes each."""

import pytest
import torch
from torch import Tensor, nn

from rungwise.training.memory import peak_bytes


def test_counts_what_is_held_at_once() -> None:
    def work() -> None:
        a = torch.zeros(100)  # 400
        b = torch.zeros(50)  # 600
        del a  # 200
        c = torch.zeros(75)  # 500
        del b, c
        torch.zeros(140)  # 560

    assert peak_bytes(work) == 600


def test_a_freed_storage_is_subtracted_though_its_address_comes_again() -> None:
    def work() -> None:
        for _ in range(50):
            torch.zeros(1000)

    assert peak_bytes(work) == 4000


def test_what_is_made_outside_is_not_counted() -> None:
    given = torch.ones(1000)
    assert peak_bytes(lambda: given.mul_(2).view(10, 100).t()) == 0
    assert peak_bytes(lambda: given * 2) == 4000


def test_views_and_work_in_place_take_nothing() -> None:
    def work() -> Tensor:
        a = torch.zeros(10, 10)  # 400
        row = a[3]
        del a  # the row keeps all of it
        row.add_(1).exp_()
        return row.expand(7, 10).reshape(70)  # a copy: 280

    assert peak_bytes(work) == 680


def test_a_storage_that_grows_is_counted_at_its_new_size() -> None:
    def work() -> None:
        a = torch.zeros(25)
        a.resize_(100)
        del a
        torch.zeros(90)

    assert peak_bytes(work) == 400


def test_backward() -> None:
    weights = nn.Parameter(torch.ones(5, 7))
    x = torch.ones(3, 7)

    def work() -> None:
        # forward: x @ weights.T (60), its exponential (60; kept for backward, the product is not), the sum (4)
        total = (x @ weights.T).exp().sum()
        # backward: 1 (4), expanded to no memory; times the exponential (60), which is freed; the gradient (140)
        torch.autograd.backward(total)

    assert peak_bytes(work) == 4 + 4 + 60 + 140
    assert weights.grad is not None
    assert peak_bytes(work) == 4 + 4 + 60 + 140  # the second gradient is made, then added to the first


@pytest.mark.parametrize(
    ("build", "kept"),
    [
        (lambda p: torch.optim.Adam(p, fused=True), 2 * 4000 + 4),  # two moments and the number of steps
        (lambda p: torch.optim.SGD(p, momentum=0.9, fused=True), 4000),
        (lambda p: torch.optim.SGD(p, fused=True), 0),
    ],
)
def test_the_state_of_an_optimiser_comes_with_its_first_step(build: object, kept: int) -> None:
    parameter = nn.Parameter(torch.ones(1000))
    parameter.grad = torch.ones(1000)
    optimiser = build([parameter])  # type: ignore[operator]
    assert peak_bytes(optimiser.step) == kept
    assert peak_bytes(optimiser.step) == 0


def test_nothing_is_counted_once_the_work_is_over() -> None:
    held = []
    assert peak_bytes(lambda: held.append(torch.zeros(10))) == 40
    assert peak_bytes(held.clear) == 0
    assert peak_bytes(lambda: torch.zeros(5)) == 20
