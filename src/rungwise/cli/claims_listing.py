"""Claims in the terminal and as JSON: what a study declares, and what has become of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from rungwise.evidence.claims import Claim, Condition
from rungwise.evidence.judgement import Judgement
from rungwise.study.study import Study

STYLES = {
    "supported": "green",
    "not supported": "yellow",
    "refuted": "red",
    "not distinguishable": "cyan",
    "not judged": "magenta",
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
    """Every claim with its conditions, by chapter."""
    console, count = Console(), 0
    for chapter in study.chapters:
        if chapter.claims:
            console.print(f"[bold]{escape(chapter.name)}[/]")
        for claim in chapter.claims:
            count += 1
            console.print(Padding(f"[bold]{escape(claim.id)}[/]  {escape(claim.says)}", (0, 2)))
            for condition in claim.test:
                console.print(Padding(escape(told(condition)), (0, 6)), style="dim")
    console.print(f"{count} claims are declared.")


def print_judged(judged: Mapping[str, Sequence[Judgement]]) -> None:
    """Every claim with its verdict and the reason, by chapter."""
    console, counts = Console(), Counter[str]()
    for chapter, found in judged.items():
        if found:
            console.print(f"[bold]{escape(chapter)}[/]")
        for each in found:
            counts[each.verdict] += 1
            style = STYLES[each.verdict]
            kind = " (settled: seeds were added, with a look at each)" if each.design == "settled" else ""
            says = f"[bold]{escape(each.id)}[/]  {escape(each.says)}: [{style}]{each.verdict}[/]{kind}"
            console.print(Padding(says, (0, 2)))
            console.print(Padding(escape(each.why), (0, 6)))
            for caution in each.cautions:
                console.print(Padding(escape(f"{caution.told} (chapter {caution.chapter})"), (0, 6)), style="yellow")
            for warning in each.warnings:
                console.print(Padding(escape(warning), (0, 6)), style="dim")
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
