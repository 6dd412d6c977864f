"""How studies, runs and records show themselves in a notebook: HTML that needs nothing from outside."""

import os
from pathlib import Path

from markupsafe import Markup

from rungwise.findings import Findings
from rungwise.records.record import Record
from rungwise.report.claims import told_counts, told_multiplicity
from rungwise.report.document import Document
from rungwise.report.html.page import environment, table_view
from rungwise.shown import html_view
from rungwise.study.study import Study, study_trials

HEADLINE = 8
"""Numbers of a record that are shown at once; the others stand in a fold."""


@html_view.register
def _study_view(study: Study) -> str:
    """Its chapters, and how much there is to compute and to judge."""
    claims = sum(len(chapter.claims) for chapter in study.chapters)
    return _shown("study", study=study, trials=len(study_trials(study)), claims_declared=claims)


@html_view.register
def _record_view(record: Record) -> str:
    """What came out of a trial; the rest of it folded away."""
    numbers = list(record.summary.items())
    return _shown("record", record=record, headline=numbers[:HEADLINE], more=numbers[HEADLINE:])


@html_view.register
def _findings_view(findings: Findings) -> str:
    """A chapter's statements, claims and tables, with cells as in the report."""
    tables = [table_view(table, number) for number, table in enumerate(findings.tables, 1)]
    return _shown("findings", findings=findings, tables=tables)


@html_view.register
def document_html(document: Document, report: Path | None = None) -> str:
    """What a report tells in short, with its claims; `report`: the page, where it has been written."""
    return _shown(
        "document",
        document=document,
        counts=told_counts(document.claims),
        multiplicity=told_multiplicity(document.claims),
        report=report,
        link=_link(report) if report else "",
    )


def _link(page: Path) -> str:
    """Relative where that leads down from the working folder, as notebook servers need it; else a file address."""
    inside = Path(os.path.relpath(page))
    return page.resolve().as_uri() if inside.is_absolute() or ".." in inside.parts else inside.as_posix()


def _shown(what: str, **values: object) -> str:
    templates = environment()
    style = Markup(templates.get_template("notebook.css").render())  # our own file, no input in it
    return templates.get_template("notebook.html.j2").render(what=what, style=style, **values).strip()
