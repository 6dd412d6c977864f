import csv
import io
import math

import pytest

from rungwise.evidence.estimate import Estimate
from rungwise.findings import Column, Table
from rungwise.report.cells import is_numeric, printed, shared_n, shown, span, table_csv

SCORE = Column(key="score", label="Score", digits=3)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.98512, 3, "0.985"),
        (1796010, None, "1,796,010"),
        (1796010.0, 0, "1,796,010"),
        (-0.5, 2, "−0.50"),
        (-0.0004, 2, "0.00"),
        (0.123456, None, "0.1235"),
        (math.nan, 3, "–"),
        (math.inf, None, "–"),
    ],
)
def test_numbers_read_as_in_print(value: float, digits: int | None, text: str) -> None:
    assert printed(value, digits) == text


def test_an_estimate_shows_its_interval_only_where_it_is_defined() -> None:
    # t(.975, 2) = 4.302653, s = .01, n = 3: half width .024841
    three = shown(Estimate(values=(0.97, 0.98, 0.99)), SCORE)
    assert (three.main, three.interval, three.n) == ("0.980", "0.955–1.005", 3)
    one = shown(Estimate(values=(0.97,)), SCORE)
    assert (one.main, one.interval, one.n) == ("0.970", "", 0)


def test_an_interval_with_a_negative_end_has_no_dash_that_reads_as_minus() -> None:
    assert span((-0.02, 0.01), 2) == "−0.02 to 0.01"


def test_whole_numbers_in_a_column_of_decimals_stay_whole() -> None:
    assert shown(3, SCORE).main == "3"


def test_csv_round_trip_keeps_every_digit() -> None:
    values = (0.1, 0.2, 0.4)
    estimate = Estimate(values=values)
    table = Table(
        id="t",
        caption="",
        columns=(
            Column(key="net", label="Net"),
            SCORE,
            Column(key="loss", label="Loss", digits=1),
            Column(key="count", label="Count"),
        ),
        rows=(
            ('MLP "a", b\nc', estimate, 1 / 3, 1796010),
            ("one seed", Estimate(values=(0.5,)), math.nan, None),
            ("not run", None, None, 0),
        ),
    )
    rows = list(csv.DictReader(io.StringIO(table_csv(table))))
    assert list(rows[0]) == ["net", "score_mean", "score_low", "score_high", "score_n", "loss", "count"]
    assert rows[0]["net"] == 'MLP "a", b\nc'
    assert estimate.interval == (float(rows[0]["score_low"]), float(rows[0]["score_high"]))
    assert (float(rows[0]["score_mean"]), rows[0]["score_n"]) == (estimate.mean, "3")
    assert (float(rows[0]["loss"]), int(rows[0]["count"])) == (1 / 3, 1796010)
    assert [rows[1][key] for key in ("score_mean", "score_low", "score_n", "loss")] == ["0.5", "", "1", ""]
    assert [rows[2][key] for key in ("score_mean", "score_n", "count")] == ["", "", "0"]


def test_columns_of_words_and_of_numbers() -> None:
    table = Table(id="t", caption="", columns=(Column(key="a", label="A"), SCORE), rows=(("x", None), ("1", 2.0)))
    assert [is_numeric(table, index) for index in (0, 1)] == [False, True]


def test_n_is_shared_only_where_all_intervals_have_it() -> None:
    two, three = Estimate(values=(1.0, 2.0)), Estimate(values=(1.0, 2.0, 3.0))

    def table(*cells: Estimate) -> Table:
        return Table(id="t", caption="", columns=(SCORE,), rows=tuple((cell,) for cell in cells))

    assert shared_n(table(three, three, Estimate(values=(1.0,)))) == 3
    assert shared_n(table(two, three)) == 0


def test_the_csv_has_the_rows_that_a_page_leaves_out() -> None:
    columns = (Column(key="pair", label="Pair"),)
    table = Table(id="t", caption="", columns=columns, rows=tuple((f"pair {k}",) for k in range(30)), shown=20)
    assert table_csv(table).splitlines() == ["pair", *(f"pair {k}" for k in range(30))]
