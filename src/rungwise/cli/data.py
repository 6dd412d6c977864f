"""The verbs of ``rungwise data``."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from rungwise.cli.exits import FAILED, user_errors
from rungwise.cli.options import Json
from rungwise.cli.signals import unwinding

if TYPE_CHECKING:
    from rungwise.data.inventory import Status

data_app = typer.Typer(no_args_is_help=True, help="The data sets: which there are, fetch them, check them.")


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """The data sets, and where they were found."""
    with user_errors():
        from dataclasses import asdict

        from rungwise.data.inventory import status

        rows = status()
        if as_json:
            typer.echo(json.dumps({"schema": 1, "data": [asdict(row) for row in rows]}, indent=1))
            return
        for row in rows:
            typer.echo(_lines(row))


def _lines(row: "Status") -> str:
    """One data set: what it has and where it is; below, its licence."""
    if row.fault:
        return f"{row.name:16}cannot be used: {row.fault}"
    where = row.found if row.complete else f"incomplete: {row.found}" if row.found else "not on this machine"
    channels, height, width = row.image
    colours = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    size = f"{height} x {width} {colours}"
    return (
        f"{row.name:16}{row.train_images:>8,} train {row.test_images:>7,} test {row.classes:>4} classes  {size:15}  "
        f"{where}\n{'':16}licence: {row.licence or 'unknown'}"
    )


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="A data set, as mnist.")]) -> None:
    """Download what is missing of a data set into the cache."""
    with user_errors():
        from rungwise.data.files.progress import bars
        from rungwise.data.inventory import fetch

        with unwinding(), bars() as show:
            fetch(name, show)
        typer.echo(f"{name} is complete.")


@data_app.command("check")
def data_check(name: Annotated[str, typer.Argument(metavar="NAME", help="A data set, as mnist.")]) -> None:
    """Verify the checksums of a data set's files, or their shapes where none is published; downloads nothing."""
    with user_errors():
        from rungwise.data.inventory import check

        checks = check(name)
        for one in checks:
            typer.echo(f"{one.file}: {one.fault or one.note or 'right'}" + (f" ({one.path})" if one.path else ""))
        if any(one.fault for one in checks):
            raise typer.Exit(FAILED)
