"""AdaTask against its equations written out, and against torch's optimisers where there is one task."""

import copy
from dataclasses import replace
from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.balancing.adatask import AdaTask, Settings
from rungwise.balancing.fixed import Fixed
from rungwise.balancing.learner import Batch, Learner
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise
from rungwise.models.pixels import scaled
from rungwise.training.learner import dependence
from rungwise.training.optimiser import build_optimiser
from rungwise.training.settings import Recipe

Name = Literal["adam", "rmsprop", "adagrad", "sgd"]
ADAPTIVE: list[Name] = ["adam", "rmsprop", "adagrad"]
RATE = 0.003


def nothing(part: str) -> Batch:
    raise AssertionError("no batch is to be drawn")


def learner(optimiser: Name, weights: tuple[float, ...] = (0.5, 0.5)) -> Learner:
    outputs = (3, 4)[: len(weights)]
    net = SharedSettings(filters=(4, 6), shared=(8,), head=(5,)).build((2, 6, 6), outputs)
    initialise(net, torch.Generator().manual_seed(4))
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    recipe = Recipe(epochs=1, optimiser=optimiser, rate=RATE)
    shared, own = dependence(net, (2, 6, 6))
    return Learner(net, build_optimiser(recipe, net), RATE, weights, shared, own, nothing, torch.Generator())


