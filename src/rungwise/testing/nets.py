"""What every architecture must do."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from rungwise.balancing.fixed import descend
from rungwise.data.settings import Data
from rungwise.models.dropout import seed_dropout
from rungwise.models.families import FAMILIES
from rungwise.models.net import NetSettings, Shape, count_flops, count_parameters, initialise
from rungwise.testing.check import Check
from rungwise.testing.material import batches, learner_of, state_of
from rungwise.training.learner import begin, dependence
from rungwise.training.settings import Fit, Recipe

IMAGES: tuple[Shape, ...] = ((1, 28, 28), (3, 32, 32), (1, 8, 8))
"""Shapes of images, (C, H, W), that a net is built for."""


@dataclass(frozen=True)
class NetCase:
    settings: NetSettings
    image: Shape
    outputs: tuple[int, ...]

    def __str__(self) -> str:
        image, outputs = "x".join(map(str, self.image)), "+".join(map(str, self.outputs))
        return f"{self.settings.family_name()}, {self.settings.in_short()}, {image} to {outputs}"

    def build(self, seed: int = 0) -> Any:
        """The net in training mode, with the weights of that seed."""
        net = self.settings.build(self.image, self.outputs)
        initialise(net, torch.Generator().manual_seed(seed))
        seed_dropout(net, seed)
        return net

    def images(self, count: int) -> Tensor:
        """(N, C, H, W), from -1 to 1."""
        return torch.rand((count, *self.image), generator=torch.Generator().manual_seed(7)) * 2 - 1


def net_checks(
    settings: NetSettings, images: Sequence[Shape] = IMAGES, outputs: Sequence[tuple[int, ...]] | None = None
) -> list[Check]:
    """The checks of an architecture with small settings, for images of each of these shapes.

    `outputs`: the classes of each task; in turns with the images. Left out: one task, and where the family's roles say
    that it takes several, two and three as well.
    """
    several = "sharing" in settings.roles
    outputs = outputs or ([(10,), (10, 3), (4, 3, 2)] if several else [(10,)])
    count = max(len(images), len(outputs))
    cases = [NetCase(settings, images[i % len(images)], outputs[i % len(outputs)]) for i in range(count)]
    return [Check(check, case) for case in cases for check in CHECKS]


# Settings ------------------------------------------------------------------------------------------------------


def settings_are_found_again(case: NetCase) -> None:
    """From a study's JSON, by the family's name, and as the same trial; and in another process."""
    settings = case.settings
    assert FAMILIES.find(settings.family_name()) is type(settings), "the family's entry point has another class"
    again = type(settings).model_validate_json(settings.model_dump_json())
    assert again == settings, "settings do not survive JSON"
    assert pickle.loads(pickle.dumps(settings)) == settings, "settings do not survive pickling"
    assert _trial(again).id == _trial(settings).id


def settings_say_what_they_are(case: NetCase) -> None:
    settings = case.settings
    assert settings.roles, "no role: no chapter takes it"
    assert settings.in_short()
    assert settings.in_words().endswith("."), "in_words is a sentence"
    assert settings.head_in_words()
    assert settings.trunk_in_words()
    assert all(remark == "" or remark.endswith(".") for remark in settings.remarks("Net")), "remarks are sentences"


def _trial(settings: NetSettings, tasks: Mapping[str, str] = MappingProxyType({"label": "labels"})) -> Fit:
    weights = (1 / len(tasks),) * len(tasks)
    return Fit(
        label="net", data=Data(source="digits"), seed=0, net=settings, fit=Recipe(epochs=1), tasks=dict(tasks),
        loss_weights=weights,
    )  # fmt: skip


# Logits and stages ---------------------------------------------------------------------------------------------


def there_is_a_group_of_logits_for_each_task(case: NetCase) -> None:
    logits = case.build().eval()(case.images(3))
    assert isinstance(logits, tuple), "forward returns a tuple, of one tensor for each task"
    assert [tuple(z.shape) for z in logits] == [(3, classes) for classes in case.outputs]
    assert all(torch.isfinite(z).all() for z in logits)


def features_end_with_the_logits(case: NetCase) -> None:
    """In training as in evaluation; of two nets, as BatchNorm and dropout go on from where they are."""
    for train in (True, False):
        net, twin, x = case.build().train(train), case.build().train(train), case.images(4)
        stages = net.features(x)
        assert all(isinstance(name, str) and len(stage) for name, stage in stages.items())
        logits, last = twin(x), list(stages.values())[-len(case.outputs) :]
        assert len(last) == len(logits)
        for mine, stage in zip(logits, last, strict=True):
            torch.testing.assert_close(stage, mine, rtol=0, atol=0)


def evaluation_is_deterministic(case: NetCase) -> None:
    net, x = case.build().eval(), case.images(4)
    assert all(torch.equal(a, b) for a, b in zip(net(x), net(x), strict=True))


def images_do_not_influence_each_other(case: NetCase) -> None:
    """In evaluation; in training BatchNorm makes them."""
    net, x = case.build().eval(), case.images(4)
    for whole, alone in zip(net(x), net(x[2:3]), strict=True):
        torch.testing.assert_close(whole[2:3], alone, rtol=1e-5, atol=1e-5)


def images_are_left_as_they_were(case: NetCase) -> None:
    net, x = case.build(), case.images(4)
    before = x.clone()
    net(x)
    assert torch.equal(x, before)


def the_order_of_memory_changes_nothing(case: NetCase) -> None:
    """Training has images and weights with channels last."""
    net, x = case.build().eval(), case.images(4)
    plain = net(x)
    net.to(memory_format=torch.channels_last)
    for mine, last in zip(plain, net(x.contiguous(memory_format=torch.channels_last)), strict=True):
        torch.testing.assert_close(last, mine, rtol=1e-4, atol=1e-4)


# Parameters ----------------------------------------------------------------------------------------------------


def parameters_are_counted_without_memory(case: NetCase) -> None:
    """The net is built on PyTorch's meta device, and a step there counts its operations."""
    counted = sum(p.numel() for p in case.settings.build(case.image, case.outputs).parameters() if p.requires_grad)
    assert count_parameters(case.settings, case.image, case.outputs) == counted
    assert count_flops(case.settings, case.image, case.outputs) > 0


