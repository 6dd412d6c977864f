"""What all errors have in common that are the user's to mend."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A wrong study, option, file or data set. The message says what was expected, what was got and what to do."""


MOST_KNOWN = 60
"""Valid names that a message lists."""
MOST_COMPARED = 20_000
"""Valid names that a wrong one is compared with, a second's work: all pairs of 200 classes are 19,900, of 1,000 half a
million."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of an error message: the valid name that `name` probably meant, and the valid names, if they are many the
    first of them."""
    valid = sorted(valid)
    compared = valid if len(valid) <= MOST_COMPARED else []
    close = difflib.get_close_matches(name, compared, n=1, cutoff=0.5)
    known, others = valid[:MOST_KNOWN], len(valid) - MOST_KNOWN
    more = f" and {others:,} others" if others > 0 else ""
    return (f"did you mean {close[0]!r}? " if close else "") + "Known: " + ", ".join(known) + more
