"""AdaTask: each task has its own accumulators for the shared parameters (Yang et al. 2022, arXiv 2211.15055)."""

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.balancing.updates import gradients, task_steps

RULES = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad}
"""The recipes' optimisers that scale a gradient by accumulators, which is what is kept apart by task."""


class Settings(BalancerSettings):
    """A constant weight of a task cancels, since each task's gradient is scaled by the size of its own past ones: the
    study's loss weights only count beside the optimiser's eps."""

    method: Literal["adatask"] = "adatask"
    source: ClassVar[str] = "Yang et al. 2022, arXiv 2211.15055"
    says: ClassVar[str] = (
        "Each task keeps its own accumulators of the adaptive optimiser for the shared parameters, so that no task's "
        "gradients set the step size of another's; constant loss weights cancel."
    )

    def fault(self, optimiser: str, tasks: int) -> str:
        if optimiser in RULES:
            return ""
        return f"adatask keeps an adaptive optimiser's accumulators by task: it needs {_names()}, got {optimiser!r}"

    def passes(self, tasks: int) -> tuple[int, int]:
        return 1, tasks

    def build(self, learner: Learner) -> "AdaTask":
        return AdaTask(learner)


class AdaTask(Balancer):
    """theta <- theta - rate sum_k m_hat_k / (sqrt(v_hat_k) + eps) for shared theta, from g_k = grad of w_k L_k.

    An adaptive rule's step doesn't depend on theta, so the sum is K optimisers of the recipe's kind taking their
    steps one after the other, each with one task's gradients, all found at the same theta. The heads take the
    learner's own optimiser's steps. Cost: one forward pass, one backward pass for each task, K times the accumulators.
    """

    def __init__(self, learner: Learner) -> None:
        """Raises ValueError where the optimiser has no accumulators."""
        super().__init__(learner)
        rule, group = type(learner.optimiser), learner.optimiser.param_groups[0]
        rule = torch.optim.Adam if rule is torch.optim.AdamW else rule
        if not issubclass(rule, tuple(RULES.values())):
            raise ValueError(f"adatask needs the optimiser {_names()}, got {rule.__name__}")
        options = {name: group[name] for name in learner.optimiser.defaults} | {"weight_decay": 0.0}
        self.keeps = 1 - group["lr"] * group["weight_decay"]
        """What is left of the shared parameters at each step: weights decay once, not once for each task."""
        self.rules = [rule(learner.shared, **options) for _ in learner.own if learner.shared]
        """For each task, the optimiser of the shared parameters that has seen its gradients only."""

    def step(self, batch: Batch) -> Forward:
        learner, shared = self.learner, self.learner.shared
        forward = learner.forward(batch)
        losses = forward.each
        last = len(losses) - 1
        tasks = [
            gradients(weight * loss, (*shared, *own), keep_graph=k < last)
            for k, (weight, loss, own) in enumerate(zip(learner.weights, losses, learner.own, strict=True))
        ]
        self._clip(tasks)
        if self.rules and self.keeps != 1:
            with torch.no_grad():
                torch._foreach_mul_(list(shared), self.keeps)
        for rule, found in zip(self.rules, tasks, strict=False):
            _assign(shared, found[: len(shared)])
            rule.step()
        _assign(shared, [None] * len(shared))  # the learner's optimiser passes over what has no gradient
        for own, found in zip(learner.own, tasks, strict=True):
            _assign(own, found[len(shared) :])
        learner.optimiser.step()
        learner.optimiser.zero_grad(set_to_none=True)
        return Forward(forward.losses.detach(), forward.right)

    def _clip(self, tasks: Sequence[Sequence[Tensor]]) -> None:
        """Scale all tasks' gradients alike, so that their sum is no longer than the learner's `clip_norm`."""
        learner, count = self.learner, len(self.learner.shared)
        if learner.clip_norm is None:
            return
        total = [reduce(torch.add, parts) for parts in zip(*(found[:count] for found in tasks), strict=True)]
        heads = [gradient for found in tasks for gradient in found[count:]]
        norm = nn.utils.get_total_norm([*total, *heads])
        learner.scale_to_norm([gradient for found in tasks for gradient in found], norm)

    def task_updates(self, gradients: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
        """Each task's weighted gradient, scaled by that task's own accumulators."""
        weighted = [[w * g for g in task] for w, task in zip(self.learner.weights, gradients, strict=True)]
        return [
            task_steps(rule, self.learner.shared, [task])[0] for rule, task in zip(self.rules, weighted, strict=True)
        ]


def _assign(parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient


def _names() -> str:
    *names, last = (f'"{name}"' for name in RULES)
    return f"{', '.join(names)} or {last}"
