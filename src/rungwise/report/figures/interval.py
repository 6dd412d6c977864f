"""A number of a claim as a small picture: its interval, its mean and its values against where it is claimed to lie."""

from markupsafe import Markup

from rungwise.evidence.judgement import Number
from rungwise.report.cells import printed, span
from rungwise.report.claims import centre_and_interval, decides

WIDTH, HEIGHT, MIDDLE, FLOOR = 165.0, 31.0, 10.0, 20.0
MARGIN = 6.0
DASHED = 'stroke-width="1" stroke-dasharray="2.5 1.8"'
FAINT = 'stroke-width="1" stroke-opacity=".5"'


def interval_picture(number: Number) -> Markup:
    """An SVG in the colour of the text around it; empty where nothing was measured.

    Shaded: where the claim says that the number lies. The bar is the 95% interval that decides, the dot the
    mean or the median, and each faint tick one seed.
    """
    if number.estimate is None:
        return Markup("")
    found = number.estimate
    low, high = number.low, number.high
    bounds = [end for end in (low, high) if end is not None]
    interval = decides(number)
    centre = found.mean if number.centre is None else number.centre
    scale = _Scale([*found.values, *(interval or ()), *bounds])
    parts = []
    if bounds:
        left, right = 0.0 if low is None else scale(low), WIDTH if high is None else scale(high)
        shade = f'<rect x="{left:.1f}" width="{right - left:.1f}" height="{FLOOR:g}"'
        parts.append(f'{shade} fill-opacity=".13" stroke="none"/>')
        parts += [f'<path d="M{scale(end):.1f} 0v{FLOOR + 2:g}" {DASHED}/>' for end in bounds]
        parts.append(_labels(bounds, scale))
    if found.n > 1:
        parts += [f'<path d="M{scale(value):.1f} {MIDDLE - 5:g}v10" {FAINT}/>' for value in found.values]
    if interval is not None:
        a, b = (scale(end) for end in interval)
        parts.append(f'<path d="M{a:.1f} {MIDDLE - 3:g}v6m0 -3H{b:.1f}m0 -3v6"/>')
    parts.append(f'<circle cx="{scale(centre):.1f}" cy="{MIDDLE:g}" r="3.2" stroke="none"/>')
    return Markup(
        f'<svg class="interval-plot" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" height="{HEIGHT:g}" '
        'role="img" aria-label="{}" fill="currentColor" stroke="currentColor" stroke-width="1.6">{}</svg>'
    ).format(described(number), Markup("".join(parts)))  # the parts hold numbers alone: nothing to escape


def described(number: Number) -> str:
    """The picture in words."""
    if number.estimate is None:
        return f"Nothing measured; claimed {number.claimed}."
    centre, interval = centre_and_interval(number)
    what = "Mean" if number.median is None else "Median"
    return f"{what} {centre}{f', 95% interval {interval}' if interval else ''}; claimed {number.claimed}."


class _Scale:
    """From values to x in the picture."""

    def __init__(self, values: list[float]) -> None:
        width = max(values) - min(values)
        self.low, self.span = (min(values), width) if width else (values[0] - 0.5, 1.0)

    def __call__(self, value: float) -> float:
        return MARGIN + (value - self.low) / self.span * (WIDTH - 2 * MARGIN)


def _labels(bounds: list[float], scale: _Scale) -> str:
    """Each bound's value below its line; two that would touch stand as one."""
    places = [(scale(bound), printed(bound, None)) for bound in bounds]
    if len(places) == 2 and places[1][0] - places[0][0] < 50:
        places = [((places[0][0] + places[1][0]) / 2, span((bounds[0], bounds[1]), None))]
    return "".join(
        f'<text x="{x:.1f}" y="{HEIGHT - 1:g}" text-anchor="{_anchor(x, len(text))}" stroke="none">{text}</text>'
        for x, text in places
    )


def _anchor(x: float, letters: int) -> str:
    """How a label stands to its place, so that it stays within the picture."""
    half = 2.8 * letters
    return "start" if x < half else "end" if x > WIDTH - half else "middle"
