"""How nets do on each class, and on all classes alike."""

from collections.abc import Sequence

from rungwise.chapters.by_class import BALANCED, CLASSES_ALIKE, MACRO_F1, PRECISION, RECALL
from rungwise.chapters.class_counts import ClassCounts
from rungwise.chapters.family.results import FamilyResults, NetResult, counts_of
from rungwise.chapters.many import MOST_ROWS, nan_last, worst_shown
from rungwise.chapters.sentences import in_words
from rungwise.findings import Cell, Column, Table
from rungwise.words import listed


def class_tables(results: FamilyResults) -> tuple[Table, ...]:
    """Recall and precision of each class for the best nets, and, where classes are uneven, every net's macro F1 and
    balanced accuracy. Where they are even, these say hardly more than accuracy does, and the caption has the best
    net's. None where predictions were not kept."""
    counts = counts_of(results)
    nets = best_nets(results.ran)
    if counts is None or not nets:
        return ()
    return (*((_alike(results, counts),) if counts.uneven else ()), _by_class(results, nets, counts))


def _alike(results: FamilyResults, counts: ClassCounts) -> Table:
    """Every net, with each class counting the same."""
    rows = []
    for net in results.models:
        numbers = (net.estimate(key) for key in ("test_accuracy", *CLASSES_ALIKE))
        recalls = {name: net.mean(f"{RECALL}_{name}") for name in counts.classes}
        lowest = min(recalls, key=lambda name: nan_last(recalls[name]))
        found = net.estimate(f"{RECALL}_{lowest}")
        rows.append((net.name, *numbers, found, lowest if found else None))
    return Table(
        id=f"{results.settings.name}-macro",
        caption=f"The nets where each class counts the same, as the classes are uneven: {counts.extremes}. Macro F1 is "
        "the mean of the classes' F1, balanced accuracy that of their recalls.",
        columns=(
            Column(key="net", label="Net"),
            Column(key="test_accuracy", label="Test accuracy", digits=4),
            *(Column(key=key, label=label, digits=4) for key, label in CLASSES_ALIKE.items()),
            Column(key="lowest_recall", label="Lowest recall", digits=3),
            Column(key="class", label="Of class"),
        ),
        rows=tuple(rows),
    )


def _by_class(results: FamilyResults, nets: Sequence[NetResult], counts: ClassCounts) -> Table:
    """A row for each class, of many the worst first."""
    table = Table(
        id=f"{results.settings.name}-classes",
        caption=_caption(nets, counts),
        columns=(
            Column(key="class", label="Class"),
            Column(key="test_images", label="Test images", digits=0 if _whole(counts) else 1),
            *(
                Column(key=f"{key}_{net.name}", label=f"{label}, {net.name}" if len(nets) > 1 else label, digits=3)
                for net in nets
                for key, label in (("recall", "Recall"), ("precision", "Precision"))
            ),
        ),
        rows=tuple(_row(name, images, nets) for name, images in zip(counts.classes, counts.images, strict=True)),
    )
    recalls = [nets[0].mean(f"{RECALL}_{name}") for name in counts.classes]
    return worst_shown(table, sorted(range(len(recalls)), key=lambda i: nan_last(recalls[i])))


def best_nets(ran: Sequence[NetResult]) -> list[NetResult]:
    """The net with the highest test accuracy, and that with the highest macro F1, where it is another."""
    known = [net for net in ran if net.values(MACRO_F1)]
    if not known:
        return []
    first, other = (max(known, key=lambda net: net.mean(key)) for key in ("test_accuracy", MACRO_F1))
    return [first] if first is other else [first, other]


def _row(name: str, images: float, nets: Sequence[NetResult]) -> tuple[Cell, ...]:
    return (name, images, *(net.estimate(f"{key}_{name}") for net in nets for key in (RECALL, PRECISION)))


def _whole(counts: ClassCounts) -> bool:
    return all(count.is_integer() for count in counts.images)


def _caption(nets: Sequence[NetResult], counts: ClassCounts) -> str:
    of = f"{nets[0].name}, the net with the highest test accuracy"
    if len(nets) > 1:
        of = listed([of, f"{nets[1].name}, that with the highest macro F1"])
    many = len(counts.classes) > MOST_ROWS
    worst = f" Of {len(counts.classes):,} classes, those with the lowest recall come first." if many else ""
    means = "" if counts.uneven else f" {_means_in_words(nets)}"
    return (
        f"Each class, by {of}: recall, the share of its test images that are classified right, and precision, the "
        f"share of the test images classified as it that are of it.{means}{worst}"
    )


def _means_in_words(nets: Sequence[NetResult]) -> str:
    """ "Macro F1 of A is ..., its balanced accuracy ..." of each net."""
    return " ".join(
        f"Macro F1 of {net.name} is {in_words(net.known(MACRO_F1), 4)}, its balanced accuracy "
        f"{in_words(net.known(BALANCED), 4)}."
        for net in nets
    )
