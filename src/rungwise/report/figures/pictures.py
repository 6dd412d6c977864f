"""Draws the panels made of cells and pixels: heat maps and mosaics of small images."""

import math

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from rungwise.findings import Heatmap, Images
from rungwise.report.cells import printed
from rungwise.report.figures.ink import INK, MUTED
from rungwise.report.figures.lettering import LONGEST_NAME, letters, shortened, wrapped
from rungwise.report.figures.panels import Looks, head

HEAT = (0x1C / 255, 0x6F / 255, 0xB3 / 255)
"""Heat maps mix this colour with the page by their value: pale cells are light on a light page, dark on a dark one."""
WHITE_ABOVE = 0.78
"""Share of the colour from which white text reads better than ink on a light page (contrast 4 to 1)."""
ANNOTATED = 400
"""Heat maps with more cells carry no numbers."""
FEW_COLUMNS = 10
"""Heat maps with more have the width of the page, and no number where it is 0: those that are not would be lost."""
TITLE_SIZE = 7.0
"""Points, of the titles above tiles."""


def draw_heatmap(ax: Axes, panel: Heatmap, size: tuple[float, float]) -> float:
    """On a plot of about that (width, height) in points; returns the height of what stands above it."""
    cell_width = width_of_cells(panel, size[0]) / max(1, len(panel.columns))
    values = np.asarray(panel.values, dtype=float)  # (rows, columns)
    shares = shares_of(values)
    cells = np.empty((*values.shape, 4))
    cells[..., :3] = HEAT
    cells[..., 3] = np.nan_to_num(shares, nan=0.0)
    if values.size:
        ax.imshow(cells, interpolation="none", aspect="auto")
    across, down = ([shortened(name, LONGEST_NAME) for name in names] for names in (panel.columns, panel.rows))
    ax.set_xticks(range(len(across)), across)
    ax.set_yticks(range(len(down)), down)
    widest = max(map(letters, across), default=0)
    if widest * 5.2 > cell_width:
        ax.tick_params(axis="x", rotation=45)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if values.size <= ANNOTATED:
        written = np.where(values == 0, np.nan, values) if len(panel.columns) > FEW_COLUMNS else values
        _write_cells(ax, written, shares, panel.digits, cell_width)
    return head(ax, panel, size[0])


def width_of_cells(panel: Heatmap, width: float) -> float:
    """Of all together, in a panel with so much room; of few they are narrower, and taken to be as wide as that."""
    if len(panel.columns) <= FEW_COLUMNS:
        return width
    names = max((letters(shortened(name, LONGEST_NAME)) for name in panel.rows), default=0)
    return max(0.4 * width, width - 4.8 * names)


