"""The verbs of ``rungwise data``."""

import json
from typing import Annotated

import typer

from rungwise.cli.exits import FAILED, user_errors
from rungwise.cli.options import Json
from rungwise.cli.signals import unwinding

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
            where = row.found if row.complete else f"incomplete: {row.found}" if row.found else "not on this machine"
            typer.echo(
                f"{row.name:16}{row.train_images:>8,} train {row.test_images:>7,} test  "
                f"{row.classes} classes  {where}  [{row.licence}]"
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
    """Verify the checksums of a data set's files; downloads nothing."""
    with user_errors():
        from rungwise.data.inventory import check

        checks = check(name)
        for one in checks:
            typer.echo(f"{one.file}: {one.fault or 'right'}" + (f" ({one.path})" if one.path else ""))
        if any(one.fault for one in checks):
            raise typer.Exit(FAILED)
