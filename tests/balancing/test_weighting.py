"""The methods that weight the losses, against steps worked by hand, and against TorchJD's where it has them."""

import copy
import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.balancing import read_balancer
from rungwise.balancing.fixed import weighted_sum
from rungwise.balancing.gradnorm import LEAST, GradNorm
from rungwise.balancing.learner import Batch, Learner
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise
from rungwise.models.pixels import scaled
from rungwise.training.learner import dependence

pytestmark = pytest.mark.usefixtures("one_thread")
IMAGE = (1, 6, 6)
RATE = 0.05


def nothing(part: str) -> Batch:
    raise AssertionError(f"no {part} batch is to be drawn")


def learning(
    net: nn.Module, weights: tuple[float, ...], rule: type[torch.optim.Optimizer] = torch.optim.SGD
) -> Learner:
    initialise(net, torch.Generator().manual_seed(4))
    optimiser = rule(net.parameters(), RATE)
    return Learner(net, optimiser, RATE, weights, *dependence(net, IMAGE), nothing, torch.Generator().manual_seed(4))


def net_learner(weights: tuple[float, ...], rule: type[torch.optim.Optimizer] = torch.optim.SGD) -> Learner:
    return learning(SharedSettings(filters=(3,), shared=(6,)).build(IMAGE, (3, 4, 5)[: len(weights)]), weights, rule)


def some(count: int, tasks: int) -> Iterator[Batch]:
    random = torch.Generator().manual_seed(7)
    for _ in range(count):
        images = torch.randint(0, 256, (16, *IMAGE), dtype=torch.uint8, generator=random)
        yield Batch(images, torch.randint(0, 3, (tasks, 16), generator=random))


def task_losses(net: nn.Module, batch: Batch) -> Tensor:
    """(K,), by torch alone."""
    logits = net(scaled(batch.images))
    return torch.stack([F.cross_entropy(z, y) for z, y in zip(logits, batch.labels, strict=True)])


# Fixed weights -------------------------------------------------------------------------------------------------


def test_fixed_weights_by_hand(pulled, to):
    """From (0, 0), targets (2, 0), (0, 4), (-2, 2) with .5, .3, .2: the pulls sum to (1 - .4, 1.2 + .4) = (.6, 1.6),
    of which the step takes a tenth. There, the differences are (-1.94, .16), (.06, -3.84), (2.06, -1.84), and the next
    step goes by (.97 - .018 - .412, -.08 + 1.152 + .368) / 10 = (.054, .144)."""
    learner = pulled((0.5, 0.3, 0.2))
    balancer = read_balancer("fixed").build(learner)
    batch = to((2, 0), (0, 4), (-2, 2))
    assert balancer.step(batch).losses.tolist() == [2, 8, 4]
    assert learner.net.place.flatten().tolist() == pytest.approx([0.06, 0.16])
    losses = balancer.step(batch).losses.tolist()
    assert losses == pytest.approx([(1.94**2 + 0.16**2) / 2, (0.06**2 + 3.84**2) / 2, (2.06**2 + 1.84**2) / 2])
    assert learner.net.place.flatten().tolist() == pytest.approx([0.114, 0.304])
    assert balancer.weights.tolist() == pytest.approx([0.5, 0.3, 0.2])


