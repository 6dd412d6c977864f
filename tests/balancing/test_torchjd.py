"""The methods of TorchJD on nets, against TorchJD used by itself; what they share."""

import copy
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

pytest.importorskip("torchjd", reason="TorchJD is missing: pip install 'rungwise[balance]'")

import torchjd.aggregation as jd
from torchjd.autojac import jac_to_grad, mtl_backward
from torchjd.scalarization import FAMO

from rungwise.balancing import read_balancer
from rungwise.balancing.balancer import Balancer
from rungwise.balancing.fixed import Fixed
from rungwise.balancing.jacobian import Jacobian
from rungwise.balancing.learner import Batch, Learner
from rungwise.balancing.updates import task_steps
from rungwise.models.compact import CompactSettings
from rungwise.models.multitask import Shared, SharedSettings
from rungwise.models.net import initialise
from rungwise.models.pixels import scaled
from rungwise.training.learner import dependence

AGGREGATORS = {
    "mgda": lambda tasks: jd.MGDA(),
    "pcgrad": lambda tasks: jd.PCGrad(),
    "cagrad": lambda tasks: jd.CAGrad(0.4),
    "imtl-g": lambda tasks: jd.IMTLG(),
    "nash-mtl": lambda tasks: jd.NashMTL(tasks),
    "aligned-mtl": lambda tasks: jd.AlignedMTL(),
    "upgrad": lambda tasks: jd.UPGrad(),
}
NAMES = [*AGGREGATORS, "famo"]
RATE = 0.05
IMAGE = (2, 6, 6)


def nothing(part: str) -> Batch:
    raise AssertionError("no batch is to be drawn")


def learner(tasks: int = 2, optimiser: str = "sgd", layout: torch.memory_format = torch.channels_last) -> Learner:
    net = SharedSettings(filters=(4, 6), shared=(8,), head=(5,)).build(IMAGE, (3, 4, 5)[:tasks])
    initialise(net, torch.Generator().manual_seed(4))
    net.to(memory_format=layout)  # type: ignore[call-overload]
    shared, own = dependence(net, IMAGE)
    rules = {
        "sgd": lambda: torch.optim.SGD(net.parameters(), RATE),
        "fused": lambda: torch.optim.Adam(net.parameters(), RATE, fused=True),
        "adam": lambda: torch.optim.Adam(net.parameters(), RATE, foreach=False),
    }
    random = torch.Generator().manual_seed(11)
    return Learner(net, rules[optimiser](), RATE, (1 / tasks,) * tasks, shared, own, nothing, random)


def batches(count: int, tasks: int = 2) -> Iterator[Batch]:
    random = torch.Generator().manual_seed(7)
    for _ in range(count):
        images = torch.randint(0, 256, (16, *IMAGE), dtype=torch.uint8, generator=random)
        yield Batch(images, torch.randint(0, 3, (tasks, 16), generator=random))


def by_torchjd(one: Learner, batch: Batch, aggregator: jd.WeightedAggregator, random: torch.Generator) -> Tensor:
    """A step as TorchJD's documentation has it; the weights."""
    assert isinstance(one.net, Shared)
    features = one.net.features(scaled(batch.images))["shared"]
    losses = [F.cross_entropy(head(features), y) for head, y in zip(one.net.heads, batch.labels, strict=True)]
    one.optimiser.zero_grad()
    mtl_backward(losses, features, tasks_params=one.own, shared_params=one.shared, parallel_chunk_size=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=random)))
        weights = jac_to_grad(one.shared, aggregator)
    one.optimiser.step()
    return weights


@pytest.mark.filterwarnings("ignore:.*not DPP")  # of TorchJD's Nash-MTL
@pytest.mark.parametrize("tasks", [2, 3])
@pytest.mark.parametrize("name", AGGREGATORS)
def test_steps_are_those_of_torchjd(name: str, tasks: int) -> None:
    ours, theirs = learner(tasks), learner(tasks, layout=torch.contiguous_format)
    balancer = read_balancer(name).build(ours)
    aggregator, random = AGGREGATORS[name](tasks), torch.Generator().manual_seed(11)
    for batch in batches(3, tasks):
        weights = by_torchjd(theirs, batch, aggregator, random)
        balancer.step(batch)
        torch.testing.assert_close(balancer.weights, weights, rtol=2e-3, atol=1e-4)
        torch.testing.assert_close(ours.net.state_dict(), theirs.net.state_dict(), rtol=1e-3, atol=2e-5)
        theirs.net.load_state_dict(ours.net.state_dict())  # so that rounding doesn't add up


