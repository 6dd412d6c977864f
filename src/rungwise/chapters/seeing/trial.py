"""The trial of a look into a trained net."""

from typing import ClassVar

from pydantic import Field

from rungwise.insight.dreams import DreamSettings
from rungwise.models.net import count_flops
from rungwise.training.settings import Fit
from rungwise.trial import Trial

STARTS = ("noise", "image")
"""What the dreams climb from; "image" is the shown image of the first chosen class."""

VIEWERS = ("net", "judge")
"""Whose verdicts on the dreams are kept."""


class SeeingTrial(Trial):
    """Maps, activity and dreams of one fitted net."""

    work: ClassVar[str] = "rungwise.insight.seeing:carry_out"

    net: Fit
    """The net that is looked into; the images are those of its data and seed."""
    judge: Fit
    """Another net of the same kind, from another seed: what it says of the dreams."""
    classes: tuple[int, int]
    """Labels of which the first test image is shown."""
    dream: DreamSettings
    dreamt: tuple[int, ...] = Field((), exclude_if=lambda labels: not labels)
    """Labels of the classes that are dreamt of; none: of every class."""

    @property
    def aims(self) -> tuple[int, ...]:
        """The labels of the classes that are dreamt of, in the order of the dreams."""
        return self.dreamt or tuple(range(len(self.data.classes)))

    @property
    def needs(self) -> tuple[Trial, ...]:
        return (self.net, self.judge)

    @property
    def flops(self) -> int:
        """The forward pass of the test images, and of the dreams with the way back to their pixels."""
        facts = self.data.facts
        step = count_flops(self.net.net, facts.image, self.net.outputs)  # forward, and back to weights and maps
        ascents = self.dream.steps * len(self.dream.scales) * len(STARTS) * len(self.aims)
        return step * facts.test_images // 3 + step * ascents * 2 // 3


def key(*parts: str | int) -> str:
    """The name of an array or number in a seeing record: the parts, joined."""
    return "_".join(str(part).replace(" ", "_") for part in parts)