def shares_of(values: np.ndarray) -> np.ndarray:
    """Each value's share of the colour, from .06 at the least value to .95 at the greatest; NaN stays NaN."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.full(values.shape, np.nan)
    low, high = float(finite.min()), float(finite.max())
    inside = np.where(np.isfinite(values), values, np.nan)
    return 0.06 + 0.89 * ((inside - low) / (high - low) if high > low else 0.4 + 0 * inside)


def _write_cells(ax: Axes, values: np.ndarray, shares: np.ndarray, digits: int, cell_width: float) -> None:
    whole = bool(np.all(values[np.isfinite(values)] % 1 == 0))
    texts = {
        (row, column): printed(float(values[row, column]), 0 if whole else digits)
        for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True)
    }
    longest = max((len(text) for text in texts.values()), default=1)
    size = min(8.0, 0.92 * cell_width / (0.62 * longest))
    for (row, column), text in texts.items():
        colour = "#ffffff" if shares[row, column] > WHITE_ABOVE else INK
        looks: Looks = {"ha": "center", "va": "center", "fontsize": size, "color": colour}
        ax.text(column, row, text, **looks).set_in_layout(False)


# Images --------------------------------------------------------------------------------------------------------


class Mosaic:
    """Tiles laid out in one picture with transparent gaps.

    `pixels`: (height, width, 4) uint8. `titles`: (x of the middle, y of the bottom, text), in pixels.
    """

    def __init__(self, panel: Images, width: float) -> None:
        """`width`: at most this many points across."""
        tiles = coloured_tiles(panel)
        self.columns = max(1, min(panel.columns, len(tiles)))
        rows = math.ceil(len(tiles) / self.columns)
        side_y = max((tile.shape[0] for tile in tiles), default=1)
        side_x = max((tile.shape[1] for tile in tiles), default=1)
        enlarge = math.ceil(24 / max(side_x, side_y))  # so that a gap is narrow beside a tile
        side_y, side_x = side_y * enlarge, side_x * enlarge
        gap = 2 if enlarge == 1 and max(side_x, side_y) < 100 else 4
        across = self.columns * (side_x + gap) - gap
        self.scale = min(width, self.columns * 84.0) / across
        """Points per pixel."""
        room = max(4, int(side_x * self.scale / (0.6 * TITLE_SIZE)))
        titles = [wrapped(tile.title, room) for tile in panel.tiles]
        lines = max(map(len, titles), default=0)
        above = math.ceil((lines * TITLE_SIZE * 1.25 + 3) / self.scale) if lines else 0
        step = above + side_y + gap
        self.pixels = np.zeros((max(1, rows * step - gap), across, 4), dtype=np.uint8)
        self.titles = []
        for i, tile in enumerate(tiles):
            top, left = i // self.columns * step + above, i % self.columns * (side_x + gap)
            self.pixels[top : top + side_y, left : left + side_x] = enlarged(tile, side_y, side_x)
            if titles[i]:
                self.titles.append((left + side_x / 2, top - 2 / self.scale, "\n".join(titles[i])))

    @property
    def size(self) -> tuple[float, float]:
        """(width, height) in points."""
        height, width = self.pixels.shape[:2]
        return width * self.scale, height * self.scale


def enlarged(tile: np.ndarray, height: int, width: int) -> np.ndarray:
    """(h, w, 4) -> (height, width, 4), each pixel repeated."""
    rows = np.arange(height) * tile.shape[0] // height
    columns = np.arange(width) * tile.shape[1] // width
    return np.asarray(tile[rows[:, None], columns[None, :]])


def coloured_tiles(panel: Images) -> list[np.ndarray]:
    """Each tile as (h, w, 4) uint8. A value that is not finite is transparent."""
    tiles = [np.asarray(tile.pixels) for tile in panel.tiles]
    peak = max((float(np.nanmax(t, initial=0.0)) for t in tiles if np.isfinite(t).any()), default=0.0)
    coloured = []
    for tile in tiles:
        if tile.ndim == 3:
            coloured.append(_in_colour(tile, diverging=panel.colours == "diverging"))
            continue
        values = tile.astype(float)
        values[~np.isfinite(values)] = np.nan
        seen = values[np.isfinite(values)]
        match panel.colours:
            case "grey":
                low, high = (0.0, 255.0) if tile.dtype == np.uint8 else _range(seen)
                colours = matplotlib.colormaps["gray"]
            case "heat":
                low, high = 0.0, peak
                colours = matplotlib.colormaps["inferno"]
            case "diverging":
                high = float(np.abs(seen).max(initial=0.0))
                low = -high
                colours = matplotlib.colormaps["RdBu_r"]
        # A flat tile has no range: it takes the middle of a diverging scale and the bottom of the others.
        middle = 0.5 if panel.colours == "diverging" else 0.0
        share = (values - low) / (high - low) if high > low else np.where(np.isnan(values), np.nan, middle)
        pixels = colours(np.nan_to_num(share), bytes=True)
        pixels[np.isnan(values), 3] = 0
        coloured.append(pixels)
    return coloured


def _in_colour(tile: np.ndarray, *, diverging: bool) -> np.ndarray:
    """(h, w, 3) -> (h, w, 4) uint8, its own colours, with one scale for all three channels."""
    values = tile.astype(float)
    known = np.isfinite(values).all(axis=2)
    seen = values[known]
    low, high = (0.0, 255.0) if tile.dtype == np.uint8 else _range(seen)
    if diverging:
        high = float(np.abs(seen).max(initial=0.0))
        low = -high
    flat = 0.5 if diverging else 0.0
    share = (values - low) / (high - low) if high > low else np.full(values.shape, flat)
    pixels = np.zeros((*known.shape, 4), np.uint8)
    pixels[known, :3] = np.rint(255 * share[known])
    pixels[known, 3] = 255
    return pixels


def _range(seen: np.ndarray) -> tuple[float, float]:
    return (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)


def draw_images(ax: Axes, panel: Images, mosaic: Mosaic) -> float:
    """On a plot of the mosaic's size; returns the height of what stands above it."""
    height, width = mosaic.pixels.shape[:2]
    ax.imshow(mosaic.pixels, interpolation="none", aspect="auto", extent=(0, width, height, 0))
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    looks: Looks = {"ha": "center", "va": "bottom", "fontsize": TITLE_SIZE, "color": MUTED, "linespacing": 1.15}
    for x, y, text in mosaic.titles:
        ax.text(x, y, text, **looks)
    return head(ax, panel, mosaic.size[0]) if panel.title or panel.y_label else 0.0
