"""Auto-Lambda against a step worked by hand, and against the exact second-order gradient by autograd."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn
from torch.func import functional_call

from rungwise.balancing import auto_lambda
from rungwise.balancing.auto_lambda import AutoLambda, Settings
from rungwise.balancing.fixed import descend
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.training.learner import dependence


class Point(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.tensor([1.0, 0.0]))


@dataclass(frozen=True)
class Pulled(Learner):
    """Task k's loss is half the squared distance of a point to the k-th row of the labels: its gradient, the way."""

    def forward(self, batch: Batch) -> Forward:
        losses = (self.net.place - batch.labels).square().sum(1) / 2
        return Forward(losses, torch.zeros(len(losses)))


def to(*targets: tuple[float, float]) -> Batch:
    return Batch(torch.empty(0), torch.tensor(targets))


def pulled(validation: Batch) -> Pulled:
    net = Point()
    optimiser = torch.optim.SGD(net.parameters(), 0.5)
    return Pulled(net, optimiser, 0.5, (0.5, 0.5), (net.place,), ((), ()), lambda part: validation, torch.Generator())


TRAIN = to((0.0, 0.0), (1.0, 2.0))
VALIDATION = to((0.0, 0.0), (1.0, -3.0))


def test_a_step_by_hand_with_raw_weights() -> None:
    """Rate .5, weights .1, at (1, 0): the tasks' gradients are (1, 0) and (0, -2), g = (.1, -.2), theta' = (.95, .1).
    d = (.95, .1) + (-.05, 3.1) = (.9, 3.2). The losses are quadratic, so that the finite difference is exact:
    h = (.9, -6.4), and the gradient is -.5 h = (-.45, 3.2). Adam's first step is its rate against the signs, to
    (.1001, .0999), and the net's step goes to (1 - .5 * .1001, .5 * .0999 * 2)."""
    learner = pulled(VALIDATION)
    balancer = AutoLambda(learner, Settings())
    assert balancer.weights.tolist() == pytest.approx([0.1, 0.1])
    forward = balancer.step(TRAIN)
    assert forward.losses.tolist() == [0.5, 2.0]
    moment = balancer.adam.state[balancer.free]["exp_avg"]  # a tenth of the first gradient
    assert moment.tolist() == pytest.approx([-0.045, 0.32], rel=1e-3)
    assert balancer.weights.tolist() == pytest.approx([0.1001, 0.0999], rel=1e-6)
    assert learner.net.place.tolist() == pytest.approx([0.94995, 0.0999], rel=1e-6)


def test_a_step_by_hand_on_the_simplex() -> None:
    """Weights .5: g = (.5, -1), theta' = (.75, .5), d = (.75, .5) + (-.25, 3.5) = (.5, 4), h = (.5, -8), gradient of
    the weights -.5 h = (-.25, 4), of their logits .5 (-.25 - 1.875) = -1.0625 and .5 (4 - 1.875) = 1.0625: Adam's
    first step takes them to (.001, -.001)."""
    learner = pulled(VALIDATION)
    balancer = AutoLambda(learner, Settings(weights="simplex"))
    assert balancer.weights.tolist() == [0.5, 0.5]
    balancer.step(TRAIN)
    moment = balancer.adam.state[balancer.free]["exp_avg"]
    assert moment.tolist() == pytest.approx([-0.10625, 0.10625], rel=1e-3)
    first = 1 / (1 + 2.718281828459045**-0.002)
    assert balancer.weights.tolist() == pytest.approx([first, 1 - first], rel=1e-6)
    assert learner.net.place.tolist() == pytest.approx([1 - 0.5 * first, 1 - first], rel=1e-6)


def test_nothing_to_gain_leaves_the_weights_alone() -> None:
    """theta' = (.95, .1) lies between the validation's targets: d = 0."""
    balancer = AutoLambda(pulled(to((0.95, 0.1), (0.95, 0.1))), Settings())
    balancer.step(TRAIN)
    assert balancer.weights.tolist() == pytest.approx([0.1, 0.1], rel=1e-2)
    assert balancer.weights.isfinite().all()


