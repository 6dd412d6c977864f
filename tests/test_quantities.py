"""The table of what each number is."""

import math

import pytest

from rungwise.quantities import OWN, Quantity, quantity


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("test_accuracy", "share"),
        ("test_accuracy_item", "share"),
        ("dark_2_convolution_1", "count"),
        ("variance_pc1", "share"),
        ("time_s", "time"),
        ("train_loss_left", "loss"),
    ],
)
def test_names_are_found_with_what_follows_an_underscore(name: str, kind: str) -> None:
    found = quantity(name)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("name", ["", "accuracy", "time_s_more", "gap_in_percent", "test_accuracyx", "darkness"])
def test_no_other_name_is_taken_for_one_of_the_table(name: str) -> None:
    assert quantity(name) is None


def test_ends_belong_to_a_range_and_rounding_is_forgiven() -> None:
    share = Quantity("share", 0.0, 1.0)
    assert all(share.holds(value) for value in (0, 1, 0.5, 1 + 1e-9, -1e-9))
    assert not any(share.holds(value) for value in (1.001, -0.001, math.nan, math.inf, -math.inf))
    assert share.range == "from 0 to 1"
    assert Quantity("time", 0.0).range == "0 or more"
    assert not Quantity().holds(math.inf)


def test_every_entry_has_a_kind_and_ends_in_order() -> None:
    for name, about in OWN.items():
        assert about.low <= about.high, name
        assert about.kind != "share" or about.high == 1, name
