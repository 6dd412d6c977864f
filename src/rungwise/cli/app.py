"""The command line: verbs and their options. What they do is elsewhere, and is imported only when it is needed."""

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rungwise.cli.arguments import folder_of, kinds_of, listed_in, read
from rungwise.cli.data import data_app
from rungwise.cli.exits import FAILED, INCOMPLETE, end_if_damaged, tell_damage, tell_unreported, user_errors
from rungwise.cli.options import (
    PRESETS,
    Budget,
    Chapters,
    Claims,
    DataOption,
    Device,
    DeviceOption,
    Groups,
    Json,
    MostSeeds,
    Offline,
    Out,
    Quiet,
    Seeds,
    StudyName,
    Verify,
    Workers,
)
from rungwise.cli.signals import unwinding
from rungwise.errors import UserError
from rungwise.files import portable_name

if TYPE_CHECKING:
    from rungwise.runs.run import Run
    from rungwise.study.study import Study

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run a comparative study of image classifiers, and write a report that one can defend.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 3 done but trials failed or records are damaged, "
    "130 interrupted, 143 ended (signal n: 128 + n), 141 the output was not read to its end.",
)
app.add_typer(data_app, name="data")


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
    data: DataOption = None,
    groups: Groups = None,
    seeds: Seeds = None,
    chapters: Chapters = None,
    device: DeviceOption = Device.auto,
    workers: Workers = None,
    verify: Verify = False,
    offline: Offline = False,
    quiet: Quiet = False,
) -> None:
    """Compute what is missing and write the report. What is done is never computed again."""
    with user_errors():
        wanted, given = read(study, seeds, data, verify, quiet, groups)
        folder, kinds = folder_of(study, out, given), kinds_of(chapters)
        from rungwise.cli.outcome_listing import print_outcome
        from rungwise.runs.outcome import Clock, found
        from rungwise.runs.run import TrialsFailedWarning, run_study

        clock = Clock()
        with unwinding(), warnings.catch_warnings(action="ignore", category=TrialsFailedWarning):
            result = run_study(
                wanted,
                folder,
                chapters=kinds,
                device=device.value,
                workers=workers,
                offline=offline,
                quiet=quiet,
                data=given,
            )
        _tell_notes(result)
        if not quiet:
            print_outcome(found(result), clock.seconds)
        typer.echo(result.store.root / "report.html")
        _end_if_failed(result, told=not quiet)
        end_if_damaged(result)


@app.command()
def settle(
    study: StudyName,
    out: Out = None,
    data: DataOption = None,
    groups: Groups = None,
    claims: Claims = None,
    budget: Budget = None,
    most_seeds: MostSeeds = 60,
    device: DeviceOption = Device.auto,
    workers: Workers = None,
    offline: Offline = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Add seeds until claims are settled, by verdicts that are valid at every look, and write the report.

    It looks after each seed, and goes on where it was stopped. Seeds go to the chapters of the claim that is likeliest
    to be settled per second, each with all models of the chapter.
    """
    with user_errors():
        wanted, given = read(study, None, data, quiet=quiet, groups=groups)
        folder, ids = folder_of(study, out, given), listed_in("--claims", "ids of claims, as M1,C3", claims)
        from rungwise.cli.settle_listing import as_json as told
        from rungwise.runs.run import TrialsFailedWarning
        from rungwise.runs.settle import settle_study
        from rungwise.runs.settle_words import told_end

        with unwinding(), warnings.catch_warnings(action="ignore", category=TrialsFailedWarning):
            settlement = settle_study(
                wanted,
                folder,
                claims=ids,
                budget=budget,
                most_seeds=most_seeds,
                device=device.value,
                workers=workers,
                offline=offline,
                quiet=quiet,
                data=given,
            )
        _tell_notes(settlement.run)
        if as_json:
            typer.echo(json.dumps(told(settlement), indent=1))
        else:
            typer.echo("\n".join([*([] if quiet else told_end(settlement)), str(settlement.page)]))
        _end_if_failed(settlement.run, told=False)
        end_if_damaged(settlement.run)


@app.command()
def plan(
    study: StudyName,
    out: Out = None,
    data: DataOption = None,
    groups: Groups = None,
    seeds: Seeds = None,
    chapters: Chapters = None,
    device: DeviceOption = Device.auto,
    power: Annotated[
        bool, typer.Option("--power", help="Show what each claim could show with these seeds, from a pilot.")
    ] = False,
    pilot: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The pilot of --power: a run of two seeds or more; by default the study's own folder."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what would run, and what it would cost; with --power, what its claims could show."""
    with user_errors():
        if pilot is not None and not power:
            raise UserError("--pilot names the run that --power goes by; add --power, or leave --pilot out")
        wanted, given = read(study, seeds, data, groups=groups)
        folder, kinds = folder_of(study, out, given), kinds_of(chapters)
        if given is not None:
            from rungwise.study.adapt import adapt

            wanted = adapt(wanted, study, given).study
        from rungwise.study.checks import refuse_unfit

        refuse_unfit(wanted)
        if power:
            _tell_power(wanted, pilot or folder, kinds, named=pilot is not None, as_json=as_json)
            return
        wanted = wanted.only(kinds) if kinds else wanted
        from rungwise.engine.machine import choose_device, product_rates
        from rungwise.records.store import Store
        from rungwise.study import plan as planning

        rows = planning.plan(wanted, product_rates(choose_device(device.value)), Store(folder).has)
        if as_json:
            typer.echo(json.dumps(planning.as_json(wanted, rows), indent=1))
        else:
            from rungwise.runs.display import print_plan

            print_plan(rows)


@app.command()
def new(
    data: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A data set by name, or your own images.")],
    study: Annotated[str, typer.Option("--study", metavar="STUDY", help=f"What to begin with: {PRESETS}.")] = "quick",
    groups: Groups = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write it; by default NAME.toml.")] = None,
) -> None:
    """Write a study for your data, to be read, edited and run."""
    with user_errors():
        wanted, given = read(study, None, data, groups=groups)
        assert given is not None
        path = out or Path(f"{portable_name(given.facts.name)}.toml")
        if path.suffix != ".toml":
            raise UserError(f"--out should be a TOML file, as {path.stem or 'study'}.toml; got {path}")
        if path.exists():
            raise UserError(f"{path} exists: choose another --out, or delete it")
        from rungwise.files import write_atomically
        from rungwise.study.adapt import adapt

        adapted = adapt(wanted, study, given, path.absolute().parent)
        write_atomically(path, adapted.text)
        for why in adapted.left_out:
            typer.echo(f"rungwise: left out: {why}", err=True)
        typer.echo(path)


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")]) -> None:
    """Write the report again, from the records alone."""
    with user_errors():
        from rungwise.runs.run import open_run

        run = open_run(folder)
        with unwinding():
            path = run.write_report()
        typer.echo(path)
        tell_unreported(run)
        end_if_damaged(run)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
    seal: Annotated[bool, typer.Option("--seal", help="Seal the records that have no digests yet.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Rebuild the report too, and compare it.")] = False,
    as_json: Json = False,
) -> None:
    """Check every record of a run, file by file.

    Exit codes: 0 all is as it was written, 1 something is not, 2 wrong use.
    """
    with user_errors():
        from rungwise.cli.verification_listing import as_json_text, show
        from rungwise.runs.verification import check_folder

        found = check_folder(folder, seal=seal, report=report)
        if as_json:
            typer.echo(as_json_text(found))
        else:
            show(found)
        if not found.right:
            raise typer.Exit(FAILED)