@pytest.mark.filterwarnings("ignore:.*not DPP")  # of TorchJD's Nash-MTL
@pytest.mark.parametrize("name", AGGREGATORS)
def test_the_fused_optimiser_is_given_gradients_in_its_layout(name: str) -> None:
    ours, theirs = learner(optimiser="fused"), learner(optimiser="adam", layout=torch.contiguous_format)
    assert any(not p.is_contiguous() for p in ours.shared)
    balancer, random = read_balancer(name).build(ours), torch.Generator().manual_seed(11)
    (batch,) = batches(1)
    by_torchjd(theirs, batch, AGGREGATORS[name](2), random)
    balancer.step(batch)
    assert all(p.grad is not None and p.grad.stride() == p.stride() for p in ours.net.parameters())
    for mine, other in zip(ours.net.parameters(), theirs.net.parameters(), strict=True):
        assert other.grad is not None
        counts = other.grad.abs() > 1e-4  # else rounding decides the sign that Adam goes by at first
        torch.testing.assert_close(mine[counts], other[counts], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-3, atol=1e-4)


def test_famo_is_that_of_torchjd() -> None:
    ours, theirs = learner(), learner()
    famo = FAMO(2, lr=0.1, weight_decay=0.01)
    balancer = read_balancer({"method": "famo", "rate": 0.1, "decay": 0.01}).build(ours)
    seen = []
    for batch in batches(6):
        losses = theirs.forward(batch).losses
        theirs.optimiser.zero_grad()
        torch.autograd.backward(famo(losses))
        theirs.optimiser.step()
        famo.update(theirs.forward(batch).losses)
        torch.testing.assert_close(balancer.step(batch).losses, losses.detach())
        seen.append(balancer.weights)
        torch.testing.assert_close(ours.net.state_dict(), theirs.net.state_dict())
    first = next(batches(1))
    inverse = 1 / learner().forward(first).losses.detach()
    torch.testing.assert_close(seen[0], inverse / inverse.sum())  # z starts equal
    torch.testing.assert_close(torch.stack(seen).sum(1), torch.ones(6))


def test_famos_second_look_leaves_the_statistics_alone() -> None:
    two = compact()
    passes = []
    norm = next(m for m in two.net.modules() if isinstance(m, nn.BatchNorm2d))
    two.net.register_forward_hook(lambda *_: passes.append(1))
    read_balancer("famo").build(two).step(next(batches(1)))
    assert len(passes) == 2
    assert norm.num_batches_tracked == 1


# What all have in common


def compact(frozen: bool = False, precision: str = "float32") -> Learner:
    net = CompactSettings(filters=(4, 6)).build(IMAGE, (3, 4))
    initialise(net, torch.Generator().manual_seed(4))
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net.blocks.requires_grad_(not frozen)
    shared, own = dependence(net, IMAGE)
    optimiser = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], RATE)
    return Learner(net, optimiser, RATE, (0.5, 0.5), shared, own, nothing, torch.Generator(), precision)


@pytest.mark.parametrize("name", NAMES)
def test_the_global_random_state_is_left_alone(name: str) -> None:
    ends = []
    for _ in range(2):
        torch.rand(3)
        one = learner(3)
        balancer = read_balancer(name).build(one)
        before = torch.get_rng_state()
        for batch in batches(3, 3):
            balancer.step(batch)
        assert torch.equal(torch.get_rng_state(), before)
        ends.append(copy.deepcopy(one.net.state_dict()))
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_heads_of_a_frozen_trunk_learn(name: str) -> None:
    one = compact(frozen=True)
    assert not one.shared
    before = copy.deepcopy(one.net.state_dict())
    balancer = read_balancer(name).build(one)
    for batch in batches(3):
        forward = balancer.step(batch)
    after = one.net.state_dict()
    assert balancer.weights.isfinite().all()
    assert not forward.losses.requires_grad
    assert all(torch.equal(after[n], before[n]) for n in after if n.startswith("blocks.") and "running" not in n
               and "tracked" not in n)  # fmt: skip
    assert all(not torch.equal(after[n], before[n]) for n in after if n.startswith("heads."))


def test_a_head_takes_the_unweighted_step_of_its_own_loss() -> None:
    """At half of fixed weights, K times their step."""
    plain, ours = learner(), learner()
    before = [[p.detach().clone() for p in own] for own in ours.own]
    (batch,) = batches(1)
    Fixed(plain).step(batch)
    read_balancer("mgda").build(ours).step(batch)
    for starts, mine, others in zip(before, ours.own, plain.own, strict=True):
        for start, one, other in zip(starts, mine, others, strict=True):
            torch.testing.assert_close(one - start, 2 * (other - start), rtol=1e-3, atol=1e-6)


