"""Claims as a study file declares them: what is said, and the condition on recorded numbers that would make it true."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from rungwise.evidence.design import HoldsFor
from rungwise.settings import Name, Settings

Names = str | tuple[str, ...]
"""A model's name, several, or "all" of the chapter's; "CHAPTER/NAME" for those of another chapter."""


class Condition(Settings):
    """One condition. It is about a metric of the chapter, and holds where it holds for every model that it names."""

    metric: str
    statistic: Literal["mean", "median"] = Field("mean", exclude_if=lambda statistic: statistic == "mean")
    """Of the values of the seeds. A median is not moved by a seed that collapsed."""


class Best(Condition):
    """`best` is better than every other: in the direction that is better for the metric."""

    best: str
    of: Names = "all"
    matters: float = Field(0, ge=0)
    """The smallest difference that matters: one that is certainly smaller does not support the claim."""


class Highest(Condition):
    """`highest` is above every other, whether or not that is better."""

    highest: str
    of: Names = "all"
    matters: float = Field(0, ge=0)


class Lowest(Condition):
    """`lowest` is below every other."""

    lowest: str
    of: Names = "all"
    matters: float = Field(0, ge=0)


class Better(Condition):
    """Each of `better` is better than each of `than`."""

    better: Names
    than: Names
    matters: float = Field(0, ge=0)


class Higher(Condition):
    """Each of `higher` is above each of `than`, whether or not that is better."""

    higher: Names
    than: Names
    matters: float = Field(0, ge=0)


class NoBetter(Condition):
    """Each of `no_better` is at most `within` better than each of `than`."""

    no_better: Names
    than: Names
    within: float = Field(gt=0)


class Equal(Condition):
    """Each of `equal` differs from each of `to` by at most `within`: two one-sided tests."""

    equal: Names
    to: Names
    within: float = Field(gt=0)


class Above(Condition):
    """Each of `model` lies above a value."""

    model: Names
    above: float


class Below(Condition):
    """Each of `model` lies below a value."""

    model: Names
    below: float


class Near(Condition):
    """Each of `model` lies at most `within` from a value."""

    model: Names
    near: float
    within: float = Field(gt=0)


class Trend(Condition):
    """The metric rises or falls along the models of `over`, in that order: the slope over their ranks."""

    trend: Literal["rises", "falls"]
    over: tuple[str, ...] = Field(min_length=3)


KINDS: dict[str, type[Condition]] = {
    "best": Best,
    "highest": Highest,
    "lowest": Lowest,
    "better": Better,
    "higher": Higher,
    "no_better": NoBetter,
    "equal": Equal,
    "above": Above,
    "below": Below,
    "near": Near,
    "trend": Trend,
}
"""By the word that a condition is known by in a study file."""


def _kind(raw: Any) -> str | None:
    """The tag of the condition that is meant, by the one word that it is known by."""
    if isinstance(raw, Condition):
        return f"({type(raw).__name__})"
    kinds = [kind for word, kind in KINDS.items() if isinstance(raw, dict) and word in raw]
    return f"({kinds[0].__name__})" if len(kinds) == 1 else None


AnyCondition = Annotated[
    Annotated[Best, Tag("(Best)")]
    | Annotated[Highest, Tag("(Highest)")]
    | Annotated[Lowest, Tag("(Lowest)")]
    | Annotated[Better, Tag("(Better)")]
    | Annotated[Higher, Tag("(Higher)")]
    | Annotated[NoBetter, Tag("(NoBetter)")]
    | Annotated[Equal, Tag("(Equal)")]
    | Annotated[Above, Tag("(Above)")]
    | Annotated[Below, Tag("(Below)")]
    | Annotated[Near, Tag("(Near)")]
    | Annotated[Trend, Tag("(Trend)")],
    Discriminator(
        _kind,
        custom_error_type="condition",
        custom_error_message=f"a condition has exactly one of the words {', '.join(KINDS)}, "
        'as in { metric = "test_accuracy", best = "MLP-1" }',
    ),
]
"""The tags stand in brackets, so that no place in an error is taken for a word of the study file."""


class Claim(Settings):
    """One claim of a chapter."""

    id: Name
    """Unique in the study, as "M2"."""
    says: str = Field(min_length=1)
    """The claim in a sentence."""
    note: str = ""
    """What a reader should know of it, as that its source contradicts itself."""
    holds_for: HoldsFor | None = Field(None, exclude_if=lambda holds_for: holds_for is None)
    """What it is about: "these images", the test images as they are, or "new images" like them. Left out: new ones for
    own images and where each seed splits the images anew, else these."""
    general: bool = Field(False, exclude_if=lambda general: not general)
    """Whether it can be asked of any data: a preset that is run on other data keeps it."""
    test: tuple[AnyCondition, ...] = Field((), max_length=100)
    """The conditions that must all hold; a single one may stand without brackets. None: declared, and not tested."""

    @field_validator("test", mode="before")
    @classmethod
    def _single(cls, test: Any) -> Any:
        return (test,) if isinstance(test, dict) else test

    @field_validator("test")
    @classmethod
    def _apart(cls, test: tuple[AnyCondition, ...]) -> tuple[AnyCondition, ...]:
        if twice := [i for i, condition in enumerate(test, 1) if condition in test[: i - 1]]:
            raise ValueError(f"condition {twice[0]} stands there twice; give each once")
        return test
