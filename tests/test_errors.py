"""The ends of messages."""

import itertools

import pytest

from rungwise.errors import MOST_KNOWN, nearest


def test_few_valid_names_are_all_listed():
    assert nearest("mnits", ["mnist", "digits"]) == "did you mean 'mnist'? Known: digits, mnist"
    assert nearest("zzz", ["mnist", "digits"]) == "Known: digits, mnist"


@pytest.mark.parametrize(("classes", "start"), [(200, "did you mean 'kind 003 v kind 142'? "), (1000, "")])
def test_of_many_valid_names_the_first_are_listed(classes, start):
    pairs = [f"kind {a:03} v kind {b:03}" for a, b in itertools.combinations(range(classes), 2)]
    message = nearest("kind 003 w kind 142", pairs)
    first = ", ".join(pairs[:MOST_KNOWN])
    assert message == f"{start}Known: {first} and {len(pairs) - MOST_KNOWN:,} others"
