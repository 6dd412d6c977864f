"""The figures of the chapter."""

from collections.abc import Iterable

from rungwise.chapters.drawing import missing, over_epochs
from rungwise.chapters.leak.results import Results
from rungwise.chapters.leak.settings import SPLITS, model_name
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Cloud, Figure, Lines, Points
from rungwise.records.record import Record
from rungwise.words import listed

CAPTIONS = {
    "seeds": "Test accuracy of each seed by both splits.",
    "learning": "Test accuracy by epoch, by both splits.",
}


def figures(results: Results) -> tuple[Figure, ...]:
    chapter = results.settings.name
    if not results.nets:
        return missing(chapter, CAPTIONS)
    curves = results.settings.fit.evaluate == "epochs"
    return (_seeds(results, chapter), *([_learning(results, chapter)] if curves else []))


def _seeds(results: Results, chapter: str) -> Figure:
    """Each seed's test accuracy by image against that by group: above the diagonal the split by image flatters."""
    clouds, low = [], 1.0
    for net in results.nets:
        group, image = (results.values("test_accuracy", model_name(net, by)) for by in SPLITS)
        both = [seed for seed in group if seed in image]
        x, y = tuple(group[seed] for seed in both), tuple(image[seed] for seed in both)
        clouds.append(Cloud(name=net, x=x, y=y))
        low = min(low, *x, *y)
    equal = Cloud(name="equal", x=(low, 1.0), y=(low, 1.0), joined=True)
    told = "; ".join(
        f"{net} {listed([f'{found.mean:.4f} by {by}' for by in SPLITS if (found := _accuracy(results, net, by))])}"
        for net in results.nets
    )
    panel = Points(
        x_label="Test accuracy, split by group", y_label="Test accuracy, split by image", clouds=(*clouds, equal)
    )
    return Figure(
        id=f"{chapter}-seeds",
        caption=(
            "Test accuracy of each seed by both splits. Above the line of equal values, the split by image makes the "
            "net look better than it is on new groups."
        ),
        alt=f"Test accuracy split by image against that split by group, a dot for each seed. Means: {told}.",
        panels=(panel,),
    )


def _accuracy(results: Results, net: str, by: str) -> Estimate | None:
    return results.estimate("test_accuracy", model_name(net, by))


def _runs(results: Results, net: str, by: str) -> Iterable[Record]:
    return results.runs[model_name(net, by)].values()


def _learning(results: Results, chapter: str) -> Figure:
    panels = tuple(
        Lines(
            title=net,
            x_label="Epoch",
            y_label="Test accuracy",
            series=tuple(
                over_epochs(
                    f"by {by}", [r.history["test_accuracy"] for r in results.runs[model_name(net, by)].values()]
                )
                for by in SPLITS
            ),
            **results.measures.band("share"),
        )
        for net in results.nets
    )
    runs = ", the mean over seeds strong and the single runs faint" if results.most_seeds > 1 else ""
    return Figure(
        id=f"{chapter}-learning",
        caption=f"Test accuracy by epoch, by both splits{runs}.",
        alt=f"Test accuracy by epoch of {', '.join(results.nets)}, one curve for each way to split.",
        panels=panels,
        columns=min(2, len(panels)),
    )
