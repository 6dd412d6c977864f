"""The table of the chapter."""

from rungwise.chapters.leak.results import Results
from rungwise.chapters.leak.settings import SPLITS, model_name
from rungwise.findings import Column, Table


def tables(results: Results) -> tuple[Table, ...]:
    columns = (
        Column(key="net", label="Net"),
        Column(key="split", label="Split"),
        Column(key="train_accuracy", label="Train accuracy", digits=4),
        Column(key="test_accuracy", label="Test accuracy", digits=4),
        Column(key="flattery", label="Flattery", digits=4),
    )
    rows = tuple(
        (
            net,
            f"by {by}",
            results.estimate("train_accuracy", model_name(net, by)),
            results.estimate("test_accuracy", model_name(net, by)),
            results.estimate("flattery", net) if by == "image" else None,
        )
        for net in results.settings.nets
        for by in SPLITS
    )
    caption = "Both splits of the same images. Flattery: test accuracy by image less that by group, paired by seed."
    counts = results.counts
    caption += f" {counts.always()}" if counts else ""
    return (Table(id=f"{results.settings.name}-accuracy", caption=caption, columns=columns, rows=rows),)
