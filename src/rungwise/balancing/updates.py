"""What each task asks of the shared parameters: its gradients, and its part of an optimiser's step."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from rungwise.balancing.learner import Learner


def task_gradients(learner: Learner, losses: Sequence[Tensor] | Tensor, keep_graph: bool = True) -> list[list[Tensor]]:
    """For each of the K losses, its gradients with respect to `learner.shared`; zeros where it has none."""
    last = len(losses) - 1
    return [gradients(loss, learner.shared, keep_graph or k < last) for k, loss in enumerate(losses)]


def gradients(loss: Tensor, parameters: tuple[Tensor, ...], keep_graph: bool = False) -> list[Tensor]:
    """Of a scalar loss, fit to be put into `.grad`: in the parameters' memory layout, zeros where it has none.

    The fused optimisers read memory in order: with a gradient laid out unlike its parameter they would silently
    update the wrong elements. `backward` sees to the layout by itself, `torch.autograd.grad` does not.
    """
    found = torch.autograd.grad(loss, parameters, retain_graph=keep_graph, allow_unused=True, materialize_grads=True)
    pairs = zip(found, parameters, strict=True)
    return [g if g.stride() == p.stride() else torch.empty_like(p).copy_(g) for g, p in pairs]


@torch.no_grad()
def task_steps(
    optimiser: torch.optim.Optimizer, parameters: Sequence[Tensor], tasks: Sequence[Sequence[Tensor]]
) -> list[list[Tensor]]:
    """Each task's part of the optimiser's next step, from the K tasks' gradients of some of its parameters, whose sum
    it is given. The gradients become the parts: of a large net there should be no more copies than these. Momentum left
    aside (Adam's first moment, SGD's buffer), the parts sum to what is subtracted.

    Adam: rate g_k / (sqrt(v_hat) + eps), with the sum of all already in v_hat; RMSprop and Adagrad alike; SGD: rate
    g_k. With v_hat as the last step left it, a parameter that never had a gradient before would ask for a step of rate
    g / eps, many orders of magnitude above all others, that no optimiser takes.
    """
    group, steps = optimiser.param_groups[0], [list(task) for task in tasks]
    scales = _scales(optimiser, group, parameters, [reduce(torch.add, parts) for parts in zip(*steps, strict=True)])
    for task in steps:
        if scales is not None:
            torch._foreach_div_(task, scales)
        torch._foreach_mul_(task, group["lr"])
    return steps


def _scales(
    optimiser: torch.optim.Optimizer, group: dict[str, Any], parameters: Sequence[Tensor], total: list[Tensor]
) -> list[Tensor] | None:
    """sqrt(v_hat) + eps once the optimiser has seen the total; None if it has no accumulators."""
    match optimiser:
        case torch.optim.Adam():
            name, keep, gain = "exp_avg_sq", group["betas"][1], 1 - group["betas"][1]
        case torch.optim.RMSprop():
            name, keep, gain = "square_avg", group["alpha"], 1 - group["alpha"]
        case torch.optim.Adagrad():
            name, keep, gain = "sum", 1.0, 1.0
        case _:
            return None
    states = [optimiser.state.get(p, {}) for p in parameters]
    scales = [
        keep * state[name] if name in state else torch.zeros_like(p)
        for state, p in zip(states, parameters, strict=True)
    ]
    torch._foreach_addcmul_(scales, total, total, value=gain)
    if name == "exp_avg_sq":
        steps = float(states[0].get("step", 0)) + 1
        torch._foreach_div_(scales, 1 - keep**steps)
    torch._foreach_sqrt_(scales)
    torch._foreach_add_(scales, group["eps"])
    return scales


def sum_of_squares(tensors: Sequence[Tensor]) -> Tensor:
    """Of all elements of all tensors, a scalar; no copy of them is made."""
    return torch.stack(torch._foreach_norm([t.detach() for t in tensors])).square().sum()