class Branched(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh())
        self.heads = nn.ModuleList(nn.Linear(5, 3) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        shared = self.trunk(x)
        return tuple(head(shared) for head in self.heads)


@dataclass(frozen=True)
class Double(Learner):
    def forward(self, batch: Batch) -> Forward:
        pairs = list(zip(self.net(batch.images.double() / 100), batch.labels, strict=True))
        losses = torch.stack([F.cross_entropy(z, y) for z, y in pairs])
        return Forward(losses, torch.stack([(z.argmax(1) == y).sum() for z, y in pairs]))


def some(seed: int, shape: tuple[int, ...] = (1, 2, 3), tasks: int = 3) -> Batch:
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (12, *shape), dtype=torch.uint8, generator=random)
    return Batch(images, torch.randint(0, 3, (tasks, 12), generator=random))


class Watched(AutoLambda):
    """Keeps the gradients of the weights."""

    def _learn(self, gradient: Tensor) -> None:
        self.gradients = [*getattr(self, "gradients", []), gradient]
        super()._learn(gradient)


def watched(optimiser: Callable[[Any], torch.optim.Optimizer], settings: Settings | None = None) -> Watched:
    torch.manual_seed(11)
    net = Branched().double()
    learner = Double(
        net, optimiser(net.parameters()), 0.2, (1 / 3, 1 / 3, 1 / 3), (), ((),) * 3, lambda part: some(2),
        torch.Generator(),
    )  # fmt: skip
    return Watched(learner, settings or Settings(rate=0.05))


def exact(balancer: AutoLambda, train: Batch, validation: Batch, mu: float = 0.0, decay: float = 0.0) -> Tensor:
    """d / d lambda of L_val(theta - rate (mu buffer + sum_i lambda_i grad L_i(theta) + decay theta)), all by autograd,
    before the balancer's next step."""
    learner = balancer.learner
    net = copy.deepcopy(learner.net)
    theta = dict(net.named_parameters())
    state = learner.optimiser.state
    buffers = [state.get(p, {}).get("momentum_buffer", torch.zeros_like(p)) for p in learner.net.parameters()]
    weights = balancer.weights.clone().requires_grad_()

    def losses(place: dict[str, Tensor], batch: Batch) -> Tensor:
        logits = functional_call(net, place, (batch.images.double() / 100,))
        return torch.stack([F.cross_entropy(z, y) for z, y in zip(logits, batch.labels, strict=True)])

    g = torch.autograd.grad(losses(theta, train) @ weights, list(theta.values()), create_graph=True)
    moved = {
        name: p - learner.rate * (mu * buffer + gradient + decay * p)
        for (name, p), gradient, buffer in zip(theta.items(), g, buffers, strict=True)
    }
    return torch.autograd.grad(losses(moved, validation).sum(), weights)[0]


def error(balancer: Watched, mu: float = 0.0, decay: float = 0.0) -> float:
    """Relative, of the gradient of the weights in the next step."""
    wanted = exact(balancer, some(1), some(2), mu, decay)
    balancer.step(some(1))
    return float((balancer.gradients[-1] - wanted).norm() / wanted.norm())


