"""What every chapter is: settings, the trials they call for, and the findings from the trials' records."""

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from rungwise.data.source import Data
from rungwise.findings import Findings
from rungwise.records.record import Record
from rungwise.settings import Settings
from rungwise.trial import Trial


class ChapterSettings(Settings):
    """What a study file sets for one chapter; each chapter adds its own."""

    kind: str
    data: Data

    def beside(self, chapters: "Sequence[ChapterSettings]") -> Self:
        """These settings in a study with those chapters, with what one chapter takes from another filled in."""
        return self


class Chapter(Protocol):
    """A chapter is a module with these three names."""

    Settings: type[ChapterSettings]

    @staticmethod
    def trials(settings: ChapterSettings, seeds: tuple[int, ...]) -> tuple[Trial, ...]:
        """Everything that must be computed; what a trial `needs` comes along by itself."""

    @staticmethod
    def findings(settings: ChapterSettings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
        """What the chapter shows. Pure: the same records give the same findings.

        `records` holds the finished trials by id; some may be missing, and then their rows are left empty.
        """
