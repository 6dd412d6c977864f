"""What a study would run: every trial with its cost, before anything is computed."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from rungwise.models.net import count_flops, count_parameters
from rungwise.study.memory import check_countable, trial_memory
from rungwise.study.study import Study, study_trials
from rungwise.training.settings import Fit
from rungwise.trial import Trial

EFFICIENCY = 0.6
"""The share of the machine's matrix-product rate that training reaches; measured .5 to .9 on the reference's nets."""
STEP_S = 6e-4
"""Seconds per step that no product accounts for, on a CPU: what a step of a very small net costs."""
TRIAL_S = 0.3
"""Seconds per trial around its work: reading data, writing records."""


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of a plan."""

    id: str
    chapter: str
    label: str
    data: str
    seed: int
    epochs: int
    stops: bool
    """Whether training may end early: then the epochs and costs are the most that it can take."""
    prunes: bool
    """Whether epochs leave images out: then the costs are."""
    train_images: int
    parameters: int | None
    """None for work that is not the fitting of a net."""
    flops: int
    """Floating-point operations of the products, a multiply and an add counting as two."""
    memory_bytes: int
    """The most memory that it takes, estimated, with the process that it runs in."""
    time_s: float
    """Estimated seconds on this machine, if the trial runs alone."""
    done: bool


def plan(
    study: Study, rate: Callable[[str], float], done: Callable[[str], bool] = lambda _: False
) -> list[PlannedTrial]:
    """The study's trials in the order of its chapters.

    `rate`: floating-point operations per second of a matrix product in a recipe's precision
    (`engine.machine.product_rates`);
    `done`: whether a trial's record is there already. Raises StudyError for a net too large to be counted.
    """
    check_countable(study)
    return [_row(chapter.name, trial, rate, done(trial.id)) for chapter, trial in study_trials(study)]


def longest_first(trials: Sequence[Trial]) -> list[Trial]:
    """The order to start trials in, so that no long one is left alone at the end; but one of each sort that runs code
    which is compiled at its first use comes before all others, so that nobody waits for that code."""
    ordered = sorted(trials, key=lambda trial: _work(trial)[1], reverse=True)
    compiling = {trial.compiled: trial for trial in reversed(ordered) if trial.compiled}
    first = {trial.id for trial in compiling.values()}
    return sorted(ordered, key=lambda trial: trial.id not in first)


def summary(rows: Sequence[PlannedTrial]) -> dict[str, float]:
    """Totals over what is not done yet: trials, flops and estimated seconds of work, one after the other."""
    left = [row for row in rows if not row.done]
    return {
        "trials": len(rows),
        "left": len(left),
        "flops": sum(row.flops for row in left),
        "time_s": sum(row.time_s for row in left),
        "memory_bytes": max((row.memory_bytes for row in left), default=0),
    }


def as_json(study: Study, rows: Sequence[PlannedTrial]) -> dict[str, object]:
    """The plan as JSON types, schema 1."""
    return {
        "schema": 1,
        "title": study.title,
        "trials": [asdict(row) for row in rows],
        "total": summary(rows),
    }


def _row(chapter: str, trial: Trial, rate: Callable[[str], float], done: bool) -> PlannedTrial:
    parameters, flops, steps = _work(trial)
    precision = trial.fit.precision if isinstance(trial, Fit) else "float32"
    return PlannedTrial(
        id=trial.id,
        chapter=chapter,
        label=trial.label,
        data=trial.data.facts.name,
        seed=trial.seed,
        epochs=trial.epochs,
        stops=isinstance(trial, Fit) and trial.fit.stops,
        prunes=isinstance(trial, Fit) and trial.fit.pruning is not None,
        train_images=trial.data.size,
        parameters=parameters,
        flops=flops,
        memory_bytes=trial_memory(trial).total,
        time_s=flops / (EFFICIENCY * rate(precision)) + steps * STEP_S + TRIAL_S,
        done=done,
    )


def _work(trial: Trial) -> tuple[int | None, int, int]:
    """Parameters, floating-point operations and steps of a trial."""
    if not isinstance(trial, Fit):
        return None, trial.flops, 0
    facts = trial.data.facts
    step = count_flops(trial.net, facts.image, trial.outputs)
    steps = trial.epochs * -(-trial.data.size // trial.fit.batch)
    # Testing, and the training images once more at the end, cost a forward pass: a third of a step. A backward pass is
    # the rest of it.
    tests = trial.epochs if trial.fit.evaluate == "epochs" else 1
    tested = tests * facts.test_images + trial.data.size
    forward, backward = (1, 1) if trial.balance is None else trial.balance.passes(len(trial.tasks))
    flops = step * (forward + 2 * backward) * trial.epochs * trial.data.size // 3 + step * tested // 3
    return count_parameters(trial.net, facts.image, trial.outputs), flops, steps
