"""The trials of an audit: one looks at the images, one holds labels against a net."""

from typing import ClassVar

from rungwise.training.settings import Fit
from rungwise.trial import Trial


class AuditTrial(Trial):
    """What is strange in the images of one split."""

    work: ClassVar[str] = "rungwise.chapters.audit.work:look"


class DoubtTrial(Trial):
    """The test images that one net takes for another class than their label says."""

    work: ClassVar[str] = "rungwise.chapters.audit.work:doubt"

    net: Fit
    """It was trained on none of the images that it is tested on."""

    @property
    def needs(self) -> tuple[Trial, ...]:
        return (self.net,)
