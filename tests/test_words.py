"""Words that messages and reports have in common."""

from rungwise.words import some_of


def test_all_of_few_names_and_the_first_of_many():
    names = [f"{k}" for k in range(1000)]
    assert some_of(names[:3]) == "0, 1, 2"
    assert some_of(names[:12]) == ", ".join(names[:12])
    assert some_of(names[:13]) == f"{', '.join(names[:10])} and 3 others"
    assert some_of(names) == f"{', '.join(names[:10])} and 990 others"
    assert some_of([]) == ""
