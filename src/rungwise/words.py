"""Words that messages and reports have in common."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C"; nothing for no names."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def counted(count: int, noun: str) -> str:
    """ "1 epoch", "20 epochs"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
