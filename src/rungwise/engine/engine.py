"""Where trials run. Every engine takes the same trials to the same records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rungwise.records.store import Store
from rungwise.trial import Trial


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial."""

    what: Literal["found", "started", "progress", "finished", "failed"]
    """found: its record was there already, or another run made it meanwhile."""
    trial: Trial
    values: Mapping[str, float] = field(default_factory=dict)
    """started: ``beside``, how many trials are carried out together with this one, which alone tells of progress;
    progress: epoch, loss, accuracy; finished: the record's summary."""
    error: str = ""
    """failed: why, in one line."""


class Engine(Protocol):
    def run(self, trials: Sequence[Trial], store: Store, tell: Callable[[Event], None]) -> None:
        """Carry out every trial that has no record yet; a trial's needs come first.

        A trial that fails is recorded as failed and told; the others go on. `trials` includes all that is needed.
        """
