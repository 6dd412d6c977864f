"""The tables of the chapter: the CNNs, and both families per parameter."""

from rungwise.chapters.cnns.results import Results
from rungwise.chapters.family.class_tables import class_tables
from rungwise.chapters.family.confusions import confusion_tables
from rungwise.chapters.family.results import counts_of
from rungwise.chapters.family.tables import accuracy_table
from rungwise.findings import Cell, Column, Table


def tables(results: Results) -> tuple[Table, ...]:
    return (
        accuracy_table(results.cnns, "Filters"),
        *_against_mlps(results),
        *class_tables(results.cnns),
        *confusion_tables(results.cnns.ran, results.cnns.settings.name),
    )


def _against_mlps(results: Results) -> tuple[Table, ...]:
    if not results.families:
        return ()
    columns = (
        Column(key="family", label="Family"),
        Column(key="net", label="Net"),
        Column(key="images", label="Training images"),
        Column(key="parameters_m", label="Parameters (million)", digits=3),
        Column(key="test_accuracy", label="Test accuracy", digits=4),
        Column(key="accuracy_per_m", label="Test accuracy per million parameters", digits=3),
        Column(key="epoch_s", label="Time per epoch (s)", digits=2),
        Column(key="epoch_s_per_m", label="Time per epoch per million parameters (s)", digits=2),
        Column(key="image_us", label="Time per image (µs)", digits=1),
    )
    keys = ("test_accuracy", "accuracy_per_million", "epoch_s", "epoch_s_per_million", "image_us")
    rows: list[tuple[Cell, ...]] = [
        (name, net.name, net.data.size, net.mean("parameters") / 1e6, *(net.estimate(key) for key in keys))
        for name, family in results.families.items()
        for net in family.ran
    ]
    caption = "The two families per parameter. Time per image makes epochs of different length comparable."
    counts = counts_of(results.cnns)
    caption += f" {counts.always()}" if counts else ""
    table = f"{results.cnns.settings.name}-against-mlps"
    return (Table(id=table, caption=caption, columns=columns, rows=tuple(rows)),)
