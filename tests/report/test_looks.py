"""Looks at settled claims in reports: which are shown, and how."""

import pytest

from rungwise.evidence.estimate import Estimate
from rungwise.evidence.judgement import Judgement, Look, Number
from rungwise.report.claims import centre_and_interval, facts, told_about
from rungwise.report.figures.interval import described
from rungwise.report.looks import look_rows, looks_table


def look(n, verdict="not distinguishable"):
    interval = None if n < 5 else (0.01 - 1 / n, 0.01 + 1 / n)
    return Look(n=n, mean=0.01, interval=interval, e=n / 2, verdict=verdict)


def claim(most, verdict="supported"):
    seen = (*(look(n) for n in range(3, most)), look(most, verdict))
    values = tuple(0.01 + (-1) ** seed * 0.001 for seed in range(most))
    number = Number(
        says="a less b",
        low=0,
        verdict=verdict,
        estimate=Estimate(values=values),
        interval=seen[-1].interval,
        looks=seen,
    )
    return Judgement(
        id="M 1", says="so", verdict=verdict, design="settled", why="", test="e", n=most, numbers=(number,)
    )


@pytest.mark.parametrize(
    ("most", "shown"),
    [(3, [3]), (10, [3, 4, 5, 6, 7, 8, 9, 10]), (23, [3, 5, 10, 15, 20, 23]), (20, [3, 5, 10, 15, 20])],
)
def test_few_looks_are_shown_and_of_many_every_fifth(most, shown):
    assert [row.n for row in look_rows(claim(most))] == shown
    table = looks_table(claim(most), "claim-looks")
    assert [row[2] for row in table.rows] == list(range(3, most + 1))


def test_a_look_has_as_many_decimals_as_its_interval_is_known_to():
    first, *_, last = look_rows(claim(23))
    assert first == ("a less b", 3, "0.01", "any value", "1.5", "not distinguishable")
    assert last == ("a less b", 23, "0.010", "−0.033 to 0.053", "11.5", "supported")
    assert looks_table(claim(3), "x").rows == (("M 1", "a less b", 3, 0.01, None, None, 1.5, "supported"),)


def test_an_interval_that_holds_for_a_fixed_number_of_seeds_alone_is_not_shown():
    (number,) = claim(4, "not distinguishable").numbers
    assert number.estimate.interval is not None
    assert centre_and_interval(number)[1] == ""
    assert "interval" not in described(number)
    assert "looked at 2 times, with 3 to 4 seeds" in facts(number)


def test_a_fixed_number_of_seeds_has_no_looks():
    number = Number(says="a", low=0, verdict="supported", estimate=Estimate(values=(1.0, 1.1)))
    fixed = Judgement(id="F", says="so", verdict="supported", why="", test="t", n=2, numbers=(number,))
    assert look_rows(fixed) == ()
    assert told_about(fixed) == ""
    assert told_about(claim(5)) == "Seeds were added with a look after each, by a rule that is valid at every look."
