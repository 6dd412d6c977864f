"""A claim's conditions as the numbers they ask for: of which models, and where they are claimed to lie."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from rungwise.errors import nearest
from rungwise.evidence.claims import (
    Above,
    AnyCondition,
    Below,
    Best,
    Better,
    Equal,
    Higher,
    Highest,
    Lowest,
    Names,
    Near,
    NoBetter,
    Trend,
)
from rungwise.evidence.measure import Metric, meant

Known = Mapping[str, Mapping[str, Metric]]
"""The metrics of every chapter of the study, by the chapter's name and their own."""


class ConditionError(ValueError):
    """A condition speaks of what the study doesn't have. `key`: the word of it that is at fault."""

    def __init__(self, key: str, says: str) -> None:
        super().__init__(says)
        self.key = key


class Ref(NamedTuple):
    """One model of one chapter."""

    chapter: str
    model: str


class Wanted(NamedTuple):
    """One number, and the region in which it is claimed to lie: above `low`, below `high`, or between them."""

    metric: str
    models: tuple[Ref, ...]
    """One: its value; two: the first less the second, paired by seed; more: the slope over them, in their order."""
    low: float | None = None
    high: float | None = None
    matters: float = 0
    """The smallest difference that matters; 0: any does."""
    median: bool = False
    """Whether it is the median over the seeds, not the mean."""
    about: tuple[Metric, ...] = ()
    """The metric, as each model's chapter has it."""

    @property
    def exact(self) -> bool:
        """Whether the metric is exact for all of its models."""
        return all(metric.exact for metric in self.about)

    @property
    def timing(self) -> bool:
        """Whether the metric is a timing of any of them."""
        return any(metric.timing for metric in self.about)

    @property
    def of_images(self) -> bool:
        """Whether the metric counts answers to single test images, in all of its models."""
        return all(metric.answers is not None for metric in self.about)


def wanted(condition: AnyCondition, chapter: str, known: Known) -> list[Wanted]:
    """The numbers that a condition of a chapter's claim asks for; it holds where all do. Raises ConditionError."""
    names = _Names(condition.metric, chapter, known)
    match condition:
        case Best(best=one, of=rest, matters=matters):
            region = names.better_region()
            found = [(pair, region, matters) for pair in names.against_the_rest("best", one, rest)]
        case Highest(highest=one, of=rest, matters=matters):
            found = [(pair, (0.0, None), matters) for pair in names.against_the_rest("highest", one, rest)]
        case Lowest(lowest=one, of=rest, matters=matters):
            found = [(pair, (None, 0.0), matters) for pair in names.against_the_rest("lowest", one, rest)]
        case Better(better=these, than=those, matters=matters):
            region = names.better_region()
            found = [(pair, region, matters) for pair in names.pairs("better", these, "than", those)]
        case Higher(higher=these, than=those, matters=matters):
            found = [(pair, (0.0, None), matters) for pair in names.pairs("higher", these, "than", those)]
        case NoBetter(no_better=these, than=those, within=within):
            region = (None, within) if names.better_region()[0] is not None else (-within, None)
            found = [(pair, region, 0.0) for pair in names.pairs("no_better", these, "than", those)]
        case Equal(equal=these, to=those, within=within):
            found = [(pair, (-within, within), 0.0) for pair in names.pairs("equal", these, "to", those)]
        case Above(model=these, above=value):
            found = [((ref,), (value, None), 0.0) for ref in names.refs("model", these)]
        case Below(model=these, below=value):
            found = [((ref,), (None, value), 0.0) for ref in names.refs("model", these)]
        case Near(model=these, near=value, within=within):
            found = [((ref,), (value - within, value + within), 0.0) for ref in names.refs("model", these)]
        case Trend(trend=trend, over=over):
            found = [(tuple(names.refs("over", over)), (0.0, None) if trend == "rises" else (None, 0.0), 0.0)]
    return [
        Wanted(condition.metric, models, low, high, matters, condition.statistic == "median", names.about(models))
        for models, (low, high), matters in found
    ]


