"""SVG as text: made fit to stand within a page, and put together to a picture that stands alone."""

import re
from collections.abc import Sequence

import numpy as np
from markupsafe import escape
from matplotlib.markers import MarkerStyle

from rungwise.report.figures.ink import INK, Stroke
from rungwise.report.figures.lettering import letters

_ID = re.compile(r'\s?\bid="([^"]+)"')
_REFERENCE = re.compile(r'(href="#|url\(#)([^")]+)')
_LONG_NUMBER = re.compile(r"(\.\d\d)\d+")
_PATH = re.compile(r'\sd="[^"]*"')
_FONT = re.compile(r"'DejaVu Sans'(, [^;\"]*)?")
_SIZE_AND_VIEW = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt" viewBox="[^"]*"')
_SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"')


def for_pages(svg: str, prefix: str, kind: str = "") -> str:
    """matplotlib's SVG with ink as `currentColor`, the page's font, and only ids that are used, after `prefix`.

    `kind` becomes its class.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    # matplotlib's rule for every element would reach the whole page; as a style of the root it is inherited instead.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL)
    looks = f'class="{kind}" ' * bool(kind) + 'style="stroke-linejoin:round;stroke-linecap:butt"'
    svg = svg.replace("<svg ", f"<svg {looks} ", 1)
    used = {name for _, name in _REFERENCE.findall(svg)}
    svg = _ID.sub(lambda found: f' id="{prefix}-{found[1]}"' if found[1] in used else "", svg)
    svg = _REFERENCE.sub(lambda found: f"{found[1]}{prefix}-{found[2]}", svg)
    svg = _PATH.sub(lambda found: _LONG_NUMBER.sub(r"\1", found[0]), svg)
    svg = _FONT.sub("system-ui, sans-serif", svg)
    return re.sub(r">\s+<", "><", svg).replace(INK, "currentColor").strip()


def raised(svg: str, extra: float) -> str:
    """The same with `extra` points of room at the top."""
    if extra <= 0:
        return svg

    def larger(found: re.Match[str]) -> str:
        width, height = found[1], float(found[2]) + extra
        return f'width="{width}pt" height="{height:.2f}pt" viewBox="0 {-extra:.2f} {width} {height:.2f}"'

    return _SIZE_AND_VIEW.sub(larger, svg, count=1)


def key(stroke: Stroke) -> str:
    """What a stroke looks like, as the content of an SVG with the view box 0 0 24 10."""
    dashes = ' stroke-dasharray="6 2.6"' if stroke.dashes else ""
    line = f'<path d="M0 5H24" stroke="{stroke.colour}" stroke-width="2.2"{dashes}/>' if stroke.line else ""
    if not stroke.marker:
        return line
    style = MarkerStyle(stroke.marker)
    outline = style.get_path().transformed(style.get_transform()).to_polygons()[0]
    points = " ".join(f"{12 + 7 * x:.1f},{5 - 7 * y:.1f}" for x, y in np.asarray(outline))
    return f'{line}<polygon points="{points}" fill="{stroke.colour}"/>'


def sheet(panels: Sequence[str], legend: Sequence[Stroke], columns: int, gutter: float) -> str:
    """Panels and legend as one SVG of its own, dark on white: a picture for Markdown."""
    sizes = [(float(w), float(h)) for svg in panels for w, h in _SIZE.findall(svg)[:1]]
    across = max((w for w, _ in sizes), default=100.0)
    width = columns * across + (columns - 1) * gutter
    keys, y = _legend(legend, width)
    parts = [keys]
    for first in range(0, len(panels), columns):
        for x, svg in enumerate(panels[first : first + columns]):
            svg = _SIZE.sub(r'width="\1" height="\2"', svg, count=1)
            parts.append(svg.replace("<svg ", f'<svg x="{x * (across + gutter):.1f}" y="{y:.1f}" ', 1))
        y += max(h for _, h in sizes[first : first + columns]) + gutter
    height = max(20.0, y - gutter) if panels else 20.0
    m = 8  # white margin
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width + 2 * m:.1f}pt" height="{height + 2 * m:.1f}pt" '
        f'viewBox="{-m} {-m} {width + 2 * m:.1f} {height + 2 * m:.1f}" color="#1a1c20">'
        f'<rect x="{-m}" y="{-m}" width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _legend(legend: Sequence[Stroke], width: float) -> tuple[str, float]:
    """The legend in lines no longer than `width`, and its height."""
    parts, x, y = [], 0.0, 0.0
    for stroke in legend:
        needed = 42 + 5.0 * letters(stroke.name)
        if x > 0 and x + needed > width:
            x, y = 0.0, y + 14
        parts.append(
            f'<g transform="translate({x:.1f} {y:.1f})"><g transform="scale(.8)">{key(stroke)}</g>'
            '<text x="24" y="7" fill="currentColor" style="font: 8.5px system-ui, sans-serif">'
            f"{escape(stroke.name)}</text></g>"
        )
        x += needed
    return "".join(parts), (y + 20 if legend else 0.0)
