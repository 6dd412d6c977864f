"""What was found in the images that makes verdicts on them doubtful."""

from pydantic import Field

from rungwise.settings import PlainData


class Caution(PlainData):
    """One finding, in a line."""

    says: str
    """Without a full stop, as "3 images occur in two parts"."""
    chapter: str
    """The name of the chapter that shows it."""
    accuracy_alone: bool = Field(False, exclude=True)
    """Whether it touches plain accuracies alone, as uneven classes do."""

    @property
    def told(self) -> str:
        """As a sentence without its chapter."""
        return f"{self.says[:1].upper()}{self.says[1:]}."
