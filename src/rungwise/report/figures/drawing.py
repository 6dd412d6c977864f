"""Draws figures: one SVG per panel, sized and laid out to stand within a page."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from rungwise.findings import Bars, Figure, Heatmap, Histogram, Images, Lines, Panel, Points
from rungwise.report.figures.ink import STYLE, Stroke, legend, strokes
from rungwise.report.figures.lettering import wide
from rungwise.report.figures.panels import draw_bars, draw_histogram, draw_lines
from rungwise.report.figures.pictures import FEW_COLUMNS, Mosaic, draw_heatmap, draw_images, width_of_cells
from rungwise.report.figures.points import draw_points
from rungwise.report.figures.svg import for_pages, raised

PAGE = 540.0
"""Width of the text column, in points as all lengths here."""
SINGLE = 356.0
"""Width of a panel that stands alone: its letters stay readable when a phone shrinks it by a quarter."""
GUTTER = 14.0
RASTER_DPI = 150
"""Of what is drawn as a picture within the SVG."""


@dataclass(frozen=True)
class Drawing:
    """A figure as drawn. Panels are apart, so that a page can set them side by side or one below the other."""

    panels: tuple[str, ...]
    """SVG of each panel: ink is `currentColor`, the ground is transparent, ids are unique to the figure."""
    legend: tuple[Stroke, ...]
    columns: int


def drawn(figure: Figure, prefix: str) -> Drawing:
    """`prefix` starts every id in the SVG: unique in the page where the figure will stand."""
    columns = max(1, min(figure.columns, len(figure.panels)))
    found = strokes(figure.panels)
    panels: list[str] = []
    heads: list[float] = []
    for i, panel in enumerate(figure.panels, 1):
        width = (PAGE - GUTTER * (columns - 1)) / columns if columns > 1 else _alone(panel)
        with matplotlib.rc_context(STYLE), _any_letters():  # type: ignore[arg-type]
            if isinstance(panel, Images):
                canvas, above = _pictures(panel, PAGE if columns == 1 else width)
            else:
                canvas, above = _plot(panel, width, found)
            titled = isinstance(panel, Images) and any(tile.title for tile in panel.tiles)
            panels.append(for_pages(_as_svg(canvas), f"{prefix}-{i}", "titled" if titled else ""))
            heads.append(above)
    for i, above in enumerate(heads):
        row = slice(i // columns * columns, (i // columns + 1) * columns)
        panels[i] = raised(panels[i], max(heads[row]) - above)  # so that the plots of a row stand level
    return Drawing(panels=tuple(panels), legend=legend(figure), columns=columns)


def _alone(panel: Panel) -> float:
    """The width of a panel that stands alone."""
    return PAGE if isinstance(panel, Heatmap) and len(panel.columns) > FEW_COLUMNS else SINGLE


@contextmanager
def _any_letters() -> Iterator[None]:
    """No warning of letters that matplotlib's font has not: the SVG carries them as text, and the reader's fonts draw
    them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def _pictures(panel: Images, width: float) -> tuple[Canvas, float]:
    """As wide as its mosaic, at most `width`; and the height of what stands above it."""
    mosaic = Mosaic(panel, width)
    across, down = mosaic.size
    canvas = Canvas(figsize=(across / 72, down / 72), dpi=RASTER_DPI)
    ax = canvas.add_axes((0, 0, 1, 1))
    above, below = draw_images(ax, panel, mosaic), 15.0 * bool(panel.x_label)
    height = above + down + below
    canvas.set_size_inches(across / 72, height / 72)
    ax.set_position((0, below / height, 1, down / height))
    return canvas, above


def _plot(panel: Panel, width: float, found: dict[str, Stroke]) -> tuple[Canvas, float]:
    """A panel with axes, and the height of what stands above its plot.

    The plot has its own height, and is as wide as the words beside it leave room for.

    One measuring of the words; matplotlib's layout engines measure two times and more, the slowest part of drawing.
    """
    tall = plot_height(panel, width)
    canvas = Canvas(figsize=(width / 72, (tall + 50) / 72), dpi=RASTER_DPI)
    ax = canvas.add_axes((40 / width, 30 / (tall + 50), 1 - 50 / width, tall / (tall + 50)))
    above = _draw(ax, panel, found, (width - 50, tall))
    renderer = FigureCanvasAgg(canvas).get_renderer()  # type: ignore[no-untyped-call]
    plot, words = ax.get_window_extent(), ax.get_tightbbox(renderer, for_layout_only=True)
    assert words is not None
    points = 72 / RASTER_DPI
    left, below = (plot.x0 - words.x0) * points + 1, (plot.y0 - words.y0) * points + 2
    left, below = left + _unmeasured(ax.get_yticklabels()), below + 0.7 * _unmeasured(ax.get_xticklabels())
    right = max(1.0, (words.x1 - plot.x1) * points) + 1
    left, right = min(left, 0.6 * width), min(right, 0.3 * width)
    height = above + tall + below
    canvas.set_size_inches(width / 72, height / 72)
    ax.set_position((left / width, below / height, 1 - (left + right) / width, tall / height))
    return canvas, above


def _unmeasured(labels: Sequence[Text]) -> float:
    """By how much the longest label is longer than it was measured: matplotlib takes wide letters, which its font has
    not, for narrower ones."""
    return max((0.4 * 8 * wide(label.get_text()) for label in labels), default=0.0)


def plot_height(panel: Panel, width: float) -> float:
    """Of the plot alone, in a panel `width` wide."""
    match panel:
        case Points():
            return min(0.8 * width, 270.0)
        case Bars():
            return 19.0 * max(1, len(panel.names)) + 6
        case Heatmap():
            cell = width_of_cells(panel, width - 30) / max(1, len(panel.columns))
            return max(1, len(panel.rows)) * min(30.0, cell)
        case _:
            return min(0.64 * width, 190.0)


def _draw(ax: Axes, panel: Panel, found: dict[str, Stroke], size: tuple[float, float]) -> float:
    """Draws on a plot of about that (width, height); returns the height of what stands above it."""
    match panel:
        case Lines():
            return draw_lines(ax, panel, found, size)
        case Points():
            return draw_points(ax, panel, found, size)
        case Bars():
            return draw_bars(ax, panel, size)
        case Histogram():
            return draw_histogram(ax, panel, size)
        case Heatmap():
            return draw_heatmap(ax, panel, size)
    raise TypeError(f"a panel was expected (Lines, Points, ...), got {type(panel).__name__}: draw it here")


def _as_svg(canvas: Canvas) -> str:
    # `Figure.savefig` would draw everything twice.
    file = io.StringIO()
    FigureCanvasSVG(canvas).print_svg(file, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return file.getvalue()