@app.command()
def claims(
    what: Annotated[str, typer.Argument(metavar="STUDY|DIR", help="A study, or the folder of a run.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Judge STUDY's claims by the records of this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the claims that a study declares; of a run, judge them by what has been computed."""
    with user_errors():
        from rungwise.cli import claims_listing as listing
        from rungwise.runs.run import DamagedRecordsWarning, Run, open_run
        from rungwise.study.reading import read_study

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
        with warnings.catch_warnings(action="ignore", category=DamagedRecordsWarning):  # they are told below
            found = run.claims
        if as_json:
            typer.echo(json.dumps(listing.judged_json(run.study, found), indent=1))
        else:
            listing.print_judged(found)
        end_if_damaged(run)


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

    Exit codes: 0 nothing got worse beyond noise, 1 something did, 2 wrong use, 3 nothing did, but records are damaged.
    """
    with user_errors():
        from rungwise.comparison import compare as comparing
        from rungwise.comparison.outcome import Options

        if out:
            comparing.check_out(out, folders)
        compared = comparing.compare(folders, Options(tuple(metric or ()), margin, times))
        if as_json:
            from rungwise.comparison.result import as_json as told

            typer.echo(told(compared))
        else:
            from rungwise.cli.comparison_listing import show

            show(compared)
        if out:
            with unwinding():
                page = comparing.write_page(compared, out)
            typer.echo(page, err=as_json)
        damaged = [why for run in compared.runs for why in run.damaged]
        tell_damage(damaged)
        if compared.worse or damaged:
            raise typer.Exit(FAILED if compared.worse else INCOMPLETE)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Versions, device, threads, data and the machine's measured speed."""
    with user_errors():
        from rungwise.cli.doctor import examine

        facts = examine()
        if as_json:
            typer.echo(json.dumps({"schema": 1, **facts}, indent=1))
        else:
            for name, value in facts.items():
                typer.echo(f"{name.replace('_', ' '):24} {value}")


def _tell_notes(run: "Run") -> None:
    """What a person must know of a run that has just ended, on standard error."""
    for why in run.left_out:
        typer.echo(f"rungwise: left out: {why}", err=True)
    for why in (*run.notes, *run.changed):
        typer.echo(f"rungwise: {why}", err=True)
    for why in run.set_aside.values():
        typer.echo(f"rungwise: a damaged record was set aside and computed anew: {why}", err=True)
    tell_unreported(run)


def _end_if_failed(run: "Run", *, told: bool) -> None:
    """`told`: whether it was said already which trials failed."""
    if run.failures:
        if not told:
            typer.echo(f"{len(run.failures)} trials failed; the report's appendix says why.", err=True)
        raise typer.Exit(INCOMPLETE)


def _tell_power(study: "Study", pilot: Path, kinds: list[str], *, named: bool, as_json: bool) -> None:
    """What the claims could show; ends with the code for damage where records of the pilot were left out for that."""
    from rungwise.cli import power_listing as listing
    from rungwise.runs.pilot import power

    found = power(study, pilot, kinds, named=named)
    if as_json:
        typer.echo(json.dumps(listing.power_json(study, str(pilot), found.claims), indent=1))
    else:
        listing.print_power(str(pilot), found.claims)
    tell_damage(found.damaged)
    if found.damaged:
        raise typer.Exit(INCOMPLETE)
