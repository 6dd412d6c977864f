"""The command line: verbs and their options. What they do is elsewhere, and is imported only when it is needed."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rungwise.study import Study

FAILED, USAGE, INCOMPLETE, INTERRUPTED = 1, 2, 3, 130
"""Exit codes beside 0: failed; wrong use; done, with failed trials; interrupted."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run a comparative study of image classifiers, and write a report that one can defend.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 3 done but trials failed, 130 interrupted.",
)
data_app = typer.Typer(no_args_is_help=True, help="The data sets: which there are, fetch them, check them.")
app.add_typer(data_app, name="data")


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


PRESETS = "quick, reference, best, multitask, multi-mnist, capacity"
StudyName = Annotated[str, typer.Argument(metavar="STUDY", help=f"A preset ({PRESETS}) or a TOML file.")]
Seeds = Annotated[int | None, typer.Option(min=1, max=10_000, help="Seeds per trial, instead of the study's.")]
Chapters = Annotated[str, typer.Option(help="Only these chapters, as mlps,cnns.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the records and the report; by default runs/STUDY.")]
DeviceOption = Annotated[Device, typer.Option(help="Where nets are fitted; auto takes a GPU where there is one.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Trials side by side; by default one per core, 8 on a GPU.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def main() -> None:
    app()


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rungwise {version('rungwise')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    study: StudyName,
    out: Out = None,
    seeds: Seeds = None,
    chapters: Chapters = "",
    device: DeviceOption = Device.auto,
    workers: Workers = None,
    offline: Annotated[bool, typer.Option(help="Never download data.")] = False,
    quiet: Annotated[bool, typer.Option(help="No progress; the report's path alone.")] = False,
) -> None:
    """Compute what is missing and write the report. What is done is never computed again."""
    with _errors():
        wanted = _read(study, seeds)
        from rungwise.run import run_study

        result = run_study(
            wanted,
            _folder(study, out),
            chapters=_kinds(chapters),
            device=device.value,
            workers=workers,
            offline=offline,
            quiet=quiet,
        )
        report = result.store.root / "report.html"
        typer.echo(report)
        if result.failures:
            typer.echo(f"{len(result.failures)} trials failed; the report's appendix says why.", err=True)
            raise typer.Exit(INCOMPLETE)


@app.command()
def plan(
    study: StudyName,
    out: Out = None,
    seeds: Seeds = None,
    chapters: Chapters = "",
    device: DeviceOption = Device.auto,
    as_json: Json = False,
) -> None:
    """Show what would run, and what it would cost."""
    with _errors():
        wanted = _read(study, seeds)
        wanted = wanted.only(_kinds(chapters)) if chapters else wanted
        from rungwise import plan as planning
        from rungwise.engine.machine import choose_device, product_rates
        from rungwise.records.store import Store

        rows = planning.plan(wanted, product_rates(choose_device(device.value)), Store(_folder(study, out)).has)
        if as_json:
            typer.echo(json.dumps(planning.as_json(wanted, rows), indent=1))
        else:
            from rungwise.engine.display import print_plan

            print_plan(rows)


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")]) -> None:
    """Write the report again, from the records alone."""
    with _errors():
        from rungwise.run import open_run

        typer.echo(open_run(folder).write_report())


@app.command()
def claims(
    what: Annotated[str, typer.Argument(metavar="STUDY|DIR", help="A study, or the folder of a run.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Judge STUDY's claims by the records of this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the claims that a study declares; of a run, judge them by what has been computed."""
    with _errors():
        from rungwise.evidence import listing
        from rungwise.evidence.judge import judged
        from rungwise.run import Run, open_run
        from rungwise.study import read_study

        if out is not None:
            run = Run(read_study(what), open_run(out).store)
        elif Path(what).is_dir():
            run = open_run(Path(what))
        else:
            wanted = read_study(what)
            if as_json:
                typer.echo(json.dumps(listing.declared_json(wanted), indent=1))
            else:
                listing.print_declared(wanted)
            return
        found = judged(run.study, run.records)
        if as_json:
            typer.echo(json.dumps(listing.judged_json(run.study, found), indent=1))
        else:
            listing.print_judged(found)


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR", help="Folders of runs, the base first; two or more.")],
    metric: Annotated[list[str] | None, typer.Option(help="Only this metric; may be given several times.")] = None,
    margin: Annotated[float, typer.Option(min=0, help="A loss counts only beyond this, in the metric's unit.")] = 0,
    times: Annotated[bool, typer.Option("--times", help="Let wall-clock times decide too.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write a page of the comparison into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Compare each run with the first: what differs, and which numbers got worse beyond noise.

    Exit codes: 0 nothing got worse beyond noise, 1 something did, 2 wrong use.
    """
    with _errors():
        from rungwise.comparison import compare as comparing
        from rungwise.comparison.outcome import Options

        if out:
            comparing.check_out(out, folders)
        compared = comparing.compare(folders, Options(tuple(metric or ()), margin, times))
        if as_json:
            from rungwise.comparison.result import as_json as told

            typer.echo(told(compared))
        else:
            from rungwise.comparison.terminal import show

            show(compared)
        if out:
            typer.echo(comparing.write_page(compared, out), err=as_json)
        if compared.worse:
            raise typer.Exit(FAILED)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Versions, device, threads, data and the machine's measured speed."""
    with _errors():
        from rungwise.engine.doctor import examine

        facts = examine()
        if as_json:
            typer.echo(json.dumps({"schema": 1, **facts}, indent=1))
        else:
            for name, value in facts.items():
                typer.echo(f"{name.replace('_', ' '):24} {value}")


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """The data sets, and where they were found."""
    with _errors():
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
    with _errors():
        from rungwise.data.inventory import fetch
        from rungwise.data.progress import bars

        with bars() as show:
            fetch(name, show)
        typer.echo(f"{name} is complete.")


@data_app.command("check")
def data_check(name: Annotated[str, typer.Argument(metavar="NAME", help="A data set, as mnist.")]) -> None:
    """Verify the checksums of a data set's files; downloads nothing."""
    with _errors():
        from rungwise.data.inventory import check

        checks = check(name)
        for one in checks:
            typer.echo(f"{one.file}: {one.fault or 'right'}" + (f" ({one.path})" if one.path else ""))
        if any(one.fault for one in checks):
            raise typer.Exit(FAILED)


@contextmanager
def _errors() -> Iterator[None]:
    """What the user did wrong is told in one message; what a signal ends, ends with its code."""
    from rungwise.errors import UserError

    try:
        yield
    except UserError as error:
        _stop(str(error), USAGE)
    except KeyboardInterrupt:
        _stop("interrupted; the same command goes on where this one stopped", INTERRUPTED)


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"rungwise: {message}", err=True)
    sys.exit(code)


def _read(name: str, seeds: int | None) -> "Study":
    from rungwise.study import read_study

    study = read_study(name)
    return study if seeds is None else study.with_seeds(seeds)


def _folder(study: str, out: Path | None) -> Path:
    return out or Path("runs") / Path(study).stem


def _kinds(chapters: str) -> list[str]:
    return [kind.strip() for kind in chapters.split(",") if kind.strip()]
