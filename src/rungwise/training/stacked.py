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
from rungwise.balancing.learner import Batch, Forward
from rungwise.bench import Bench
from rungwise.data.images import Split
from rungwise.models.mlp import Mlp
from rungwise.models.pixels import scaled
from rungwise.seeding import stream_seed
from rungwise.training import fit, notes
from rungwise.training.batches import Resident
from rungwise.training.epochs import EpochDriver, Rates
from rungwise.training.evaluate import predict
from rungwise.training.feed import Feed
from rungwise.training.learner import begin, build_learner
from rungwise.training.memory import peak_bytes
from rungwise.training.optimiser import build_optimiser
from rungwise.training.precision import resolve
from rungwise.training.settings import Fit
from rungwise.training.steps import Step, can_capture, choose_step, keeps_on_gpu
from rungwise.trial import Outcome, TrialFailed

ROUNDS, MEASURE_S = 5, 0.3
"""Steps that are timed before it is decided whether to stack: at least as many rounds, and for at least as long."""
GAIN = 1.1
"""How many times as fast a stack must be: a busy machine's clock is no better than that, and one by one is the rule."""


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
    """The N training images of the first net, then those of the second, ...: K·N. Where all nets have the same images,
    they are there once."""
    parts: list[dict[str, Resident]]
    """Of each net."""
    precision: str

    @property
    def device(self) -> str:
        return self.train.images.device.type

    @property
    def whole(self) -> int:
        """Images of a whole step: a batch of each net."""
        return len(self.trials) * self.trials[0].fit.batch

    def index(self, orders: Sequence[Tensor]) -> list[Tensor]:
        """The images (K B,) of each step in `train`, from each net's order (n,) of its own images.

        B of the first net's come first, then B of the second's."""
        n = len(self.train) // len(orders)
        offsets = (torch.arange(len(orders)) * n)[:, None].to(self.device)
        batches = torch.split(torch.stack(list(orders)) + offsets, self.trials[0].fit.batch, 1)
        return [batch.flatten() for batch in batches]

    def driver(self, nets: Sequence[Mlp], *, capture: bool = True) -> EpochDriver:
        """Epochs of these nets, which are stacked, with a new optimiser; on a GPU, whole batches as a CUDA graph."""
        recipe, stack = self.trials[0].fit, Stack(nets)
        optimiser = build_optimiser(recipe, stack)
        driver = EpochDriver(
            StackedStep(stack, optimiser, self.precision),
            Feed(self.train),
            Rates(optimiser, recipe.schedule),
            size=self.whole,
            losses=len(nets),
            random=torch.Generator(),  # nothing is drawn
        )
        if capture and keeps_on_gpu(optimiser):
            driver.capture(stack, optimiser)
        return driver


