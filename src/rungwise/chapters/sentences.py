"""Words that the sentences of several chapters have in common."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rungwise.chapters.chapter import ChapterSettings
from rungwise.data.settings import Data
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.methodology import ENOUGH
from rungwise.words import some_of


def heading(settings: ChapterSettings, usual: str) -> str:
    """The chapter's title: the study's, or else the usual one, followed by the chapter's own name where it has one."""
    named = settings.name == settings.kind or usual.endswith(f" {settings.name}")
    return settings.title or (usual if named else f"{usual}: {settings.name}")


class Progress(Protocol):
    """How far a chapter's trials have come."""

    @property
    def planned(self) -> int:
        """The number of trials that the chapter calls for."""

    @property
    def done(self) -> int:
        """How many of them have finished."""

    @property
    def most_seeds(self) -> int:
        """The most that any row rests on."""


def seed_warnings(progress: Progress) -> tuple[str, ...]:
    """What a reader must know of the number of runs behind a chapter."""
    warnings = []
    if progress.most_seeds == 1:
        warnings.append(
            "Every number here comes from one seed. Nothing can be said about noise: differences between rows may "
            "be chance. Run with --seeds 5 or more for intervals."
        )
    elif 1 < progress.most_seeds < ENOUGH:
        warnings.append(
            f"No number here rests on more than {progress.most_seeds} seeds; {ENOUGH} or more make intervals worth "
            "reading."
        )
    if progress.done < progress.planned:
        left = progress.planned - progress.done
        warnings.append(
            f"{left} of {progress.planned} trials {'has' if left == 1 else 'have'} not finished: what needs "
            f"{'it' if left == 1 else 'them'} is left out, or rests on fewer seeds."
        )
    return tuple(warnings)


def in_each(estimate: Estimate) -> str:
    """ " in each of 3 seeds", of values that have no interval since they are the same; nothing of a single one."""
    return f" in each of {estimate.n} seeds" if estimate.n > 1 and estimate.interval is None else ""


def in_words(estimate: Estimate, digits: int = 3) -> str:
    """The mean with its interval and n, and that for new images where there is one; else the bare value."""
    mean = f"{estimate.mean:.{digits}f}"
    if estimate.interval is None:
        return f"{mean}{in_each(estimate)}"
    low, high = estimate.interval
    new = (
        "" if estimate.new is None else f"; for new images {estimate.new[0]:.{digits}f} to {estimate.new[1]:.{digits}f}"
    )
    return f"{mean} (95% interval {low:.{digits}f} to {high:.{digits}f}, n = {estimate.n}{new})"


def compared(difference: Estimate, more: str, less: str, same: str, digits: int = 4) -> str:
    """A difference in words, as "leads B by 0.0120": `more` and `less` come before the size of it."""
    if difference.mean == 0:
        return same
    return f"{more if difference.mean > 0 else less} by {abs(difference.mean):.{digits}f}"


def paired_in_words(difference: Estimate, digits: int = 4) -> str:
    """What a difference paired by seed rests on, in parentheses, and whether that is evidence of one."""
    if difference.interval is None and difference.n == 1:
        return "(one run each: no interval)"
    if difference.interval is None:
        return f"(paired by seed:{in_each(difference)}, so that there is no scatter to judge by)"
    low, high = difference.interval
    verdict = "does not contain 0" if low > 0 or high < 0 else "contains 0: no evidence of a difference"
    interval = f"{low:+.{digits}f} to {high:+.{digits}f}"
    new = ""
    if difference.new is not None:
        new = f"; for new images it is {difference.new[0]:+.{digits}f} to {difference.new[1]:+.{digits}f}"
    return f"(paired by seed, n = {difference.n}; the 95% interval of the difference, {interval}, {verdict}{new})"


def capitalised(text: str) -> str:
    """With a capital first letter; the rest stays as the study has it."""
    return text[:1].upper() + text[1:]


def accuracy_title(task: str) -> str:
    """The accuracy on a task, as a heading."""
    return f"{capitalised(task)} accuracy"


def group_members(groups: Mapping[str, Sequence[int]], data: Data) -> dict[str, str]:
    """The classes of each group of labels, as "Sandal, Sneaker" by "shoes"; of many classes the first."""
    return {group: some_of([data.classes[label] for label in labels]) for group, labels in groups.items()}
