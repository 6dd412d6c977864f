"""AU against numbers worked by hand, and against what the optimisers do."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from rungwise.balancing.adatask import AdaTask
from rungwise.balancing.balancer import Balancer
from rungwise.balancing.dominance import DECAY, Dominance
from rungwise.balancing.fixed import Fixed
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.balancing.updates import gradients, sum_of_squares, task_gradients, task_steps
from rungwise.training.learner import dependence


class Point(nn.Module):
    def __init__(self, place: Sequence[float]) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.tensor(place))


@dataclass(frozen=True)
class Pulled(Learner):
    """Task k's loss is half the squared distance of a point to the k-th row of the labels: its gradient, the way."""

    def forward(self, batch: Batch) -> Forward:
        losses = (self.net.place - batch.labels).square().sum(1) / 2
        return Forward(losses, torch.zeros(len(losses)))


def nothing(part: str) -> Batch:
    raise AssertionError("no batch is to be drawn")


def pulled(place: Sequence[float], weights: Sequence[float], rate: float = 0.1) -> Pulled:
    net = Point(place)
    optimiser = torch.optim.Adam(net.parameters(), rate, fused=True)
    own = tuple(() for _ in weights)
    return Pulled(net, optimiser, rate, tuple(weights), (net.place,), own, nothing, torch.Generator())


def to(*targets: Sequence[float]) -> Batch:
    return Batch(torch.empty(0), torch.tensor(targets))


def looked(balancer: Balancer, batch: Batch) -> list[float]:
    dominance = Dominance(balancer)
    dominance.look(batch)
    assert dominance.average is not None
    return dominance.average.tolist()


def test_two_tasks_by_hand() -> None:
    """At (2, 1) the tasks pull by (2, 1) and (1, -2); with weights of a half g = (1.5, -.5), and Adam's first step is
    the rate against its signs: to (1.9, 1.1). There the pulls are (1.9, 1.1) and (.9, -1.9), their weighted sum
    (1.4, -.4), and v_hat the mean of the two steps' squares but for one part in a thousand:
    (1.5^2 + 1.4^2) / 2 = 2.105 and (.5^2 + .4^2) / 2 = .205."""
    batch = to([0.0, 0.0], [1.0, 3.0])
    learner = pulled([2.0, 1.0], [0.5, 0.5])
    Fixed(learner).step(batch)
    assert learner.net.place.tolist() == pytest.approx([1.9, 1.1])
    found = task_gradients(learner, learner.forward(batch).losses)
    assert [task[0].tolist() for task in found] == [pytest.approx([1.9, 1.1]), pytest.approx([0.9, -1.9])]
    one, two = task_steps(learner.optimiser, learner.shared, [[0.5 * task[0]] for task in found])
    across, down = 0.05 / 2.105**0.5, 0.05 / 0.205**0.5
    assert one[0].tolist() == pytest.approx([1.9 * across, 1.1 * down], rel=1e-3)
    assert two[0].tolist() == pytest.approx([0.9 * across, -1.9 * down], rel=1e-3)


