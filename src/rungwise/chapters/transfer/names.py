"""The names of the nets: how the trunk was used, and the share of the images."""

WAYS = ("frozen", "fine-tuned", "new")
"""To learn the further task."""
TRUNK = "trunk"


def percent(share: float) -> str:
    return f"{100 * share:g}%"


def model_name(way: str, share: float) -> str:
    return f"{way}, {percent(share)}"
