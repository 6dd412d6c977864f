"""MLPs that are alike but for their seeds, fitted as one: each layer of all of them is one batched product.

Every net keeps its own start, its own images and its own order of them, and its loss is its own: the gradient of the
sum of all losses is each net's alone, and the optimisers go by elements. So the results are those of
`training.fit`, but for the order in which the products sum: see `docs/decisions.md` for what that comes to.
"""

import copy
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rungwise.balancing import fixed
from rungwise.balancing.learner import Forward
from rungwise.bench import Bench
from rungwise.data.images import Split
from rungwise.models.mlp import Mlp
from rungwise.models.pixels import scaled
from rungwise.seeding import stream_seed
from rungwise.training import fit, notes
from rungwise.training.batches import Resident
from rungwise.training.evaluate import predict
from rungwise.training.graph import Replayed, can_capture, keeps_on_gpu
from rungwise.training.learner import begin, build_learner
from rungwise.training.memory import peak_bytes
from rungwise.training.optimiser import build_optimiser
from rungwise.training.precision import resolve
from rungwise.training.settings import Fit
from rungwise.trial import Outcome, TrialFailed

ROUNDS, MEASURE_S = 5, 0.3
"""Steps that are timed before it is decided whether to stack: at least as many rounds, and for at least as long."""
GAIN = 1.1
"""How many times as fast a stack must be: a busy machine's clock is no better than that, and one by one is the rule."""
Step = Callable[[Tensor], Forward]
"""Takes each net's indices (K, B) into its own training images, and a step of all nets; returns the losses (K,) from
before it and how many images each net had right (K,)."""


def fit_many(trials: Sequence[Fit], bench: Bench) -> list[Outcome | TrialFailed] | None:
    """`fit_stacked`, or None where a step of each net one by one takes hardly longer here than one of all."""
    group = _gather(trials, bench)
    return _fit(group, bench) if _pays(group) else None


def fit_stacked(trials: Sequence[Fit], bench: Bench) -> list[Outcome | TrialFailed]:
    """What `fit.carry_out` finds of each of K stackable trials that are alike but for their seeds.

    A net's times, and the memory of its step, are its share of the stack's: a K-th each. A net whose loss stops being
    finite fails alone; one that reaches its `stop_loss` is told of as it is then.
    """
    return _fit(_gather(trials, bench), bench)


