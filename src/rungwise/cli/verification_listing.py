"""What `rungwise verify` found, on the terminal and as JSON."""

import json
from dataclasses import asdict

import typer

from rungwise.runs.verification import Verification
from rungwise.words import counted

MEANINGS = {
    "sealed": "sealed when computed",
    "sealed later": "sealed after they were computed: what was changed before that is unknown",
    "unsealed": "unsealed: a changed number shows only where predictions deny it; --seal seals them",
}


def show(found: Verification) -> None:
    """Print it on standard output, and what is damaged on standard error."""
    for why in found.damaged:
        typer.echo(f"rungwise: damaged: {found.folder / why}", err=True)
    total = sum(found.states.values())
    typer.echo(f"{counted(total, 'record')} {'is' if total == 1 else 'are'} as written, {len(found.damaged)} damaged.")
    for state, count in found.states.items():
        if count:
            typer.echo(f"  {count} {MEANINGS[state]}")
    if found.sealed_now:
        typer.echo(f"  {found.sealed_now} of them were sealed just now")
    if found.without_weights:
        typer.echo(f"  {found.without_weights} without their weights, which were left out of this folder")
    for note in found.notes:
        typer.echo(note)
    if found.report is not None:
        differ = f"differs from its records in {', '.join(found.report)}"
        typer.echo(f"The report {differ if found.report else 'is what its records give, to the byte'}.")
    typer.echo(f"Seal: {found.seal or 'none'}")


def as_json_text(found: Verification) -> str:
    """Schema 1."""
    content = {**asdict(found), "folder": str(found.folder), "right": found.right}
    return json.dumps({"schema": 1, **content}, indent=1)
