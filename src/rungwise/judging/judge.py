"""A study's measurements, and its claims judged by them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from rungwise.chapters import load_chapter
from rungwise.evidence import methodology, origin
from rungwise.evidence.claims import Claim
from rungwise.evidence.conditions import Known, Ref, Wanted, wanted
from rungwise.evidence.judgement import Judgement, McNemar, Number
from rungwise.evidence.measure import Measurement
from rungwise.evidence.nets import TEST_ACCURACY, compare_nets
from rungwise.evidence.paired import slope, without_rounding
from rungwise.evidence.verdict import Sample, judge_claim, judge_numbers
from rungwise.records.record import Record
from rungwise.study.reading import known_metrics
from rungwise.study.study import Study
from rungwise.words import some_of


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
    ledger = Ledger(measurements(study, records), records, mixed=study.mixed)
    known = known_metrics(study.chapters)
    return {
        chapter.name: tuple(judge(claim, chapter.name, known, ledger) for claim in chapter.claims)
        for chapter in study.chapters
    }


def judge(claim: Claim, chapter: str, known: Known, ledger: "Ledger") -> Judgement:
    """One claim of a chapter. Raises ConditionError where it speaks of what `known` has not."""
    asked = [each for condition in claim.test for each in wanted(condition, chapter, known)]
    samples = [_sample(each, chapter, ledger) for each in asked]
    reasons = [_unequal_origin(each, ledger) for each in asked]
    numbers = [
        number.model_copy(update={"trials": ledger.trials(each), "mcnemar": _mcnemar(each, ledger)} | _unjudged(reason))
        for each, number, reason in zip(asked, judge_numbers(samples), reasons, strict=True)
    ]
    mixed = next(filter(None, reasons), "")
    found = judge_claim(claim, numbers, missing=_missing(asked, chapter, ledger), test=_test(asked), mixed=mixed)
    return found.model_copy(
        update={
            "warnings": () if found.verdict == "not run" else tuple(_warnings(asked, numbers, ledger)),
            "trials": tuple(dict.fromkeys(trial for number in numbers for trial in number.trials)),
        }
    )


class Ledger:
    """The measurements by model and metric, and the records behind them."""

    def __init__(
        self, measurements: Iterable[Measurement], records: Mapping[str, Record], *, mixed: bool = False
    ) -> None:
        """`mixed`: whether numbers are judged whose records are of unequal origin."""
        self.records, self.mixed = records, mixed
        self._found: dict[tuple[Ref, str], dict[int, Measurement]] = {}
        for each in measurements:
            self._found.setdefault((Ref(each.chapter, each.model), each.metric), {})[each.seed] = each

    def __getitem__(self, key: tuple[Ref, Wanted]) -> dict[int, float]:
        """A model's values of the metric wanted, by seed; empty where it has none."""
        ref, asked = key
        return {seed: each.value for seed, each in sorted(self._found.get((ref, asked.metric), {}).items())}

    def trials(self, asked: Wanted) -> tuple[str, ...]:
        """The ids of the trials that a number rests on, over the seeds that all of its models have."""
        seeds = self.seeds(asked)
        found = [self._found.get((ref, asked.metric), {}) for ref in asked.models]
        return tuple(dict.fromkeys(trial for each in found for seed in seeds for trial in each[seed].trials))

    def seeds(self, asked: Wanted) -> tuple[int, ...]:
        """The seeds that all of its models have."""
        return tuple(sorted(set.intersection(*(set(self[ref, asked]) for ref in asked.models))))

    def behind(self, ref: Ref, asked: Wanted) -> dict[int, Record]:
        """The record behind each seed's value, where it is one."""
        found = self._found.get((ref, asked.metric), {})
        return {seed: self.records[each.trials[0]] for seed, each in found.items() if len(each.trials) == 1}

    def sides(self, asked: Wanted) -> dict[str, dict[int, list[Record]]]:
        """All records behind a number by model and seed, over the seeds that all of its models have."""
        seeds = self.seeds(asked)
        found = {ref: self._found.get((ref, asked.metric), {}) for ref in asked.models}
        return {
            _path(ref): {seed: [self.records[trial] for trial in each[seed].trials] for seed in seeds}
            for ref, each in found.items()
        }

    def sources(self, ref: Ref, asked: Wanted) -> list[Record]:
        """All records that its values come from, be they one or several for each."""
        ids = dict.fromkeys(
            trial for each in self._found.get((ref, asked.metric), {}).values() for trial in each.trials
        )
        return [self.records[trial] for trial in ids]


