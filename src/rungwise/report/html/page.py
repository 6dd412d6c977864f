"""The report as one HTML file: styles, figures and downloads are inside it, and nothing is fetched."""

import datetime
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rungwise.findings import Column, Figure, Findings, Table
from rungwise.report.cells import CellText, about_intervals, is_numeric, printed, shared_n, shown
from rungwise.report.document import MOST_TRIALS, Document
from rungwise.report.figures.drawing import Drawing
from rungwise.report.figures.svg import key
from rungwise.report.html.claim_views import ClaimView, chapter_claims, claims_view, download, filters
from rungwise.report.html.mathematics import formula, prose

LONG_TABLE = 18
"""Rows from which a table scrolls within its own box."""


@dataclass(frozen=True)
class FigureView:
    number: int
    figure: Figure
    drawing: Drawing


@dataclass(frozen=True)
class TableView:
    number: int
    table: Table
    numeric: tuple[bool, ...]
    """By column."""
    rows: tuple[tuple[CellText, ...], ...]
    n: int
    """The n of all intervals; 0 where it differs from cell to cell, and then stands in each."""
    download: str
    """A data URI."""

    @property
    def intervals(self) -> str:
        """What the intervals are, in a sentence or two; empty where there are none."""
        return about_intervals(self.table, "beneath it")

    @property
    def long(self) -> bool:
        return len(self.rows) > LONG_TABLE

    @property
    def total(self) -> int:
        """Rows of the CSV."""
        return len(self.table.rows)


@dataclass(frozen=True)
class ChapterView:
    number: int
    findings: Findings
    claims: tuple[ClaimView, ...]
    tables: tuple[TableView, ...]
    figures: tuple[FigureView, ...]


def html(document: Document, drawings: Sequence[Drawing]) -> str:
    """The whole page. `drawings`: the document's figures in order, with ids unique to each."""
    templates, rows = environment(), document.listed_trials
    style = "\n".join(templates.get_template(name).render() for name in ("style.css", "claims.css"))
    return templates.get_template("report.html.j2").render(
        document=document,
        style=Markup(style),  # our own files, no input in them
        claims=claims_view(document),
        chapters=tuple(_chapters(document, drawings)),
        trials=_trials(document),
        most_trials=MOST_TRIALS,
        listed_trials=rows,
        anchors={trial.id: index for index, trial in reversed(list(enumerate(rows)))},
    )


def environment() -> Environment:
    """The templates, with what they call by name; whatever they are given is escaped."""
    found = Environment(
        loader=PackageLoader("rungwise.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "prose": prose,
        "formula": partial(formula, block=True),
        "safe_svg": Markup,  # matplotlib escapes the text it writes, so its SVG is markup as it stands
        "key": lambda stroke: Markup(key(stroke)),
        "day": day,
        "number": printed,
        **filters(),
    }
    return found


def _chapters(document: Document, drawings: Sequence[Drawing]) -> Iterator[ChapterView]:
    figure_numbers, table_numbers = enumerate(drawings, 1), itertools.count(1)
    for number, findings in enumerate(document.chapters, 1):
        yield ChapterView(
            number=number,
            findings=findings,
            claims=chapter_claims(document, number - 1),
            tables=tuple(table_view(table, next(table_numbers)) for table in findings.tables),
            figures=tuple(
                FigureView(n, figure, drawing)
                for figure, (n, drawing) in zip(findings.figures, figure_numbers, strict=False)
            ),
        )


def table_view(table: Table, number: int) -> TableView:
    return TableView(
        number=number,
        table=table,
        numeric=tuple(is_numeric(table, index) for index in range(len(table.columns))),
        rows=tuple(
            tuple(shown(cell, column) for cell, column in zip(row, table.columns, strict=True))
            for row in table.rows[: table.shown]
        ),
        n=shared_n(table),
        download=download(table),
    )


def _trials(document: Document) -> TableView:
    """The appendix of trials as a table, so that it downloads as the others do."""
    names = ("id", "label", "chapter", "seed", "status", "time_s", "error")
    table = Table(
        id="trials",
        caption="Every trial of the study.",
        columns=tuple(Column(key=name, label=name) for name in names),
        rows=tuple(tuple(getattr(trial, name) for name in names) for trial in document.trials),
    )
    return table_view(table, 0)


def day(date: str) -> str:
    """``2026-03-07`` as ``7 March 2026``; what isn't an ISO date stays as it is."""
    try:
        parsed = datetime.date.fromisoformat(date[:10])
    except ValueError:
        return date
    return f"{parsed.day} {parsed:%B %Y}"
