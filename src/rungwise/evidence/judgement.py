"""A judged claim as it is kept and reported: plain data."""

from typing import Literal

from pydantic import Field, computed_field

from rungwise.evidence.caution import Caution
from rungwise.evidence.design import HoldsFor
from rungwise.evidence.estimate import Estimate, Interval
from rungwise.evidence.paired import Effect, McNemar
from rungwise.settings import PlainData

Verdict = Literal["supported", "not supported", "refuted", "not distinguishable", "not judged", "not run"]
"""not judged: the records compared are of unequal origin (`origin`), or do not hold what the verdict would go by."""
Design = Literal["fixed", "settled"]
"""How the number of seeds came about: it was fixed before, or seeds were added until the claim was settled."""


def region(low: float | None, high: float | None) -> str:
    """A region in words, as "above 0" or "from -0.001 to 0.001". One of its two bounds may be absent."""
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    return f"above {low:g}" if low is not None else f"below {high:g}"


class Look(PlainData):
    """What was known of a number after some seeds, while more were added until its claim was settled."""

    n: int
    mean: float
    interval: Interval | None
    """That holds at every look together, 95%; None where no value can be excluded yet."""
    e: float
    """The e-value against the bound that decides: at 1 / .05 it is excluded."""
    verdict: Verdict


class Number(PlainData):
    """One comparison, or one value against a bound: what a claim rests on."""

    says: str
    """What is estimated, as "test_accuracy: MLP-3 - MLP-1"."""
    low: float | None = None
    """The claim says that it lies above this."""
    high: float | None = None
    """And below this; one of the two may be absent."""
    verdict: Verdict
    estimate: Estimate | None
    """None where nothing has run. It has the interval for other seeds on these images, and that for new images."""
    holds_for: HoldsFor | None = None
    """Which images the verdict is about; None where the number is not one of single test images."""
    interval: Interval | None = None
    """The 95% interval that the verdict goes by."""
    median: float | None = None
    """Of the values, where the claim is about it."""
    far: tuple[int, ...] = ()
    """The seeds whose value lies far from the others on the worse side (`collapse`)."""
    p: float | None = None
    """Two-sided, of the bound that decides; None where undefined."""
    p_holm: float | None = None
    """The p against the claim after Holm's correction over the claim's numbers; None where there is one number, or
    where the mean lies where the claim says."""
    p_wilcoxon: float | None = None
    """Wilcoxon's signed-rank test of the same bound, exact; beside the t-test, no part of the verdict. None where the
    seeds share one pool of images, so that they are not independent."""
    effect: Effect | None = None
    mcnemar: tuple[McNemar, ...] = ()
    """One per seed, where the number is the difference of two test accuracies."""
    seeds_needed: int | None = None
    """Seeds in all that would settle it four times in five, were mean and scatter as seen; None where settled, where
    nothing can be said, or where more than `power.MOST` would be needed."""
    looks: tuple[Look, ...] = ()
    """Where seeds were added until the claim was settled: what was known after each."""
    trials: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def claimed(self) -> str:
        """Where the claim says that it lies, as "above 0" or "from -0.001 to 0.001"."""
        return region(self.low, self.high)

    @property
    def centre(self) -> float | None:
        """What the verdict is about: the mean, or the median; None where nothing has run."""
        return self.median if self.median is not None or self.estimate is None else self.estimate.mean


class Judgement(PlainData):
    """A claim with its verdict."""

    id: str
    says: str
    note: str = ""
    verdict: Verdict
    design: Design = "fixed"
    holds_for: HoldsFor | None = None
    """Which images the verdict is about, where its numbers are ones of single test images."""
    why: str
    """The verdict's reason in a sentence or two, computed."""
    test: str
    """The test or tests that decided, as "paired t"; empty where nothing was tested."""
    n: int
    """The fewest seeds that any of its numbers rests on."""
    p: float | None = None
    """Of the verdict, for control over all claims of the study; None where nothing was tested."""
    survives: bool | None = None
    """Whether the verdict survives control over all claims of the study; None where the study asks for none, or where
    nothing was decided."""
    seeds_needed: int | None = None
    numbers: tuple[Number, ...] = ()
    warnings: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = Field((), exclude_if=lambda found: not found)
    """What was found in the images themselves that it is about, where the study has a chapter that looked."""
    trials: tuple[str, ...] = ()
