"""Each format passes what `rungwise.testing` asks of anybody's."""

import pytest

from rungwise.data.own.formats import FORMATS
from rungwise.testing import Check, format_checks
from tests.data.own.writers import WRITERS

CHECKS = [check for name, write, can in WRITERS for check in format_checks(name, write, title=write.__name__, **can)]


def test_no_format_is_left_out() -> None:
    assert {name for name, _, _ in WRITERS} == FORMATS.own.keys(), "each format needs a line in WRITERS"


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_formats(check: Check) -> None:
    check()
