"""What the chapter measures, from its records."""

from collections.abc import Iterator, Mapping

from rungwise.chapters.seeing.settings import Settings, trials
from rungwise.chapters.seeing.trial import STARTS, VIEWERS
from rungwise.chapters.seeing.views import DEPTH, View, layer, read_views
from rungwise.chapters.sentences import measurements
from rungwise.evidence.measure import Measurement, Metric
from rungwise.records.record import Record

DREAMS = {start: f"dreams from {'noise' if start == 'noise' else 'the image'}" for start in STARTS}
"""What the metrics call the dreams, by their start."""


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of the net's layers, and of its dreams."""
    layers = tuple(map(layer, range(len(settings.net.filters))))
    dreams = tuple(DREAMS.values())
    return {
        "sparsity": Metric("share of zeros among the layer's activations", layers),
        "dark_share": Metric("share of filters that are dark for an image shown, mean of the two", layers),
        "dead_share": Metric("share of filters that are dark for every test image", layers),
        "selectivity": Metric("class selectivity, mean over the filters that are not dead", layers),
        "net_share": Metric("share of the dreams that the net classifies as the class aimed at", dreams, "higher"),
        "judge_share": Metric("share of the dreams that the judge classifies as the class aimed at", dreams, "higher"),
        "net_probability": Metric("mean probability that the net gives the class aimed at", dreams, "higher"),
        "judge_probability": Metric("mean probability that the judge gives the class aimed at", dreams, "higher"),
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    views = read_views(trials(settings, seeds), records, len(settings.net.filters))
    numbers = {view.trial.seed: _numbers(view) for view in views}
    ids = {view.trial.seed: (view.record.id,) for view in views}
    for name, metric in metrics(settings).items():
        for model in metric.models:
            values = {seed: own[name][model] for seed, own in numbers.items()}
            yield from measurements(settings.name, name, model, values, ids)


def _numbers(view: View) -> dict[str, dict[str, float]]:
    """Each of `metrics` for one seed, by model; NaN where undefined."""
    numbers = {name: {layer(i): value for i, value in enumerate(view.depth(name).tolist())} for name in DEPTH}
    for viewer in VIEWERS:
        passed, aimed = (
            {dreams: float(what(viewer, start).mean()) for start, dreams in DREAMS.items()}
            for what in (view.passed, view.aimed)
        )
        numbers |= {f"{viewer}_share": passed, f"{viewer}_probability": aimed}
    return numbers
