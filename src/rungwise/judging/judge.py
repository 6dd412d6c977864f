"""A study's measurements, and its claims judged by them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rungwise.chapters import load_chapter
from rungwise.evidence import methodology, origin
from rungwise.evidence.answers import compare_nets
from rungwise.evidence.claims import Claim
from rungwise.evidence.collapse import Collapses, collapses
from rungwise.evidence.conditions import Known, Ref, Wanted, wanted
from rungwise.evidence.decide import Count
from rungwise.evidence.design import Design, design_of
from rungwise.evidence.judgement import Judgement, Number
from rungwise.evidence.measure import TEST_ACCURACY, Measurement
from rungwise.evidence.paired import McNemar
from rungwise.evidence.sample import Sample
from rungwise.evidence.together import Control, survives
from rungwise.evidence.verdict import judge_numbers
from rungwise.evidence.why import judge_claim
from rungwise.judging.cautions import with_cautions
from rungwise.judging.course import course
from rungwise.judging.ledger import Ledger, path
from rungwise.judging.samples import named, sample
from rungwise.judging.settled import settled
from rungwise.records.record import Record
from rungwise.study.reading import known_metrics
from rungwise.study.study import Study
from rungwise.words import some_of

DECIDED = ("supported", "refuted")
"""Verdicts that an error of the test can make."""


def measurements(study: Study, records: Mapping[str, Record]) -> list[Measurement]:
    """Everything that the study's chapters measured, as a tidy table: chapter, model, metric, seed, value, trials."""
    return [
        measurement
        for chapter in study.chapters
        for measurement in load_chapter(chapter.kind).measured(chapter, study.seeds_of(chapter), records)
    ]


def judged(study: Study, records: Mapping[str, Record]) -> dict[str, tuple[Judgement, ...]]:
    """The claims of each chapter with their verdicts, by the chapters' names."""
    if not any(chapter.claims for chapter in study.chapters):
        return {}
    known, ids = known_metrics(study.chapters), () if study.settle is None else study.settle.claims
    fixed = ledger_before(study, records)
    added = ledger_of(study, records) if ids else fixed
    found = {
        chapter.name: tuple(
            judge_settled(claim, chapter.name, known, added)
            if claim.id in ids
            else judge(claim, chapter.name, known, fixed)
            for claim in chapter.claims
        )
        for chapter in study.chapters
    }
    found = with_cautions(study, records, known, found)
    return found if study.control is None else controlled(found, study.control)


def controlled(found: Mapping[str, Sequence[Judgement]], control: Control) -> dict[str, tuple[Judgement, ...]]:
    """The claims, each with whether its verdict survives control over all of them that were tested.

    The p of a claim that was settled is 1 over its largest e-value, so that Benjamini and Hochberg's procedure is that
    for e-values, which holds however the claims depend on each other.
    """
    tested = {claim.id: claim.p for claims in found.values() for claim in claims if claim.p is not None}
    kept = dict(zip(tested, survives(list(tested.values()), control), strict=True))
    return {
        chapter: tuple(
            claim.model_copy(update={"survives": kept.get(claim.id)}) if claim.verdict in DECIDED else claim
            for claim in claims
        )
        for chapter, claims in found.items()
    }


def ledger_of(study: Study, records: Mapping[str, Record]) -> Ledger:
    """Everything that was measured, and what is behind it."""
    return Ledger(measurements(study, records), records, _designs(study), mixed=study.mixed)


def ledger_before(study: Study, records: Mapping[str, Record]) -> Ledger:
    """What was measured on numbers of seeds that were fixed before: all, but for seeds that were added to settle
    claims. Chapters read these seeds alone, since some choose among models by all seeds."""
    found = (
        measurement
        for chapter in study.chapters
        if (seeds := study.seeds_before(chapter))
        for measurement in load_chapter(chapter.kind).measured(chapter, seeds, records)
    )
    return Ledger(found, records, _designs(study), mixed=study.mixed)