class _Names:
    """The models that a condition names, looked up in what the study has."""

    def __init__(self, metric: str, chapter: str, known: Known) -> None:
        self.metric, self.chapter, self.known = metric, chapter, known

    def metric_of(self, chapter: str) -> Metric:
        metrics = self.known[chapter]
        if self.metric not in metrics:
            valid = nearest(self.metric, meant(self.metric, metrics))
            raise ConditionError("metric", f"the chapter {chapter!r} has no metric {self.metric!r}; {valid}")
        return metrics[self.metric]

    def about(self, models: tuple[Ref, ...]) -> tuple[Metric, ...]:
        return tuple(self.metric_of(ref.chapter) for ref in models)

    def better_region(self) -> tuple[float | None, float | None]:
        """Where the difference of a better model and a worse one lies."""
        better = self.metric_of(self.chapter).better
        if better is None:
            raise ConditionError(
                "metric", f"neither more nor less of {self.metric!r} is better; say highest, lowest or higher instead"
            )
        return (0.0, None) if better == "higher" else (None, 0.0)

    def refs(self, key: str, names: Names) -> list[Ref]:
        """Every model that is named. Raises ConditionError where one is named twice, as by "all" and by its name."""
        every = (names,) if isinstance(names, str) else names
        if not every:
            raise ConditionError(key, f"{key!r} names no model")
        found: dict[Ref, str] = {}
        for name in every:
            for ref in self._ref(key, name):
                if ref in found:
                    how = "" if found[ref] == name else f", as {found[ref]!r} and as {name!r}"
                    raise ConditionError(key, f"{key!r} names the model {ref.model!r} twice{how}; name each once")
                found[ref] = name
        return list(found)

    def _ref(self, key: str, name: str) -> Iterator[Ref]:
        own = self.metric_of(self.chapter).models if self.metric in self.known[self.chapter] else ()
        chapter, model = self.chapter, name
        if name not in own and "/" in name:
            chapter, model = name.split("/", 1)
            if chapter not in self.known:
                raise ConditionError(key, f"the study has no chapter {chapter!r}; {nearest(chapter, self.known)}")
        models = self.metric_of(chapter).models
        if model == "all" and "all" not in models:
            yield from (Ref(chapter, each) for each in models)
        elif model in models:
            yield Ref(chapter, model)
        else:
            raise ConditionError(
                key, f"the chapter {chapter!r} measures no {self.metric} of {model!r}; {nearest(model, models)}"
            )

    def pairs(self, first_key: str, first: Names, second_key: str, second: Names) -> list[tuple[Ref, ...]]:
        """Every model of the first against every one of the second.

        "all" leaves out a model that is to stand against itself. Raises ConditionError where it is named on both sides.
        """
        pairs = list(product(self.refs(first_key, first), self.refs(second_key, second)))
        found: list[tuple[Ref, ...]] = [pair for pair in pairs if pair[0] != pair[1]]
        if not found:
            raise ConditionError(second_key, f"{second_key!r} names no other model than {first_key!r}")
        if twice := self._named(first_key, first) & self._named(second_key, second):
            raise ConditionError(
                second_key,
                f"{first_key!r} and {second_key!r} both name the model {min(twice).model!r}, which cannot stand "
                "against itself; name it on one side",
            )
        return found

    def _named(self, key: str, names: Names) -> set[Ref]:
        """The models that are named by their own names."""
        every = (names,) if isinstance(names, str) else names
        each = [(name, list(self._ref(key, name))) for name in every]
        return {refs[0] for name, refs in each if len(refs) == 1 and name.rpartition("/")[2] != "all"}

    def against_the_rest(self, key: str, one: str, rest: Names) -> list[tuple[Ref, ...]]:
        if len(self.refs(key, one)) > 1:
            raise ConditionError(key, f"{key!r} names one model; got {one!r}")
        return self.pairs(key, one, "of", rest)