class Stack(nn.Module):
    """K MLPs whose weights lie side by side.

    The nets that it is made of keep working: their parameters become views of the stacked ones.
    """

    def __init__(self, nets: Sequence[Mlp]) -> None:
        super().__init__()
        layers = list(zip(*([*net.hidden, net.head] for net in nets), strict=True))
        # (K, in, out): with (K, out, in) the same products took up to 1.8 times as long on a Zen core.
        self.weights = nn.ParameterList(torch.stack([one.weight.detach().T for one in alike]) for alike in layers)
        self.biases = nn.ParameterList(
            torch.stack([one.bias.detach()[None] for one in alike])  # (K, 1, out)
            for alike in layers
            if alike[0].bias is not None
        )
        for i, alike in enumerate(layers):
            for k, one in enumerate(alike):
                one.weight = nn.Parameter(self.weights[i].detach()[k].T, requires_grad=False)
                if self.biases:
                    one.bias = nn.Parameter(self.biases[i].detach()[k, 0], requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """The logits (K, B, classes) of each net for its own images x (K, B, in)."""
        for i, weight in enumerate(self.weights):
            x = torch.baddbmm(self.biases[i], x, weight) if self.biases else torch.bmm(x, weight)
            if i + 1 < len(self.weights):
                x = x.relu_()
        return x


@dataclass(frozen=True)
class _Group:
    """K trials, with all that their training needs."""

    trials: Sequence[Fit]
    splits: list[Split]
    nets: list[Mlp]
    train: Resident
    """The N training images of the first net, then those of the second, ...: K·N."""
    parts: list[dict[str, Resident]]
    """Of each net."""
    precision: str

    @property
    def device(self) -> str:
        return self.train.images.device.type

    def stepper(self, nets: Sequence[Mlp], *, capture: bool = True) -> tuple[Step, Replayed | None]:
        """Steps with a new optimiser on these nets, which are stacked; on a GPU those on whole batches as a graph."""
        stack, count = Stack(nets), len(nets)
        optimiser = build_optimiser(self.trials[0].fit, stack)
        offsets = (torch.arange(count) * (len(self.train) // count))[:, None].to(self.device)

        def step(index: Tensor) -> Forward:
            images, labels, _ = self.train.batch((index + offsets).flatten())  # (K·B, C, H, W), (1, K·B)
            with torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16"):
                z = stack(scaled(images).flatten(1).view(*index.shape, -1))
            z, y = z.float().flatten(0, 1), labels[0]  # (K·B, classes), (K·B,)
            losses = F.cross_entropy(z, y, reduction="none").view(count, -1).mean(1)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(losses.sum())
            optimiser.step()
            return Forward(losses.detach(), (z.argmax(1) == y).view(count, -1).sum(1))

        size, n = self.trials[0].fit.batch, len(self.train) // count
        if not capture or size > n or not keeps_on_gpu(optimiser):
            return step, None
        order = torch.arange(n, device=self.device).expand(count, -1)
        return step, Replayed(lambda index, _: step(index), stack, optimiser, order, size, count)


def _gather(trials: Sequence[Fit], bench: Bench) -> _Group:
    splits = [bench.split(trial.data, trial.seed) for trial in trials]
    nets, parts = [], []
    for trial, split in zip(trials, splits, strict=True):
        nets.append(begin(trial, split.train.shape, bench.records).to(bench.device))
        sets = {"train": split.train, "test": split.test, "validation": split.validation}
        parts.append({name: Resident.of(part, trial, bench.device) for name, part in sets.items() if part is not None})
    apart = [own["train"] for own in parts]
    train = Resident(torch.cat([one.images for one in apart]), torch.cat([one.labels for one in apart], 1))
    for k, n in enumerate(map(len, apart)):
        own = slice(k * n, (k + 1) * n)  # data settings are the same, so all have as many
        parts[k]["train"] = Resident(train.images[own], train.labels[:, own])
    return _Group(trials, splits, nets, train, parts, resolve(trials[0].fit.precision, bench.device))  # type: ignore[arg-type]


def _pays(group: _Group) -> bool:
    """Whether K nets take a step much sooner stacked than one by one, measured in turns on throwaway copies."""
    trial, parts, count = group.trials[0], group.parts[0], len(group.trials)
    learner = build_learner(trial, copy.deepcopy(group.nets[0]), parts, group.precision)
    balancer = fixed.Settings().build(learner)
    step, replayed = group.stepper(copy.deepcopy(group.nets))
    index = torch.arange(min(trial.fit.batch, len(parts["train"])), device=group.device)
    alone: Replayed | None = None
    if replayed is not None and can_capture(balancer):
        take = lambda index, _: balancer.step(parts["train"].batch(index))  # noqa: E731
        alone = Replayed(take, learner.net, learner.optimiser, replayed.order[0], trial.fit.batch, 1)
    one = _once(lambda: balancer.step(parts["train"].batch(index)), alone)
    every = _once(lambda: step(index.expand(count, -1)), replayed)
    together: list[float] = []
    apart: list[float] = []
    until = math.inf
    while len(together) <= ROUNDS or time.perf_counter() < until:
        started = fit.now(group.device)
        every()
        between = fit.now(group.device)
        for _ in range(ROUNDS):
            one()
        together.append(between - started)
        apart.append((fit.now(group.device) - between) / ROUNDS * count)
        if len(together) == 1:  # the first round warms up
            until = time.perf_counter() + MEASURE_S
    return GAIN * statistics.median(together[1:]) < statistics.median(apart[1:])


def _once(step: Callable[[], Forward], replayed: Replayed | None) -> Callable[[], object]:
    """One step, as training takes it."""

    def replay() -> None:
        assert replayed is not None
        replayed.start(replayed.order)
        replayed.replay()

    return step if replayed is None else replay


@dataclass
class _Progress:
    """How far one net is."""

    out: Outcome
    order: torch.Generator
    evaluate_s: float = 0.0
    end: Outcome | TrialFailed | None = None
    """`out`, once there is nothing left to do."""


def _fit(group: _Group, bench: Bench) -> list[Outcome | TrialFailed]:
    count, recipe = len(group.trials), group.trials[0].fit
    warmup_s, size = _warm_up(group)
    (step, replayed), train_s, steps = group.stepper(group.nets), 0.0, 0
    states = []
    for trial in group.trials:
        out = Outcome(choices={"precision": group.precision}, timings={"warmup_s": warmup_s / count})
        out.summary["step_bytes"] = size / count
        if replayed is not None:
            out.choices["step"] = "CUDA graph"
        states.append(_Progress(out, torch.Generator().manual_seed(stream_seed(trial.seed, "order"))))
    for epoch in range(recipe.epochs):
        started = fit.now(group.device)
        losses, shares, right = _run_epoch(group, step, replayed, states, epoch, bench)
        means, accuracies = (shares @ losses).tolist(), (right * count / len(group.train)).tolist()
        steps += len(losses)
        train_s += (fit.now(group.device) - started) / count
        for k, (trial, state) in enumerate(zip(group.trials, states, strict=True)):
            if state.end is not None:
                continue
            state.end = fit.infinite(losses[:, [k]], epoch, recipe.rate)
            if state.end is not None:
                continue
            notes.note_training(state.out, trial, notes.Epoch(means[k], [means[k]], [accuracies[k]]))
            last = epoch + 1 == recipe.epochs or means[k] < (recipe.stop_loss or 0)
            _evaluate(group, k, state, last)
            if last:
                state.out.summary |= {"time_s": train_s, "epochs": epoch + 1, "steps": steps}
                state.out.timings |= {"train_s": train_s, "evaluate_s": state.evaluate_s}
        bench.progress({"epoch": epoch + 1, "loss": statistics.mean(means), "accuracy": statistics.mean(accuracies)})
        if all(state.end is not None for state in states):
            break
    return [state.end for state in states if state.end is not None]


def _run_epoch(
    group: _Group, step: Step, replayed: Replayed | None, states: Sequence[_Progress], epoch: int, bench: Bench
) -> tuple[Tensor, Tensor, Tensor]:
    """The losses (steps, K), each step's share of the images (steps,), and how many each net had right (K,)."""
    told = time.perf_counter()
    count, n = len(states), len(group.train) // len(states)
    orders = [own["train"].shuffled(n, state.order)[0] for own, state in zip(group.parts, states, strict=True)]
    order, size = torch.stack(orders), group.trials[0].fit.batch
    batches = torch.split(order, size, 1)
    losses = torch.zeros(len(batches), count, device=group.device)
    right = torch.zeros(count, device=group.device)
    first = 0
    if replayed is not None:
        first = n // size
        replayed.start(order[:, : first * size])
        for _ in range(first):
            replayed.replay()
        losses[:first], right = replayed.losses[:first], replayed.right.clone()
    for number, index in enumerate(batches[first:], first):
        forward = step(index)
        losses[number] = forward.losses
        right += forward.right
        if time.perf_counter() - told > fit.PROGRESS_EVERY_S:
            told = time.perf_counter()
            seen = sum(batch.shape[1] for batch in batches[: number + 1])
            progress = {"epoch": epoch + seen / n, "loss": losses[number].mean().item()}
            bench.progress(progress | {"accuracy": right.mean().item() / seen})
    return losses, torch.tensor([batch.shape[1] / n for batch in batches], device=group.device), right


def _evaluate(group: _Group, k: int, state: _Progress, last: bool) -> None:
    """Test one net, where its recipe asks for it now, and note all that is told of it at its end."""
    trial, net, parts = group.trials[k], group.nets[k], group.parts[k]
    if not last and trial.fit.evaluate == "end":
        return
    started = fit.now(group.device)
    logits = predict(net, parts["test"].images, group.precision)
    notes.note_test(state.out, trial, logits, parts["test"].labels)
    if last:
        notes.note_end(state.out, trial, net, parts, group.precision)
        notes.note_predictions(state.out, trial, logits, group.splits[k])
        # Copies: the stack may go on.
        state.out.weights = {name: value.clone() for name, value in state.out.weights.items()}
        state.end = state.out
    state.evaluate_s += fit.now(group.device) - started


def _warm_up(group: _Group) -> tuple[float, int]:
    """Seconds and most bytes of two steps of all nets on throwaway copies, as `fit` measures them of one."""
    twins, started = copy.deepcopy(group.nets), fit.now(group.device)
    index = torch.arange(min(group.trials[0].fit.batch, len(group.parts[0]["train"])), device=group.device)

    def work() -> None:
        step, _ = group.stepper(twins, capture=False)
        for _ in range(2):
            step(index.expand(len(twins), -1))

    size = peak_bytes(work)
    return fit.now(group.device) - started, size
