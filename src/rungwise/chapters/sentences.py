"""What the chapters share in telling their results."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rungwise.chapters.chapter import ChapterSettings
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Measurement
from rungwise.evidence.methodology import ENOUGH
from rungwise.words import counted

if TYPE_CHECKING:
    from rungwise.training.pruning import Pruning
    from rungwise.training.settings import Recipe

OPTIMISERS = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad", "muon": "Muon"}


def heading(settings: ChapterSettings, usual: str) -> str:
    """The chapter's title in the report: the study's, or else the usual one, told apart by a name of its own."""
    named = settings.name == settings.kind or usual.endswith(f" {settings.name}")
    return settings.title or (usual if named else f"{usual}: {settings.name}")


def measurements(
    chapter: str, metric: str, model: str, values: Mapping[int, float], trials: Mapping[int, tuple[str, ...]]
) -> Iterator[Measurement]:
    """The values and the ids of their trials, both by seed, as measurements; undefined values are left out."""
    for seed, value in values.items():
        if math.isfinite(value):
            yield Measurement(chapter, model, metric, seed, float(value), trials[seed])


def seed_warnings(seeds: int, planned: int, done: int) -> tuple[str, ...]:
    """What a reader must know of the number of runs behind a chapter.

    `seeds`: the most that any row rests on; `planned` and `done`: trials.
    """
    warnings = []
    if seeds == 1:
        warnings.append(
            "Every number here comes from one seed. Nothing can be said about noise: differences between rows may "
            "be chance. Run with --seeds 5 or more for intervals."
        )
    elif 1 < seeds < ENOUGH:
        warnings.append(
            f"No number here rests on more than {seeds} seeds; {ENOUGH} or more make intervals worth reading."
        )
    if done < planned:
        left = planned - done
        warnings.append(
            f"{left} of {planned} trials {'has' if left == 1 else 'have'} not finished: what needs "
            f"{'it' if left == 1 else 'them'} is left out, or rests on fewer seeds."
        )
    return tuple(warnings)


def told(estimate: Estimate, digits: int = 3) -> str:
    """An estimate in a sentence: mean, interval and n; the bare value where there is no interval."""
    mean = f"{estimate.mean:.{digits}f}"
    if estimate.interval is None:
        return mean
    low, high = estimate.interval
    return f"{mean} (95% interval {low:.{digits}f} to {high:.{digits}f}, n = {estimate.n})"


def told_pairs(difference: Estimate, digits: int = 4) -> str:
    """What a difference paired by seed rests on, in parentheses, and whether that is evidence of one."""
    if difference.interval is None:
        return "(one run each: no interval)"
    low, high = difference.interval
    verdict = "does not contain 0" if low > 0 or high < 0 else "contains 0: no evidence of a difference"
    interval = f"{low:+.{digits}f} to {high:+.{digits}f}"
    return f"(paired by seed, n = {difference.n}; the 95% interval of the difference, {interval}, {verdict})"


def compared(difference: Estimate, more: str, less: str, same: str, digits: int = 4) -> str:
    """A difference in words, as "leads B by 0.0120": `more` and `less` come before the size of it."""
    if difference.mean == 0:
        return same
    return f"{more if difference.mean > 0 else less} by {abs(difference.mean):.{digits}f}"


def told_fit(fit: "Recipe") -> str:
    """How a net was fitted, as "for 20 epochs with Adam at ..."."""
    momentum = f" with momentum {fit.momentum:g}" if fit.optimiser in ("sgd", "muon") else ""
    epochs = counted(fit.epochs, "epoch")
    if fit.stop_loss is not None:
        epochs = f"at most {epochs}, until the mean training loss of one was below {fit.stop_loss:g} nats,"
    rate = {
        "constant": f"at a constant learning rate of {fit.rate:g}",
        "one-cycle": f"at a learning rate that rises to {fit.rate:g} over the first fifth of the steps and falls to 0",
    }[fit.schedule]
    return f"for {epochs} with {OPTIMISERS[fit.optimiser]}{momentum} {rate}, in batches of {fit.batch}{_extras(fit)}"


def _extras(fit: "Recipe") -> str:
    """What a recipe has beyond the optimiser, each after a comma."""
    extras = (
        (fit.optimiser == "muon", f"Adam at {fit.adam_rate:g} moving the first layer, the last and all vectors"),
        (fit.label_smoothing, f"labels smoothed by {fit.label_smoothing:g}"),
        (fit.augment, f"images changed at random ({fit.augment.says if fit.augment else ''})"),
        (fit.pruning, _pruned(fit.pruning)),
        (fit.stacked, "seeds trained together where that was faster (a time is then a net's share)"),
    )
    return "".join(f", {says}" for has, says in extras if has)


def _pruned(pruning: "Pruning | None") -> str:
    if pruning is None:
        return ""
    return (
        f"epochs leaving out images of less than the mean loss with a chance of {pruning.share:g} (the last "
        f"{pruning.whole:.0%} of them none)"
    )
