"""What the chapters on families of nets (MLPs, CNNs) share: one fit per net and seed, and how results are told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from rungwise.chapters.common import seed_warnings, told
from rungwise.data.source import Data
from rungwise.evidence.estimate import Estimate, estimate, paired_difference
from rungwise.findings import (
    Cloud,
    Column,
    Figure,
    Heatmap,
    Images,
    Lines,
    Points,
    Series,
    Statement,
    Table,
    Tile,
)
from rungwise.models.net import NetSettings
from rungwise.records.record import Record
from rungwise.training.trial import Fit, Recipe


@dataclass(frozen=True)
class Result:
    """One net of the family with the records of its seeds."""

    name: str
    net: Any
    classes: tuple[str, ...]
    planned: int
    records: dict[int, Record]
    """By seed; only those that have finished."""

    def values(self, key: str) -> dict[int, float]:
        """One number of each seed's summary."""
        return {seed: record.summary[key] for seed, record in self.records.items()}

    def estimate(self, key: str) -> Estimate | None:
        return estimate(self.values(key).values())

    def mean(self, key: str) -> float:
        return float(np.mean(list(self.values(key).values())))

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(record.id for record in self.records.values())


def trials(data: Data, fit: Recipe, nets: Mapping[str, NetSettings], seeds: Sequence[int]) -> tuple[Fit, ...]:
    """One fit per net and seed."""
    return tuple(
        Fit(label=name, data=data, seed=seed, net=net, fit=fit) for name, net in nets.items() for seed in seeds
    )


def collect(
    data: Data,
    fit: Recipe,
    nets: Mapping[str, NetSettings],
    seeds: Sequence[int],
    records: Mapping[str, Record],
) -> list[Result]:
    """The nets in the order of the study, each with the records it has."""
    results = []
    for name, net in nets.items():
        planned = trials(data, fit, {name: net}, seeds)
        done = {trial.seed: records[trial.id] for trial in planned if trial.id in records}
        results.append(Result(name, net, data.classes, len(planned), done))
    return results


def told_recipe(data: Data, fit: Recipe, nets: int) -> str:
    """The settings of the fits as a paragraph."""
    optimiser = "Adam" if fit.optimiser == "adam" else f"SGD with momentum {fit.momentum:g}"
    return (
        f"{nets} nets were fitted on {data.size:,} training images of {data.source}, pixels scaled to [-1, 1], with "
        f"{optimiser} at a constant learning rate of {fit.rate:g}, batches of {fit.batch} and {fit.epochs} epochs. "
        "Weights start uniform after Glorot and Bengio (2010), biases at 0. For one seed, all nets see the same "
        "images in the same order. The training curves are means over the batches of an epoch while the weights "
        "moved; the table's training numbers are of the final weights on all training images. Test numbers are of the "
        "last epoch: no epoch and no net was selected on the test set. Time is of the training steps alone, without "
        "warm-up and evaluation."
    )


def warnings(results: Sequence[Result], seeds: Sequence[int]) -> tuple[str, ...]:
    planned, done = sum(r.planned for r in results), sum(len(r.records) for r in results)
    return seed_warnings(len(seeds), planned, done)


def most_seeds(results: Sequence[Result]) -> int:
    return max((len(result.records) for result in results), default=0)


# Tables --------------------------------------------------------------------------------------------------------


def accuracy_table(results: Sequence[Result], prefix: str, shape_label: str, shape: Callable[[Any], str]) -> Table:
    """Parameters, final accuracies and losses, training time."""
    keys = (
        ("train_accuracy", "Train accuracy", 4),
        ("test_accuracy", "Test accuracy", 4),
        ("train_loss", "Train loss", 4),
        ("test_loss", "Test loss", 4),
        ("time_s", "Training time (s)", 1),
    )
    columns = (
        Column(key="net", label="Net"),
        Column(key="shape", label=shape_label),
        Column(key="parameters", label="Parameters"),
        *(Column(key=key, label=label, digits=digits) for key, label, digits in keys),
    )
    rows = []
    for result in results:
        parameters = next((int(r.summary["parameters"]) for r in result.records.values()), None)
        numbers = (result.estimate(key) for key, _, _ in keys)
        rows.append((result.name, shape(result.net), parameters, *numbers))
    return Table(
        id=f"{prefix}-accuracy",
        caption="Final weights, after the last epoch.",
        columns=columns,
        rows=tuple(rows),
    )