def _designs(study: Study) -> dict[str, Design]:
    return {chapter.name: design_of(chapter.data) for chapter in study.chapters}


def judge_settled(claim: Claim, chapter: str, known: Known, ledger: Ledger) -> Judgement:
    """One claim that seeds are added for, by its looks. It is about the test images as they are."""
    found = course(claim, chapter, known, ledger)
    about = claim.model_copy(update={"holds_for": "these images"})
    return settled(judge(about, chapter, known, ledger.first(found.n)), found)


class Asked(NamedTuple):
    """One number that a claim asks for."""

    wanted: Wanted
    sample: Sample
    reason: str
    """Why it cannot be judged; empty where it can."""


def numbers_of(claim: Claim, chapter: str, known: Known, ledger: Ledger) -> list[Asked]:
    """What a claim of a chapter asks for. Raises ConditionError where it speaks of what `known` has not."""
    asked = [each for condition in claim.test for each in wanted(condition, chapter, known)]
    samples = [sample(each, chapter, claim.holds_for, ledger) for each in asked]
    return [
        Asked(each, own, _unequal_origin(each, ledger) or _no_answers(own, ledger))
        for each, own in zip(asked, samples, strict=True)
    ]


def judge(claim: Claim, chapter: str, known: Known, ledger: Ledger) -> Judgement:
    """One claim of a chapter. Raises ConditionError where it speaks of what `known` has not."""
    every = numbers_of(claim, chapter, known, ledger)
    asked, samples = [each.wanted for each in every], [each.sample for each in every]
    numbers = [
        number.model_copy(
            update={"trials": ledger.trials(each), "mcnemar": _mcnemar(each, ledger), "far": _far(each, ledger)}
            | _unjudged(reason)
        )
        for (each, _, reason), number in zip(every, judge_numbers(samples), strict=True)
    ]
    why = next((each.reason for each in every if each.reason), "")
    test = ", ".join(dict.fromkeys(filter(None, map(_test, asked, samples))))
    found = judge_claim(claim, numbers, missing=_missing(asked, chapter, ledger), test=test, unjudged=why)
    return found.model_copy(
        update={
            "warnings": () if found.verdict == "not run" else tuple(_warnings(asked, numbers, ledger)),
            "trials": tuple(dict.fromkeys(trial for number in numbers for trial in number.trials)),
        }
    )


def _missing(asked: Sequence[Wanted], chapter: str, ledger: Ledger) -> str:
    """What has no record, as "test_accuracy of CNN-3, CNN-5"."""
    found: dict[str, list[str]] = {}
    for each in asked:
        for ref in each.models:
            if not ledger[ref, each] and named(ref, chapter) not in found.setdefault(each.metric, []):
                found[each.metric].append(named(ref, chapter))
    return "; ".join(f"{metric} of {some_of(names)}" for metric, names in found.items() if names)


def _test(asked: Wanted, own: Sample) -> str:
    """The test that decides about a number, in words; empty where there is none."""
    if own.exact:
        return ""
    if own.median:
        return "sign test of the median"
    if isinstance(own.test, Count):
        return "exact binomial"
    name = {1: "one-sample t", 2: "paired t"}.get(len(asked.models), "t on the slope by seed")
    two = "two one-sided " if len(own.bounds) == 2 else ""
    of = " over seeds and images" if own.holds_for == "new images" else ""
    return f"{two}{name}{' corrected for images that seeds share' if own.ratio else of}"


def _mcnemar(asked: Wanted, ledger: Ledger) -> tuple[McNemar, ...]:
    """Each seed's pair of nets on the same test images, where a difference of test accuracies is wanted."""
    if len(asked.models) != 2:
        return ()
    first, second = (ledger.sources(ref, asked) for ref in asked.models)
    same = asked.about[0].answers if asked.about[0].answers == asked.about[1].answers else None
    found = (
        compare_nets(seed, first[seed], second[seed], same, ledger.reader)
        for seed in (ledger.seeds(asked) if same else ())
    )
    return tuple(each[0] for each in found if each is not None)


