"""The methods of TorchJD against their papers' closed forms, for gradients set by hand."""

import itertools
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

pytest.importorskip("torchjd", reason="TorchJD is missing: pip install 'rungwise[balance]'")

from rungwise.balancing import read_balancer
from rungwise.balancing.jacobian import gramian, unit_trace, weighted_sum
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.balancing.nash_mtl import root

NAMES = ["mgda", "pcgrad", "cagrad", "imtl-g", "nash-mtl", "aligned-mtl", "upgrad"]


def nothing(part: str) -> Batch:
    raise AssertionError("no batch is to be drawn")


class Point(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(size))


class Quadratic(Learner):
    """L_k = ||theta + g_k||^2 / 2: at theta = 0, where it starts, its gradient is g_k. The batch's images are the g."""

    def forward(self, batch: Batch) -> Forward:
        losses = (self.net.theta + batch.images).square().sum(1) / 2
        return Forward(losses, torch.zeros(len(losses)))


def aggregate(method: Any, *rows: tuple[float, ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    """What a step of SGD at rate 1 subtracts from the shared parameters, and the tasks' weights in it."""
    g, tasks = torch.tensor(rows, dtype=torch.float32), len(rows)
    net = Point(g.shape[1])
    optimiser = torch.optim.SGD(net.parameters(), 1)
    shares = (1 / tasks,) * tasks
    random = torch.Generator().manual_seed(seed)
    learner = Quadratic(net, optimiser, 1, shares, (net.theta,), ((),) * tasks, nothing, random)
    balancer = read_balancer(method).build(learner)
    balancer.step(Batch(g, torch.empty(0)))
    direction = -net.theta.detach()
    torch.testing.assert_close(direction, balancer.weights @ g, equal_nan=True)
    return direction, balancer.weights


def test_mgda_takes_the_shortest_mean() -> None:
    """w_1 = (g_2 - g_1) . g_2 / ||g_1 - g_2||^2, cut to [0, 1]: here (10 - 1) / (5 + 10 - 2), and beyond 1."""
    direction, weights = aggregate("mgda", (1, 2), (3, -1))
    torch.testing.assert_close(weights, torch.tensor([9 / 13, 4 / 13]))
    torch.testing.assert_close(direction, torch.tensor([21 / 13, 14 / 13]))
    assert aggregate("mgda", (1, 0), (2, 0.5))[1].tolist() == [1, 0]


def test_pcgrad_takes_off_what_conflicts() -> None:
    """g_1 . g_2 = -1: g_1 + g_2 / 5 and g_2 + g_1, in whichever order."""
    for seed in range(4):
        direction, weights = aggregate("pcgrad", (1, 0), (-1, 2), seed=seed)
        torch.testing.assert_close(weights, torch.tensor([2, 1.2]))
        torch.testing.assert_close(direction, torch.tensor([0.8, 2.4]))
    assert aggregate("pcgrad", (1, 0), (1, 2))[1].tolist() == [1, 1]


def test_pcgrad_of_three_tasks_is_one_of_those_that_some_order_gives() -> None:
    rows = ((1.0, 0.0, 0.2), (-1.0, 1.0, 0.0), (-0.5, -1.0, 1.0))
    g = torch.tensor(rows)
    possible = []
    for orders in itertools.product(itertools.permutations(range(3)), repeat=3):
        parts = [g[i].clone() for i in range(3)]
        for i, order in enumerate(orders):
            for j in order:
                if j != i and parts[i] @ g[j] < 0:
                    parts[i] -= parts[i] @ g[j] / (g[j] @ g[j]) * g[j]
        possible.append(sum(parts))
    found = [aggregate("pcgrad", *rows, seed=seed)[0] for seed in range(20)]
    assert all(any(torch.allclose(one, other, atol=1e-6) for other in possible) for one in found)
    assert len({tuple(one.tolist()) for one in found}) > 1  # the order is drawn
    torch.testing.assert_close(aggregate("pcgrad", *rows, seed=3)[0], found[3], rtol=0, atol=0)


def test_upgrad_projects_each_gradient() -> None:
    """Of two tasks that conflict, the nearest point to g_1 at which both gain lies square to g_2: half of PCGrad."""
    direction, weights = aggregate("upgrad", (1, 0), (-1, 2))
    torch.testing.assert_close(weights, torch.tensor([1, 0.6]), rtol=0, atol=1e-3)
    torch.testing.assert_close(direction, torch.tensor([0.4, 1.2]), rtol=0, atol=1e-3)
    torch.testing.assert_close(aggregate("upgrad", (1, 0), (1, 2))[1], torch.tensor([0.5, 0.5]))


def test_imtl_g_goes_equally_far_along_each_gradient() -> None:
    """Orthogonal gradients of lengths 3 and 1: w_1 3 = w_2, so 1/4 and 3/4."""
    torch.testing.assert_close(aggregate("imtl-g", (3, 0), (0, 1))[1], torch.tensor([0.25, 0.75]))
    rows = ((1.0, 2.0, 0.0), (3.0, -1.0, 1.0), (-0.5, 0.0, 2.0))
    direction, weights = aggregate("imtl-g", *rows)
    far = F.normalize(torch.tensor(rows)) @ direction
    torch.testing.assert_close(far, far.mean().expand(3))
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))


