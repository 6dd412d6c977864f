"""The command line of the benchmarks: one command per question. What they do is imported only where it runs."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="rungwise against its peers.")
RESULTS = Path(__file__).parent / "results"
Full = Annotated[bool, typer.Option("--full", help="All of it, instead of a short version.")]
Out = Annotated[Path, typer.Option(help="Folder of the tables.")]


@app.callback()
def _prepare() -> None:
    """Before torch is loaded: it measures the machine with as many threads as the peers have."""
    from benchmarks.child import environment
    from rungwise.records.environment import cores

    os.environ |= environment(cores())


@app.command()
def throughput(
    full: Full = False,
    cases: Annotated[str, typer.Option(help="Only these nets, as MLP-1,CNN-1.")] = "",
    peers: Annotated[str, typer.Option(help="Only these peers, as torch-resident,keras-jax.")] = "",
    pairs: Annotated[int | None, typer.Option(min=1, help="Warm epochs per peer, instead of the version's.")] = None,
    images: Annotated[int | None, typer.Option(min=2, help="Images per epoch, instead of each net's.")] = None,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where nets are fitted.")] = "cpu",
    out: Out = RESULTS,
) -> None:
    """How fast nets are fitted: equal work, and default against default."""
    from benchmarks.throughput import run

    run(full=full, cases=_names(cases), peers=_names(peers), pairs=pairs, images=images, device=device, out=out)


@app.command()
def colour(
    full: Full = False,
    cases: Annotated[str, typer.Option(help="Only these nets, as 'quick CNN-1, 32x32'; several apart by ';'.")] = "",
    pairs: Annotated[int | None, typer.Option(min=1, help="Warm epochs per peer, instead of the version's.")] = None,
    out: Out = RESULTS,
) -> None:
    """How fast nets are fitted to colour images of 32x32 and 64x64, against loops in PyTorch written by hand."""
    from benchmarks.colour import run

    run(full=full, cases=_names(cases, ";"), pairs=pairs, out=out)


@app.command()
def perceptrons(full: Full = False, out: Out = RESULTS) -> None:
    """Batch perceptrons of pairs of digits, ten seeds each, against NumPy loops."""
    from benchmarks.perceptrons import markdown, run

    _write("perceptrons", full, run(full=full), markdown, out)


@app.command()
def seeds(
    full: Full = False,
    most: Annotated[int, typer.Option(min=1, help="No more seeds at once than these.")] = 64,
    out: Out = RESULTS,
) -> None:
    """Models per second for 1, 4, 16 and 64 seeds: one by one, side by side, stacked; on a GPU where there is one."""
    from benchmarks.seeds import markdown, run

    found = run(full=full, most=most)
    _write("seeds-cuda" if found["machine"]["device"] == "cuda" else "seeds", full, found, markdown, out)


@app.command()
def growth(out: Out = RESULTS) -> None:
    """How the cost of an epoch grows with images and parameters."""
    from benchmarks.growth import markdown, run

    _write("growth", True, run(), markdown, out)


@app.command()
def large(
    images: Annotated[
        int, typer.Option(min=1000, help="How many to make; 3 kB each, in a temporary folder.")
    ] = 1_000_000,
    out: Out = RESULTS,
) -> None:
    """How much memory an epoch on a million colour images takes that stay in a file, and how fast they are read."""
    from benchmarks.large import IMAGES, markdown, run

    _write("large", images == IMAGES, run(images), markdown, out)


@app.command("own-data")
def own_data(
    files: Annotated[int, typer.Option(min=100, help="JPEG files to make.")] = 10_000,
    images: Annotated[int, typer.Option(min=1000, help="Images to make in one file; 3 kB each.")] = 1_000_000,
    out: Out = RESULTS,
) -> None:
    """How fast own images are decoded, looked at and found again, and what a million of them take."""
    from benchmarks.own_data import FILES, IMAGES, markdown, run

    _write("own-data", (files, images) == (FILES, IMAGES), run(files, images), markdown, out)


@app.command()
def audit(
    images: Annotated[int, typer.Option(min=1000, help="Colour images of 64x64 to make.")] = 10_000, out: Out = RESULTS
) -> None:
    """How long the checks of own images take, and how much memory."""
    from benchmarks.audit import IMAGES, markdown, run

    _write("audit", images == IMAGES, run(images), markdown, out)


@app.command()
def profile(out: Out = RESULTS) -> None:
    """Where a training step's time goes: the reference's nets and the recipes of `best`."""
    from benchmarks.profile import markdown, run

    _write("profile", True, run(), markdown, out)


def _write(name: str, full: bool, found: dict[str, Any], markdown: Callable[[dict[str, Any]], str], out: Path) -> None:
    """NAME.json and NAME.md, or NAME-short."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / (name if full else f"{name}-short")
    path.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    path.with_suffix(".md").write_text(text := markdown(found))
    print(text)
    print(f"{path}.md, {path}.json")


def _names(text: str, between: str = ",") -> list[str]:
    return [name.strip() for name in text.split(between) if name.strip()]


if __name__ == "__main__":
    app()
