"""The command line of the benchmarks: one command per question. What they do is imported only where it runs."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="rungwise against its peers.")
RESULTS = Path(__file__).parent / "results"


@app.callback()
def _prepare() -> None:
    """Before torch is loaded: it measures the machine with as many threads as the peers have."""
    from benchmarks.child import environment
    from rungwise.records.environment import cores

    os.environ |= environment(cores())


@app.command()
def throughput(
    full: Annotated[bool, typer.Option("--full", help="All nets and five pairs, instead of a short version.")] = False,
    cases: Annotated[str, typer.Option(help="Only these nets, as MLP-1,CNN-1.")] = "",
    peers: Annotated[str, typer.Option(help="Only these peers, as torch-resident,keras-jax.")] = "",
    pairs: Annotated[int | None, typer.Option(min=1, help="Warm epochs per peer, instead of the version's.")] = None,
    images: Annotated[int | None, typer.Option(min=2, help="Images per epoch, instead of each net's.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = RESULTS,
) -> None:
    """How fast nets are fitted: equal work, and default against default."""
    from benchmarks.throughput import run

    run(full=full, cases=_names(cases), peers=_names(peers), pairs=pairs, images=images, out=out)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    app()