@pytest.mark.parametrize("scale", ["min", "median", "rmse"])
def test_aligned_mtl_averages_orthogonal_gradients_of_one_length(scale: str) -> None:
    """J = U S V^T: the nearest orthonormal rows are U V^T, scaled by one of the singular values or their rms."""
    rows = ((1.0, 2.0, 0.0), (3.0, -1.0, 1.0), (-0.5, 0.0, 2.0))
    U, S, V = torch.linalg.svd(torch.tensor(rows), full_matrices=False)
    sigma = {"min": S[2], "median": S[1], "rmse": S.square().mean().sqrt()}[scale]
    direction, _ = aggregate({"method": "aligned-mtl", "scale_mode": scale}, *rows)
    torch.testing.assert_close(direction, sigma * (U @ V).mean(0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(aggregate("aligned-mtl", (3, 0), (0, 1))[1], torch.tensor([1 / 6, 1 / 2]))


def test_cagrad_helps_the_worst_off_task_near_the_mean() -> None:
    """Against a search along the circle of radius c ||g_0|| about g_0, on which the best of a plane lies here."""
    rows = ((1.0, 0.0), (-2.0, 3.0))
    g = torch.tensor(rows, dtype=torch.float64)
    mean = g.mean(0)
    angle = torch.linspace(0, 2 * math.pi, 100_001, dtype=torch.float64)
    for c in (0.2, 0.4, 0.8):
        around = mean + c * mean.norm() * torch.stack([angle.cos(), angle.sin()], 1)
        wanted = around[(around @ g.T).amin(1).argmax()]
        direction, _ = aggregate({"method": "cagrad", "c": c}, *rows)
        torch.testing.assert_close(direction.double(), wanted, rtol=0, atol=1e-3)
    assert aggregate({"method": "cagrad", "c": 0}, *rows)[1].tolist() == [0.5, 0.5]


def test_nash_mtl_solves_the_bargain() -> None:
    """G w = 1 / w; of two tasks w_k = 1 / (||g_k|| sqrt(1 + cos)). Its length is sqrt(K), if it isn't cut."""
    rows = ((1.0, 2.0, 0.0), (3.0, -1.0, 1.0))
    g = torch.tensor(rows)
    lengths = g.norm(dim=1)
    wanted = 1 / (lengths * (1 + g[0] @ g[1] / lengths.prod()).sqrt())
    direction, weights = aggregate({"method": "nash-mtl", "max_norm": 0}, *rows)
    torch.testing.assert_close(weights, wanted, rtol=2e-3, atol=0)
    torch.testing.assert_close(direction.norm(), torch.tensor(math.sqrt(2)), rtol=2e-3, atol=0)
    cut, weights = aggregate("nash-mtl", *rows)
    torch.testing.assert_close(cut, direction / direction.norm(), rtol=1e-4, atol=1e-5)
    three = torch.tensor([*rows, (-0.5, 0.0, 2.0)])
    _, weights = aggregate("nash-mtl", *three.tolist())
    shares = weights * (three @ three.T @ weights)
    torch.testing.assert_close(shares / shares.mean(), torch.ones(3), rtol=5e-3, atol=0)


def test_nash_mtl_keeps_its_weights_between_bargains() -> None:
    first, second = torch.tensor([[4.0, 1.0], [1.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 9.0]])
    settings = read_balancer({"method": "nash-mtl", "max_norm": 0, "update_weights_every": 2})
    weighting = settings.weighting(2)
    found = [weighting(products) for products in (first, second, second)]
    assert found[0].tolist() == found[1].tolist() != found[2].tolist()
    torch.testing.assert_close(found[2], torch.tensor([1.0, 1 / 3]).double(), rtol=2e-3, atol=0)


@pytest.mark.parametrize("length", [1e-5, 1e-2, 1e2])
def test_nash_mtl_is_solved_at_any_scale(length: float) -> None:
    random = torch.Generator().manual_seed(0)
    weighting = read_balancer({"method": "nash-mtl", "max_norm": 0}).weighting(2)
    for _ in range(10):
        rows = length * torch.randn(2, 8, generator=random)
        products = rows @ rows.T
        weights = weighting(products).float()
        torch.testing.assert_close(weights * (products @ weights), torch.ones(2), rtol=2e-3, atol=0)
        cut = read_balancer({"method": "nash-mtl", "max_norm": 0.3}).weighting(2)(products).float()
        torch.testing.assert_close((cut @ rows).norm(), torch.tensor(0.3), rtol=2e-3, atol=0)


def test_the_root_of_a_gramian() -> None:
    rows = torch.randn(3, 50, generator=torch.Generator().manual_seed(1))
    products = rows @ rows.T
    products[2] = products[1]
    products[:, 2] = products[:, 1]  # two tasks alike: a singular one
    factor = root(products)
    torch.testing.assert_close(factor @ factor.T, products.double())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "nash-mtl"])
