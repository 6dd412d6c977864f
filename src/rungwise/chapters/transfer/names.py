"""The names of the nets: how the trunk was used, and the share of the images."""

from typing import TYPE_CHECKING

from rungwise.training.settings import Recipe

if TYPE_CHECKING:
    pass


WAYS = ("frozen", "fine-tuned", "new")
"""To learn the further task."""

TRUNK = "trunk"


def percent(share: float) -> str:
    return f"{100 * share:g}%"


def model_name(way: str, share: float) -> str:
    return f"{way}, {percent(share)}"


def steps(fit: Recipe, images: int) -> int:
    """How many steps training on so many images takes."""
    return fit.epochs * -(-images // fit.batch)
