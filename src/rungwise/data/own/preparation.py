"""What a study file may say of own images: which column is the class, how images become equal in size, how they are
split. All of it has a value that suits most data."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from rungwise.settings import Settings

LARGEST_SIDE = 64
"""Pixels of a side, where the size is not set."""
MOST_SIDE = 512
COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}


def colour(name: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a name in `COLOURS` or of "#rrggbb". Raises ValueError."""
    if name in COLOURS:
        return COLOURS[name]
    if re.fullmatch(r"#[0-9a-fA-F]{6}", name):
        red, green, blue = (int(name[start : start + 2], 16) for start in (1, 3, 5))
        return red, green, blue
    raise ValueError(f"expected {', '.join(COLOURS)} or a colour as #rrggbb, got {name!r}")


def _colour_name(name: str) -> str:
    colour(name)
    return name


def _unset(**default: Any) -> Any:
    """A field that is written only where it is set, so that it changes no id of a trial by being there."""
    value = default.pop("default", None)
    return Field(value, exclude_if=lambda given: given == value, **default)


Side = Annotated[int, Field(ge=4, le=MOST_SIDE)]


class Preparation(Settings):
    """How own images are read, prepared and split. For data sets by name, all of it is fixed."""

    metadata: str | None = _unset()
    """A table beside the images (CSV, JSON Lines or Parquet), with a column of file names. A relative path is relative
    to the study file. A ``metadata.csv``, ``.jsonl`` or ``.parquet`` among the images is found by itself."""
    label_column: str | None = _unset()
    """The column that has the class."""
    group_column: str | None = _unset()
    """The column by which images belong together, as all those of one person: no group is on both sides of a split.
    Left out: a column called "group", if there is one. "none": images are split one by one."""
    image_size: Side | tuple[Side, Side] | None = _unset()
    """Pixels of a side, or height and width. Left out: sizes stay where all are equal and at most 64, else they become
    the median side, at most 64."""
    resize: Literal["letterbox", "crop"] = _unset(default="letterbox")
    """How images of another shape fit: with bars of the background beside them, or cut at two sides."""
    background: Annotated[str, AfterValidator(_colour_name)] = _unset(default="white")
    """What lies behind transparent pixels, and is in the bars of a letterbox: white, black, grey or #rrggbb."""
    skip_damaged: bool = _unset(default=False)
    """Go on without images that cannot be decoded, and count them; else they are an error."""
    split: Literal["once", "per seed"] = _unset(default="once")
    """Where the data has no test part: whether one is drawn once for the whole study, or anew for each seed."""
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = _unset(default=0)
    """Which test part is drawn, where it is drawn once."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = _unset(default=0.25)
    """Of the images of each class, those to test on where the data has no test part."""

    @property
    def preparation(self) -> "Preparation":
        """These settings alone."""
        return Preparation(**{name: getattr(self, name) for name in Preparation.model_fields})
