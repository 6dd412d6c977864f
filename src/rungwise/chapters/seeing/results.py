"""The chapter's records, read: one view of a net per seed, and what is measured of its layers and dreams."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rungwise.chapters.results import measurements, measures_of
from rungwise.chapters.seeing.settings import Settings, trials
from rungwise.chapters.seeing.trial import STARTS, VIEWERS, SeeingTrial, key
from rungwise.evidence.measure import Measurement, Metric
from rungwise.evidence.measures import Measures
from rungwise.records.record import Record

DEPTH = {
    "sparsity": "sparsity",
    "dark_share": "the share of filters that stay dark for an image (the mean of the two)",
    "dead_share": "the share of dead filters",
    "selectivity": "class selectivity",
}
"""What is measured of each layer, and how it is called in a sentence."""
DREAMS = {start: f"dreams from {'noise' if start == 'noise' else 'the image'}" for start in STARTS}
"""What the metrics call the dreams, by their start."""


class NetView(NamedTuple):
    """What one seed's trial saw in its net."""

    trial: SeeingTrial
    record: Record
    convolutions: int
    """How many the net has."""

    def layers(self, name: str) -> np.ndarray:
        """A number of the summary for each layer, (layers,); NaN where it is undefined."""
        return np.array([self.record.summary.get(key(name, layer(i)), float("nan")) for i in range(self.convolutions)])

    def depth(self, name: str) -> np.ndarray:
        """One of `DEPTH` for each layer, (layers,); NaN where it is undefined."""
        match name:
            case "dark_share":
                dark = sum(self.layers(key("dark", label)) for label in self.trial.classes)
                return np.asarray(dark / len(self.trial.classes) / self.layers("filters"))
            case "dead_share":
                return np.asarray(self.layers("dead") / self.layers("filters"))
            case _:
                return self.layers(name)

    @property
    def aims(self) -> np.ndarray:
        """The labels of the classes aimed at, (dreams,)."""
        return np.array(self.trial.aims)

    def aimed(self, viewer: str, start: str) -> np.ndarray:
        """The probability that the net or the judge gives the class aimed at, (dreams,)."""
        verdicts = self.record.arrays[key(viewer, "dreams", start)]
        return np.asarray(verdicts[np.arange(len(verdicts)), self.aims])

    def said(self, viewer: str, start: str) -> np.ndarray:
        """The label that the net or the judge gives each dream, (dreams,)."""
        return np.asarray(self.record.arrays[key(viewer, "dreams", start)].argmax(1))

    def passed(self, viewer: str, start: str) -> np.ndarray:
        """Whether the net or the judge classifies each dream as the class aimed at, (dreams,), bool."""
        return np.asarray(self.said(viewer, start) == self.aims)

    def before(self, viewer: str, start: str) -> np.ndarray:
        """The probabilities that the net or the judge gives the start, (classes,)."""
        return np.asarray(self.record.arrays[key(viewer, "start", start)])


@dataclass(frozen=True, eq=False)
class Results:
    """What the chapter's statements, tables and figures are made from."""

    settings: Settings
    views: list[NetView]
    """Of the seeds that have finished."""
    fitted: Record | None
    """Of the net that the first view is of; it may have been copied without its weights."""
    measures: Measures
    planned: int

    @property
    def kernels(self) -> tuple[np.ndarray, ...]:
        """The filters of each layer of the first view's net, (F, C, k, k), float16; empty where they are nowhere.

        Records made before rungwise 0.2 do not hold them: there they are read from the weights, where those are.
        """
        layers = range(len(self.settings.net.filters))
        known = self.views[0].record.arrays if self.views else {}
        names = [key("kernels", layer(i)) for i in layers]
        if self.fitted is not None and not set(names) <= set(known):
            known = self.fitted.weights
            names = [f"trunk.convolutions.{i}.weight" for i in layers]
        if not set(names) <= set(known):
            return ()
        return tuple(np.asarray(known[name]).astype(np.float16) for name in names)

    @property
    def done(self) -> int:
        return len(self.views)

    @property
    def most_seeds(self) -> int:
        return len(self.views)


def read_results(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Results:
    planned = trials(settings, seeds)
    convolutions = len(settings.net.filters)
    views = [NetView(trial, records[trial.id], convolutions) for trial in planned if trial.id in records]
    fitted = records.get(views[0].trial.net.id) if views else None
    return Results(settings, views, fitted, measures_of(settings, metrics(settings)), len(planned))


def layer(number: int) -> str:
    """The name of a layer as the net has it; the first is 0."""
    return f"convolution {number + 1}"


def depth(views: Sequence[NetView], name: str) -> np.ndarray:
    """One of `DEPTH` by run and layer, (runs, layers)."""
    return np.array([view.depth(name) for view in views])


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of the net's layers, and of its dreams."""
    layers = tuple(map(layer, range(len(settings.net.filters))))
    dreams = tuple(DREAMS.values())

    def share(says: str, models: tuple[str, ...]) -> Metric:
        return Metric(says, models)

    count = len(settings.dreamt or settings.data.classes)

    def of_dreams(says: str, *, counted: bool = False) -> Metric:
        return Metric(says, dreams, "higher", trials=count, counted=counted)

    return {
        "sparsity": share("share of zeros among the layer's activations", layers),
        "dark_share": share("share of filters that are dark for an image shown, mean of the two", layers),
        "dead_share": share("share of filters that are dark for every test image", layers),
        "selectivity": share("class selectivity, mean over the filters that are not dead", layers),
        "net_share": of_dreams("share of the dreams that the net classifies as the class aimed at", counted=True),
        "judge_share": of_dreams("share of the dreams that the judge classifies as the class aimed at", counted=True),
        "net_probability": of_dreams("mean probability that the net gives the class aimed at"),
        "judge_probability": of_dreams("mean probability that the judge gives the class aimed at"),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    views = read_results(settings, seeds, records).views
    numbers = {view.trial.seed: _numbers(view) for view in views}
    ids = {view.trial.seed: (view.record.id,) for view in views}
    for name, metric in metrics(settings).items():
        for model in metric.models:
            values = {seed: own[name][model] for seed, own in numbers.items()}
            yield from measurements(settings.name, name, model, values, ids)


def _numbers(view: NetView) -> dict[str, dict[str, float]]:
    """Each of `metrics` for one seed, by model; NaN where undefined."""
    numbers = {name: {layer(i): value for i, value in enumerate(view.depth(name).tolist())} for name in DEPTH}
    for viewer in VIEWERS:
        passed, aimed = (
            {dreams: float(what(viewer, start).mean()) for start, dreams in DREAMS.items()}
            for what in (view.passed, view.aimed)
        )
        numbers |= {f"{viewer}_share": passed, f"{viewer}_probability": aimed}
    return numbers
