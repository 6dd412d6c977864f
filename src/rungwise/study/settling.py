"""What a study that was settled says of itself: which claims seeds were added for, and how many seeds it had before."""

from typing import Annotated, Literal

from pydantic import Field

from rungwise.settings import Name, Settings

Rule = Literal["e-values at every look"]
"""How claims are settled: by `evidence.looks`."""


class Settle(Settings):
    """Seeds were added until these claims were settled. `rungwise settle` writes it into the study of a run's folder.

    Their verdicts hold although the values decided how many seeds there are. Those of other claims rest on a number of
    seeds that was fixed before.
    """

    claims: tuple[Name, ...] = Field((), max_length=1000)
    """Their ids."""
    before: dict[str, Annotated[int, Field(ge=0, le=10_000)]] = Field({})
    """By chapter, how many seeds it had before, on which its other claims rest. One that is not named has its own."""
    rule: Rule = "e-values at every look"
