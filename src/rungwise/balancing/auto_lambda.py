"""Auto-Lambda: weights of the tasks, learned on images that the net isn't trained on (Liu et al. 2022,
arXiv 2202.03091)."""

from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.fixed import descend
from rungwise.balancing.learner import Batch, Forward, Learner, Part

START = 0.1
"""Of each raw weight, as the authors start."""
REACH = 0.01
"""Length of the step along the validation gradient by which the finite difference is taken, as DARTS has it."""


class Settings(BalancerSettings):
    """All tasks are primary: each counts the same in the validation loss."""

    method: Literal["auto-lambda"] = "auto-lambda"
    source: ClassVar[str] = "Liu et al. 2022, arXiv 2202.03091"
    says: ClassVar[str] = (
        "The weights are learned: each step moves them to where a step of the net would have lowered the loss on "
        "other images more."
    )
    validation: Literal["held-out", "shuffle"] = "held-out"
    """Where those other images come from: held-out, from the validation part; shuffle, from a second shuffle of the
    training images, as the authors have it."""
    weights: Literal["raw", "simplex"] = "raw"
    """raw: free numbers, as the authors have them, which need not sum to 1; simplex: the softmax of free numbers."""
    rate: float | None = Field(None, gt=0, le=1000)
    """Adam's learning rate for the weights; left out: 1e-4 for raw ones (the authors': 1e-4 for dense prediction, 3e-4
    for CIFAR), 1e-3 on the simplex."""

    @property
    def validates(self) -> bool:
        return self.validation == "held-out"

    def passes(self, tasks: int) -> tuple[int, int]:
        return 4, 3

    def build(self, learner: Learner) -> "AutoLambda":
        return AutoLambda(learner, self)


class AutoLambda(Balancer):
    """lambda <- Adam step down the gradient of L_val(theta - rate sum_i lambda_i grad L_i(theta)), then an ordinary
    step of the net down sum_i lambda_i L_i. Theta is all parameters, heads included.

    Cost: four forward and three backward passes for any number of tasks, against one and one for fixed weights. The
    virtual step and the ordinary one are taken at the same theta on the same batch, so that they share one forward
    pass, whose graph is kept for the second backward pass; the other passes run on copies of the parameters, so that
    theta itself is never moved. The second backward pass could be saved by keeping each task's gradients instead, at
    one backward pass for each task: no gain with two tasks, a loss with more.
    """

    def __init__(self, learner: Learner, settings: Settings) -> None:
        super().__init__(learner)
        names = {id(parameter): name for name, parameter in learner.net.named_parameters()}
        self.theta = [p for group in learner.optimiser.param_groups for p in group["params"]]
        self.moved = [torch.empty_like(p, requires_grad=True) for p in self.theta]
        """What the passes away from theta run on, filled anew for each."""
        self.elsewhere = {f"net.{names[id(p)]}": moved for p, moved in zip(self.theta, self.moved, strict=True)}
        self.passes = _Passes(learner)
        self.exact_passes = _Passes(replace(learner, precision="float32"))
        """For the finite difference: two losses so close would lose too much to the rounding of bfloat16."""
        self.part: Part = "validation" if settings.validation == "held-out" else "train"
        self.simplex = settings.weights == "simplex"
        like = self.theta[0].detach()
        self.free = like.new_full((len(learner.weights),), 0.0 if self.simplex else START, requires_grad=True)
        """(K,): the weights, or their logits on the simplex."""
        self.adam = torch.optim.Adam([self.free], settings.rate or (1e-3 if self.simplex else 1e-4))
        self.weights = self._weights().detach()

    def step(self, batch: Batch) -> Forward:
        learner = self.learner
        forward = learner.forward(batch)
        step = torch.autograd.grad(
            forward.losses @ self.weights, self.theta, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        with learner.still():
            self._take_virtual_step(step)
            direction = self._validation_gradient(learner.draw(self.part))
            sensitivity = self._sensitivity(batch, direction)
        self._learn(-learner.rate * sensitivity)
        descend(learner, forward.losses @ self.weights)
        return Forward(forward.losses.detach(), forward.right)

    @torch.no_grad()
    def _take_virtual_step(self, gradients: tuple[Tensor, ...]) -> None:
        """theta' = theta - rate (momentum buffer + g + weight_decay theta); the optimiser doesn't hear of it."""
        optimiser = self.learner.optimiser
        group = optimiser.param_groups[0]
        torch._foreach_copy_(self.moved, self.theta)
        torch._foreach_mul_(self.moved, 1 - self.learner.rate * group["weight_decay"])
        torch._foreach_add_(self.moved, gradients, alpha=-self.learner.rate)
        buffers = [optimiser.state.get(p, {}).get("momentum_buffer") for p in self.theta]
        if isinstance(optimiser, torch.optim.SGD) and all(buffer is not None for buffer in buffers):
            torch._foreach_add_(self.moved, buffers, alpha=-self.learner.rate * group["momentum"])

    def _validation_gradient(self, batch: Batch) -> tuple[Tensor, ...]:
        """d, the gradient of the unweighted sum of the losses at theta'."""
        losses = functional_call(self.passes, self.elsewhere, (batch,))
        return torch.autograd.grad(losses.sum(), self.moved, allow_unused=True, materialize_grads=True)

    @torch.no_grad()
    def _sensitivity(self, batch: Batch, direction: tuple[Tensor, ...]) -> Tensor:
        """h (K,): each task's slope along d, (L_i(theta + eps d) - L_i(theta - eps d)) / (2 eps), eps = .01 / ||d||."""
        length: Tensor = torch.stack(torch._foreach_norm(direction)).norm()
        eps = REACH / length.clamp_min(torch.finfo(length.dtype).tiny)  # no slope along d = 0, rather than NaN
        shift = torch._foreach_mul(direction, eps)
        sides: list[Tensor] = []
        for sign in (1, -1):
            torch._foreach_copy_(self.moved, self.theta)
            torch._foreach_add_(self.moved, shift, alpha=sign)
            sides.append(functional_call(self.exact_passes, self.elsewhere, (batch,)))
        slopes: Tensor = (sides[0] - sides[1]) / (2 * eps)
        return slopes

    def _learn(self, gradient: Tensor) -> None:
        """One Adam step on the weights, from the loss's gradient (K,) with respect to them."""
        self.adam.zero_grad(set_to_none=True)
        torch.autograd.backward(self._weights(), gradient)
        self.adam.step()
        self.weights = self._weights().detach()

    def _weights(self) -> Tensor:
        weights: Tensor = self.free.softmax(0) if self.simplex else self.free.clone()
        return weights


class _Passes(nn.Module):
    """The learner's forward pass as a module, so that it can be called with other parameters than the net's."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.net, self.learner = learner.net, learner

    def forward(self, batch: Batch) -> Tensor:
        return self.learner.forward(batch).losses