class Partly(nn.Module):
    """Three tasks, two of which share a layer that the third does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.all, self.two = nn.Linear(72, 6), nn.Linear(6, 6)
        self.heads = nn.ModuleList(nn.Linear(6, 3) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.all(x.flatten(1)).tanh()
        some = self.two(x).tanh()
        return self.heads[0](some), self.heads[1](some), self.heads[2](x)


@pytest.mark.parametrize("name", AGGREGATORS)
def test_what_only_some_tasks_share(name: str) -> None:
    net = Partly()
    initialise(net, torch.Generator().manual_seed(5))
    shared, own = dependence(net, IMAGE)
    assert {id(p) for p in shared} == {id(p) for layer in (net.all, net.two) for p in layer.parameters()}
    optimiser = torch.optim.SGD(net.parameters(), RATE)
    one = Learner(net, optimiser, RATE, (1 / 3,) * 3, shared, own, nothing, torch.Generator())
    balancer = read_balancer(name).build(one)
    (batch,) = batches(1, 3)
    losses = one.forward(batch).losses
    found = [torch.autograd.grad(losses[k], tuple(net.two.parameters()), retain_graph=True) for k in (0, 1)]
    balancer.step(batch)
    for parameter, first, second in zip(net.two.parameters(), *found, strict=True):
        torch.testing.assert_close(parameter.grad, balancer.weights[0] * first + balancer.weights[1] * second)


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_is_weighed_in_float32(name: str) -> None:
    seen: list[Tensor] = []
    ends = []
    for precision in ("float32", "bfloat16"):
        one = compact(precision=precision)
        balancer = read_balancer(name).build(one)
        if isinstance(balancer, Jacobian):
            inner = balancer.weighting
            balancer.weighting = lambda products, inner=inner: (seen.append(products), inner(products))[1]
        balancer.step(next(batches(1)))
        ends.append(balancer.weights)
    assert all(products.dtype == torch.float32 for products in seen)
    torch.testing.assert_close(ends[1], ends[0], rtol=0.1, atol=0.05)
    assert ends[1].dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_the_tasks_updates_are_weighted_and_scaled_as_the_optimiser_does(name: str) -> None:
    one = learner(optimiser="fused")
    balancer: Balancer = read_balancer(name).build(one)
    (batch,) = batches(1)
    losses = one.forward(batch).losses
    found = [torch.autograd.grad(loss, one.shared, retain_graph=True) for loss in losses]
    balancer.step(batch)
    weighted = [[w * g for g in task] for w, task in zip(balancer.weights, found, strict=True)]
    assert balancer.weights.shape == (2,)
    assert not balancer.weights.requires_grad
    wanted = task_steps(one.optimiser, one.shared, weighted)
    torch.testing.assert_close(balancer.task_updates(found), wanted)


# What is told beforehand


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_balancer(name)
    assert settings.fault("adam", 2) == ""
    assert settings.fault("adam", 1) == f"{name} compares tasks: it needs two or more, got 1"
    for package in settings.needs:
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            assert settings.fault("adam", 2) == f"{name} needs {package}: pip install 'rungwise[balance]'"
    monkeypatch.setitem(sys.modules, "torchjd", None)
    assert settings.fault("adam", 2) == f"{name} needs TorchJD: pip install 'rungwise[balance]'"


def test_torchjd_is_imported_once_a_method_is_built() -> None:
    code = (
        "import sys, rungwise.cli.app; from rungwise.balancing import read_balancer; "
        f"print([read_balancer(name).fault('adam', 2) for name in {NAMES}], 'torchjd' in sys.modules, "
        "'cvxpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{[''] * 8} False False"


def test_what_nets_side_by_side_draw_is_what_each_draws_alone() -> None:
    """On a GPU they are threads of one process, which has one default generator."""

    def slowly(products: Tensor) -> Tensor:
        drawn = [torch.rand(2) for _ in range(3) if time.sleep(0.002) is None]
        return torch.stack(drawn).sum(0)

    def weights(one: Jacobian) -> Tensor:
        return torch.stack([one._weigh(torch.eye(2)) for _ in range(10)])

    expected = weights(Jacobian(learner(), slowly))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(weights, [Jacobian(learner(), slowly) for _ in range(4)]):
            assert torch.equal(found, expected)
