"""Methods of TorchJD that look at each task's gradient of the shared parameters, in one adapter.

TorchJD (https://torchjd.org) is imported once a method is built, not before: reading a study stays quick, and all else
works without it.
"""

import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import combinations_with_replacement
from typing import ClassVar

import torch
from torch import Tensor

from rungwise.balancing.balancer import Balancer, BalancerSettings
from rungwise.balancing.learner import Batch, Forward, Learner
from rungwise.balancing.updates import gradients

Weighting = Callable[[Tensor], Tensor]
"""From the tasks' Gramian (K, K), on the CPU, finite and not all 0, to their weights (K,)."""
_drawing = threading.Lock()
"""What a weighting draws comes from torch's default generator, which is one for all trials that share a GPU."""


class TorchJDSettings(BalancerSettings):
    needs: ClassVar[tuple[str, ...]] = ()
    """Packages beside TorchJD that the method is computed with."""

    def fault(self, optimiser: str, tasks: int) -> str:
        if tasks < 2:
            return f"{self.method} compares tasks: it needs two or more, got {tasks}"
        wanted = {"torchjd": "TorchJD"} | {name: name for name in self.needs}
        missing = " and ".join(told for name, told in wanted.items() if find_spec(name) is None)
        return f"{self.method} needs {missing}: pip install 'rungwise[balance]'" if missing else ""


class JacobianSettings(TorchJDSettings):
    """A subclass says how the weights follow from the Gramian."""

    def weighting(self, tasks: int) -> Weighting:
        """For one net's training, as it may remember what it saw. Raises ImportError where TorchJD is missing."""
        raise NotImplementedError

    def passes(self, tasks: int) -> tuple[int, int]:
        return 1, tasks

    def build(self, learner: Learner) -> "Jacobian":
        return Jacobian(learner, self.weighting(len(learner.weights)))


class Jacobian(Balancer):
    """The shared parameters descend sum_k w_k g_k, with g_k task k's gradient of its unweighted loss, and w a function
    of the Gramian, g_i . g_j. The scale of w is each method's own.

    Each head descends the unweighted gradient of its task's own loss, as TorchJD's `mtl_backward` has it: K times what
    fixed equal weights give it. Adam takes the same steps at either scale, but for its eps; plain SGD does not.

    The K gradients are kept side by side, but never as one matrix (K, parameters). The study's loss weights don't
    count. Where nothing is shared, the heads learn and `weights` stay as the study sets them.

    Cost: one forward pass, one backward pass for each task, and K + 1 times the memory of the gradients.
    """

    def __init__(self, learner: Learner, weighting: Weighting) -> None:
        super().__init__(learner)
        self.weighting = weighting

    def step(self, batch: Batch) -> Forward:
        learner, shared = self.learner, self.learner.shared
        forward = learner.forward(batch)
        learner.optimiser.zero_grad(set_to_none=True)
        tasks = []
        for k, (loss, own) in enumerate(zip(forward.each, learner.own, strict=True)):
            if wanted := (*shared, *own):
                found = gradients(loss, wanted, keep_graph=k + 1 < len(learner.own))
                tasks.append(found[: len(shared)])
                _assign(own, found[len(shared) :])
        if shared:
            self.weights = self._weigh(gramian(tasks))
            _assign(shared, weighted_sum(tasks, self.weights))
        learner.take_step()
        return Forward(forward.losses.detach(), forward.right)

    def _weigh(self, products: Tensor) -> Tensor:
        """(K,), float32, on the CPU: the solvers run there, and would wait for a GPU at each of their steps.

        NaN where the gradients aren't finite, so that training ends as it does for any other method; 0 where all are 0.
        Whatever a method draws, it draws from the learner's stream.
        """
        products = products.cpu()
        if not products.isfinite().all():
            return torch.full((len(products),), torch.nan)
        if not products.any():
            return torch.zeros(len(products))
        seed = int(torch.randint(2**62, (), generator=self.learner.random))
        with _drawing, torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs too
            return self.weighting(products).float()


@torch.no_grad()
def gramian(tasks: Sequence[Sequence[Tensor]]) -> Tensor:
    """(K, K), float32: the dot products of the K tasks' gradients, each over all of the parameters.

    One parameter at a time: at most K copies of one are made, of those that don't lie in memory row by row.
    """
    pairs = list(combinations_with_replacement(range(len(tasks)), 2))
    sums = torch.zeros(len(pairs), device=tasks[0][0].device)
    for parts in zip(*tasks, strict=True):
        flat = [part.flatten().float() for part in parts]
        sums += torch.stack([flat[i] @ flat[j] for i, j in pairs])
    rows, columns = zip(*pairs, strict=True)
    products = sums.new_empty(len(tasks), len(tasks))
    products[rows, columns] = sums
    products[columns, rows] = sums
    return products


@torch.no_grad()
def weighted_sum(tasks: Sequence[Sequence[Tensor]], weights: Tensor) -> list[Tensor]:
    """sum_k w_k g_k, one tensor for each parameter, laid out as the gradients are.

    In memory of its own: two of a task's gradients may be one tensor, which must not be scaled twice.
    """
    first, *others = zip(tasks, weights.tolist(), strict=True)
    total = list(torch._foreach_mul(list(first[0]), first[1]))
    for task, weight in others:
        torch._foreach_add_(total, list(task), alpha=weight)
    return total


def unit_trace(weighting: Weighting) -> Weighting:
    """The same, of gradients scaled so that their squared lengths sum to 1, for weights that don't depend on the scale.

    TorchJD takes the gradients of some methods for 0 where that sum is below 1e-4, as it is once a net fits its images.
    """
    return lambda products: weighting(products / products.trace())


def _assign(parameters: Sequence[Tensor], found: Sequence[Tensor]) -> None:
    for parameter, gradient in zip(parameters, found, strict=True):
        parameter.grad = gradient
