"""What is shown of many classes: a table's worst rows, and the classes of the worst pairs."""

import math
from collections.abc import Iterable, Sequence
from itertools import chain

from rungwise.findings import Table

MOST_ROWS = 50
"""A table of classes or of pairs with more rows shows the worst."""
WORST_ROWS = 20
MOST_CELLS = 20
"""Classes across a heat map: with more, its cells have no room for numbers nor its edges for names."""
LONGEST = 24
"""Letters of a name above a small picture."""


def worst_shown(table: Table, order: Sequence[int]) -> Table:
    """The table as it is, or of more than `MOST_ROWS` rows with the worst `WORST_ROWS` shown.

    `order`: the numbers of the rows, the worst first.
    """
    if len(table.rows) <= MOST_ROWS:
        return table
    return table.model_copy(update={"rows": tuple(table.rows[i] for i in order), "shown": WORST_ROWS})


def worst_classes(pairs: Iterable[tuple[int, int]], classes: int) -> list[int]:
    """The labels that a heat map shows, in their order: all, or of more than `MOST_CELLS` those of the worst pairs.

    `pairs`: of labels, the worst first. Where they are too few, the first classes join them.
    """
    if classes <= MOST_CELLS:
        return list(range(classes))
    chosen: set[int] = set()
    for labels in chain(pairs, ((label,) for label in range(classes))):
        if len(chosen | set(labels)) <= MOST_CELLS:  # both of a pair or none: alone its row would be empty
            chosen |= set(labels)
    return sorted(chosen)


def nan_last(value: float) -> float:
    """To sort by, from the least on: what has not run comes after all that has."""
    return math.inf if math.isnan(value) else value


def of_all(shown: int, classes: int, which: str) -> str:
    """ " Of 47 classes, 20 are shown: those of ...", for the end of a caption; nothing where all are shown."""
    return f" Of {classes:,} classes, {shown} are shown: those of {which}." if shown < classes else ""


def short(name: str) -> str:
    """A class's name, or of a long one the beginning, for what stands above a small picture."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…"
