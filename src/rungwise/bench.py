"""What the work of a trial may use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rungwise.data.images import Split
from rungwise.data.settings import Data
from rungwise.records.record import Record


@dataclass(frozen=True)
class Bench:
    """What a trial's work may use: the only door from it to data, records, device and the user."""

    device: str
    """``"cpu"`` or ``"cuda"``."""
    split: Callable[[Data, int], Split]
    """The images of a data setting and a seed, split into training and test parts."""
    records: Mapping[str, Record]
    """The finished records that the trial needs, by id."""
    progress: Callable[[Mapping[str, float]], None] = lambda _: None
    """Tells the user how far the trial is: ``epoch``, ``loss``, ``accuracy``; cheap to call."""
