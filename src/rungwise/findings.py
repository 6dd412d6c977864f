"""What a chapter shows, as plain data: tables, figures and statements. How they look is the report's matter."""

import base64
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, PlainSerializer, SerializeAsAny, WithJsonSchema, model_validator

from rungwise.evidence.estimate import Estimate
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.ranges import Scale
from rungwise.settings import PlainData
from rungwise.shown import Shown


def _as_json(array: np.ndarray) -> dict[str, object]:
    small = np.ascontiguousarray(array if array.dtype == np.uint8 else array.astype("<f2"))
    return {
        "dtype": small.dtype.name,
        "shape": list(small.shape),
        "base64": base64.b64encode(small.tobytes()).decode(),
    }


Pixels = Annotated[np.ndarray, PlainSerializer(_as_json, when_used="json"), WithJsonSchema({"type": "object"})]
"""An array that JSON carries as base64 of uint8 or little-endian float16."""


# Tables --------------------------------------------------------------------------------------------------------

Cell = Estimate | int | float | str | None
"""An `Estimate` shows as mean, interval and n; None as an empty cell (not run, or undefined)."""


class Column(PlainData):
    key: str
    """Short name, as in the CSV."""
    label: str
    """Heading, with its unit in parentheses where it has one."""
    digits: int | None = None
    """Decimal places; None: text, or whole numbers with thousands separators."""


class Table(PlainData):
    id: str
    """Unique in the report, as "mlps-accuracy"."""
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shown: int | None = Field(None, exclude_if=lambda shown: shown is None)
    """How many rows a page shows, from the first on; the CSV has all. None: all."""


# Figures -------------------------------------------------------------------------------------------------------


class Panel(PlainData):
    title: str = ""
    x_label: str = ""
    y_label: str = ""


class Series(PlainData):
    name: str
    x: tuple[float, ...]
    runs: tuple[tuple[float, ...], ...]
    """One curve per seed over `x` (a shorter one ended early); the mean is drawn strong, the runs faint."""


class Level(PlainData):
    """A horizontal line across a panel: a threshold or a baseline."""

    name: str
    values: tuple[float, ...]
    """One per seed; drawn at their mean, with the runs faint."""


class Lines(Panel):
    kind: Literal["lines"] = "lines"
    series: tuple[Series, ...]
    levels: tuple[Level, ...] = ()
    log_x: bool = False
    log_y: bool = False
    markers: bool = False
    """Mark each point: for few points on x, as a sweep of a setting."""
    scale: Scale = Field("plain", exclude_if=lambda scale: scale == "plain")
    """On which the intervals of the means are made, so that their band stays inside the quantity's range."""
    ratio: float = Field(0.0, exclude_if=lambda ratio: ratio == 0.0)
    """As of `Estimate`: above 0 where the seeds split one pool of images."""


class Ellipse(PlainData):
    """An ellipse in data units."""

    x: float
    y: float
    width: float
    """Full length of the axis that `angle` turns."""
    height: float
    angle: float
    """Degrees, counter-clockwise from the x axis."""


class Cloud(PlainData):
    """One group of points with one colour."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    size: float | None = None
    """A quantity shown as the markers' area, as the number of parameters; None: small dots."""
    ellipse: Ellipse | None = None
    note: str = ""
    """Text beside the group's mean point."""
    labels: tuple[str, ...] = ()
    """Text beside each point, "" for none; left out: none at all."""
    joined: bool = False
    """Join the points by a line, in their order."""
    muted: bool = Field(False, exclude_if=lambda muted: not muted)
    """Grey, behind the others: the ground that they stand out from."""


class Points(Panel):
    kind: Literal["points"] = "points"
    clouds: tuple[Cloud, ...]
    log_x: bool = False
    levels: tuple[Level, ...] = Field((), exclude_if=lambda levels: not levels)


class Bars(Panel):
    """One horizontal bar per name at the mean of its values, each value a dot on it."""

    kind: Literal["bars"] = "bars"
    names: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    levels: tuple[Level, ...] = ()
    """Drawn as vertical lines."""


class Histogram(Panel):
    kind: Literal["histogram"] = "histogram"
    values: tuple[float, ...]
    bins: int = 15
    levels: tuple[Level, ...] = ()
    """Drawn as vertical lines, as the mean."""


class Heatmap(Panel):
    kind: Literal["heatmap"] = "heatmap"
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Pixels
    """(rows, columns); NaN: an empty cell."""
    digits: int = 2


class Tile(PlainData):
    pixels: Pixels
    """(H, W), any real dtype; or (H, W, 3): red, green and blue."""
    title: str = ""


class Images(Panel):
    """Many small pictures in a grid."""

    kind: Literal["images"] = "images"
    tiles: tuple[Tile, ...]
    columns: int = 10
    colours: Literal["grey", "heat", "diverging"] = "grey"
    """grey: each tile from its minimum to its maximum, or 0..255 for uint8; heat: activations from 0 up, one scale for
    all tiles; diverging: zero in the middle, one scale for each tile. A tile in colour keeps its colours: its channels
    are scaled as grey or diverging says, by the range of the whole tile; where they diverge, zero is mid-grey."""


class Figure(PlainData):
    id: str
    """Unique in the report, as "cnns-learning"."""
    caption: str
    """What to see, in a sentence or two; follows the figure."""
    alt: str
    """What a person who cannot see the figure needs to know: computed from the same numbers."""
    panels: tuple[SerializeAsAny[Panel], ...]
    columns: int = 1
    """Panels side by side."""
    missing: str = Field("", exclude_if=lambda missing: not missing)
    """Why the figure cannot be made from the records, and what would make it; it keeps its place and number, and has no
    panels. "": it is there."""

    @model_validator(mode="after")
    def _there_or_missing(self) -> Self:
        if self.missing and self.panels:
            raise ValueError(f"the figure {self.id!r} has panels and says why it is missing: leave out one of them")
        return self


# The whole -----------------------------------------------------------------------------------------------------


class Formula(PlainData):
    latex: str
    says: str
    """What the formula states and what its letters stand for; letters may stand in $...$ as LaTeX."""


class Statement(PlainData):
    """A sentence computed from records."""

    text: str
    trials: tuple[str, ...]
    """The ids of the trials that it rests on."""


class Findings(PlainData, Shown):
    kind: str
    name: str = ""
    """What the study calls the chapter: its kind, where it has no name of its own."""
    title: str
    question: str
    """What the chapter asks, in a sentence."""
    method: tuple[str, ...]
    """Paragraphs: what was done, with the settings as they were."""
    formulas: tuple[Formula, ...] = ()
    claims: tuple[Judgement, ...] = ()
    """The chapter's claims as the study declares them, with their verdicts."""
    statements: tuple[Statement, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    warnings: tuple[str, ...] = ()
    """What a reader must know before trusting the numbers: one seed only, trials that failed or have not run."""
    seeds: int = Field(ge=0)
    """The most seeds that any row rests on."""
