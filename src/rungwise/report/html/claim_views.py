"""Claims as the page's templates take them, with the marks of the verdicts."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from rungwise.evidence.judgement import Judgement, Verdict
from rungwise.findings import Table
from rungwise.report import claims
from rungwise.report.cells import table_csv
from rungwise.report.document import Document
from rungwise.report.figures.interval import interval_picture
from rungwise.report.looks import LookRow, look_rows, looks_table

_MARKS: Mapping[Verdict, str] = {
    "supported": '<circle cx="6" cy="6" r="5.5" fill="currentColor" stroke="none"/>'
    '<path d="M3.4 6.3l1.9 1.9 3.4-4.1" class="cut"/>',
    "refuted": '<path d="M.5.5h11v11H.5z" fill="currentColor" stroke="none"/>'
    '<path d="M3.5 3.5l5 5m0-5l-5 5" class="cut"/>',
    "not supported": '<path d="M1 1h10v10H1zM3.5 6h5"/>',
    "not distinguishable": '<path d="M6 .8L11.2 6 6 11.2.8 6zM4.1 6h3.8"/>',
    "not judged": '<path d="M1 1h10v10H1zM2 10L10 2"/>',
    "not run": '<circle cx="6" cy="6" r="5" stroke-dasharray="1.8 1.7"/>',
}
"""A shape for each verdict, filled where it is decided for or against: they differ without colour."""


def mark(verdict: Verdict) -> Markup:
    """A verdict's shape, for beside its word."""
    return Markup(
        '<svg class="mark" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" fill="none" '
        f'stroke="currentColor" stroke-width="1.4">{_MARKS[verdict]}</svg>'
    )


@dataclass(frozen=True)
class ClaimRow:
    """A claim's line in the table of all claims."""

    claim: Judgement
    chapter: str
    anchor: str


@dataclass(frozen=True)
class ClaimsView:
    """All claims of a report."""

    rows: tuple[ClaimRow, ...]
    counts: str
    multiplicity: str
    table: Table


@dataclass(frozen=True)
class CautionView:
    """What was found in the images of a claim, and the chapter that shows it."""

    says: str
    chapter: str
    number: int
    """Of the chapter on the page; 0: it is not there."""


@dataclass(frozen=True)
class ClaimView:
    """One claim in its chapter."""

    claim: Judgement
    anchor: str
    tested: str
    about: str
    extent: str
    numbers: Table
    mcnemar: Table
    looks: tuple[LookRow, ...]
    all_looks: Table
    cautions: tuple[CautionView, ...]


def claims_view(document: Document) -> ClaimsView | None:
    """None where the study declares no claims."""
    places = claims.anchors(document)
    every = document.claims
    rows = tuple(
        ClaimRow(claim, chapter.title, places[i, j])
        for i, chapter in enumerate(document.chapters)
        for j, claim in enumerate(chapter.claims)
    )
    told = claims.told_counts(every), claims.told_multiplicity(every)
    return ClaimsView(rows, *told, claims.claims_table(document)) if every else None


def chapter_claims(document: Document, number: int) -> tuple[ClaimView, ...]:
    """The claims of a chapter, by its number from 0."""
    places = claims.anchors(document)
    return tuple(
        ClaimView(
            claim=claim,
            anchor=places[number, j],
            tested=claims.told_test(claim),
            about=claims.told_about(claim),
            extent=claims.told_extent(claim),
            numbers=claims.numbers_table(claim),
            mcnemar=claims.mcnemar_table(claim),
            looks=look_rows(claim),
            all_looks=looks_table(claim, f"{places[number, j]}-looks"),
            cautions=tuple(_cautions(claim, document)),
        )
        for j, claim in enumerate(document.chapters[number].claims)
    )


def _cautions(claim: Judgement, document: Document) -> Iterator[CautionView]:
    places = {chapter.name: (chapter.title, number) for number, chapter in enumerate(document.chapters, 1)}
    for caution in claim.cautions:
        yield CautionView(caution.told, *places.get(caution.chapter, (caution.chapter, 0)))


def download(table: Table) -> str:
    """The table as CSV in a data URI."""
    return "data:text/csv;charset=utf-8," + quote(table_csv(table))


def whole_names(text: str) -> Markup:
    """Text in which no line ends within a name such as ``CNN-1``."""
    return Markup(re.sub(r"\S*\w-\w\S*", r'<span class="name">\g<0></span>', str(escape(text))))


def filters() -> dict[str, Callable[..., Any]]:
    """What the templates of claims call by name."""
    return {
        "mark": mark,
        "download": download,
        "interval_picture": interval_picture,
        "centre_and_interval": claims.centre_and_interval,
        "other_interval": claims.other_interval,
        "effect": claims.effect,
        "tests": claims.tests,
        "whole_names": whole_names,
        "p": claims.told_p,
    }
