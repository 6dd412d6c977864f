"""Words that messages and reports have in common."""

from collections.abc import Sequence

MOST_NAMED = 12
"""Names that a sentence lists."""


def listed(names: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C"; nothing for no names."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def counted(count: int, noun: str) -> str:
    """ "1 epoch", "20 epochs", "2 classes"."""
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def some_of(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """ "A, B, C"; of more than `most` the first ones and how many others there are, as "A, B and 98 others"."""
    if len(names) <= most:
        return ", ".join(names)
    first = names[: most - 2]
    return f"{', '.join(first)} and {len(names) - len(first):,} others"