# Statements ----------------------------------------------------------------------------------------------------


def statements(results: Sequence[Result], what: str) -> tuple[Statement, ...]:
    """Best and worst on the test set, and the gap between training and test set."""
    ran = sorted((r for r in results if r.records), key=lambda r: -r.mean("test_accuracy"))
    if len(ran) < 2:
        return ()
    best, second, worst = ran[0], ran[1], ran[-1]
    accuracy = best.estimate("test_accuracy")
    assert accuracy is not None
    lead = paired_difference(best.values("test_accuracy"), second.values("test_accuracy"))
    found = [
        Statement(
            text=(
                f"{best.name} has the highest mean test accuracy, {told(accuracy, 4)}; {worst.name} the lowest, "
                f"{worst.mean('test_accuracy'):.4f}."
            ),
            trials=(*best.ids, *worst.ids),
        )
    ]
    if lead is not None:
        found.append(Statement(text=_lead(best.name, second.name, lead), trials=(*best.ids, *second.ids)))
    gaps = {r.name: r.mean("train_accuracy") - r.mean("test_accuracy") for r in ran}
    widest, narrowest = max(gaps, key=lambda name: gaps[name]), min(gaps, key=lambda name: gaps[name])
    found.append(
        Statement(
            text=(
                f"The gap between training and test accuracy is widest for {widest} ({gaps[widest]:.4f}) and "
                f"narrowest for {narrowest} ({gaps[narrowest]:.4f})."
            ),
            trials=tuple(i for r in ran for i in r.ids),
        )
    )
    return tuple(found)


def _lead(best: str, second: str, lead: Estimate) -> str:
    if lead.interval is None:
        return f"It leads {second} by {lead.mean:.4f}, in a single run."
    low, high = lead.interval
    verdict = "does not contain 0" if low > 0 or high < 0 else "contains 0: this is no evidence of a difference"
    return (
        f"Paired by seed, {best} leads {second} by {lead.mean:.4f}; the 95% interval, {low:.4f} to {high:.4f} "
        f"(n = {lead.n}), {verdict}. The pair was chosen after seeing the results, which favours a difference."
    )


def size_statements(results: Sequence[Result]) -> tuple[Statement, ...]:
    """Whether more parameters go with higher test accuracy, and how unsteady the test curves are by depth."""
    ran = [r for r in results if r.records]
    sizes = [r.mean("parameters") for r in ran]
    accuracies = [r.mean("test_accuracy") for r in ran]
    ids = tuple(i for r in ran for i in r.ids)
    if len(ran) < 3 or len(set(sizes)) < 2 or len(set(accuracies)) < 2:
        return ()
    rank = float(stats.spearmanr(sizes, accuracies).statistic)
    steps = {r.name: unsteadiness(r) for r in ran}
    most, least = max(steps, key=lambda name: steps[name]), min(steps, key=lambda name: steps[name])
    return (
        Statement(
            text=(
                f"Over the {len(ran)} nets, the rank correlation (Spearman) of parameters with mean test accuracy is "
                f"{rank:+.2f}; with so few nets it describes them and no others."
            ),
            trials=ids,
        ),
        Statement(
            text=(
                f"Over the second half of training, test accuracy moves from one epoch to the next by "
                f"{steps[most]:.4f} on average for {most}, the least steady, and by {steps[least]:.4f} for {least}."
            ),
            trials=ids,
        ),
    )


