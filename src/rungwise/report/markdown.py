"""The report as GitHub-flavoured Markdown, with its figures as pictures beside it."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from rungwise.evidence.judgement import Judgement, Verdict
from rungwise.findings import Figure, Findings, Statement, Table
from rungwise.report.cells import CellText, about_intervals, is_numeric, printed, shared_n, shown
from rungwise.report.claims import SYMBOLS, facts, told_about, told_counts, told_extent, told_mcnemar, told_multiplicity
from rungwise.report.document import Document
from rungwise.report.looks import look_rows

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")
_MATHS = re.compile(r"(\$(?! )[^$\n]+(?<! )\$(?!\d))")


def markdown(document: Document, figure_paths: Sequence[str]) -> str:
    """`figure_paths`: one relative path per figure, in the order of the document."""
    figures, tables = zip(itertools.count(1), figure_paths, strict=False), itertools.count(1)
    blocks = [f"# {escaped(document.title)}", document.created, escaped(document.summary)]
    blocks += [escaped(text) for text in document.data]
    blocks += [f"> **Note.** {escaped(note)}" for note in document.notes]
    blocks.append("\n".join(_overview(document)))
    blocks += _all_claims(document)
    for number, findings in enumerate(document.chapters, 1):
        blocks += _chapter(number, findings, tables, figures)
    blocks += _appendix(document)
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is; formulas in $...$ stay formulas. One line."""
    parts = _MATHS.split(text)
    return "".join(part if i % 2 else _SPECIAL.sub(r"\\\1", " ".join(part.split("\n"))) for i, part in enumerate(parts))


def _overview(document: Document) -> Iterator[str]:
    for number, findings in enumerate(document.chapters, 1):
        first = findings.statements[0].text if findings.statements else "No result yet."
        yield f"{number}. **{escaped(findings.title)}**: {escaped(findings.question)} {escaped(first)}"


def _chapter(
    number: int, findings: Findings, tables: Iterator[int], figures: Iterator[tuple[int, str]]
) -> Iterator[str]:
    yield f"## {number}. {escaped(findings.title)}"
    yield f"*{escaped(findings.question)}*"
    yield "\n".join(_statement(statement) for statement in findings.statements)
    yield from _claims(findings.claims)
    for warning in findings.warnings:
        yield f"> **Note.** {escaped(warning)}"
    if findings.method or findings.formulas:
        yield "### Method"
    yield from (escaped(paragraph) for paragraph in findings.method)
    for formula in findings.formulas:
        yield f"$$\n{formula.latex}\n$$"
        yield escaped(formula.says)
    if findings.tables or findings.figures:
        yield "### Results"
    for table in findings.tables:
        yield f"**Table {next(tables)}.** {escaped(table.caption)}"
        yield markdown_table(table)
        if says := about_intervals(table, "in parentheses"):
            yield escaped(says)
    for figure in findings.figures:
        yield _figure(figure, *next(figures))


def _all_claims(document: Document) -> Iterator[str]:
    if not document.claims:
        return
    yield "## Claims"
    yield escaped(f"{told_counts(document.claims)} {told_multiplicity(document.claims)}")
    rows = (
        (claim.id, chapter.title, claim.says, _verdict(claim.verdict) + _survival(claim))
        for chapter in document.chapters
        for claim in chapter.claims
    )
    yield _words(("Claim", "Chapter", "What it says", "Verdict"), rows)


def _survival(claim: Judgement) -> str:
    if claim.survives is None:
        return ""
    return f" ({'survives' if claim.survives else 'does not survive'} among all claims)"


def _claims(claims: Sequence[Judgement]) -> Iterator[str]:
    """A chapter's claims: a table of the verdicts, then for each claim what it rests on."""
    if not claims:
        return
    yield "### Claims"
    rows = ((c.id, c.says, _verdict(c.verdict), f"{c.why} {told_about(c)}".rstrip(), str(c.n), c.test) for c in claims)
    yield _words(("Claim", "What it says", "Verdict", "Why", "n", "Test"), rows)
    for claim in claims:
        for caution in claim.cautions:
            yield f"> {escape(claim.id)}: {escaped(caution.told)} (chapter {escaped(caution.chapter)})"
        if extent := told_extent(claim):
            yield f"<details><summary>{escape(claim.id)}: {extent}</summary>\n\n{_grounds(claim)}\n\n</details>"


