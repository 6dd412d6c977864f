"""The figure of the chapter."""

from rungwise.chapters.drawing import missing, over_values
from rungwise.chapters.sentences import accuracy_title
from rungwise.chapters.transfer.names import WAYS, model_name
from rungwise.chapters.transfer.results import Results
from rungwise.findings import Figure, Lines, Series


def figures(results: Results) -> tuple[Figure, ...]:
    """Accuracy against the share of the labels; none of a single share."""
    series = tuple(found for way in WAYS if (found := _series(results, way)).runs)
    if len(results.shares) < 2:
        return ()
    if not series:
        caption = f"Test accuracy on {results.task} by the share of the training images that have labels."
        return missing(results.settings.name, {"labels": caption})
    counts = results.counts
    ends = "; ".join(
        f"{model} {accuracy.mean:.4f}"
        for share in (results.shares[0], results.shares[-1])
        for way in WAYS
        if (accuracy := results.estimate("test_accuracy", model := model_name(way, share)))
    )
    panel = Lines(
        x_label="labels (% of the training images)",
        y_label=accuracy_title(results.task),
        series=series,
        levels=counts.level(y for one in series for run in one.runs for y in run) if counts else (),
        log_x=True,
        markers=True,
        **results.measures.band("share"),
    )
    runs = ": the mean over seeds strong, the single runs faint" if results.most_seeds > 1 else ""
    return (
        Figure(
            id=f"{results.settings.name}-labels",
            caption=f"Test accuracy on {results.task} by the share of the training images that have labels{runs}.",
            alt=f"Test accuracy on {results.task} against the share of the labels, one line per way: {ends}.",
            panels=(panel,),
        ),
    )


def _series(results: Results, way: str) -> Series:
    values = [results.values("test_accuracy", model_name(way, share)) for share in results.shares]
    return over_values(way, [100 * share for share in results.shares], values)
