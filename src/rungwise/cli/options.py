"""Arguments and options that several commands have."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


PRESETS = "quick, reference, best, multitask, multi-mnist, capacity, leak"
StudyName = Annotated[str, typer.Argument(metavar="STUDY", help=f"A preset ({PRESETS}) or a TOML file.")]
Seeds = Annotated[int | None, typer.Option(min=1, max=10_000, help="Seeds per trial, instead of the study's.")]
Chapters = Annotated[str | None, typer.Option(help="Only these chapters, as mlps,cnns.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the records and the report; by default runs/STUDY.")]
DeviceOption = Annotated[Device, typer.Option(help="Where nets are fitted; auto takes a GPU where there is one.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Trials side by side; by default one per core, 8 on a GPU.")]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="NAME|PATH", help="Ask the study of other data: a data set by name, or your own images."
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        "--groups",
        metavar="TABLE",
        help="Of --data: a table with the columns file_name and group; no group is on both sides of a split.",
    ),
]
Verify = Annotated[bool, typer.Option("--verify", help="Read all of your images' files, even unchanged ones.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Offline = Annotated[bool, typer.Option(help="Never download data.")]
Quiet = Annotated[bool, typer.Option(help="No progress; the report's path alone.")]
Claims = Annotated[str | None, typer.Option(metavar="IDS", help="Only these claims, as M1,C3.")]
Budget = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="How long it may take, as 90s, 30m, 2h; by default as long as it takes."),
]
MostSeeds = Annotated[int, typer.Option(min=1, max=10_000, help="The most seeds that a claim may have.")]
