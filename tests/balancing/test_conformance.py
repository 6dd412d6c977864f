"""What every way to balance tasks must do, whoever wrote it: one suite over all that are registered."""

import copy
from collections.abc import Iterator
from itertools import islice

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from rungwise.balancing import balancing_methods, read_balancer
from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Learner
from rungwise.extensions import load
from rungwise.models.compact import Compact, CompactSettings
from rungwise.models.net import initialise
from rungwise.training.learner import dependence

METHODS = sorted(balancing_methods())
every_method = pytest.mark.parametrize("name", METHODS)
some_tasks = pytest.mark.parametrize("tasks", [2, 3])
IMAGE, CLASSES, RATE = (1, 8, 8), 4, 0.01

pytestmark = pytest.mark.usefixtures("one_thread")


def build_net(tasks: int, seed: int = 0) -> Compact:
    net = CompactSettings(filters=(4, 6), shared=(8,)).build(IMAGE, (CLASSES,) * tasks)
    initialise(net, torch.Generator().manual_seed(seed))
    return net


def batches(tasks: int, seed: int) -> Iterator[Batch]:
    """Noise in which a bright row says what all the labels are; each task calls it by another number."""
    random = torch.Generator().manual_seed(seed)
    while True:
        rows = torch.randint(0, CLASSES, (24,), generator=random)
        images = torch.randint(0, 100, (24, *IMAGE), dtype=torch.uint8, generator=random)
        images[torch.arange(24), 0, 2 * rows] = 255
        yield Batch(images, torch.stack([(rows + k) % CLASSES for k in range(tasks)]))


def learner_of(net: nn.Module, tasks: int, weights: tuple[float, ...] | None = None) -> Learner:
    shared, own = dependence(net, IMAGE)
    learning = [p for p in net.parameters() if p.requires_grad]
    other = batches(tasks, seed=9)
    return Learner(
        net=net, optimiser=torch.optim.Adam(learning, RATE), rate=RATE,
        weights=weights or (1 / tasks,) * tasks, shared=shared, own=own, draw=lambda part: next(other),
        random=torch.Generator().manual_seed(5),
    )  # fmt: skip


def settings_of(name: str) -> BalancerSettings:
    return read_balancer(name)


def build(name: str, tasks: int) -> Balancer:
    return settings_of(name).build(learner_of(build_net(tasks), tasks))


def state_of(net: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in net.state_dict().items()}


def walk(balancer: Balancer, tasks: int, steps: int, seed: int = 1) -> Tensor:
    """The losses (steps, K), as each step told them."""
    source = batches(tasks, seed)
    return torch.stack([balancer.step(next(source)).losses for _ in range(steps)])


# Settings ------------------------------------------------------------------------------------------------------


@every_method
def test_settings_say_what_they_are(name: str) -> None:
    settings = settings_of(name)
    assert type(settings) is load(balancing_methods()[name])
    assert settings.method == name
    assert settings.source
    assert settings.says.endswith(".")
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings
    assert read_balancer(settings.model_dump()) == settings
    assert settings.fault("adam", 2) == settings.fault("adam", 3) == ""


@every_method
def test_an_unknown_setting_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="unknown setting 'colour'"):
        read_balancer({"method": name, "colour": "red"})


# Steps ---------------------------------------------------------------------------------------------------------


@every_method
@some_tasks
def test_a_step_tells_the_losses_from_before_it(name: str, tasks: int) -> None:
    balancer, batch = build(name, tasks), next(batches(tasks, 1))
    before = balancer.learner.forward(batch)
    told = balancer.step(batch)
    assert told.losses.shape == told.right.shape == (tasks,)
    assert not told.losses.requires_grad
    torch.testing.assert_close(told.losses, before.losses.detach())
    assert told.right.tolist() == before.right.tolist()


@every_method
@some_tasks
def test_a_step_moves_every_parameter_and_weighs_every_task(name: str, tasks: int) -> None:
    balancer = build(name, tasks)
    before = {key: value.clone() for key, value in balancer.learner.net.named_parameters()}
    walk(balancer, tasks, 2)
    still = [key for key, value in balancer.learner.net.named_parameters() if torch.equal(value, before[key])]
    assert not still
    assert balancer.weights.shape == (tasks,)
    assert not balancer.weights.requires_grad
    assert balancer.weights.isfinite().all()


@every_method
@some_tasks
def test_all_tasks_are_learnt(name: str, tasks: int) -> None:
    balancer = build(name, tasks)
    for _ in range(4):
        losses = walk(balancer, tasks, 30)
        balancer.end_epoch(losses.mean(0))
    assert losses.isfinite().all()
    assert (losses[-10:].mean(0) < 0.5).all(), "ln 4 = 1.39 at the start"


@every_method
def test_the_same_seed_gives_the_same_bits(name: str) -> None:
    first, second = (build(name, 2) for _ in range(2))
    assert torch.equal(walk(first, 2, 4), walk(second, 2, 4))
    one, other = state_of(first.learner.net), state_of(second.learner.net)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(first.weights, second.weights)


@every_method
def test_no_other_source_of_randomness_is_touched(name: str) -> None:
    balancer = build(name, 3)
    before = torch.get_rng_state()
    walk(balancer, 3, 2)
    assert torch.equal(torch.get_rng_state(), before)


