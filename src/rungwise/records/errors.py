"""What may be wrong with a folder of records."""

from pathlib import Path
from typing import Any

from rungwise.errors import UserError


class StoreError(UserError):
    """A folder of records cannot be read or written as it is."""


class DamagedRecordError(StoreError):
    """A record is not what its id says."""

    def __init__(self, trial_id: str, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: {why}. `rungwise run` sets the record aside and computes the trial anew; "
            "`rungwise verify` lists all that is damaged"
        )
        self.trial_id, self.path, self.why = trial_id, path, why

    __str__ = Exception.__str__  # not KeyError's, which would show it as text in quotes

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.trial_id, self.path, self.why)


class MissingArrayError(DamagedRecordError, KeyError):
    """A record's arrays lack the one that was asked for."""