def batches(count: int, tasks: int = 2) -> list[Batch]:
    random = torch.Generator().manual_seed(7)
    return [
        Batch(
            torch.randint(0, 256, (16, 2, 6, 6), dtype=torch.uint8, generator=random),
            torch.randint(0, 3, (tasks, 16), generator=random),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("name", ADAPTIVE)
def test_one_task_is_the_optimiser_itself(name: Name) -> None:
    one = learner(name, (1.0,))
    net = copy.deepcopy(one.net)
    optimiser = build_optimiser(Recipe(epochs=1, optimiser=name, rate=RATE), net)
    balancer = AdaTask(one)
    for batch in batches(20, 1):
        balancer.step(batch)
        optimiser.zero_grad()
        torch.autograd.backward(F.cross_entropy(net(scaled(batch.images))[0], batch.labels[0]))
        optimiser.step()
    torch.testing.assert_close(one.net.state_dict(), net.state_dict(), rtol=0, atol=0)


class Written:
    """One accumulator (or two) as the papers have them, in float64: the step that it asks for."""

    def __init__(self, name: Name) -> None:
        self.name = name
        self.t, self.m, self.v = 0, torch.zeros(()), torch.zeros(())

    def step(self, gradient: Tensor) -> Tensor:
        g = gradient.double()
        self.t += 1
        if self.name == "adam":
            self.m, self.v = 0.9 * self.m + 0.1 * g, 0.999 * self.v + 0.001 * g**2
            corrected = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
            return RATE * corrected[0] / (corrected[1].sqrt() + 1e-8)
        self.v = 0.99 * self.v + 0.01 * g**2 if self.name == "rmsprop" else self.v + g**2
        return RATE * g / (self.v.sqrt() + (1e-8 if self.name == "rmsprop" else 1e-10))


@pytest.mark.parametrize("name", ADAPTIVE)
def test_two_tasks_as_the_equations_say(name: Name) -> None:
    """Each step starts where the balancer's did, so that rounding doesn't add up."""
    weights = (0.3, 0.7)
    two = learner(name, weights)
    balancer = AdaTask(two)
    shared = [[Written(name) for _ in two.shared] for _ in weights]
    heads = [[Written(name) for _ in own] for own in two.own]
    for batch in batches(5):
        before = {p: p.detach().double() for p in two.net.parameters()}
        losses = two.forward(batch).losses
        wanted = dict(before)
        for k, own in enumerate(two.own):
            parts = (*two.shared, *own)
            found = torch.autograd.grad(weights[k] * losses[k], parts, retain_graph=True)
            for parameter, gradient, rule in zip(parts, found, shared[k] + heads[k], strict=True):
                wanted[parameter] = wanted[parameter] - rule.step(gradient)
        forward = balancer.step(batch)
        torch.testing.assert_close(forward.losses, losses.detach(), rtol=0, atol=0)
        for parameter in two.net.parameters():
            moved, should = parameter.double() - before[parameter], wanted[parameter] - before[parameter]
            torch.testing.assert_close(moved.detach(), should, rtol=1e-3, atol=2e-7)


def test_a_constant_weight_cancels() -> None:
    """With Adam's one accumulator the weights .25 and .75 end far apart; with one for each task, close together."""

    def ends(method: type[AdaTask] | type[Fixed]) -> list[Tensor]:
        found = []
        for first in (0.25, 0.5, 0.75):
            two = learner("adam", (first, 1 - first))
            balancer = method(two)
            for batch in batches(50):
                balancer.step(batch)
            found.append(torch.cat([p.detach().flatten() for p in two.shared]))
        return found

    apart = {method: max((a - b).abs().max().item() for a in ends(method)[:1] for b in ends(method)[1:])
             for method in (AdaTask, Fixed)}  # fmt: skip
    assert apart[AdaTask] < 1e-3
    assert apart[Fixed] > 20 * apart[AdaTask]


def test_the_shared_parameters_are_left_to_the_tasks_own_optimisers() -> None:
    two = learner("adam")
    balancer = AdaTask(two)
    balancer.step(batches(1)[0])
    stepped = set(two.optimiser.state)
    assert stepped == {p for own in two.own for p in own}
    assert all(p.grad is None for p in two.net.parameters())
    assert [set(rule.state) for rule in balancer.rules] == [set(two.shared)] * 2


def test_a_tasks_updates_are_scaled_by_its_own_accumulators() -> None:
    """After one step v_hat_k = g_k^2: the gradients of that step themselves are scaled to the rate and their signs."""
    two = learner("adam", (0.3, 0.7))
    balancer = AdaTask(two)
    (batch,) = batches(1)
    losses = two.forward(batch).losses
    found = [torch.autograd.grad(loss, two.shared, retain_graph=True) for loss in losses]
    balancer.step(batch)
    for task, updates in zip(found, balancer.task_updates(found), strict=True):
        for gradient, update in zip(task, updates, strict=True):
            large = gradient.abs() > 1e-3  # beside which eps doesn't count
            torch.testing.assert_close(update[large], RATE * gradient.sign()[large], rtol=1e-4, atol=0)


def test_parameters_that_nothing_is_shared_of() -> None:
    class Apart(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.ModuleList(nn.Linear(72, 3) for _ in range(2))

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            return tuple(head(x.flatten(1)) for head in self.heads)

    nets = [Apart(), Apart()]
    nets[1].load_state_dict(nets[0].state_dict())
    for net, method in zip(nets, (AdaTask, Fixed), strict=True):
        optimiser = torch.optim.Adam(net.parameters(), RATE)
        parts = dependence(net, (2, 6, 6))
        balancer = method(Learner(net, optimiser, RATE, (0.5, 0.5), *parts, nothing, torch.Generator()))
        for batch in batches(3):
            balancer.step(batch)
    torch.testing.assert_close(nets[0].state_dict(), nets[1].state_dict())


def test_an_optimiser_without_accumulators_is_refused() -> None:
    with pytest.raises(ValueError, match='needs the optimiser "adam", "rmsprop" or "adagrad", got SGD'):
        Settings().build(learner("sgd"))
    assert 'got \'sgd\'' in Settings().fault("sgd", 2)  # fmt: skip
    assert [Settings().fault(name, 2) for name in ADAPTIVE] == [""] * 3


def test_weights_decay_once_a_step_whatever_the_number_of_tasks() -> None:
    """Two equal tasks of half the weight scale each gradient alike: each takes half of Adam's doubled step."""
    plain, decayed = learner("adam"), learner("adam")
    decayed = replace(decayed, optimiser=torch.optim.AdamW(decayed.net.parameters(), RATE, weight_decay=0.5))
    before = [p.detach().clone() for p in plain.shared]
    for one in (plain, decayed):
        AdaTask(one).step(batches(1)[0])
    for own, other, start in zip(plain.shared, decayed.shared, before, strict=True):
        torch.testing.assert_close(other, own - RATE * 0.5 * start)


def test_the_sum_of_the_tasks_gradients_is_clipped() -> None:
    """Accumulators forget a common scale, but for eps: what is compared are the gradients that they are given."""
    one = replace(learner("adam"), clip_norm=1e-3)
    balancer, seen, heads = AdaTask(one), dict[object, list[Tensor]](), list[Tensor]()

    def note_task(rule: object, *_: object) -> None:
        seen[rule] = [p.grad.clone() for p in one.shared]

    def note_heads(*_: object) -> None:
        heads[:] = [p.grad.clone() for own in one.own for p in own]

    for rule in balancer.rules:
        rule.register_step_pre_hook(note_task)
    one.optimiser.register_step_pre_hook(note_heads)
    balancer.step(batches(1)[0])
    total = [sum(parts) for parts in zip(*seen.values(), strict=True)]
    assert torch.nn.utils.get_total_norm([*total, *heads]).item() == pytest.approx(1e-3, rel=0.01)