@pytest.mark.parametrize("factor", [1e-6, 1e4])
def test_the_weights_do_not_depend_on_the_scale(name: str, factor: float) -> None:
    """Else the tasks would be balanced otherwise, or not at all, once their losses are small."""
    rows = torch.tensor([[1.0, 2.0, 0.0], [-3.0, 1.0, 1.0], [-0.5, 0.0, 2.0]])
    usual = aggregate(name, *rows.tolist())[1]
    torch.testing.assert_close(aggregate(name, *(factor * rows).tolist())[1], usual, rtol=1e-3, atol=1e-4)
    assert usual.std() > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_0_and_gradients_that_are_not_finite(name: str) -> None:
    assert aggregate(name, (0, 0), (0, 0))[0].tolist() == [0, 0]
    assert aggregate(name, (0, 0), (1, 2))[1].isfinite().all()
    assert aggregate(name, (math.inf, 0), (0, 1))[1].isnan().all()
    assert aggregate(name, (math.nan, 0), (0, 1))[1].isnan().all()


def test_the_gramian_and_the_sum_are_those_of_the_whole_matrix() -> None:
    random = torch.Generator().manual_seed(2)
    shapes = [(4, 3, 2, 2), (5,), (), (2, 7)]
    tasks = [[torch.randn(shape, generator=random) for shape in shapes] for _ in range(3)]
    for task in tasks[1:]:
        task[0] = task[0].to(memory_format=torch.channels_last)
    matrix = torch.stack([torch.cat([g.flatten() for g in task]) for task in tasks])
    torch.testing.assert_close(gramian(tasks), matrix @ matrix.T)
    weights = torch.tensor([0.2, -1.0, 3.0])
    total = weighted_sum(tasks, weights)
    torch.testing.assert_close(torch.cat([g.flatten() for g in total]), weights @ matrix)
    same = torch.ones(3)
    torch.testing.assert_close(weighted_sum([[same, same], [same, same]], torch.tensor([2.0, 3.0])), [5 * same] * 2)
    assert unit_trace(lambda products: products)(torch.tensor([[3.0, 1.0], [1.0, 1.0]])).trace() == 1


@pytest.mark.parametrize(
    "raw",
    [
        {"method": "mgda", "epsilon": 0},
        {"method": "mgda", "max_iters": 0},
        {"method": "cagrad", "c": -0.1},
        {"method": "nash-mtl", "max_norm": -1},
        {"method": "nash-mtl", "update_weights_every": 0},
        {"method": "nash-mtl", "optim_niter": 0},
        {"method": "aligned-mtl", "scale_mode": "max"},
        {"method": "famo", "rate": 0},
        {"method": "famo", "decay": -1},
        {"method": "pcgrad", "order": "random"},
    ],
)
def test_settings_out_of_bounds(raw: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(key for key in raw if key != "method")):
        read_balancer(raw)
