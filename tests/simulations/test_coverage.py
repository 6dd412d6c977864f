"""The simulations in short: intervals cover what they promise, and where naive ones do not, the simulations see it."""

import numpy as np
import pytest

from simulations import by_class, f1, images, pool, ranges
from simulations.table import Row


def missed(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.holds()]


def rate(rows: list[Row], what: str, n: int) -> float:
    return the_row(rows, what, n).rate


def the_row(rows: list[Row], what: str, n: int) -> Row:
    return next(row for row in rows if (row.what, row.n) == (what, n))


def test_splits_of_a_pool_are_covered_with_the_correction_only() -> None:
    rows = pool.rates(200, 0)
    assert missed(rows) == []
    for what in ("accuracy", "difference"):
        assert rate(rows, f"{what}: naive", 20) < 0.85 < rate(rows, f"{what}: corrected", 20)


def test_by_the_images_drawn_the_correction_is_far_too_wide() -> None:
    rows = {row.what: row for row in pool.rates(100, 0) if row.n == 10}
    what = "accuracy, trained on 30 drawn of 300: corrected"
    assert rows[f"{what} by the images drawn"].width > 2 * rows[what].width  # type: ignore[operator]


def test_new_images_are_covered_by_seeds_and_images_only() -> None:
    rows = images.rates(100, 0, (1000,))
    assert missed(rows) == []
    seeds, both = ("accuracy 0.95, 1000 images: seeds", "accuracy 0.95, 1000 images: seeds and images")
    assert rate(rows, seeds, 10) < 0.85 < rate(rows, both, 10)


def test_accuracies_are_as_expected() -> None:
    drawn = list(images.simulate(200, 5, 1000, (0.95, 0.93), np.random.default_rng(0)))
    means = np.array([[first.mean(), second.mean()] for first, second in drawn])
    assert means.mean(axis=0) == pytest.approx([0.95, 0.93], abs=4 * 0.006 / 200**0.5)


def test_macro_f1_is_covered_by_its_linear_part() -> None:
    assert missed(f1.rates(12, 0, (449,))) == []


def test_metrics_of_classes_are_covered_as_reports_have_them() -> None:
    rows = by_class.rates(40, 0, (449,))
    assert missed(rows) == []
    named = ("recall of the rarest", "macro F1")
    recall, mean = (the_row(rows, f"{name}, 449 images, seeds alike", 5) for name in named)
    assert recall.width > 2 * mean.width, "45 images of a class say less than all"  # type: ignore[operator]


def test_intervals_stay_inside_the_range_and_cover() -> None:
    rows = ranges.rates(100, 0)
    assert missed(rows) == []
    assert rate(rows, "accuracy 0.9995 on 449 images: studies without a logit", 5) > 0.3


def test_a_simulation_is_repeatable() -> None:
    assert ranges.dreams(5, 1) == ranges.dreams(5, 1) != ranges.dreams(5, 2)