@every_method
def test_batchnorm_sees_each_batch_once(name: str) -> None:
    balancer = build(name, 2)
    plain = read_balancer("fixed").build(learner_of(copy.deepcopy(balancer.learner.net), 2))
    walk(balancer, 2, 1)
    walk(plain, 2, 1)
    for key, value in balancer.learner.net.named_buffers():
        torch.testing.assert_close(value, dict(plain.learner.net.named_buffers())[key])


@pytest.mark.parametrize("name", [name for name in METHODS if name != "random"])  # which draws weights by place
def test_tasks_may_change_places(name: str) -> None:
    """With the heads and the labels exchanged, the same happens to the trunk, and the weights are exchanged."""
    net = build_net(2)
    swapped = copy.deepcopy(net)
    swapped.heads = nn.ModuleList(reversed(swapped.heads))
    one, other = (settings_of(name).build(learner_of(each, 2)) for each in (net, swapped))
    source = batches(2, 1)
    drawn = list(islice(batches(2, 9), 8))
    for balancer, order in ((one, [0, 1]), (other, [1, 0])):
        mine = iter([Batch(batch.images, mixed(batch)[order]) for batch in drawn])
        object.__setattr__(balancer.learner, "draw", lambda part, mine=mine: next(mine))
    for _ in range(3):
        batch = next(source)
        first = one.step(Batch(batch.images, mixed(batch))).losses
        second = other.step(Batch(batch.images, mixed(batch).flip(0))).losses
        torch.testing.assert_close(first, second.flip(0), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(one.weights, other.weights.flip(0), rtol=1e-2, atol=1e-3)


def mixed(batch: Batch) -> Tensor:
    """The labels, the first task's given to other images, so that the two tasks are not alike."""
    return torch.stack([batch.labels[0].roll(1), batch.labels[1]])


# What a step costs and asks for --------------------------------------------------------------------------------


class Passes(TorchDispatchMode):
    """Counts the passes through the first convolution, forward and backward."""

    def __init__(self, shape: torch.Size) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.shape, self.forward, self.backward = shape, 0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        weights = {torch.ops.aten.convolution.default: 1, torch.ops.aten.convolution_backward.default: 2}
        if func in weights and args[weights[func]].shape == self.shape:
            self.forward += func is torch.ops.aten.convolution.default
            self.backward += func is torch.ops.aten.convolution_backward.default
        return func(*args, **(kwargs or {}))


@every_method
@some_tasks
def test_a_step_takes_the_passes_that_it_says(name: str, tasks: int) -> None:
    """The plan and the documents are told of them."""
    balancer, source = build(name, tasks), batches(tasks, 1)
    balancer.step(next(source))  # the first may look around
    counter = Passes(balancer.learner.net.blocks[0].convolution.weight.shape)  # type: ignore[union-attr,index]
    with counter:
        balancer.step(next(source))
    assert (counter.forward, counter.backward) == settings_of(name).passes(tasks)


class HeadPasses(TorchDispatchMode):
    """Counts the backward passes through heads: gradients of their inputs, (images, classes) by (classes, 8)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is torch.ops.aten.mm.default and args[0].shape == (24, CLASSES) and args[1].shape == (CLASSES, 8):
            self.count += 1
        return func(*args, **(kwargs or {}))


@every_method
@some_tasks
def test_no_tasks_gradient_runs_through_the_others_heads(name: str, tasks: int) -> None:
    """Each head is passed once, however many backward passes the trunk takes: only passes for all tasks at once, as
    Auto-Lambda's, and GradNorm's short ones come on top."""
    balancer, source = build(name, tasks), batches(tasks, 1)
    balancer.step(next(source))
    counter = HeadPasses()
    with counter:
        balancer.step(next(source))
    assert counter.count == tasks * {"auto-lambda": 3, "gradnorm": 2}.get(name, 1)


@every_method
@some_tasks
def test_what_the_tasks_ask_for_has_the_shape_of_what_they_share(name: str, tasks: int) -> None:
    balancer = build(name, tasks)
    walk(balancer, tasks, 2)
    gradients = [[torch.ones_like(p) * (k + 1) for p in balancer.learner.shared] for k in range(tasks)]
    before = state_of(balancer.learner.net)
    updates = balancer.task_updates(gradients)
    assert len(updates) == tasks
    for task in updates:
        assert [u.shape for u in task] == [p.shape for p in balancer.learner.shared]
        assert all(u.isfinite().all() for u in task)
    after = state_of(balancer.learner.net)
    assert all(torch.equal(before[key], after[key]) for key in before), "asking changes nothing"


@every_method
def test_nothing_shared_is_no_harm(name: str) -> None:
    """As where the trunk is frozen: the heads learn all the same."""
    net = build_net(2)
    for parameter in (*net.blocks.parameters(), *net.shared.parameters()):
        parameter.requires_grad_(False)
    learner = learner_of(net, 2)
    assert learner.shared == ()
    balancer = settings_of(name).build(learner)
    before = {key: value.clone() for key, value in net.heads.named_parameters()}
    walk(balancer, 2, 2)
    assert all(not torch.equal(value, before[key]) for key, value in net.heads.named_parameters())


@every_method
def test_the_documents_name_it(name: str, request: pytest.FixtureRequest) -> None:
    """With its source and the passes of a step."""
    text = (request.config.rootpath / "docs/multitask.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    forward, backward = settings_of(name).passes(17)
    told = f"{forward}, {'K' if backward == 17 else backward}"
    assert f"| {told}" in row
    number = settings_of(name).source.rpartition("arXiv ")[2]
    assert number in row or "arXiv" not in settings_of(name).source
