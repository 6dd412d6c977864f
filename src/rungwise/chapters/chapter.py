"""What every chapter is: settings, the trials they call for, and the findings from the trials' records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import AfterValidator, Field, model_validator

from rungwise.data.settings import Data
from rungwise.evidence.claims import Claim
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Findings
from rungwise.records.record import Record
from rungwise.settings import Settings, checked_name
from rungwise.trial import Trial

Keep = Literal["all", "best", "none"]
"""Of the weights of trained nets."""
Hardest = Callable[[], Sequence[tuple[str, str]]]


class ChapterSettings(Settings):
    """What a study file sets for one chapter; each chapter adds its own."""

    kind: str
    name: Annotated[str, Field(pattern=r"^[\w-]*$"), AfterValidator(checked_name)] = ""
    """What the study calls the chapter, in letters, digits, _ and -; left out: its kind, which only one can have."""
    title: str | None = None
    """The heading in the report; left out: that of the kind."""
    seeds: int | None = Field(None, ge=1, le=10_000)
    """Instead of the study's."""
    keep_weights: Keep | None = Field(None, exclude_if=lambda kept: kept is None)
    """Instead of the study's."""
    data: Data
    claims: tuple[Claim, ...] = Field((), alias="claim", max_length=1000)
    """What the chapter is expected to show, written down before the run."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: object) -> object:
        if isinstance(raw, dict) and not raw.get("name"):
            return {**raw, "name": raw.get("kind", cls.model_fields["kind"].default)}
        return raw

    def beside(self, chapters: "Sequence[ChapterSettings]") -> Self:
        """These settings in a study with those chapters, with what one chapter takes from another filled in."""
        return self

    @property
    def unfit(self) -> str:
        """Why the chapter cannot be asked of its data, and what to do; "" where it can. A preset that is a pattern for
        other data may be unfit as it stands."""
        return ""

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        """What a study file would say for the chapter on other data.

        `raw`: what it says now, with `data` in place of the chapter's own. What speaks of the chapter's own classes or
        columns is to be chosen anew. `hardest`: gives the pairs of classes that are hardest to tell apart, by name,
        hardest first. Raises ValueError, with the reason, where the chapter cannot be asked of the data.
        """
        return raw

    @classmethod
    def left_out_for(cls, raw: dict[str, Any], data: Data) -> Iterator[tuple[str, str]]:
        """What `for_data` leaves out of the same, and why: as ("PCGrad", "a step takes 14 backward passes")."""
        yield from ()


class Chapter(Protocol):
    """A chapter is a module, or the `__init__` of a folder, with these names."""

    Settings: type[ChapterSettings]

    @staticmethod
    def trials(settings: ChapterSettings, seeds: tuple[int, ...]) -> tuple[Trial, ...]:
        """Everything that must be computed; what a trial `needs` comes along by itself."""

    @staticmethod
    def metrics(settings: ChapterSettings) -> Mapping[str, Metric]:
        """What the chapter measures, by name: what claims may speak of."""

    @staticmethod
    def measured(
        settings: ChapterSettings, seeds: tuple[int, ...], records: Mapping[str, Record]
    ) -> Iterator[Measurement]:
        """Every number of `metrics` that the records hold, a number per model and seed. Undefined ones are left out."""

    @staticmethod
    def findings(settings: ChapterSettings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
        """What the chapter shows. Pure: the same records give the same findings.

        `records` holds the finished trials by id; some may be missing, and then their rows are left empty.
        """
