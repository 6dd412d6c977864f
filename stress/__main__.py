"""The command line of the stress: one command per kind. What they do is imported only where it runs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="rungwise under what goes wrong.")
Seed = Annotated[int, typer.Option(help="What is tried follows from it.")]
Place = Annotated[Path | None, typer.Option("--dir", help="An empty folder to work in; by default a temporary one.")]


@app.command()
def kills(
    times: Annotated[int, typer.Option(min=1, help="How many kills.")] = 100, seed: Seed = 0, place: Place = None
) -> None:
    """Kill runs and reports at random moments."""
    from stress.kills import kills as kill
    from stress.tally import finish

    with _place(place) as folder:
        tally = kill(times, seed, folder)
    finish(tally)


@app.command()
def damage(
    times: Annotated[int, typer.Option(min=1, help="How many damaged inputs.")] = 300,
    seed: Seed = 0,
    sorts: Annotated[str, typer.Option(help="Only these, as records,studies.")] = "",
    place: Place = None,
) -> None:
    """Give damaged data, records, studies, options and environments."""
    from stress.damage import damage as give
    from stress.tally import finish

    with _place(place) as folder:
        tally = give(times, seed, folder, [name.strip() for name in sorts.split(",") if name.strip()])
    finish(tally)


@app.command()
def together(
    runs: Annotated[int, typer.Option(min=2, help="How many at once.")] = 10,
    killed: Annotated[int, typer.Option(min=0, help="How many of them are killed on the way, the second time.")] = 3,
    seed: Seed = 0,
    place: Place = None,
) -> None:
    """Start many runs of one study on one folder at once."""
    from stress.tally import finish
    from stress.together import together as start

    with _place(place) as folder:
        tally = start(runs, killed, seed, folder)
    finish(tally)


@app.command()
def leaks(times: Annotated[int, typer.Option(min=2, help="How many studies.")] = 100, place: Place = None) -> None:
    """Run many studies in one process."""
    from stress.leaks import leaks as loop
    from stress.tally import finish

    with _place(place) as folder:
        tally = loop(times, folder)
    finish(tally)


@contextmanager
def _place(place: Path | None) -> Iterator[Path]:
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="rungwise-stress-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    app()
