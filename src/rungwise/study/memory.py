"""Whether the trials of a study fit into this machine's memory, before anything is made."""

from rungwise.chapters.chapter import ChapterSettings
from rungwise.records.container import memory_limit
from rungwise.study.checks import place_of, study_faults
from rungwise.study.faults import told
from rungwise.study.lines import Lines
from rungwise.study.study import Study, StudyError, study_trials
from rungwise.training.estimate import PROCESS, TOO_LARGE, Memory, memory_of_data, memory_of_fit
from rungwise.training.settings import Fit
from rungwise.trial import Trial

OWN = 150 * 2**20
"""Bytes of one more worker: it shares the libraries with the others."""


def trial_memory(trial: Trial) -> Memory:
    """Bytes that the trial takes at its peak, estimated."""
    if isinstance(trial, Fit):
        return memory_of_fit(trial)
    return Memory(PROCESS, memory_of_data(trial), 0)


def check_study(
    study: Study,
    part: Study | None = None,
    *,
    workers: int = 1,
    device: str = "cpu",
    gpu_bytes: int | None = None,
) -> None:
    """Raise StudyError where a study is wrong, or where this machine's memory is too small for it.

    For studies that are made in Python, the checks of reading are done here. `part`: what of it is computed, if not
    all; `workers`: how many trials run at a time; `gpu_bytes`: the GPU's memory, where nets are trained on one.
    """
    if faults := study_faults(study):
        whence = study.whence
        raise StudyError(told(faults, whence.text, whence.name) if whence.name else "\n".join(s for _, s in faults))
    study, have = part or study, memory_limit()
    beside: list[int] = []
    for chapter, trial in study_trials(study.with_seeds(1)):  # a seed changes no size
        process, data, net = trial_memory(trial)
        if device == "cuda" and gpu_bytes is not None and isinstance(trial, Fit):
            _hold(study, chapter, trial, data + net, gpu_bytes, "GPU")
            net = 0
        _hold(study, chapter, trial, process + data + net, have, "machine")
        beside += [OWN + data + net] * len(study.seeds_of(chapter))
    if device == "cuda":  # nets are trained in one process there, as many at a time as fit
        return
    largest = sorted(beside, reverse=True)[:workers]
    if (together := PROCESS + sum(largest)) > have:
        fit = next(n for n in range(len(largest), 0, -1) if n == 1 or PROCESS + sum(largest[:n]) <= have)
        raise StudyError(
            f"{len(largest)} trials at a time would take up to {amount(together)} of memory, and this machine has "
            f"{amount(have)}: use --workers {fit}"
        )


def check_countable(study: Study) -> None:
    """Raise StudyError for a net that is too large for its parameters to be counted, so that nothing can be planned."""
    for chapter, trial in study_trials(study.with_seeds(1)):
        _hold(study, chapter, trial, trial_memory(trial).net, TOO_LARGE - 1, "")


def _hold(study: Study, chapter: ChapterSettings, trial: Trial, needed: int, have: int, what: str) -> None:
    if needed <= have:
        return
    beyond = f"more than {amount(TOO_LARGE)}" if needed >= TOO_LARGE else f"about {amount(needed)}"
    has = f"this {what or 'machine'} has {amount(have if what else memory_limit())}"
    says = f"{trial.label}: training it would take {beyond} of memory, and {has}: choose a smaller net or batch"
    raise StudyError(_where(study, chapter, trial) + says)


def _where(study: Study, chapter: ChapterSettings, trial: Trial) -> str:
    """The beginning of a message: the line of the file that the study was read from, or else the chapter."""
    whence = study.whence
    if chapter.name not in whence.chapters:
        return f"the chapter {chapter.name!r}, "
    line = Lines(whence.text).of(place_of(chapter, whence.chapters.index(chapter.name), trial))
    return f"{whence.name}, line {line}: "


def amount(size: int) -> str:
    """Bytes in words, as "1.5 GiB"."""
    value, units = float(size), ["MiB", "GiB", "TiB", "PiB", "EiB"]
    value /= 2**20
    while value >= 1000 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:,.3g} {units[0]}"
