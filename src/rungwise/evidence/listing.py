"""Claims in the terminal and as JSON: what a study declares, and what has become of it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rungwise.evidence.claims import Claim, Condition
from rungwise.evidence.judgement import Judgement
from rungwise.study import Study

STYLES = {
    "supported": "green",
    "not supported": "yellow",
    "refuted": "red",
    "not distinguishable": "cyan",
    "not run": "dim",
}


def declared_json(study: Study) -> dict[str, Any]:
    """The claims of a study, schema 1."""
    claims = [{"chapter": chapter, **claim.model_dump(mode="json")} for chapter, claim in _declared(study)]
    return {"schema": 1, "title": study.title, "claims": claims}


def judged_json(study: Study, judged: dict[str, tuple[Judgement, ...]]) -> dict[str, Any]:
    """The claims of a study with their verdicts and numbers, schema 1."""
    claims = [
        {"chapter": chapter, **each.model_dump(mode="json")} for chapter, found in judged.items() for each in found
    ]
    return {"schema": 1, "title": study.title, "claims": claims}


def print_declared(study: Study) -> None:
    """A line per claim and one for each of its conditions."""
    table = _table("chapter", "claim", "says")
    for chapter, claim in _declared(study):
        conditions = [f"[dim]{escape(told(condition))}[/]" for condition in claim.test]
        table.add_row(chapter, escape(claim.id), "\n".join([escape(claim.says), *conditions]))
    console = Console()
    console.print(table)
    console.print(f"{table.row_count} claims are declared; nothing has been judged.")


def print_judged(judged: dict[str, tuple[Judgement, ...]]) -> None:
    """A line per claim with its verdict and the reason."""
    table = _table("chapter", "claim", "verdict", "says, and why it is judged so")
    counts = Counter[str]()
    for chapter, found in judged.items():
        for each in found:
            counts[each.verdict] += 1
            warnings = [f"[dim]{escape(warning)}[/]" for warning in each.warnings]
            style = STYLES[each.verdict]
            words = [f"[bold]{escape(each.says)}[/]", escape(each.why), *warnings]
            table.add_row(chapter, escape(each.id), f"[{style}]{each.verdict}[/]", "\n".join(words))
    console = Console()
    console.print(table)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in STYLES if counts[verdict])
    console.print(f"{counts.total()} claims{': ' * bool(told)}{told}.")


def told(condition: Condition) -> str:
    """A condition as the study file has it, without what it leaves at its default."""
    fields = condition.model_dump(mode="json", exclude_defaults=True)
    return "; ".join(f"{key} {_words(value)}" for key, value in fields.items())


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _declared(study: Study) -> Iterator[tuple[str, Claim]]:
    return ((chapter.name, claim) for chapter in study.chapters for claim in chapter.claims)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 1, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
