"""Writes a report into a folder: report.html, report.md with its figures, and findings.json."""

import re
from pathlib import Path

from rungwise.dates import source_date
from rungwise.files import write_atomically
from rungwise.report.document import Document, findings_json
from rungwise.report.figures.drawing import GUTTER, drawn
from rungwise.report.figures.svg import sheet
from rungwise.report.html.page import html
from rungwise.report.markdown import markdown

_OURS = re.compile(r"\d{2,}-[A-Za-z0-9_-]+\.svg")


def write_report(document: Document, folder: Path) -> Path:
    """Writes all files, each whole or not at all; returns the path of report.html.

    Figures of an earlier report that this one doesn't have are removed.
    """
    document = dated(document)
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    names, drawings = [], []
    every = [figure for chapter in document.chapters for figure in chapter.figures]
    for number, figure in enumerate(every, 1):
        drawing = drawn(figure, f"figure-{number}")
        drawings.append(drawing)
        if figure.missing:
            names.append("")  # it keeps its number; there is nothing to draw
            continue
        names.append(f"{number:02}-{re.sub(r'[^A-Za-z0-9_-]+', '-', figure.id)}.svg")
        write_atomically(figures / names[-1], sheet(drawing.panels, drawing.legend, drawing.columns, GUTTER))
    for old in figures.iterdir():
        if _OURS.fullmatch(old.name) and old.name not in names:
            old.unlink(missing_ok=True)
    write_atomically(folder / "findings.json", findings_json(document))
    write_atomically(folder / "report.md", markdown(document, [f"figures/{name}" for name in names]))
    page = folder / "report.html"
    write_atomically(page, html(document, drawings))
    return page


def dated(document: Document) -> Document:
    """The document, with the day of SOURCE_DATE_EPOCH (seconds since 1970) where that is set. Raises DateError."""
    day = source_date()
    return document if day is None else document.model_copy(update={"created": day.isoformat()})