@pytest.mark.parametrize(
    ("optimiser", "mu", "decay"),
    [
        (lambda p: torch.optim.SGD(p, 0.2), 0.0, 0.0),
        (lambda p: torch.optim.SGD(p, 0.2, momentum=0.9), 0.9, 0.0),
        (lambda p: torch.optim.SGD(p, 0.2, momentum=0.9, weight_decay=0.1), 0.9, 0.1),
        (lambda p: torch.optim.Adam(p, 0.2), 0.0, 0.0),
    ],
)
def test_the_finite_difference_is_the_second_order_gradient(
    optimiser: Any, mu: float, decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    balancer = watched(optimiser)
    assert max(error(balancer, mu, decay) for _ in range(4)) < 3e-4
    monkeypatch.setattr(auto_lambda, "REACH", 1e-4)
    assert max(error(balancer, mu, decay) for _ in range(4)) < 3e-8


def test_its_error_is_of_second_order(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for reach in (0.1, 0.01):
        monkeypatch.setattr(auto_lambda, "REACH", reach)
        found.append(error(watched(lambda p: torch.optim.SGD(p, 0.2))))
    assert found[0] / found[1] == pytest.approx(100, rel=0.05)


def test_training_images_as_their_own_validation() -> None:
    """With a small rate theta' is theta, and sum_i h_i the squared length of the sum of the tasks' gradients."""
    torch.manual_seed(3)
    net = Branched().double()
    rate, batch = 1e-6, some(1)
    optimiser = torch.optim.SGD(net.parameters(), rate)
    learner = Double(net, optimiser, rate, (1 / 3,) * 3, (), ((),) * 3, lambda part: batch, torch.Generator())
    g = torch.autograd.grad(learner.forward(batch).losses.sum(), list(net.parameters()))
    length = torch.cat([part.flatten() for part in g]).norm()
    balancer = Watched(learner, Settings(validation="shuffle"))
    balancer.step(batch)
    assert -balancer.gradients[0].sum() / rate == pytest.approx(length.item() ** 2, rel=1e-4)


class Normed(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True), nn.Dropout(dropout))
        self.heads = nn.ModuleList(nn.Linear(16, 3) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        shared = self.trunk(x).flatten(1)
        return tuple(head(shared) for head in self.heads)


def normed(dropout: float = 0.5) -> tuple[Learner, list[str]]:
    """A learner, and the parts that it was asked for batches of."""
    torch.manual_seed(5)
    net = Normed(dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(net.parameters(), 0.01, fused=True)
    drawn: list[str] = []

    def draw(part: str) -> Batch:
        drawn.append(part)
        return some(20 + len(drawn), (2, 4, 4), 2)

    parts = dependence(net, (2, 4, 4))
    return Learner(net, optimiser, 0.01, (0.5, 0.5), *parts, draw, torch.Generator()), drawn


@pytest.mark.parametrize("weights", ["raw", "simplex"])
def test_the_net_takes_an_ordinary_step_with_the_new_weights_and_no_other(weights: Any) -> None:
    """To the last bit: parameters, the optimiser's state, BatchNorm's statistics, and the random numbers used."""
    learner, _ = normed()
    balancer = AutoLambda(learner, Settings(weights=weights, rate=0.1))
    plain, _ = normed()
    for number in range(4):
        batch = some(number, (2, 4, 4), 2)
        torch.manual_seed(number)
        found = balancer.step(batch)
        random = torch.get_rng_state()
        torch.manual_seed(number)
        wanted = plain.forward(batch)
        descend(plain, wanted.losses @ balancer.weights)
        assert torch.equal(torch.get_rng_state(), random)
        torch.testing.assert_close(found.losses, wanted.losses.detach(), rtol=0, atol=0)
        assert torch.equal(found.right, wanted.right)
    assert (balancer.weights - balancer.weights.mean()).abs().max() > 0.01
    torch.testing.assert_close(learner.net.state_dict(), plain.net.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(learner.optimiser.state_dict(), plain.optimiser.state_dict(), rtol=0, atol=0)
    assert learner.net.state_dict()["trunk.1.num_batches_tracked"] == 4
    assert all(module.training for module in learner.net.modules())


def test_four_forward_passes_a_step() -> None:
    learner, _ = normed()
    balancer = AutoLambda(learner, Settings())
    passes: list[int] = []
    learner.net.register_forward_hook(lambda *_: passes.append(1))
    balancer.step(some(1, (2, 4, 4), 2))
    assert len(passes) == 4


@pytest.mark.parametrize(("validation", "part"), [("held-out", "validation"), ("shuffle", "train")])
def test_where_the_other_images_come_from(validation: Any, part: str) -> None:
    learner, drawn = normed()
    settings = Settings(validation=validation)
    assert settings.validates == (validation == "held-out")
    balancer = settings.build(learner)
    for number in range(3):
        balancer.step(some(number, (2, 4, 4), 2))
    assert drawn == [part] * 3


def test_the_finite_difference_is_taken_in_float32() -> None:
    """With it, the rest in bfloat16 costs little; taken in bfloat16 itself, it would miss this tolerance."""
    wanted, found = [], []
    for kept, precision in ((wanted, "float32"), (found, "bfloat16")):
        learner, _ = normed(dropout=0)
        balancer = Watched(Learner(**{**vars(learner), "precision": precision}), Settings())
        for number in range(5):
            balancer.step(some(number, (2, 4, 4), 2))
        kept += balancer.gradients
    torch.testing.assert_close(torch.stack(found), torch.stack(wanted), rtol=0.1, atol=2e-4)


def test_a_rate_must_be_positive() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        Settings(rate=0)