class StackedStep(Step):
    """A step of K stacked nets by autograd: of each on its own images and down its own loss."""

    def __init__(self, stack: Stack, optimiser: torch.optim.Optimizer, precision: str) -> None:
        self.stack, self.optimiser, self.precision = stack, optimiser, precision

    def __call__(self, batch: Batch) -> Forward:
        """Images (K B, C, H, W), those of the first net first; the losses (K,) and how many each net had right (K,)."""
        count = len(self.stack.weights[0])
        with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            z = self.stack(
                scaled(batch.images, channels_last=False).flatten(1).view(count, len(batch.images) // count, -1)
            )
        z, y = z.float().flatten(0, 1), batch.labels[0]  # (K B, classes), (K B,)
        losses = F.cross_entropy(z, y, reduction="none").view(count, -1).mean(1)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(losses.sum())
        self.optimiser.step()
        return Forward(losses.detach(), (z.argmax(1) == y).view(count, -1).sum(1))


def _gather(trials: Sequence[Fit], bench: Bench) -> _Group:
    splits = [bench.split(trial.data, trial.seed) for trial in trials]
    nets, parts = [], []
    for trial, split in zip(trials, splits, strict=True):
        nets.append(begin(trial, split.train.shape, bench.records).to(bench.device))
        sets = {"train": split.train, "test": split.test, "validation": split.validation}
        parts.append({name: Resident.of(part, trial, bench.device) for name, part in sets.items() if part is not None})
    same = all(split.train.images is splits[0].train.images for split in splits)
    train = Resident.joined([own["train"] for own in parts], same=same)
    n = len(train) // len(trials)  # data settings are the same, so all have as many
    for k, own in enumerate(parts):
        place = slice(k * n, (k + 1) * n)
        own["train"] = Resident(train.images if train.rows is not None else train.images[place], train.labels[:, place])
    return _Group(trials, splits, nets, train, parts, resolve(trials[0].fit.precision, bench.device))  # type: ignore[arg-type]


def _pays(group: _Group) -> bool:
    """Whether K nets take a step much sooner stacked than one by one, measured in turns on throwaway copies."""
    trial, parts, count = group.trials[0], group.parts[0], len(group.trials)
    learner = build_learner(trial, copy.deepcopy(group.nets[0]), parts, group.precision)
    balancer = fixed.Settings().build(learner)
    alone = EpochDriver(
        choose_step(balancer),
        Feed(parts["train"]),
        Rates(learner.optimiser, trial.fit.schedule),
        size=trial.fit.batch,
        losses=1,
        random=torch.Generator(),
    )
    stacked = group.driver(copy.deepcopy(group.nets))
    if stacked.replayed is not None and can_capture(balancer):
        alone.capture(learner.net, learner.optimiser)
    index = torch.arange(min(trial.fit.batch, len(parts["train"])), device=group.device)
    one, every = _once(alone, index), _once(stacked, group.index([index] * count)[0])
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


def _once(driver: EpochDriver, index: Tensor) -> Callable[[], object]:
    """One step on the images of an index, as training takes it."""

    def replay() -> None:
        assert driver.replayed is not None
        driver.replayed.start(index)
        driver.replayed.replay()

    def step() -> object:
        return driver.step(driver.feed.train.batch(index))

    return step if driver.replayed is None else replay


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
    epoch, train_s, steps, n = 0, 0.0, 0, len(group.train) // count

    def report(done: float, losses: Tensor, right: Tensor, counted: float) -> None:
        progress = {"epoch": epoch + done, "loss": losses.mean().item()}
        bench.progress(progress | {"accuracy": right.sum().item() / counted})

    driver = group.driver(group.nets)
    states = []
    for trial in group.trials:
        out = Outcome(choices={"precision": group.precision}, timings={"warmup_s": warmup_s / count})
        out.summary["step_bytes"] = size / count
        out.choices |= driver.choices
        states.append(_Progress(out, torch.Generator().manual_seed(stream_seed(trial.seed, "order"))))
    for epoch in range(recipe.epochs):
        started = fit.now(group.device)
        orders = [own["train"].shuffled(n, state.order)[0] for own, state in zip(group.parts, states, strict=True)]
        indices = group.index(orders)
        log = driver.run(indices, [1.0] * len(indices), report)  # at a constant rate
        shares = torch.tensor([len(index) / len(group.train) for index in indices], device=group.device)
        means, accuracies = (shares @ log.losses).tolist(), (log.right * count / len(group.train)).tolist()
        steps += len(indices)
        train_s += (fit.now(group.device) - started) / count
        for k, (trial, state) in enumerate(zip(group.trials, states, strict=True)):
            if state.end is not None:
                continue
            state.end = fit.infinite(log.losses[:, [k]], epoch, recipe.rate)
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
    (flat,) = group.index([index] * len(twins))

    def work() -> None:
        driver = group.driver(twins, capture=False)
        for _ in range(2):
            driver.step(group.train.batch(flat))

    size = peak_bytes(work)
    return fit.now(group.device) - started, size
