"""What the chapters on families of nets (MLPs, CNNs) share: one fit per net and seed, and how results are told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from rungwise.chapters.common import compared, counted, listed, seed_warnings, told, told_fit, told_pairs
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

RUNS = ", the mean over seeds strong and the single runs faint"


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

    def measured(self, key: str) -> Estimate:
        """`estimate` of a net that has a record."""
        found = self.estimate(key)
        assert found is not None
        return found

    def mean(self, key: str) -> float:
        return self.measured(key).mean

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
    return (
        f"{counted(nets, 'net')} {'was' if nets == 1 else 'were'} fitted on {data.size:,} training images of "
        f"{data.source}, pixels scaled to [-1, 1], {told_fit(fit)}. Weights start "
        "uniform after Glorot and Bengio (2010), biases at 0. For one seed, all nets see the same "
        "images in the same order. The training curves are means over the batches of an epoch while the weights "
        "moved; the table's training numbers are of the final weights on all training images. Test numbers are of the "
        "last epoch: no epoch and no net was selected on the test set. Time is of the training steps alone, without "
        "warm-up and evaluation."
    )


def warnings(results: Sequence[Result]) -> tuple[str, ...]:
    planned, done = sum(r.planned for r in results), sum(len(r.records) for r in results)
    return seed_warnings(most_seeds(results), planned, done)


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


def statements(results: Sequence[Result]) -> tuple[Statement, ...]:
    """Best and worst on the test set, overfitting, size against accuracy, and how steady training is."""
    ran = sorted((r for r in results if r.records), key=lambda r: -r.mean("test_accuracy"))
    if not ran:
        return ()
    return (*_extremes(ran), *_lead(ran), *_gaps(ran), *_size(ran), *_steadiness(ran))


def _extremes(ran: Sequence[Result]) -> tuple[Statement, ...]:
    """`ran`: nets with records, the most accurate first."""
    measure = "mean test accuracy" if most_seeds(ran) > 1 else "test accuracy"
    high, low = (told(r.measured("test_accuracy"), 4) for r in (ran[0], ran[-1]))
    top, bottom = (
        [r for r in ran if r.mean("test_accuracy") == end.mean("test_accuracy")] for end in (ran[0], ran[-1])
    )
    if len(ran) == 1:
        text = f"{ran[0].name} reaches a {measure} of {high}."
    elif len(top) == len(ran):
        text = f"{listed([r.name for r in ran])} have the same {measure}, {high}."
    else:
        names = listed([r.name for r in top])
        text = (
            f"{names} {'has' if len(top) == 1 else 'have'} the highest {measure}, {high}; "
            f"{listed([r.name for r in bottom])} the lowest, {low}."
        )
    return (Statement(text=text, trials=_ids(ran)),)


def _lead(ran: Sequence[Result]) -> tuple[Statement, ...]:
    """The first against the second, over the seeds that both have."""
    if len(ran) < 2:
        return ()
    best, second = ran[:2]
    lead = paired_difference(best.values("test_accuracy"), second.values("test_accuracy"))
    if lead is None:
        return ()
    text = (
        f"On the test set, {best.name} "
        f"{compared(lead, f'leads {second.name}', f'trails {second.name}', f'is level with {second.name}')} "
        f"{told_pairs(lead)}."
    )
    if len(ran) > 2:
        text += " The pair was chosen after seeing the results, which favours a difference."
    return (Statement(text=text, trials=_ids((best, second))),)


def _gaps(ran: Sequence[Result]) -> tuple[Statement, ...]:
    gaps = [(r.name, told(g, 4), g.mean) for r in ran if (g := _gap(r))]
    widest, narrowest = max(gaps, key=lambda gap: gap[2]), min(gaps, key=lambda gap: gap[2])
    text = f"The gap between training and test accuracy is {widest[1]} for {widest[0]}."
    if widest[2] > narrowest[2]:
        text = (
            f"The gap between training and test accuracy is widest for {widest[0]}, {widest[1]}, and narrowest for "
            f"{narrowest[0]}, {narrowest[1]}."
        )
    elif len(gaps) > 1:
        text = f"The gap between training and test accuracy is the same for all, {widest[1]}."
    return (Statement(text=text, trials=_ids(ran)),)


def _gap(result: Result) -> Estimate | None:
    return paired_difference(result.values("train_accuracy"), result.values("test_accuracy"))


def _size(ran: Sequence[Result]) -> tuple[Statement, ...]:
    """Whether more parameters go with higher test accuracy; a rank correlation needs three nets that differ in both."""
    sizes, accuracies = [r.mean("parameters") for r in ran], [r.mean("test_accuracy") for r in ran]
    if len(ran) < 3 or len(set(sizes)) < 2 or len(set(accuracies)) < 2:
        return ()
    rank = float(stats.spearmanr(sizes, accuracies).statistic)
    text = (
        f"Over the {len(ran)} nets, the rank correlation (Spearman) of parameters with test accuracy is {rank:+.2f}. "
        "With so few nets, which differ in more than size, it describes these nets and no others."
    )
    return (Statement(text=text, trials=_ids(ran)),)


def _steadiness(ran: Sequence[Result]) -> tuple[Statement, ...]:
    moves = [(r.name, move) for r in ran if (move := unsteadiness(r)) is not None]
    if len(moves) < 2:
        return ()
    most, least = max(moves, key=lambda move: move[1]), min(moves, key=lambda move: move[1])
    if most[1] == least[1]:
        return ()
    text = (
        "Over the second half of training, test accuracy moves from one epoch to the next by "
        f"{most[1]:.4f} on average for {most[0]}, the least steady net, and by {least[1]:.4f} for {least[0]}, the "
        "steadiest."
    )
    return (Statement(text=text, trials=_ids(ran)),)


def unsteadiness(result: Result) -> float | None:
    """Mean absolute change of test accuracy between epochs, over the second half; None for fewer than 3 epochs."""
    curves = [record.history["test_accuracy"] for record in result.records.values()]
    changes = [np.abs(np.diff(curve[len(curve) // 2 :])).mean() for curve in curves if len(curve) > 2]
    return float(np.mean(changes)) if changes else None


def _ids(results: Sequence[Result]) -> tuple[str, ...]:
    return tuple(trial for result in results for trial in result.ids)


# Figures -------------------------------------------------------------------------------------------------------


def figures(results: Sequence[Result], prefix: str) -> tuple[Figure, ...]:
    ran = [r for r in results if r.records]
    if not ran:
        return ()
    return (
        _learning_curves(ran, prefix),
        _accuracy_by_time(ran, prefix),
        _confusions(ran, prefix),
        *_wrong(ran, prefix),
    )


def _learning_curves(results: Sequence[Result], prefix: str) -> Figure:
    keys = (
        ("train_loss", "Training loss (nats)"),
        ("test_loss", "Test loss (nats)"),
        ("train_accuracy", "Training accuracy"),
        ("test_accuracy", "Test accuracy"),
    )
    panels = tuple(
        Lines(
            title=title,
            x_label="Epoch",
            series=tuple(_curves(r, key) for r in results),
            log_y="loss" in key,
            markers=all(len(run.history[key]) < 3 for r in results for run in r.records.values()),
        )
        for key, title in keys
    )
    ends = ", ".join(f"{r.name} {r.mean('test_accuracy'):.4f}" for r in results)
    return Figure(
        id=f"{prefix}-learning",
        caption=f"Learning curves{RUNS if most_seeds(results) > 1 else ''}. Losses are on a logarithmic scale.",
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
        f"{r.name} {r.mean('test_accuracy'):.4f} in {r.mean('time_s'):.1f} s, {r.mean('parameters'):,.0f} parameters"
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
    panels = tuple(
        Heatmap(
            title=result.name,
            x_label="Predicted class",
            y_label="True class",
            rows=result.classes,
            columns=result.classes,
            values=confusion(result),
            digits=0 if len(result.records) == 1 else 1,
        )
        for result in results
    )
    means = ", as means over the seeds" if most_seeds(results) > 1 else ""
    return Figure(
        id=f"{prefix}-confusion",
        caption=f"Confusion matrices: how many test images of each class were taken for each class{means}.",
        alt=f"Confusion matrices. {' '.join(_worst_confusion(result) for result in results)}",
        panels=panels,
        columns=2,
    )


def _worst_confusion(result: Result) -> str:
    counts = confusion(result)
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    is_, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
    if wrong[is_, said] == 0:
        return f"{result.name} confuses none."
    count = wrong[is_, said]
    images = counted(int(count), "image") if len(result.records) == 1 else f"{count:.1f} images"
    return f"{result.name} confuses most often {result.classes[is_]} with {result.classes[said]}: {images}."


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


def _wrong(results: Sequence[Result], prefix: str) -> tuple[Figure, ...]:
    """The images that the best net was surest of and wrong about, in its first seed; none where it made no mistake."""
    best = max(results, key=lambda r: r.mean("test_accuracy"))
    seed, record = next(iter(best.records.items()))
    index = record.arrays["wrong_index"]
    if len(index) == 0:
        return ()
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
    what = f"{best.name} (seed {seed}), the net with the highest test accuracy, was surest of and wrong about"
    return (
        Figure(
            id=f"{prefix}-wrong",
            caption=f"The test images that {what}: true → predicted class, and the probability it gave the latter.",
            alt=f"{counted(len(tiles), 'misclassified image')}: {'; '.join(tile.title for tile in tiles)}.",
            panels=(Images(tiles=tiles, columns=5),),
        ),
    )
