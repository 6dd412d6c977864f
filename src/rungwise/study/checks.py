"""What is wrong in a study although each setting is right by itself: names, claims, nets and images that do not fit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.evidence.measure import Metric
from rungwise.settings import checked_text
from rungwise.study.claim_checks import wrong_claims
from rungwise.study.lines import SettingPath
from rungwise.study.study import Study, StudyError, check_size
from rungwise.trial import Trial


def study_faults(study: Study) -> list[tuple[SettingPath, str]]:
    """Every fault and its place in the study; nothing is made for it but the first seed's trials."""
    chapters = study.chapters
    faults = [*_names_told_twice(chapters), *_wrong_trials(chapters)]
    if not faults:
        try:
            check_size(study)
        except StudyError as error:
            faults = [(("seeds",), str(error))]
    if faults or not (study.settle or any(chapter.claims for chapter in chapters)):
        return faults
    return list(wrong_claims(study, known_metrics(chapters)))


def refuse_unfit(study: Study) -> None:
    """Raise StudyError where a chapter cannot be asked of its data, as in a preset that is a pattern for others."""
    for chapter in study.chapters:
        if chapter.unfit:
            raise StudyError(f"the chapter {chapter.name!r} cannot be asked of its data: {chapter.unfit}")


def known_metrics(chapters: Iterable[ChapterSettings]) -> dict[str, Mapping[str, Metric]]:
    """What each chapter measures, by the chapters' names: what claims may speak of."""
    return {chapter.name: load_chapter(chapter.kind).metrics(chapter) for chapter in chapters}


def _names_told_twice(chapters: Sequence[ChapterSettings]) -> Iterator[tuple[SettingPath, str]]:
    names, ids = set[str](), set[str]()
    for i, chapter in enumerate(chapters):
        if chapter.name in names:
            yield (
                ("chapter", i, "name"),
                f'two chapters are called {chapter.name!r}; give this one a name of its own, as name = "..."',
            )
        names.add(chapter.name)
        for j, claim in enumerate(chapter.claims):
            if claim.id in ids:
                yield (("chapter", i, "claim", j, "id"), f"two claims have the id {claim.id!r}; ids are unique")
            ids.add(claim.id)


def _wrong_trials(chapters: Sequence[ChapterSettings]) -> Iterator[tuple[SettingPath, str]]:
    """Models that cannot be computed, or that claims could not tell from each other."""
    for i, chapter in enumerate(chapters):
        try:
            trials = load_chapter(chapter.kind).trials(chapter, (0,))
        except ValueError as error:  # a trial's own check, which knows what its chapter does not
            yield ("chapter", i), f"the chapter calls for what cannot be computed: {_plain(error)}"
            continue
        labels: dict[str, str] = {}
        for trial in trials:
            if fault := _wrong_label(trial.label) or _wrong_twin(trial, labels):
                yield place_of(chapter, i, trial), fault
            labels[trial.id] = trial.label
        if any(hasattr(trial, "net") for trial in trials):  # chapters without nets are read without PyTorch
            yield from _wrong_fits(chapter, i, trials)


def _plain(error: ValueError) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors(include_url=False))
    return str(error)


def _wrong_label(label: str) -> str:
    if label == "all":
        return "a model is called 'all', by which claims mean every model: choose another name"
    try:
        checked_text(label)
    except ValueError as error:
        return str(error)
    return ""


def _wrong_twin(trial: Trial, labels: Mapping[str, str]) -> str:
    twin = labels.get(trial.id, trial.label)
    if twin == trial.label:
        return ""
    return f"{twin!r} and {trial.label!r} are the same in everything but their names; give one of them"


def place_of(chapter: ChapterSettings, number: int, trial: Trial) -> SettingPath:
    """Where a study file says what a trial's model is, as nearly as is known."""
    for key in ("nets", "sharing", "methods"):
        if trial.label in getattr(chapter, key, ()):
            return "chapter", number, key, trial.label
    return ("chapter", number, "net") if hasattr(chapter, "net") else ("chapter", number)


def _wrong_fits(chapter: ChapterSettings, number: int, trials: Sequence[Trial]) -> Iterator[tuple[SettingPath, str]]:
    """Nets and changes of images that do not go with the images, and other packages' nets that are none."""
    from rungwise.models.families import FAMILIES
    from rungwise.models.net import net_fault
    from rungwise.training.settings import Fit

    fits = [each for trial in trials for each in (trial, *trial.needs) if isinstance(each, Fit)]
    for fit in {fit.id: fit for fit in fits}.values():
        image, place = fit.data.facts.image, place_of(chapter, number, fit)
        if fit.fit.augment is not None and (wrong := fit.fit.augment.fault_on(image)):
            yield ("chapter", number, "fit", "augment", wrong[0]), f"fit.augment.{wrong[1]}"
            return
        if fault := fit.net.fault_on(image):
            yield (*place, fault.split()[0].rstrip(":")), f"{fit.label}: {fault}"
        elif fit.net.family_name() not in FAMILIES.own and (fault := net_fault(fit.net, image, fit.outputs)):
            yield place, f"{fit.label}, a net of the family {fit.net.family_name()!r}: {fault}"
