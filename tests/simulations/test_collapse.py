"""The rates that the docs give of collapsed seeds, in short."""

import functools

from simulations import collapse
from simulations.table import Row


@functools.cache
def rows() -> dict[tuple[str, int | None], Row]:
    return {(row.what, row.n): row for row in collapse.rates(4000, 0)}


def test_alarms_are_as_rare_as_promised() -> None:
    promised = [row for row in rows().values() if row.at_most is not None]
    assert len(promised) == 36
    assert [row for row in promised if not row.holds()] == []


def test_the_simulation_would_find_too_many_alarms() -> None:
    """The modified z-score gives them, in about 1 of 10 sets."""
    assert rows()["alarm: modified z-score above 3.5", 5].rate > 0.08


def test_one_that_loses_2_percent_is_named() -> None:
    assert rows()["named: 1 collapsed, deviation 0.1%", 5].rate > 0.94
    assert rows()["named: 2 collapsed, deviation 0.2%", 10].rate > 0.94


def test_equal_means_are_refuted_as_the_reference_says() -> None:
    """17 to 38% at five seeds."""
    found = [rows()[f"equal means, B loses 2% in {often}: refuted by t, falsely", 5] for often in ("5%", "10%")]
    assert abs(found[0].rate - 0.17) < 0.03
    assert abs(found[1].rate - 0.38) < 0.04
