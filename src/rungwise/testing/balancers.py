"""What every way to balance tasks must do."""

import copy
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from rungwise.balancing import METHODS, read_balancer
from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Learner
from rungwise.models.compact import Compact, CompactSettings
from rungwise.models.net import Shape, initialise
from rungwise.testing.check import Check
from rungwise.testing.material import batches, learner_of, state_of

IMAGE: Shape = (1, 8, 8)
CLASSES = 4


@dataclass(frozen=True)
class BalancerCase:
    settings: BalancerSettings
    tasks: int
    by_place: bool
    """Whether the places of the tasks matter, as where weights are drawn in their order."""

    def __str__(self) -> str:
        return f"{self.settings.method}, {self.tasks} tasks"

    @property
    def outputs(self) -> tuple[int, ...]:
        return (CLASSES,) * self.tasks

    def net(self) -> Compact:
        net = CompactSettings(filters=(4, 6), shared=(8,)).build(IMAGE, self.outputs)
        initialise(net, torch.Generator().manual_seed(0))
        return net

    def build(self, net: nn.Module | None = None) -> Balancer:
        return self.settings.build(self.learner(net or self.net()))

    def learner(self, net: nn.Module) -> Learner:
        return learner_of(net, IMAGE, self.outputs)

    def batches(self, seed: int = 1) -> Iterator[Batch]:
        return batches(IMAGE, self.outputs, seed)

    def walk(self, balancer: Balancer, steps: int) -> Tensor:
        """The losses (steps, K), as each step told them."""
        return torch.stack([balancer.step(batch).losses for batch in islice(self.batches(), steps)])


def balancer_checks(settings: BalancerSettings, tasks: Sequence[int] = (2, 3), by_place: bool = False) -> list[Check]:
    """The checks of a method with its settings, for these numbers of tasks.

    `by_place`: the places of the tasks matter to it, as where weights are drawn in their order.
    """
    return [Check(check, BalancerCase(settings, count, by_place)) for count in tasks for check in CHECKS]


# Settings ------------------------------------------------------------------------------------------------------


def settings_are_found_again(case: BalancerCase) -> None:
    settings = case.settings
    assert METHODS.find(settings.method) is type(settings), "the method's entry point has another class"
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings
    assert read_balancer(settings.model_dump(mode="json")) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings


def settings_say_what_they_are(case: BalancerCase) -> None:
    assert case.settings.source, "source: who published it"
    assert case.settings.says.endswith("."), "says: a sentence for the report"
    assert isinstance(case.settings.fault("adam", case.tasks), str)


def an_unknown_setting_is_refused(case: BalancerCase) -> None:
    try:
        read_balancer({**case.settings.model_dump(), "no_such_setting": 1})
    except ValueError as error:
        says = str(error)
    else:
        says = "nothing: it was accepted"
    assert "unknown setting 'no_such_setting'" in says, f"of an unknown setting it says {says}"


# Steps ---------------------------------------------------------------------------------------------------------


def a_step_tells_the_losses_from_before_it(case: BalancerCase) -> None:
    balancer, batch = case.build(), next(case.batches())
    before = balancer.learner.forward(batch)
    told = balancer.step(batch)
    assert told.losses.shape == told.right.shape == (case.tasks,)
    assert not told.losses.requires_grad
    torch.testing.assert_close(told.losses, before.losses.detach())
    assert told.right.tolist() == before.right.tolist()


def a_step_moves_every_parameter_and_weighs_every_task(case: BalancerCase) -> None:
    balancer = case.build()
    before = state_of(balancer.learner.net)
    case.walk(balancer, 2)
    still = [key for key, value in balancer.learner.net.named_parameters() if torch.equal(value, before[key])]
    assert not still, f"not moved: {still}"
    assert balancer.weights.shape == (case.tasks,)
    assert not balancer.weights.requires_grad


