"""How the seeds of a chapter see its images: whether they are tested on the same ones."""

from typing import Literal, NamedTuple

from rungwise.data.settings import Data
from rungwise.evidence.pool import ratio

HoldsFor = Literal["these images", "new images"]
"""What a verdict is about: the test images that there are, or images like them."""


class Design(NamedTuple):
    """What the images of a chapter mean for its numbers."""

    ratio: float = 0.0
    """Test images over those that are left to learn from, where each seed splits one pool anew; else 0."""
    usual: HoldsFor = "these images"
    """What its claims are about where they do not say: those of own images are about new ones."""


def design_of(data: Data) -> Design:
    """The design of a chapter on that data."""
    facts = data.facts
    if facts.test_by_seed:
        return Design(ratio(facts.test_images, facts.train_images), "new images")
    return Design(0.0, "new images" if data.own else "these images")
