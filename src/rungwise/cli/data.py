"""The verbs of ``rungwise data``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rungwise.cli.exits import FAILED, user_errors
from rungwise.cli.options import Json, Verify
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


@data_app.command("look")
def data_look(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder, archive or file of your own images.")],
    as_json: Json = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with sample images too.")] = None,
    metadata: Annotated[str | None, typer.Option(help="A table with a column of file names.")] = None,
    label_column: Annotated[str | None, typer.Option(help="The column that has the class.")] = None,
    group_column: Annotated[str | None, typer.Option(help="The column by which images belong together.")] = None,
    skip_damaged: Annotated[bool, typer.Option("--skip-damaged", help="Go on without damaged images.")] = False,
    verify: Verify = False,
) -> None:
    """Tell what your own images are, before anything is trained."""
    with user_errors():
        from rungwise.cli.look_listing import print_look
        from rungwise.data.files.progress import counts
        from rungwise.data.look import look
        from rungwise.data.own.preparation import Preparation
        from rungwise.data.reading import Reading, refuse_name

        if not path.exists():
            refuse_name(str(path))
        wishes = {"metadata": metadata, "label_column": label_column, "group_column": group_column}
        given: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None}
        with unwinding(), counts() as show:
            reading = Reading(verify=verify, progress=show)
            if metadata is not None:
                given["metadata"] = reading.absolute(metadata)
            found = look(Path(reading.absolute(str(path))), Preparation(**given, skip_damaged=skip_damaged), reading)
        if as_json:
            typer.echo(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
        else:
            print_look(found)
        if html is not None:
            import datetime

            from rungwise.report.data_page import write_data_page

            write_data_page(found, html, datetime.datetime.now(datetime.UTC).date().isoformat())
            typer.echo(html, err=as_json)