def _far(asked: Wanted, ledger: Ledger) -> tuple[int, ...]:
    """The seeds that lie far from the others on the worse side, in a model that the number is of."""
    return tuple(sorted({seed for _, found in _collapses(asked, ledger) for seed in found.far}))


def _collapses(asked: Wanted, ledger: Ledger) -> Iterator[tuple[Ref, Collapses]]:
    """The models of a number in which some seed lies far from the others."""
    if asked.exact or asked.timing:
        return
    seeds = ledger.seeds(asked)
    for ref, metric in zip(asked.models, asked.about, strict=True):
        values = ledger[ref, asked]
        images = ledger.images(ref, asked, metric)
        step = 1 / images if images else None
        own = {seed: values[seed] for seed in seeds}
        found = collapses(own, metric.better, unit=step) if metric.better else None
        if found is not None and found.far:
            yield ref, found


def _unequal_origin(asked: Wanted, ledger: Ledger) -> str:
    """Why a number is not judged; empty where it is."""
    if ledger.mixed or asked.exact or len(asked.models) < 2:
        return ""
    return origin.not_judged(origin.differences(ledger.sides(asked)))


def _no_answers(own: Sample, ledger: Ledger) -> str:
    """Why a number that is about new images cannot be judged; empty where it can."""
    if own.holds_for != "new images" or own.ratio or own.crossed is not None or len(own.values) < 2:
        return ""
    return (
        f"{own.says} is to hold for new images, and what its nets answered to the test images is not on record, or "
        'they were not the same images. Compute the trials again, or say holds_for = "these images" in the claim.'
    )


def _unjudged(reason: str) -> dict[str, object]:
    return {"verdict": "not judged", "seeds_needed": None} if reason else {}


def _warnings(asked: Sequence[Wanted], numbers: Sequence[Number], ledger: Ledger) -> Iterator[str]:
    """What its records give cause to doubt."""
    ran = [(each, number.estimate) for each, number in zip(asked, numbers, strict=True) if number.estimate]
    noisy = [estimate.n for each, estimate in ran if not each.exact]
    ranked = any(number.p_wilcoxon is not None for number in numbers)
    yield from methodology.few_seeds(min(noisy, default=0), ranked=ranked)
    compared = [each for each, _ in ran if len(each.models) > 1]
    yield from methodology.unequal(
        _groups((each for each in compared if methodology.unequal(_groups([each], ledger))), ledger)
    )
    tests = [(each, estimate) for each, estimate in ran if each.metric.startswith(TEST_ACCURACY)]
    differences = [(each.metric, _groups([each], ledger), e.mean) for each, e in tests if len(each.models) > 1]
    yield from dict.fromkeys(
        warning
        for each in compared
        if not each.exact
        for warning in origin.warnings(origin.differences(ledger.sides(each)))
    )
    yield from methodology.oscillating(differences)
    found = {path(ref): each for asked_one in asked for ref, each in _collapses(asked_one, ledger)}
    yield from methodology.collapsed(found)
    yield from methodology.unsettled(_groups((each for each, _ in tests), ledger))
    yield from methodology.stopped(_groups((each for each, _ in ran if not each.exact), ledger))
    timed = [each for each, _ in ran if each.timing]
    seconds = {path(ref): list(ledger[ref, each].values()) for each in timed for ref in each.models}
    sources = {
        path(ref): [record for records in ledger.sources(ref, each).values() for record in records]
        for each in timed
        for ref in each.models
    }
    yield from methodology.busy(sources, seconds)


def _groups(asked: Iterable[Wanted], ledger: Ledger) -> dict[str, list[Record]]:
    """The records behind some numbers, by model."""
    found: dict[str, dict[str, Record]] = {}
    for each in asked:
        for ref in each.models:
            behind = ledger.behind(ref, each)
            records = found.setdefault(path(ref), {})
            records.update({behind[seed].id: behind[seed] for seed in ledger.seeds(each) if seed in behind})
    return {name: list(records.values()) for name, records in found.items()}
