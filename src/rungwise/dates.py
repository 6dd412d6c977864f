"""The date that a report bears, where the user gives it."""

import datetime
import os

from rungwise.errors import UserError

VARIABLE = "SOURCE_DATE_EPOCH"
"""The environment variable, in seconds since 1970: https://reproducible-builds.org/specs/source-date-epoch/"""


class DateError(UserError, ValueError):
    """`VARIABLE` is no date."""


def source_date() -> datetime.date | None:
    """The day (UTC) that `VARIABLE` names; None where it is not set. Raises DateError.

    Asked before anything is computed or imported: numpy reads the variable, too, and ends with a traceback.
    """
    epoch = os.environ.get(VARIABLE, "")
    if not epoch:
        return None
    try:
        if not (epoch.isascii() and epoch.isdecimal()):
            raise ValueError
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date()
    except (ValueError, OverflowError, OSError):  # beyond the year 9999, or what the system can tell
        shown = epoch if len(epoch) < 40 else f"{epoch[:40]}..."
        raise DateError(
            f"{VARIABLE} should be whole seconds since 1970, before the year 10000; got {shown!r}: correct or unset it"
        ) from None
