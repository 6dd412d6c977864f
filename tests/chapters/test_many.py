"""What is shown of many classes, by hand."""

import math

from rungwise.chapters.many import (
    LONGEST,
    MOST_CELLS,
    MOST_ROWS,
    WORST_ROWS,
    nan_last,
    of_all,
    short,
    worst_classes,
    worst_shown,
)
from rungwise.findings import Column, Table


def table(rows):
    column = Column(key="class", label="Class")
    return Table(id="t", caption="c", columns=(column,), rows=tuple((k,) for k in range(rows)))


def test_a_table_of_few_rows_is_left_as_it_is():
    whole = table(MOST_ROWS)
    assert worst_shown(whole, list(reversed(range(MOST_ROWS)))) is whole
    assert "shown" not in whole.model_dump(mode="json")


def test_a_long_table_has_the_worst_rows_first_and_keeps_all():
    found = worst_shown(table(MOST_ROWS + 1), list(reversed(range(MOST_ROWS + 1))))
    assert found.rows[0] == (MOST_ROWS,)
    assert sorted(found.rows) == [(k,) for k in range(MOST_ROWS + 1)]
    assert found.shown == WORST_ROWS


def test_a_heat_map_shows_all_of_few_classes_and_the_worst_pairs_of_many():
    assert worst_classes([(5, 7)], MOST_CELLS) == list(range(MOST_CELLS))
    pairs = [(50, 60), (60, 61), (3, 50)]
    assert worst_classes(pairs, 100) == [*range(MOST_CELLS - 4 + 1), 50, 60, 61]  # 3 is among the first 17 as well


def test_a_pair_that_does_not_fit_is_left_out_whole():
    pairs = [(k, k + 1) for k in range(40, 40 + 2 * (MOST_CELLS // 2 - 1), 2)]  # two places are left
    shown = worst_classes([*pairs, (40, 90), (91, 92), (93, 94)], 100)
    assert shown == [0, *range(40, 40 + MOST_CELLS - 2), 90]


def test_a_caption_says_which_are_shown_where_not_all_are():
    assert of_all(10, 10, "the hardest pairs") == ""
    assert of_all(20, 1000, "the hardest pairs") == " Of 1,000 classes, 20 are shown: those of the hardest pairs."


def test_long_names_end_in_dots():
    assert short("ankle boot") == "ankle boot"
    assert short("x" * LONGEST) == "x" * LONGEST
    assert short("a tench, which is a freshwater fish") == "a tench, which is a fre…"
    assert len(short("a" * 100)) == LONGEST


def test_what_has_not_run_comes_last():
    assert sorted([0.3, math.nan, 0.1], key=nan_last)[:2] == [0.1, 0.3]