def the_generator_alone_draws_the_weights(case: NetCase) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = state_of(case.build(5))
        torch.manual_seed(2)
        again, other = state_of(case.build(5)), state_of(case.build(6))
    differ = [name for name, value in first.items() if not torch.equal(value, again[name])]
    assert not differ, f"not drawn by `initialise`: {differ}"
    assert any(not torch.equal(value, other[name]) for name, value in first.items()), "all seeds start alike"


def initialising_again_leaves_nothing_of_what_was_learnt(case: NetCase) -> None:
    net = case.build()
    start = state_of(net)
    _train(net, case, 2)
    assert any(not torch.equal(start[name], value) for name, value in net.state_dict().items())
    initialise(net, torch.Generator().manual_seed(0))
    left = [name for name, value in net.state_dict().items() if not torch.equal(start[name], value)]
    assert not left, f"`initialise` leaves {left} as they were"


def the_state_is_all_there_is(case: NetCase) -> None:
    """A trained net's `state_dict`, loaded into another, makes it the same net."""
    net, other, x = case.build(), case.build(1), case.images(4)
    _train(net, case, 2)
    other.load_state_dict(net.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(net.eval()(x), other.eval()(x), strict=True))


# Training ------------------------------------------------------------------------------------------------------


def every_parameter_learns(case: NetCase) -> None:
    net = case.build()
    torch.autograd.backward(torch.stack([z.square().sum() for z in net(case.images(16))]).sum())
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still, f"no gradient reaches {still}"


def gradients_of_the_tasks_sum_to_those_of_all(case: NetCase) -> None:
    """One forward pass serves several backward passes: no stage is changed in place after it was used."""
    net = case.build().double()
    parameters = list(net.parameters())
    losses = [z.square().mean() for z in net(case.images(6).double())]

    def gradients(loss: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(loss, parameters, retain_graph=True, materialize_grads=True)

    each = [gradients(loss) for loss in losses]
    assert all(torch.equal(a, b) for a, b in zip(each[0], gradients(losses[0]), strict=True))
    for total, parts in zip(gradients(torch.stack(losses).sum()), zip(*each, strict=True), strict=True):
        torch.testing.assert_close(torch.stack(parts).sum(0), total)


def training_lowers_the_loss(case: NetCase) -> None:
    losses = _train(case.build(), case, 20)
    assert losses.isfinite().all()
    assert (losses[-5:].mean(0) < losses[:5].mean(0)).all(), f"from {losses[:5].mean(0)} to {losses[-5:].mean(0)}"


def training_draws_from_no_global_generator(case: NetCase) -> None:
    """As PyTorch's dropout does: then a seed would not decide what is learnt."""
    net = case.build()
    before = torch.get_rng_state()
    _train(net, case, 2)
    assert torch.equal(torch.get_rng_state(), before), "PyTorch's global generator was drawn from"


def training_is_repeated_to_the_bit(case: NetCase) -> None:
    first, second = (case.build() for _ in range(2))
    assert torch.equal(_train(first, case, 3), _train(second, case, 3))
    other = state_of(second)
    assert all(torch.equal(value, other[name]) for name, value in state_of(first).items())


def a_further_task_starts_from_the_trunk(case: NetCase) -> None:
    """What two tasks share is what one net of another task takes over, where the roles say that there is a trunk."""
    if "trunk" not in case.settings.roles:
        return
    both = _trial(case.settings, {"a": "labels", "b": "labels"})
    trained = begin(both, case.image, {})
    record: Any = SimpleNamespace(weights={name: value.numpy() for name, value in trained.state_dict().items()})
    further = _trial(case.settings, {"c": "labels"}).model_copy(update={"start": both, "frozen": True})
    net = begin(further, case.image, {both.id: record})
    shared, own = dependence(trained, case.image)
    assert shared, "the tasks share nothing"
    assert all(own), "a task has no head of its own"
    frozen = [p for p in net.parameters() if not p.requires_grad]
    assert [p.shape for p in frozen] == [p.shape for p in shared], "the further task takes over another part"


def _train(net: nn.Module, case: NetCase, steps: int) -> Tensor:
    """The losses (steps, K) of some steps of Adam on bright rows that tell the labels."""
    learner = learner_of(net.train(), case.image, case.outputs, shared=False)
    losses = []
    for batch in islice(batches(case.image, case.outputs, 1), steps):
        told = learner.forward(batch).losses
        descend(learner, told.sum())
        losses.append(told.detach())
    return torch.stack(losses)


CHECKS = (
    settings_are_found_again,
    settings_say_what_they_are,
    there_is_a_group_of_logits_for_each_task,
    features_end_with_the_logits,
    evaluation_is_deterministic,
    images_do_not_influence_each_other,
    images_are_left_as_they_were,
    the_order_of_memory_changes_nothing,
    parameters_are_counted_without_memory,
    the_generator_alone_draws_the_weights,
    initialising_again_leaves_nothing_of_what_was_learnt,
    the_state_is_all_there_is,
    every_parameter_learns,
    gradients_of_the_tasks_sum_to_those_of_all,
    training_lowers_the_loss,
    training_draws_from_no_global_generator,
    training_is_repeated_to_the_bit,
    a_further_task_starts_from_the_trunk,
)
