"""A judged claim as it is kept and told: plain data."""

from typing import Literal

from pydantic import computed_field

from rungwise.evidence.estimate import Estimate
from rungwise.settings import PlainData

Verdict = Literal["supported", "not supported", "refuted", "not distinguishable", "not judged", "not run"]
"""not judged: the records compared are of unequal origin (`origin`), so that the numbers say nothing of the models."""


LEVEL = 0.05
"""Of every test, two-sided: that of the 95% interval."""


class Effect(PlainData):
    """A standardised difference: the mean over the standard deviation of the values, with its 95% interval."""

    size: float
    interval: tuple[float, float] | None


class McNemar(PlainData):
    """The exact test on the test images of two fitted nets: it speaks of these two nets, and of no others."""

    seed: int
    first_only: int
    """Images that only the first net classifies right."""
    second_only: int
    p: float


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
    """None where nothing has run."""
    p: float | None = None
    """Two-sided, of the bound that decides; None where undefined."""
    p_holm: float | None = None
    """The p against the claim after Holm's correction over the claim's numbers; None where there is one number, or
    where the mean lies where the claim says."""
    p_wilcoxon: float | None = None
    """Wilcoxon's signed-rank test of the same bound, exact; beside the t-test, no part of the verdict."""
    effect: Effect | None = None
    mcnemar: tuple[McNemar, ...] = ()
    """One per seed, where the number is the difference of two test accuracies."""
    seeds_needed: int | None = None
    """Seeds in all that would settle it four times in five, were mean and scatter as seen; None where settled, where
    nothing can be said, or where more than `power.MOST` would be needed."""
    trials: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def claimed(self) -> str:
        """Where the claim says that it lies, as "above 0" or "from -0.001 to 0.001"."""
        if self.low is not None and self.high is not None:
            return f"from {self.low:g} to {self.high:g}"
        return f"above {self.low:g}" if self.low is not None else f"below {self.high:g}"


class Judgement(PlainData):
    """A claim with its verdict."""

    id: str
    says: str
    note: str = ""
    verdict: Verdict
    why: str
    """The verdict's reason in a sentence or two, computed."""
    test: str
    """The test or tests that decided, as "paired t"; empty where nothing was tested."""
    n: int
    """The fewest seeds that any of its numbers rests on."""
    seeds_needed: int | None = None
    numbers: tuple[Number, ...] = ()
    warnings: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()