def _grounds(claim: Judgement) -> str:
    lines = [f"- Note: {escaped(claim.note)}"] * bool(claim.note)
    lines += [f"- Warning: {escaped(warning)}" for warning in claim.warnings]
    for number in claim.numbers:
        told = "; ".join(escaped(fact) for fact in facts(number))
        lines.append(f"- {escaped(number.says)}: {_verdict(number.verdict)}. {told[0].upper()}{told[1:]}.")
        lines += [f"  - McNemar, {escaped(told_mcnemar(test))}" for test in number.mcnemar]
    looks = look_rows(claim)
    if looks:
        rows = ((row.says, str(row.n), row.estimate, row.interval, row.e, _verdict(row.verdict)) for row in looks)
        lines += ["", _words(("Number", "n", "Estimate", "Interval at every look", "e", "Verdict"), rows)]
    return "\n".join(lines)


def _verdict(verdict: Verdict) -> str:
    return f"{SYMBOLS[verdict]} {verdict}"


def _words(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of text."""
    lines = [_line(iter(heading)), _line(":---" for _ in heading)]
    return "\n".join([*lines, *(_line(escaped(cell) for cell in row) for row in rows)])


def _statement(statement: Statement) -> str:
    count = len(statement.trials)
    source = f" ({count} trial{'' if count == 1 else 's'})" if count else ""
    return f"- {escaped(statement.text)}{source}"


def _figure(figure: Figure, number: int, path: str) -> str:
    if figure.missing:
        return f"**Figure {number}.** {escaped(figure.caption)} *Not shown: {escaped(figure.missing)}*"
    alt = escaped(figure.alt)
    return f"![{alt}]({path})\n\n**Figure {number}.** {escaped(figure.caption)}"


def markdown_table(table: Table) -> str:
    """The table with numbers aligned right."""
    n = shared_n(table)
    numeric = [is_numeric(table, index) for index in range(len(table.columns))]
    lines = [_line(escaped(column.label) for column in table.columns)]
    lines.append(_line("---:" if right else ":---" for right in numeric))
    for row in table.rows[: table.shown]:
        lines.append(_line(_cell(shown(cell, column), n) for cell, column in zip(row, table.columns, strict=True)))
    if table.shown is not None and table.shown < len(table.rows):
        lines += ["", f"The first {table.shown} of {len(table.rows):,} rows; report.html has all of them as CSV."]
    return "\n".join(lines)


def _cell(cell: CellText, n: int) -> str:
    if not cell.interval:
        return escaped(cell.main)
    of = "" if n else f", n = {cell.n}"
    return f"{cell.main} ({cell.interval}{of}{f'; new images {cell.new}' if cell.new else ''})"


def _line(cells: Iterator[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _appendix(document: Document) -> Iterator[str]:
    yield "## Trials"
    heading = ["Trial", "Label", "Chapter", "Seed", "Status", "Time (s)"]
    rows = [
        [
            f"`{trial.id}`",
            escaped(trial.label),
            escaped(trial.chapter),
            str(trial.seed),
            escaped(trial.status + (f": {trial.error}" if trial.error else "")),
            printed(trial.time_s, 1) if trial.time_s is not None else "",
        ]
        for trial in document.listed_trials
    ]
    right = (":---", ":---", ":---", "---:", ":---", "---:")
    lines = [_line(iter(heading)), _line(iter(right)), *(_line(iter(row)) for row in rows)]
    many = len(document.trials) > len(rows)
    first = f"The first {len(rows):,} of {document.total:,}" if many else f"All {document.total}"
    yield f"<details><summary>{first} trials</summary>\n\n" + "\n".join(lines) + "\n\n</details>"
    yield "## Environment"
    yield "\n".join(f"- {escaped(label)}: {escaped(value)}" for label, value in document.environment)
    yield "## To reproduce"
    yield _code(document.command)
    if document.study:
        yield f"<details><summary>The study's settings</summary>\n\n{_code(document.study)}\n\n</details>"


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.rstrip()}\n{fence}"
