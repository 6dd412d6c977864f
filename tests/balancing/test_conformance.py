"""What each of our own ways to balance tasks does beyond what `rungwise.testing` asks of anybody's (tests/testing)."""

from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rungwise.balancing import balancing_methods, read_balancer
from rungwise.testing.balancers import CLASSES, BalancerCase

METHODS = sorted(balancing_methods())
every_method = pytest.mark.parametrize("name", METHODS)
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("one_thread")


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
@pytest.mark.parametrize("tasks", [2, 3])
def test_no_tasks_gradient_runs_through_the_others_heads(name: str, tasks: int) -> None:
    """Each head is passed once, however many backward passes the trunk takes: only passes for all tasks at once, as
    Auto-Lambda's, and GradNorm's short ones come on top."""
    case = BalancerCase(read_balancer(name), tasks, False)
    balancer, source = case.build(), case.batches()
    balancer.step(next(source))
    counter = HeadPasses()
    with counter:
        balancer.step(next(source))
    assert counter.count == tasks * {"auto-lambda": 3, "gradnorm": 2}.get(name, 1)


@every_method
@pytest.mark.parametrize("tasks", [2, 3])
def test_weights_and_what_the_tasks_ask_for_are_finite(name: str, tasks: int) -> None:
    """Each of ours has weights, and none has a fault with Adam."""
    case = BalancerCase(read_balancer(name), tasks, False)
    balancer = case.build()
    case.walk(balancer, 2)
    gradients = [[torch.ones_like(p) * (k + 1) for p in balancer.learner.shared] for k in range(tasks)]
    assert balancer.weights.isfinite().all()
    assert all(u.isfinite().all() for task in balancer.task_updates(gradients) for u in task)
    assert case.settings.fault("adam", tasks) == ""


@every_method
def test_the_documents_name_it(name: str) -> None:
    """With its source and the passes of a step."""
    text = (ROOT / "docs/multitask.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    forward, backward = read_balancer(name).passes(17)
    told = f"{forward}, {'K' if backward == 17 else backward}"
    assert f"| {told}" in row
    number = read_balancer(name).source.rpartition("arXiv ")[2]
    assert number in row or "arXiv" not in read_balancer(name).source