@pytest.mark.parametrize("weights", [(0.25, 0.75), (0.2, 0.3, 0.5), (1.0,)])
def test_fixed_weights_are_the_weighted_loss_exactly(weights):
    learner = net_learner(weights)
    plain = copy.deepcopy(learner.net)
    optimiser = torch.optim.SGD(plain.parameters(), RATE)
    balancer = read_balancer("fixed").build(learner)
    for batch in some(4, len(weights)):
        balancer.step(batch)
        optimiser.zero_grad()
        torch.autograd.backward(task_losses(plain, batch) @ torch.tensor(weights))
        optimiser.step()
    torch.testing.assert_close(learner.net.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_a_weighted_sum_is_that_of_torchjd():
    scalarization = pytest.importorskip("torchjd.scalarization")
    losses, weights = torch.rand(3, generator=torch.Generator().manual_seed(1)), (0.2, 0.3, 0.5)
    theirs = scalarization.Constant(torch.tensor(weights))(losses)
    torch.testing.assert_close(weighted_sum(losses, weights), theirs)


# Uncertainty ---------------------------------------------------------------------------------------------------


def test_uncertainty_by_hand(pulled, to):
    """Losses 2 and 1/8 at s = 0: the weights are exp(-0) = 1, so that the point moves by a tenth of (2, .5). The
    gradient of exp(-s) L + s / 2 is 1/2 - exp(-s) L = (-1.5, .375), and Adam's first step is its rate of .2 against
    the signs: s = (.2, -.2). The next step has the weights exp(-.2) and exp(.2)."""
    learner = pulled((0.5, 0.5))
    balancer = read_balancer({"method": "uncertainty", "rate": 0.2}).build(learner)
    batch = to((2, 0), (0, 0.5))
    assert balancer.step(batch).losses.tolist() == [2, 0.125]
    assert balancer.weights.tolist() == [1, 1]
    assert learner.net.place.flatten().tolist() == pytest.approx([0.2, 0.05])
    moment = balancer.adam.state[balancer.log_variance]["exp_avg"]  # a tenth of the gradient
    assert moment.tolist() == pytest.approx([-0.15, 0.0375])
    assert balancer.log_variance.tolist() == pytest.approx([0.2, -0.2])
    more, less = math.exp(0.2), math.exp(-0.2)
    balancer.step(batch)
    assert balancer.weights.tolist() == pytest.approx([less, more])
    # 1/2 - exp(-s) L, from the losses (1.8^2 + .05^2) / 2 and (.2^2 + .45^2) / 2
    second = [0.5 - less * 1.62125, 0.5 - more * 0.12125]
    assert moment.tolist() == pytest.approx([0.9 * -0.15 + 0.1 * second[0], 0.9 * 0.0375 + 0.1 * second[1]])
    pull = [less * 1.8 - more * 0.2, -less * 0.05 + more * 0.45]
    assert learner.net.place.flatten().tolist() == pytest.approx([0.2 + 0.1 * pull[0], 0.05 + 0.1 * pull[1]])


def test_uncertainty_settles_where_the_noise_is_twice_the_loss(pulled, to):
    """At a fixed loss L, exp(-s) L + s / 2 is least at exp(s) = 2 L: the weight is 1 / (2 L)."""
    balancer = read_balancer({"method": "uncertainty", "rate": 0.02}).build(pulled((0.5, 0.5), rate=0))
    for _ in range(400):
        balancer.step(to((2, 0), (0, 0.5)))
    assert balancer.weights.tolist() == pytest.approx([1 / 4, 1 / 0.25], rel=0.01)


def test_the_noises_learn_at_the_nets_rate_unless_told(pulled, to):
    balancer = read_balancer("uncertainty").build(pulled((0.5, 0.5), rate=0.03))
    balancer.step(to((2, 0), (0, 0.5)))
    assert balancer.log_variance.tolist() == pytest.approx([0.03, -0.03])


def test_uncertainty_is_that_of_torchjd():
    """TorchJD has the paper's form for squared errors, exp(-s) L / 2 + s / 2: of 2 L, it is that for cross-entropies.
    One optimiser learns the net and the noises there, one each here."""
    scalarization = pytest.importorskip("torchjd.scalarization")
    learner = net_learner((0.2, 0.3, 0.5), torch.optim.Adam)
    theirs, net = scalarization.UW(3), copy.deepcopy(learner.net)
    optimiser = torch.optim.Adam([*net.parameters(), *theirs.parameters()], RATE)
    balancer = read_balancer("uncertainty").build(learner)
    for batch in some(5, 3):
        weights = torch.exp(-theirs.log_var.detach())
        optimiser.zero_grad()
        torch.autograd.backward(theirs(2 * task_losses(net, batch)))
        optimiser.step()
        balancer.step(batch)
        torch.testing.assert_close(balancer.weights, weights)
        torch.testing.assert_close(balancer.log_variance.detach(), theirs.log_var.detach())
        torch.testing.assert_close(learner.net.state_dict(), net.state_dict())


# Dynamic weight average ----------------------------------------------------------------------------------------


def test_dwa_by_hand(pulled, to):
    """Equal for two epochs. Then the losses' ratios are 2/4 and 3/2, and at T = 2 the softmax of (1/4, 3/4) is
    1 / (1 + e^(1/2)) = .37754 and .62246; the next ratios are 3/2 and 1, those of the losses before forgotten."""
    learner = pulled((0.3, 0.7))
    balancer = read_balancer("dwa").build(learner)
    assert balancer.weights.tolist() == [0.5, 0.5]
    balancer.end_epoch(torch.tensor([4.0, 2.0]))
    assert balancer.weights.tolist() == [0.5, 0.5]
    balancer.end_epoch(torch.tensor([2.0, 3.0]))
    assert balancer.weights.tolist() == pytest.approx([0.377541, 0.622459], abs=1e-6)
    assert balancer.step(to((2, 0), (0, 4))).losses.tolist() == [2, 8]
    assert learner.net.place.flatten().tolist() == pytest.approx([0.2 * 0.377541, 0.4 * 0.622459], rel=1e-5)
    balancer.end_epoch(torch.tensor([3.0, 3.0]))
    assert balancer.weights.tolist() == pytest.approx([0.562177, 0.437823], abs=1e-6)  # 1 / (1 + e^(-1/4))


def test_the_temperature_evens_the_weights_out(pulled):
    found = []
    for temperature in (0.5, 2, 1000):
        balancer = read_balancer({"method": "dwa", "temperature": temperature}).build(pulled((0.5, 0.5)))
        balancer.end_epoch(torch.tensor([1.0, 1.0]))
        balancer.end_epoch(torch.tensor([0.5, 1.0]))
        found.append(balancer.weights[0].item())
    assert found == pytest.approx([1 / (1 + math.e), 1 / (1 + math.exp(0.25)), 0.5], abs=2e-4)


def test_dwa_of_losses_that_are_0(pulled):
    """0 / 0, a loss that stays 0, counts as one that doesn't fall; one that leaves 0 takes all the weight."""
    balancer = read_balancer("dwa").build(pulled((0.5, 0.5)))
    for losses in ([0.0, 1.0], [0.0, 1.0]):
        balancer.end_epoch(torch.tensor(losses))
    assert balancer.weights.tolist() == [0.5, 0.5]
    balancer.end_epoch(torch.tensor([1.0, 1.0]))
    assert balancer.weights.tolist() == [1, 0]


def test_dwa_is_that_of_torchjd():
    """But for the sum of the weights: K there, 1 here."""
    scalarization = pytest.importorskip("torchjd.scalarization")
    learner = net_learner((0.2, 0.3, 0.5))
    balancer = read_balancer({"method": "dwa", "temperature": 0.05}).build(learner)
    theirs = scalarization.DWA(0.05)
    seen = []
    for epoch in some(4, 3):
        found = []
        for batch in (epoch, *some(2, 3)):
            losses = learner.forward(batch).losses.detach().requires_grad_()
            (weights,) = torch.autograd.grad(theirs(losses), losses)
            found.append(balancer.step(batch).losses)
            torch.testing.assert_close(balancer.weights, weights / 3)
        theirs.step()
        balancer.end_epoch(torch.stack(found).mean(0))
        seen.append(balancer.weights)
    assert (seen[-1] - seen[0]).abs().max() > 0.01


# Random weights ------------------------------------------------------------------------------------------------


def test_random_weights_are_the_softmax_of_normal_numbers(pulled, to):
    """The learner's stream decides them, and nothing else does."""
    draw = torch.Generator().manual_seed(11)
    learner = pulled((0.2, 0.3, 0.5), rate=1, seed=11)
    balancer = read_balancer("random").build(learner)
    place = torch.zeros(2)
    for _ in range(3):
        z = torch.randn(3, generator=draw).exp()
        wanted = z / z.sum()
        targets = torch.tensor([[2.0, 0.0], [0.0, 4.0], [-2.0, 2.0]])
        balancer.step(to(*targets.tolist()))
        torch.testing.assert_close(balancer.weights, wanted)
        place = wanted @ targets  # a step of rate 1 down a sum of weights that sum to 1 forgets where it began
        torch.testing.assert_close(learner.net.place.detach()[0], place)


def test_random_weights_come_again_with_the_seed_and_are_equal_on_average(pulled, to):
    def drawn(seed: int, count: int) -> Tensor:
        balancer = read_balancer("random").build(pulled((1 / 3,) * 3, seed=seed))
        batch = to((1, 0), (0, 1), (1, 1))
        return torch.stack([(balancer.step(batch), balancer.weights)[1] for _ in range(count)])

    many = drawn(1, 2000)
    assert torch.equal(many[:5], drawn(1, 5))
    assert not torch.equal(many[:5], drawn(2, 5))
    torch.testing.assert_close(many.sum(1), torch.ones(2000))
    assert (many > 0).all()
    error = many.std(0) / 2000**0.5
    assert ((many.mean(0) - 1 / 3).abs() < 4 * error).all()
    assert (many.std(0) > 0.1).all()


def test_random_weights_are_those_of_torchjd(pulled, to):
    """Theirs are drawn from the global state, so that a seed gives the same numbers."""
    aggregation = pytest.importorskip("torchjd.aggregation")
    balancer = read_balancer("random").build(pulled((1 / 3,) * 3, rate=0, seed=5))
    targets = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        for _ in range(3):
            balancer.step(to(*targets))
            theirs = aggregation.Random()(torch.tensor(targets))
            torch.testing.assert_close(balancer.weights @ torch.tensor(targets), theirs)


# GradNorm ------------------------------------------------------------------------------------------------------


def gradnorm(learner: Learner, **settings: float) -> GradNorm:
    balancer = read_balancer({"method": "gradnorm", **settings}).build(learner)
    assert isinstance(balancer, GradNorm)
    return balancer


def test_gradnorm_by_hand(pulled, to):
    """Gradients of lengths 3 and 4, at weights of 1/2: 1.5 and 2, which should be 1.75 each, as the losses are the
    first ones. The slopes are -3 and 4; Adam's first step is its rate of .1 against the signs: (.6, .4), whose sum is 1
    already. The net's step is still by the weights before: half of (3, 4).

    Then lengths 3 and 2: the losses are all and a quarter of the first ones, over their mean 1.6 and .4, to the power
    of 1.5 2.02386 and .25298. The lengths times the weights are 1.8 and .8, their mean 1.3, and they should be 2.631
    and .329: slopes of -3 and 2. Adam has -3 twice, and steps by .1. Of 4 and 2 it has m_hat = (.09 * 4 + .1 * 2) / .19
    = 2.94737 and v_hat = (.000999 * 16 + .001 * 4) / .001999 = 9.99700, and steps by .0932180: (.7, .306782), over its
    sum (.695285, .304715)."""
    learner = pulled((0.5, 0.5), rate=1)
    balancer = gradnorm(learner, rate=0.1)
    assert balancer.step(to((3, 0), (0, 4))).losses.tolist() == [4.5, 8]
    assert balancer.weights.tolist() == [0.5, 0.5]
    assert balancer.layer is learner.net.place
    assert learner.net.place.flatten().tolist() == [1.5, 2]
    assert balancer.free.tolist() == pytest.approx([0.6, 0.4])
    assert balancer.step(to((4.5, 2), (1.5, 4))).losses.tolist() == [4.5, 2]  # differences of (3, 0) and (0, 2)
    assert balancer.weights.tolist() == pytest.approx([0.6, 0.4])
    assert learner.net.place.flatten().tolist() == pytest.approx([1.5 + 0.6 * 3, 2 + 0.4 * 2])
    assert balancer.free.tolist() == pytest.approx([0.695285, 0.304715], abs=1e-5)


def test_alpha_decides_whether_the_slow_task_or_the_small_gradient_counts(pulled, to):
    """The second step of the one by hand: with alpha = 0 both should be 1.3, so that it is the other way round."""
    slopes = {}
    for alpha in (0, 1.5):
        balancer = gradnorm(pulled((0.5, 0.5), rate=0), rate=0.1, alpha=alpha)
        balancer.step(to((3, 0), (0, 4)))
        balancer.step(to((3, 0), (0, 2)))
        slopes[alpha] = balancer.free.grad.tolist()
    assert slopes == {0: [3, -2], 1.5: [-3, 2]}


def test_no_weight_falls_below_0(pulled, to):
    """At a rate of 1 the first step asks for 1.5 and -.5: the latter is lifted to .001 before both are scaled."""
    balancer = gradnorm(pulled((0.5, 0.5), rate=0), rate=1)
    balancer.step(to((3, 0), (0, 4)))
    assert balancer.free.tolist() == pytest.approx([1.5 / (1.5 + LEAST), LEAST / (1.5 + LEAST)])


def test_without_alpha_the_tasks_end_with_equal_norms(pulled, to):
    """Weights as 1 / length: of 3, 4 and 12, as 4, 3 and 1."""
    balancer = gradnorm(pulled((1 / 3,) * 3, rate=0), rate=0.003, alpha=0)
    for _ in range(400):
        balancer.step(to((3, 0), (0, 4), (0, -12)))
        assert balancer.weights.sum().item() == pytest.approx(1)
    assert balancer.weights.tolist() == pytest.approx([4 / 8, 3 / 8, 1 / 8], abs=0.02)


def test_without_a_shared_matrix_the_weights_stay(pulled, to):
    learner = pulled((0.3, 0.7), shape=(2,))
    balancer = gradnorm(learner, rate=0.1)
    for _ in range(2):
        balancer.step(to((3, 0), (0, 4)))
    assert balancer.layer is None
    assert balancer.weights.tolist() == [0.5, 0.5]
    assert learner.net.place.tolist() == pytest.approx([0.15 + 0.1 * 0.5 * (3 - 0.3), 0.2 + 0.1 * 0.5 * (4 - 0.4)])


def test_losses_of_0_leave_the_weights_alone(pulled, to):
    balancer = gradnorm(pulled((0.5, 0.5), rate=0), rate=0.1)
    balancer.step(to((3, 0), (0, 4)))
    before = balancer.free.tolist()
    balancer.adam.state.clear()  # the first step's momentum would move them on
    balancer.step(to((0, 0), (0, 0)))
    assert balancer.free.tolist() == pytest.approx(before)


@pytest.mark.parametrize("tasks", [2, 3])
def test_gradnorm_as_the_paper_has_it(tasks):
    """L_grad with its graph through the norms, its gradient with respect to the weights by autograd."""
    learner = net_learner((1 / tasks,) * tasks)
    net = copy.deepcopy(learner.net)
    layer = net.shared[0].weight
    optimiser = torch.optim.SGD(net.parameters(), RATE)
    weights = torch.full((tasks,), 1 / tasks, requires_grad=True)
    adam = torch.optim.Adam([weights], 0.02)
    balancer = gradnorm(learner, rate=0.02, alpha=0.7)
    first: Tensor | None = None
    for batch in some(6, tasks):
        losses = task_losses(net, batch)
        first = losses.detach() if first is None else first
        grads = [torch.autograd.grad(weights[k] * losses[k], layer, create_graph=True)[0] for k in range(tasks)]
        G = torch.stack([g.norm() for g in grads])
        r = losses.detach() / first
        L_grad = F.l1_loss(G, (G.mean() * (r / r.mean()) ** 0.7).detach(), reduction="sum")
        (slopes,) = torch.autograd.grad(L_grad, weights, retain_graph=True)
        optimiser.zero_grad()
        torch.autograd.backward(losses @ weights.detach())
        optimiser.step()
        used = weights.detach().clone()
        weights.grad = slopes
        adam.step()
        weights.data /= weights.data.sum()
        balancer.step(batch)
        torch.testing.assert_close(balancer.weights, used)
        torch.testing.assert_close(balancer.free.detach(), weights.detach())
        torch.testing.assert_close(learner.net.state_dict(), net.state_dict())
    assert balancer.layer is learner.net.shared[0].weight


def test_the_layer_is_the_last_that_all_tasks_share():
    """Not one that two of the three tasks have to themselves, nor a bias."""

    class Partly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.early, self.all, self.two = nn.Linear(36, 6), nn.Linear(6, 6), nn.Linear(6, 6)
            self.heads = nn.ModuleList(nn.Linear(6, 3) for _ in range(3))

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            x = self.all(self.early(x.flatten(1)).tanh()).tanh()
            some = self.two(x).tanh()
            return self.heads[0](some), self.heads[1](some), self.heads[2](x)

    net = Partly()
    learner = learning(net, (1 / 3,) * 3)
    assert any(p is net.two.weight for p in learner.shared)
    balancer = gradnorm(learner)
    for batch in some(2, 3):
        balancer.step(batch)
    assert balancer.layer is net.all.weight
    assert balancer.weights.tolist() != [1 / 3] * 3


def test_the_weights_of_gradnorm_learn_at_the_nets_rate_unless_told(pulled, to):
    balancer = gradnorm(pulled((0.5, 0.5), rate=0.02))
    balancer.step(to((3, 0), (0, 4)))
    assert balancer.free.tolist() == pytest.approx([0.52, 0.48])
