"""A chapter: how far the mean image of each class gets. An image is of the class whose mean is nearest."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from rungwise.bench import Bench
from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.results import measurements
from rungwise.chapters.sentences import heading, seed_warnings
from rungwise.evidence.estimate import estimate
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Column, Figure, Findings, Images, Statement, Table, Tile
from rungwise.quantities import Quantity
from rungwise.records.record import Record
from rungwise.trial import Outcome, Trial

DISTANCE = Quantity("number", 0.0, unit="grey levels")
"""What a record calls ``centroid_distance``: how far a test image is from the nearest mean, on average."""
Distance = Literal["euclidean", "manhattan"]


class Settings(ChapterSettings):
    kind: Literal["centroids"] = "centroids"
    distances: tuple[Distance, ...] = Field(("euclidean", "manhattan"), min_length=1)


class CentroidTrial(Trial):
    work: ClassVar[str] = "rungwise-example.classify"

    distance: Distance


def classify(trial: CentroidTrial, bench: Bench) -> Outcome:
    split = bench.split(trial.data, trial.seed)
    train, test = (part.images.reshape(len(part), -1).astype(np.float64) for part in (split.train, split.test))
    means = np.stack([train[split.train.labels == label].mean(0) for label in range(len(split.classes))])
    order = 2 if trial.distance == "euclidean" else 1
    distances = np.stack([np.linalg.norm(test - mean, order, axis=1) for mean in means], 1)  # (images, classes)
    right = distances.argmin(1) == split.test.labels
    return Outcome(
        summary={"test_accuracy": float(right.mean()), "centroid_distance": float(distances.min(1).mean())},
        arrays={"means": means.reshape(-1, *split.test.shape).astype(np.float32)},
    )


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[CentroidTrial, ...]:
    return tuple(
        CentroidTrial(label=distance, data=settings.data, seed=seed, distance=distance)
        for distance in settings.distances
        for seed in seeds
    )


def metrics(settings: Settings) -> Mapping[str, Metric]:
    return {"test_accuracy": Metric("share of the test images classified right", settings.distances, "higher")}


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    for distance, done in _done(settings, seeds, records).items():
        values = {seed: record.summary["test_accuracy"] for seed, record in done.items()}
        ids = {seed: (record.id,) for seed, record in done.items()}
        yield from measurements(settings.name, "test_accuracy", distance, values, ids)


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    done = _done(settings, seeds, records)
    accuracy = {d: estimate(r.summary["test_accuracy"] for r in each.values()) for d, each in done.items()}
    finished = sum(map(len, done.values()))
    most = max(map(len, done.values()))
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Nearest centroids"),
        question="How far does the mean image of each class get?",
        method=(
            f"Each class is the mean of its {settings.data.source} training images ({settings.data.size:,} in all); a "
            "test image is of the class whose mean is nearest.",
        ),
        statements=tuple(
            Statement(
                text=f"By the {distance} distance, {mean.mean:.4f} of the test images are classified right (mean of "
                f"n = {mean.n}).",
                trials=tuple(record.id for record in done[distance].values()),
            )
            for distance, mean in accuracy.items()
            if mean is not None
        ),
        tables=(
            Table(
                id=f"{settings.name}-accuracy",
                caption="Accuracy of the nearest mean.",
                columns=(
                    Column(key="distance", label="Distance"),
                    Column(key="test_accuracy", label="Test accuracy", digits=4),
                ),
                rows=tuple(accuracy.items()),
            ),
        ),
        figures=_figures(settings, done[settings.distances[0]]),
        warnings=seed_warnings(Progress(len(settings.distances) * len(seeds), finished, most)),
        seeds=most,
    )


class Progress(NamedTuple):
    planned: int
    done: int
    most_seeds: int


def _done(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> dict[str, dict[int, Record]]:
    """The finished records of each distance by seed."""
    found: dict[str, dict[int, Record]] = {distance: {} for distance in settings.distances}
    for trial in trials(settings, seeds):
        if trial.id in records:
            found[trial.distance][trial.seed] = records[trial.id]
    return found


def _figures(settings: Settings, done: Mapping[int, Record]) -> tuple[Figure, ...]:
    if not done:
        return ()
    seed, record = next(iter(done.items()))
    classes = settings.data.classes
    tiles = tuple(
        Tile(pixels=mean.mean(0), title=name) for mean, name in zip(record.arrays["means"], classes, strict=True)
    )
    return (
        Figure(
            id=f"{settings.name}-means",
            caption=f"The mean image of each class, of seed {seed}.",
            alt=f"{len(tiles)} blurred images, the means of {', '.join(classes)}.",
            panels=(Images(tiles=tiles),),
        ),
    )
