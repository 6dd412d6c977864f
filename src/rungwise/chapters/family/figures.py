"""The figures of a chapter on a family of nets: learning curves, accuracy by time, confusions, the worst mistakes."""

from collections.abc import Sequence

import numpy as np

from rungwise.chapters.class_counts import ClassCounts
from rungwise.chapters.drawing import missing, over_epochs, picture
from rungwise.chapters.family.confusions import confused, confusion
from rungwise.chapters.family.results import FamilyResults, NetResult, counts_of
from rungwise.chapters.many import of_all, short, worst_classes
from rungwise.chapters.results import most_seeds
from rungwise.findings import Cloud, Figure, Heatmap, Images, Level, Lines, Points, Tile
from rungwise.words import counted

CAPTIONS = {
    "learning": "Learning curves.",
    "time": "Test accuracy against training time.",
    "confusion": "Confusion matrices.",
    "wrong": "The test images that the best net was surest of and wrong about.",
}
SIDE_BY_SIDE = 10
"""Classes of a heat map that has room for another one beside it."""
RUNS = ", the mean over seeds strong and the single runs faint"


def figures(results: FamilyResults) -> tuple[Figure, ...]:
    ran, chapter = results.ran, results.settings.name
    if not ran:
        return missing(chapter, CAPTIONS)
    return (
        _learning_curves(ran, chapter, counts_of(results)),
        _accuracy_by_time(ran, chapter, counts_of(results)),
        _confusions(ran, chapter),
        *_wrong(ran, chapter),
    )


def _learning_curves(results: Sequence[NetResult], chapter: str, counts: ClassCounts | None) -> Figure:
    keys = {
        "train_loss": "Training loss (nats)",
        "test_loss": "Test loss (nats)",
        "train_accuracy": "Training accuracy",
        "test_accuracy": "Test accuracy",
    }
    if results[0].fit.stop is not None:
        keys |= {"validation_accuracy": "Accuracy on the images set aside"}
    if results[0].fit.evaluate == "end":
        keys = {key: title for key, title in keys.items() if not key.startswith("test")}
    panels = tuple(
        Lines(
            title=title,
            x_label="Epoch",
            series=tuple(over_epochs(r.name, [run.history[key] for run in r.records.values()]) for r in results),
            levels=_always(results, counts) if key == "test_accuracy" else (),
            log_y="loss" in key,
            **results[0].measures.band("positive" if "loss" in key else "share"),
            markers=all(len(run.history[key]) < 3 for r in results for run in r.records.values()),
        )
        for key, title in keys.items()
    )
    ends = ", ".join(f"{r.name} {r.mean('test_accuracy'):.4f}" for r in results)
    return Figure(
        id=f"{chapter}-learning",
        caption=f"Learning curves{RUNS if most_seeds(results) > 1 else ''}. Losses are on a logarithmic scale.",
        alt=f"Loss and accuracy by epoch. Test accuracy ends at: {ends}.",
        panels=panels,
        columns=2,
    )


def _always(results: Sequence[NetResult], counts: ClassCounts | None) -> tuple[Level, ...]:
    drawn = (value for r in results for run in r.records.values() for value in run.history["test_accuracy"])
    return counts.level(drawn) if counts else ()


def _accuracy_by_time(results: Sequence[NetResult], chapter: str, counts: ClassCounts | None) -> Figure:
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
    each = "; ".join(
        f"{r.name} {r.mean('test_accuracy'):.4f} in {r.mean('time_s'):.1f} s, {r.mean('parameters'):,.0f} parameters"
        for r in results
    )
    levels = counts.level(value for cloud in clouds for value in cloud.y) if counts else ()
    panel = Points(x_label="Training time (s)", y_label="Test accuracy", clouds=clouds, log_x=True, levels=levels)
    return Figure(
        id=f"{chapter}-time",
        caption="Test accuracy against training time; one marker per run, its area is the number of parameters.",
        alt=f"Test accuracy against training time: {each}.",
        panels=(panel,),
    )


def _confusions(results: Sequence[NetResult], chapter: str) -> Figure:
    names = results[0].data.classes
    shown = worst_classes(((pair.a, pair.b) for pair in confused(results)), len(names))
    chosen = tuple(names[k] for k in shown)
    panels = tuple(
        Heatmap(
            title=result.name,
            x_label="Predicted class",
            y_label="True class",
            rows=chosen,
            columns=chosen,
            values=confusion(result)[np.ix_(shown, shown)],
            digits=0 if len(result.records) == 1 else 1,
        )
        for result in results
    )
    means = ", as means over the seeds" if most_seeds(results) > 1 else ""
    of = of_all(len(shown), len(names), "the pairs that all nets together confuse most often")
    return Figure(
        id=f"{chapter}-confusion",
        caption=f"Confusion matrices: how many test images of each class were taken for each class{means}.{of}",
        alt=f"Confusion matrices. {' '.join(_worst_confusion(result) for result in results)}",
        panels=panels,
        columns=2 if len(shown) <= SIDE_BY_SIDE else 1,
    )


def _worst_confusion(result: NetResult) -> str:
    counts = confusion(result)
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    is_, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
    if wrong[is_, said] == 0:
        return f"{result.name} confuses none."
    count = wrong[is_, said]
    images = counted(int(count), "image") if len(result.records) == 1 else f"{count:.1f} images"
    return f"{result.name} confuses most often {result.data.classes[is_]} with {result.data.classes[said]}: {images}."


def _wrong(results: Sequence[NetResult], chapter: str) -> tuple[Figure, ...]:
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
            pixels=picture(image),
            title=f"{short(best.data.classes[is_])} → {short(best.data.classes[as_])}, {p[as_]:.2f}",
        )
        for image, is_, as_, p in zip(record.arrays["wrong_images"], labels, said, probabilities, strict=True)
    )
    what = f"{best.name} (seed {seed}), the net with the highest test accuracy, was surest of and wrong about"
    return (
        Figure(
            id=f"{chapter}-wrong",
            caption=f"The test images that {what}: true → predicted class, and the probability it gave the latter.",
            alt=f"{counted(len(tiles), 'misclassified image')}: {'; '.join(tile.title for tile in tiles)}.",
            panels=(Images(tiles=tiles, columns=5),),
        ),
    )