def _sample(asked: Wanted, chapter: str, ledger: Ledger) -> Sample:
    """The values by seed: of one model, of a difference, or of a slope over several models."""
    seeds = ledger.seeds(asked)
    table = np.array([[ledger[ref, asked][seed] for ref in asked.models] for seed in seeds])
    names = [_named(ref, chapter) for ref in asked.models]
    if len(names) == 1:
        says, values = f"{asked.metric} of {names[0]}", [float(row[0]) for row in table]
    elif len(names) == 2:
        says, values = f"{asked.metric} of {names[0]} less {names[1]}", [float(row[0] - row[1]) for row in table]
    else:
        says, values = f"slope of {asked.metric} over {', '.join(names)}", [slope(row) for row in table]
    return Sample(
        says,
        without_rounding(values, float(np.abs(table).max(initial=0.0))),
        asked.low,
        asked.high,
        matters=asked.matters,
        difference=len(names) > 1,
        exact=asked.exact,
    )


def _missing(asked: Sequence[Wanted], chapter: str, ledger: Ledger) -> str:
    """What has no record, as "test_accuracy of CNN-3, CNN-5"."""
    found: dict[str, list[str]] = {}
    for each in asked:
        for ref in each.models:
            if not ledger[ref, each] and _named(ref, chapter) not in found.setdefault(each.metric, []):
                found[each.metric].append(_named(ref, chapter))
    return "; ".join(f"{metric} of {some_of(names)}" for metric, names in found.items() if names)


def _named(ref: Ref, chapter: str) -> str:
    """The model's name, with its chapter's where that is another."""
    return ref.model if ref.chapter == chapter else f"{ref.chapter}/{ref.model}"


def _test(asked: list[Wanted]) -> str:
    """The tests that decide, in words."""
    names = {1: "one-sample t", 2: "paired t"}
    found = (
        f"{'two one-sided ' if each.low is not None and each.high is not None else ''}"
        f"{names.get(len(each.models), 't on the slope by seed')}"
        for each in asked
        if not each.exact
    )
    return ", ".join(dict.fromkeys(found))


def _mcnemar(asked: Wanted, ledger: Ledger) -> tuple[McNemar, ...]:
    """Each seed's pair of nets on the same test images, where a difference of test accuracies is wanted."""
    if len(asked.models) != 2:
        return ()
    first, second = (ledger.behind(ref, asked) for ref in asked.models)
    seeds = [seed for seed in ledger.seeds(asked) if seed in first and seed in second]
    found = (compare_nets(seed, first[seed], second[seed], asked.metric) for seed in seeds)
    return tuple(each[0] for each in found if each is not None)


def _unequal_origin(asked: Wanted, ledger: Ledger) -> str:
    """Why a number is not judged; empty where it is."""
    if ledger.mixed or asked.exact or len(asked.models) < 2:
        return ""
    return origin.not_judged(origin.differences(ledger.sides(asked)))


def _unjudged(reason: str) -> dict[str, object]:
    return {"verdict": "not judged", "seeds_needed": None} if reason else {}


def _warnings(asked: Sequence[Wanted], numbers: Sequence[Number], ledger: Ledger) -> Iterator[str]:
    """What its records give cause to doubt."""
    ran = [(each, number.estimate) for each, number in zip(asked, numbers, strict=True) if number.estimate]
    noisy = [estimate.n for each, estimate in ran if not each.exact]
    yield from methodology.few_seeds(min(noisy, default=0))
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
    yield from methodology.unsettled(_groups((each for each, _ in tests), ledger))
    timed = [each for each, _ in ran if each.timing]
    seconds = {_path(ref): list(ledger[ref, each].values()) for each in timed for ref in each.models}
    sources = {_path(ref): ledger.sources(ref, each) for each in timed for ref in each.models}
    yield from methodology.busy(sources, seconds)


def _groups(asked: Iterable[Wanted], ledger: Ledger) -> dict[str, list[Record]]:
    """The records behind some numbers, by model."""
    found: dict[str, dict[str, Record]] = {}
    for each in asked:
        for ref in each.models:
            behind = ledger.behind(ref, each)
            records = found.setdefault(_path(ref), {})
            records.update({behind[seed].id: behind[seed] for seed in ledger.seeds(each) if seed in behind})
    return {name: list(records.values()) for name, records in found.items()}


def _path(ref: Ref) -> str:
    return f"{ref.chapter}/{ref.model}"
