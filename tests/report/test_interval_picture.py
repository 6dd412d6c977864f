"""The small picture of a number."""

from xml.etree import ElementTree

import pytest

from rungwise.evidence.estimate import Estimate
from rungwise.evidence.judgement import Number
from rungwise.report.figures.interval import MARGIN, WIDTH, interval_picture


def picture(low: float | None, high: float | None, *values: float) -> ElementTree.Element:
    found = Estimate(values=values) if values else None
    return ElementTree.fromstring(
        interval_picture(Number(says="x", low=low, high=high, verdict="not run", estimate=found))
    )


def test_the_region_is_shaded_to_the_edge_on_its_open_side() -> None:
    # From 0, the bound, to the end of the interval, 3 + 2.484138 (t(.975, 2) / sqrt(3) for s = 1).
    tree = picture(0, None, 2.0, 3.0, 4.0)
    shade, dot = tree.find("rect"), tree.find("circle")
    assert shade is not None
    assert dot is not None
    assert (shade.get("x"), shade.get("width")) == (f"{MARGIN:.1f}", f"{WIDTH - MARGIN:.1f}")
    assert float(dot.get("cx", "")) == pytest.approx(MARGIN + 3 / 5.484138 * (WIDTH - 2 * MARGIN), abs=0.06)
    below = picture(None, 0, 2.0, 3.0, 4.0).find("rect")
    assert below is not None
    assert (below.get("x"), below.get("width")) == ("0.0", f"{MARGIN:.1f}")


def test_every_label_is_there_and_close_ones_are_one() -> None:
    def labels(low: float | None, high: float | None, *values: float) -> list[str | None]:
        return [text.text for text in picture(low, high, *values).iter("text")]

    assert labels(-1, 1, 0.5) == ["−1", "1"]
    assert labels(-1, 1, 50.0) == ["−1 to 1"]
    assert labels(None, 1e6, 50.0) == ["1,000,000"]


def test_it_is_told_in_words() -> None:
    assert picture(0, None, 0.97, 0.98, 0.99).get("aria-label") == (
        "Mean 0.980, 95% interval 0.955–1.005; claimed above 0."
    )
    assert picture(None, 1, 0.5).get("aria-label") == "Mean 0.5; claimed below 1."


def test_one_value_has_a_dot_and_no_bar() -> None:
    assert len(picture(0, None, 0.0).findall("path")) == 1  # the bound's line
    assert len(picture(0, None, 1.0, 2.0).findall("path")) == 4  # the bound, two seeds and the bar


def test_nothing_measured_is_no_picture() -> None:
    assert interval_picture(Number(says="x", low=0, verdict="not run", estimate=None)) == ""
