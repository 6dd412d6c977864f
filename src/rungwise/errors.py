"""What all errors have in common that are the user's to mend."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A wrong study, option, file or data set. The message says what was expected, what was got and what to do."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of an error message: the valid name that `name` probably meant, and all valid names."""
    valid = sorted(valid)
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return (f"did you mean {close[0]!r}? " if close else "") + "Known: " + ", ".join(valid)
