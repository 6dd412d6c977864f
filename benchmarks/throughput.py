"""How fast nets are fitted, by rungwise and by its peers."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from benchmarks.cases import CASES, Case, images_of, work_of
from benchmarks.machine import facts, rates
from benchmarks.peers import PEERS, Peer
from benchmarks.rounds import Child, Run, measure
from benchmarks.table import Load, Table, markdown, pace, rows
from rungwise.engine.machine import DeviceError, choose_device
from rungwise.records.environment import cores

SHORT_IMAGES = {"MLP-1": 2048, "CNN-1": 512}
"""The nets of the short version, and their images per epoch."""
SHORT_PAIRS, FULL_PAIRS = 3, 5


def run(
    *,
    full: bool,
    cases: Sequence[str],
    peers: Sequence[str],
    pairs: int | None,
    images: int | None,
    device: Literal["cpu", "cuda"],
    out: Path,
) -> None:
    """Measure, print, and write `throughput.json` and `throughput.md` to `out`, named `throughput-short` unless `full`
    and `throughput-cuda` on a GPU.

    They are written anew after each net, so that a run that is ended leaves what it has measured.
    """
    try:
        choose_device(device)
    except DeviceError as error:
        raise SystemExit(str(error)) from None
    nets = [case for case in CASES if full or cases or case.name in SHORT_IMAGES]
    if not full:
        nets = [dataclasses.replace(case, images=SHORT_IMAGES.get(case.name, 512)) for case in nets]
    if images is not None:
        nets = [dataclasses.replace(case, images=images) for case in nets]
    where = "-cuda" if device == "cuda" else ""
    rounds = pairs or (FULL_PAIRS if full else SHORT_PAIRS)
    found = compare(choose(nets, cases), choose(PEERS, peers), rounds, device=device, tell=report_progress())
    write(out / f"throughput{where}{'' if full else '-short'}", found)


def write(name: Path, found: Iterable[tuple[dict[str, Any], list[Table]]]) -> None:
    """Write NAME.json and NAME.md of what `compare` finds, anew after each net, and print the last."""
    name.parent.mkdir(parents=True, exist_ok=True)
    text = ""
    for machine, tables in found:
        text = markdown(machine, tables)
        content = {"machine": machine, "tables": [dataclasses.asdict(table) for table in tables]}
        name.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
        name.with_suffix(".md").write_text(text)
    print(text)
    print(f"{name}.md, {name}.json")


def choose(known: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Those of these names, or all. rungwise is always among the peers: it is what the others are compared with."""
    if wrong := [name for name in names if name not in {each.name for each in known}]:
        raise SystemExit(f"{wrong[0]!r} is none of {', '.join(each.name for each in known)}")
    return [each for each in known if not names or each.name in (*names, "rungwise")]


def compare(
    cases: Sequence[Case],
    peers: Sequence[Peer],
    pairs: int,
    *,
    device: str = "cpu",
    noise: bool = False,
    modes: Sequence[bool] = (True, False),
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[dict[str, Any], list[Table]]]:
    """The facts of the machine, and two tables per net: equal work, and default against default. Told after each net,
    with all tables so far: those of equal work come first.

    `pairs`: the epochs that are timed warm; one before and one after are told apart.
    """
    threads = cores()
    children = [Child(peer, threads, device=device) for peer in peers]
    measured: list[tuple[Case, bool, bool, list[Run], Any]] = []
    try:
        for case in cases:
            images = images_of(case, noise=noise)
            for equal in modes:
                work = work_of(case, images, pairs + 2, equal=equal, device=device)
                able = [each for each in children if equal or each.peer.default]
                name = f"{case.name}, {'equal work' if equal else 'defaults'}"
                told = lambda text, name=name: tell(f"{name}: {text}")  # type: ignore[misc]  # noqa: E731
                runs = measure(work, able, lambda: rates(device), told)
                measured.append((case, equal, images.drawn, runs, work.test_labels))
            tables = [
                Table(
                    case.name,
                    equal,
                    pairs,
                    drawn,
                    (load := Load(case.images, case.steps, case.flops, case.parameters)),
                    case.batch,
                    pace(runs),
                    rows(runs, load, test_labels, equal=equal),
                    {run.peer.title: run.peer.equal if equal else run.peer.default for run in runs},
                )
                for case, equal, drawn, runs, test_labels in sorted(measured, key=lambda one: not one[1])
            ]
            yield facts(threads, device), tables
    finally:
        for each in children:
            each.stop()


def report_progress() -> Callable[[str], None]:
    started = time.perf_counter()

    def tell(text: str) -> None:
        print(f"[{time.perf_counter() - started:6.1f} s] {text}", flush=True)

    return tell
