"""The report as GitHub-flavoured Markdown, with its figures as pictures beside it."""

import itertools
import re
from collections.abc import Iterator, Sequence

from rungwise.findings import Figure, Findings, Statement, Table
from rungwise.report.cells import Shown, has_intervals, is_numeric, printed, shared_n, shown
from rungwise.report.document import Document

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")
_MATHS = re.compile(r"(\$[^$\n]+\$)")


def markdown(document: Document, figure_paths: Sequence[str]) -> str:
    """`figure_paths`: one relative path per figure, in the order of the document."""
    figures, tables = zip(itertools.count(1), figure_paths, strict=False), itertools.count(1)
    blocks = [f"# {escaped(document.title)}", document.created, escaped(document.summary)]
    blocks.append("\n".join(_overview(document)))
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
        if has_intervals(table):
            n = shared_n(table)
            yield f"Mean over seeds{f' (n = {n})' if n else ''}; in parentheses the two-sided 95% t-interval."
    for figure in findings.figures:
        yield _figure(figure, *next(figures))


def _statement(statement: Statement) -> str:
    count = len(statement.trials)
    source = f" ({count} trial{'' if count == 1 else 's'})" if count else ""
    return f"- {escaped(statement.text)}{source}"


def _figure(figure: Figure, number: int, path: str) -> str:
    alt = escaped(figure.alt)
    return f"![{alt}]({path})\n\n**Figure {number}.** {escaped(figure.caption)}"


def markdown_table(table: Table) -> str:
    """The table with numbers aligned right."""
    n = shared_n(table)
    numeric = [is_numeric(table, index) for index in range(len(table.columns))]
    lines = [_line(escaped(column.label) for column in table.columns)]
    lines.append(_line("---:" if right else ":---" for right in numeric))
    for row in table.rows:
        lines.append(_line(_cell(shown(cell, column), n) for cell, column in zip(row, table.columns, strict=True)))
    return "\n".join(lines)


def _cell(cell: Shown, n: int) -> str:
    if not cell.interval:
        return escaped(cell.main)
    return f"{cell.main} ({cell.interval})" if n else f"{cell.main} ({cell.interval}, n = {cell.n})"


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
        for trial in document.trials
    ]
    right = (":---", ":---", ":---", "---:", ":---", "---:")
    lines = [_line(iter(heading)), _line(iter(right)), *(_line(iter(row)) for row in rows)]
    yield f"<details><summary>All {document.total} trials</summary>\n\n" + "\n".join(lines) + "\n\n</details>"
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