def test_a_look_takes_the_mean_square_of_the_updates() -> None:
    class Told(Fixed):
        def task_updates(self, gradients: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
            return [[2 * g for g in gradients[0]], [3 * g for g in gradients[1]]]

    balancer = Told(pulled([2.0, 1.0], [0.5, 0.5]))
    assert looked(balancer, to([0.0, 0.0], [1.0, 3.0])) == pytest.approx([4 * 5 / 2, 9 * 5 / 2])


def test_the_second_look_starts_the_average_and_the_next_ones_decay() -> None:
    balancer = Fixed(pulled([2.0, 1.0], [0.5, 0.5]))
    balancer.step(to([0.0, 0.0], [1.0, 3.0]))
    dominance, seen, averages = Dominance(balancer), [], []
    for batch in (to([0.0, 0.0], [1.0, 3.0]), to([4.0, 0.0], [1.0, 1.0]), to([3.0, 0.0], [9.0, 1.0])):
        seen.append(torch.tensor(looked(balancer, batch)))
        dominance.look(batch)
        assert dominance.average is not None
        averages.append(dominance.average)
    torch.testing.assert_close(averages[:2], seen[:2])
    torch.testing.assert_close(averages[2], DECAY * seen[1] + (1 - DECAY) * seen[2])


def test_equal_tasks_dominate_equally() -> None:
    batch = to([0.0, 3.0], [0.0, 3.0], [0.0, 3.0])
    balancer = Fixed(pulled([2.0, 1.0], [1 / 3, 1 / 3, 1 / 3]))
    balancer.step(batch)
    one, two, three = looked(balancer, batch)
    assert one == two == three > 0


def test_weights_count_by_their_squares_with_one_accumulator_for_all() -> None:
    """Whatever the common scale, the tasks' AU stand to each other as the squares of their weights."""
    learner = pulled([2.0, 1.0], [0.5, 0.5])
    Fixed(learner).step(to([0.0, 0.0], [1.0, 3.0]))
    pull = torch.tensor([1.5, 0.5])
    one, two = task_steps(learner.optimiser, learner.shared, [[0.25 * pull], [0.75 * pull]])
    assert (sum_of_squares(two) / sum_of_squares(one)).item() == pytest.approx(9)


def test_weights_cancel_with_accumulators_of_each_tasks_own() -> None:
    batch = to([0.0, 0.0], [1.0, 3.0])
    seen = []
    for weights in ((0.5, 0.5), (0.25, 0.75)):
        balancer = AdaTask(pulled([2.0, 1.0], weights))
        balancer.step(batch)
        seen.append(looked(balancer, batch))
    assert seen[0] == pytest.approx(seen[1], rel=1e-5)


def test_no_weights_no_dominance() -> None:
    balancer = Fixed(pulled([2.0, 1.0], [0.5, 0.5]))
    balancer.weights = torch.full((2,), torch.nan)
    assert torch.tensor(looked(balancer, to([0.0, 0.0], [1.0, 3.0]))).isnan().all()


@pytest.mark.parametrize(
    "build",
    [
        lambda p: torch.optim.Adam(p, 0.1, betas=(0.0, 0.99)),  # without its momentum
        lambda p: torch.optim.RMSprop(p, 0.1),
        lambda p: torch.optim.Adagrad(p, 0.1),
        lambda p: torch.optim.SGD(p, 0.1),
    ],
)
def test_the_tasks_parts_sum_to_the_optimisers_step(build: object) -> None:
    """From the first step on, where it has no accumulators yet, and for elements that no step has touched before."""
    random = torch.Generator().manual_seed(1)
    parameters = [nn.Parameter(torch.zeros(3, 2)), nn.Parameter(torch.zeros(4))]
    optimiser = build(parameters)  # type: ignore[operator]
    for number in range(4):
        tasks = [[torch.randn(p.shape, generator=random) for p in parameters] for _ in range(3)]
        for task in tasks:
            task[1][number:] = 0
        steps = task_steps(optimiser, parameters, [[g.clone() for g in task] for task in tasks])
        before = [p.detach().clone() for p in parameters]
        for parameter, parts in zip(parameters, zip(*tasks, strict=True), strict=True):
            parameter.grad = torch.stack(parts).sum(0)
        optimiser.step()
        moves = [old - new.detach() for old, new in zip(before, parameters, strict=True)]
        sums = [torch.stack(parts).sum(0) for parts in zip(*steps, strict=True)]
        torch.testing.assert_close(sums, moves, rtol=1e-4, atol=1e-6)


class Branched(nn.Module):
    """Convolution, BatchNorm and dropout that two heads share."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten())
        self.heads = nn.ModuleList(nn.Linear(16, 3) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        shared = self.trunk(x)
        return tuple(head(shared) for head in self.heads)


def branched() -> tuple[Learner, Batch]:
    torch.manual_seed(5)
    net = Branched().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(net.parameters(), 0.01, fused=True)
    learner = Learner(
        net, optimiser, 0.01, (0.5, 0.5), *dependence(net, (2, 4, 4)), draw=nothing, random=torch.Generator()
    )
    images = torch.randint(0, 256, (8, 2, 4, 4), dtype=torch.uint8)
    return learner, Batch(images, torch.randint(0, 3, (2, 8)))


def test_a_look_leaves_no_trace() -> None:
    learner, batch = branched()
    balancer = Fixed(learner)
    for _ in range(3):
        balancer.step(batch)
    everything = (learner.net.state_dict(), learner.optimiser.state_dict(), [p.grad for p in learner.net.parameters()])
    before, random = copy.deepcopy(everything), torch.get_rng_state()
    Dominance(balancer).look(batch)
    torch.testing.assert_close(everything, before, rtol=0, atol=0)
    assert learner.net.state_dict()["trunk.1.num_batches_tracked"] == 3
    assert all(module.training for module in learner.net.modules())
    assert torch.equal(torch.get_rng_state(), random)


def test_task_gradients_are_those_of_backward() -> None:
    learner, batch = branched()
    with learner.still():
        losses = learner.forward(batch).losses
    found = task_gradients(learner, losses)
    for loss, task in zip(losses, found, strict=True):
        learner.optimiser.zero_grad()
        torch.autograd.backward(loss, retain_graph=True)
        torch.testing.assert_close(task, [p.grad for p in learner.shared], rtol=0, atol=0)


def test_gradients_have_the_layout_of_their_parameters() -> None:
    weights = torch.randn(4, 3, 3, 3).to(memory_format=torch.channels_last).requires_grad_()
    factor = torch.randn(4, 3, 3, 3)
    unused = torch.zeros(2, requires_grad=True)
    raw = torch.autograd.grad((weights.contiguous() * factor).sum(), weights)[0]
    assert raw.stride() != weights.stride()
    one, other = gradients((weights.contiguous() * factor).sum(), (weights, unused))
    assert one.stride() == weights.stride()
    assert torch.equal(one, factor)
    assert torch.equal(other, torch.zeros(2))


def test_sum_of_squares() -> None:
    assert sum_of_squares([torch.tensor([[3.0, 4.0]]), torch.tensor([12.0])]).item() == pytest.approx(169)
