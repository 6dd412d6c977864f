"""A study's measurements by model and metric, and the records behind them."""

from collections.abc import Iterable, Mapping

from rungwise.evidence.answers import Reader
from rungwise.evidence.conditions import Ref, Wanted
from rungwise.evidence.design import Design
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.measures import images_counted
from rungwise.records.record import Record


class Ledger:
    """The measurements by model and metric, and the records behind them."""

    def __init__(
        self,
        measurements: Iterable[Measurement],
        records: Mapping[str, Record],
        designs: Mapping[str, Design] | None = None,
        *,
        mixed: bool = False,
    ) -> None:
        """`designs`: of the chapters, by name, where they are not the plain one; `mixed`: whether numbers are judged
        whose records are of unequal origin."""
        self.records, self.designs, self.mixed = records, designs or {}, mixed
        self.reader = Reader()
        self._found: dict[tuple[Ref, str], dict[int, Measurement]] = {}
        for each in measurements:
            self._found.setdefault((Ref(each.chapter, each.model), each.metric), {})[each.seed] = each

    def first(self, seeds: int) -> "Ledger":
        """What it has of the seeds 0, 1, ... seeds - 1 alone."""
        found = Ledger((), self.records, self.designs, mixed=self.mixed)
        found.reader = self.reader
        found._found = {
            key: {seed: each for seed, each in values.items() if seed < seeds} for key, values in self._found.items()
        }
        return found

    def __getitem__(self, key: tuple[Ref, Wanted]) -> dict[int, float]:
        """A model's values of the metric wanted, by seed; empty where it has none."""
        ref, asked = key
        return {seed: each.value for seed, each in sorted(self._found.get((ref, asked.metric), {}).items())}

    def design(self, ref: Ref) -> Design:
        """How the seeds of a model's chapter see its images."""
        return self.designs.get(ref.chapter, Design())

    def trials(self, asked: Wanted) -> tuple[str, ...]:
        """The ids of the trials that a number rests on, over the seeds that all of its models have."""
        seeds = self.seeds(asked)
        found = [self._found.get((ref, asked.metric), {}) for ref in asked.models]
        return tuple(dict.fromkeys(trial for each in found for seed in seeds for trial in each[seed].trials))

    def seeds(self, asked: Wanted) -> tuple[int, ...]:
        """The seeds that all of its models have."""
        return tuple(sorted(set.intersection(*(set(self[ref, asked]) for ref in asked.models))))

    def prefix(self, asked: Iterable[Wanted]) -> int:
        """How many of the seeds 0, 1, 2, ... all models of some numbers have, before the first that one lacks."""
        seeds = set.intersection(*(set(self.seeds(each)) for each in asked))
        return next(seed for seed in range(len(seeds) + 1) if seed not in seeds)

    def behind(self, ref: Ref, asked: Wanted) -> dict[int, Record]:
        """The record behind each seed's value, where it is one."""
        found = self._found.get((ref, asked.metric), {})
        return {seed: self.records[each.trials[0]] for seed, each in found.items() if len(each.trials) == 1}

    def sides(self, asked: Wanted) -> dict[str, dict[int, list[Record]]]:
        """All records behind a number by model and seed, over the seeds that all of its models have."""
        seeds = self.seeds(asked)
        found = {ref: self.sources(ref, asked) for ref in asked.models}
        return {path(ref): {seed: each[seed] for seed in seeds} for ref, each in found.items()}

    def sources(self, ref: Ref, asked: Wanted) -> dict[int, list[Record]]:
        """All records that a model's values come from, be they one or several for each, by seed."""
        found = self._found.get((ref, asked.metric), {})
        return {seed: [self.records[trial] for trial in each.trials] for seed, each in found.items()}

    def images(self, ref: Ref, asked: Wanted, metric: Metric) -> int | None:
        """How many test images a model's values count; None where that is not known."""
        return images_counted(metric, self.sources(ref, asked), self.reader)


def path(ref: Ref) -> str:
    """The model's name with its chapter's."""
    return f"{ref.chapter}/{ref.model}"