def unsteadiness(result: Result) -> float:
    """Mean absolute change of test accuracy between epochs, over the second half of training; 0 for one epoch."""
    curves = [record.history["test_accuracy"] for record in result.records.values()]
    changes = [np.abs(np.diff(curve[len(curve) // 2 :])).mean() for curve in curves if len(curve) > 2]
    return float(np.mean(changes)) if changes else 0.0


# Figures -------------------------------------------------------------------------------------------------------


def figures(results: Sequence[Result], prefix: str) -> tuple[Figure, ...]:
    ran = [r for r in results if r.records]
    if not ran:
        return ()
    return (
        _learning_curves(ran, prefix),
        _accuracy_by_time(ran, prefix),
        _confusions(ran, prefix),
        _wrong(ran, prefix),
    )


def _learning_curves(results: Sequence[Result], prefix: str) -> Figure:
    keys = (
        ("train_loss", "Training loss (nats)"),
        ("test_loss", "Test loss (nats)"),
        ("train_accuracy", "Training accuracy"),
        ("test_accuracy", "Test accuracy"),
    )
    panels = tuple(
        Lines(title=title, x_label="Epoch", series=tuple(_curves(r, key) for r in results), log_y="loss" in key)
        for key, title in keys
    )
    ends = ", ".join(f"{r.name} {r.mean('test_accuracy'):.4f}" for r in results)
    return Figure(
        id=f"{prefix}-learning",
        caption="Learning curves. Strong: mean over seeds; faint: single runs. Losses are on a logarithmic scale.",
        alt=f"Loss and accuracy on training and test images by epoch. Test accuracy ends at: {ends}.",
        panels=panels,
        columns=2,
    )


def _curves(result: Result, key: str) -> Series:
    runs = tuple(tuple(record.history[key]) for record in result.records.values())
    return Series(name=result.name, x=tuple(range(1, 1 + max(map(len, runs)))), runs=runs)


def _accuracy_by_time(results: Sequence[Result], prefix: str) -> Figure:
    clouds = tuple(
        Cloud(
            name=r.name,
            x=tuple(r.values("time_s").values()),
            y=tuple(r.values("test_accuracy").values()),
            size=r.mean("parameters"),
            note=r.name,
        )
        for r in results
    )
    told_each = "; ".join(
        f"{r.name} {r.mean('test_accuracy'):.4f} in {r.mean('time_s'):.1f} s with {r.mean('parameters'):,.0f} parameters"
        for r in results
    )
    panel = Points(x_label="Training time (s)", y_label="Test accuracy", clouds=clouds, log_x=True)
    return Figure(
        id=f"{prefix}-time",
        caption="Test accuracy against training time; one marker per run, its area is the number of parameters.",
        alt=f"Test accuracy against training time: {told_each}.",
        panels=(panel,),
    )


def _confusions(results: Sequence[Result], prefix: str) -> Figure:
    panels, worst = [], ""
    for result in results:
        counts = confusion(result)
        panels.append(
            Heatmap(
                title=result.name,
                x_label="Said",
                y_label="Is",
                rows=result.classes,
                columns=result.classes,
                values=counts,
                digits=0 if len(result.records) == 1 else 1,
            )
        )
        wrong = np.where(np.eye(len(counts), dtype=bool), -1, counts)
        is_, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
        worst += f" {result.name}: {result.classes[is_]} taken for {result.classes[said]}, {wrong[is_, said]:g} times."
    return Figure(
        id=f"{prefix}-confusion",
        caption="Confusion matrices on the test images: counts, as means over the seeds.",
        alt=f"Confusion matrices. The most frequent confusion of each net:{worst}",
        panels=tuple(panels),
        columns=2,
    )


def confusion(result: Result) -> np.ndarray:
    """How often each class (row) was said to be each class (column), (C, C), as a mean over the seeds."""
    size = len(result.classes)
    counts = [
        np.bincount(
            record.arrays["test_labels"].astype(int) * size + record.arrays["test_predictions"],
            minlength=size**2,
        ).reshape(size, size)
        for record in result.records.values()
    ]
    return np.asarray(np.mean(counts, axis=0))


def _wrong(results: Sequence[Result], prefix: str) -> Figure:
    """The images that the best net was surest of and wrong about, in its first seed."""
    best = max(results, key=lambda r: r.mean("test_accuracy"))
    seed, record = next(iter(best.records.items()))
    index = record.arrays["wrong_index"]
    logits = record.arrays["test_logits"][index].astype(np.float64)
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    said, labels = record.arrays["test_predictions"][index], record.arrays["test_labels"][index]
    tiles = tuple(
        Tile(
            pixels=image.mean(0).astype(np.uint8),
            title=f"{best.classes[is_]} → {best.classes[as_]}, {p[as_]:.2f}",
        )
        for image, is_, as_, p in zip(record.arrays["wrong_images"], labels, said, probabilities, strict=True)
    )
    return Figure(
        id=f"{prefix}-wrong",
        caption=f"The test images that {best.name} (seed {seed}) was surest of and wrong about: is → said, probability.",
        alt=f"{len(tiles)} misclassified images: " + "; ".join(tile.title for tile in tiles),
        panels=(Images(tiles=tiles, columns=5),),
    )