def gradients_are_clipped(case: BalancerCase) -> None:
    learner, norms = replace(case.learner(case.net()), clip_norm=1e-3), list[float]()

    def note(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        found = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
        norms.append(nn.utils.get_total_norm(found).item())

    learner.optimiser.register_step_pre_hook(note)
    case.walk(case.settings.build(learner), 2)
    assert norms, "the learner's optimiser takes no step"
    assert max(norms) < 1.01e-3, f"a gradient of {max(norms):g} is not clipped: step by `learner.take_step()`"


def all_tasks_are_learnt(case: BalancerCase) -> None:
    balancer = case.build()
    for _ in range(4):
        losses = case.walk(balancer, 30)
        balancer.end_epoch(losses.mean(0))
    assert losses.isfinite().all()
    assert (losses[-10:].mean(0) < 0.5).all(), f"{losses[-10:].mean(0)} after 120 steps; ln 4 = 1.39 at the start"


def the_same_seed_gives_the_same_bits(case: BalancerCase) -> None:
    first, second = case.build(), case.build()
    assert torch.equal(case.walk(first, 4), case.walk(second, 4))
    one, other = state_of(first.learner.net), state_of(second.learner.net)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(first.weights.nan_to_num(), second.weights.nan_to_num())


def no_global_generator_is_drawn_from(case: BalancerCase) -> None:
    balancer = case.build()
    before = torch.get_rng_state()
    case.walk(balancer, 2)
    assert torch.equal(torch.get_rng_state(), before), "draw from `learner.random`"


def batchnorm_sees_each_batch_once(case: BalancerCase) -> None:
    """More forward passes on a batch go through `learner.still()`."""
    balancer = case.build()
    plain = read_balancer("fixed").build(case.learner(copy.deepcopy(balancer.learner.net)))
    case.walk(balancer, 1)
    case.walk(plain, 1)
    for key, value in balancer.learner.net.named_buffers():
        torch.testing.assert_close(value, dict(plain.learner.net.named_buffers())[key])


def tasks_may_change_places(case: BalancerCase) -> None:
    """With the heads and the labels exchanged, the same happens to the trunk, and the weights are exchanged."""
    if case.by_place or case.tasks != 2:
        return
    net = case.net()
    swapped = copy.deepcopy(net)
    swapped.heads = nn.ModuleList(reversed(swapped.heads))
    one, other = case.build(net), case.build(swapped)
    drawn = list(islice(case.batches(9), 8))
    for balancer, order in ((one, [0, 1]), (other, [1, 0])):
        mine = iter([Batch(batch.images, _mixed(batch)[order]) for batch in drawn])
        object.__setattr__(balancer.learner, "draw", lambda part, mine=mine: next(mine))
    for batch in islice(case.batches(), 3):
        first = one.step(Batch(batch.images, _mixed(batch))).losses
        second = other.step(Batch(batch.images, _mixed(batch).flip(0))).losses
        torch.testing.assert_close(first, second.flip(0), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(one.weights, other.weights.flip(0), rtol=1e-2, atol=1e-3, equal_nan=True)


def _mixed(batch: Batch) -> Tensor:
    """The labels, the first task's given to other images, so that the two tasks are not alike."""
    return torch.stack([batch.labels[0].roll(1), batch.labels[1]])


# What a step costs and asks for --------------------------------------------------------------------------------


class _Passes(TorchDispatchMode):
    """Counts the passes through a convolution with weights of a shape, forward and backward."""

    def __init__(self, shape: torch.Size) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.shape, self.forward, self.backward = shape, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        weights = {torch.ops.aten.convolution.default: 1, torch.ops.aten.convolution_backward.default: 2}
        if func in weights and args[weights[func]].shape == self.shape:
            self.forward += func is torch.ops.aten.convolution.default
            self.backward += func is torch.ops.aten.convolution_backward.default
        return func(*args, **(kwargs or {}))


def a_step_takes_the_passes_that_it_says(case: BalancerCase) -> None:
    """The plan is made by `passes`."""
    net = case.net()
    balancer, source = case.build(net), case.batches()
    balancer.step(next(source))  # the first may look around
    convolution: Any = net.blocks[0].convolution
    counter = _Passes(convolution.weight.shape)
    with counter:
        balancer.step(next(source))
    said = case.settings.passes(case.tasks)
    assert (counter.forward, counter.backward) == said, f"{counter.forward, counter.backward}, not {said} as it says"


def what_the_tasks_ask_for_has_the_shape_of_what_they_share(case: BalancerCase) -> None:
    balancer = case.build()
    case.walk(balancer, 2)
    gradients = [[torch.ones_like(p) * (k + 1) for p in balancer.learner.shared] for k in range(case.tasks)]
    before = state_of(balancer.learner.net)
    updates = balancer.task_updates(gradients)
    assert len(updates) == case.tasks
    for task in updates:
        assert [u.shape for u in task] == [p.shape for p in balancer.learner.shared]
    after = state_of(balancer.learner.net)
    assert all(torch.equal(before[key], after[key]) for key in before), "asking changes the net"


def nothing_shared_is_no_harm(case: BalancerCase) -> None:
    """As where the trunk is frozen: the heads learn all the same."""
    net = case.net()
    for parameter in (*net.blocks.parameters(), *net.shared.parameters()):
        parameter.requires_grad_(False)
    balancer = case.build(net)
    assert balancer.learner.shared == ()
    before = state_of(net.heads)
    case.walk(balancer, 2)
    assert all(not torch.equal(value, before[key]) for key, value in net.heads.named_parameters())


CHECKS = (
    settings_are_found_again,
    settings_say_what_they_are,
    an_unknown_setting_is_refused,
    a_step_tells_the_losses_from_before_it,
    a_step_moves_every_parameter_and_weighs_every_task,
    gradients_are_clipped,
    all_tasks_are_learnt,
    the_same_seed_gives_the_same_bits,
    no_global_generator_is_drawn_from,
    batchnorm_sees_each_batch_once,
    tasks_may_change_places,
    a_step_takes_the_passes_that_it_says,
    what_the_tasks_ask_for_has_the_shape_of_what_they_share,
    nothing_shared_is_no_harm,
)
