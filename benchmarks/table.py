"""From times to ratios, medians and shares, and to a table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.machine import ADAM_BYTES, Rates
from benchmarks.rounds import Run

LOSS_TOLERANCE = 3e-3
"""By how much the first epoch's mean training loss may differ from rungwise's, as a fraction of it, for the work to be
the same. On MLP-1, sums in another order changed it by 1e-7 to 2e-6, Adam's epsilon uncorrected for bias by up to 5e-4
(see `work.UNCORRECTED_EPSILON`), and another order of the images by 9e-3 to .4."""


@dataclass(frozen=True)
class Spread:
    """A median of n values, with the least and the greatest."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values), len(values))


@dataclass(frozen=True)
class Load:
    """What an epoch asks of the machine at least."""

    images: int
    steps: int
    flops: int
    """Of one training step on one image; predictions are not in the clock."""
    parameters: int

    def floor_s(self, rates: Rates, precision: str) -> float:
        """Seconds of an epoch whose matrix products run at the machine's rate, or whose optimiser moves its bytes at
        its bandwidth, whichever takes longer. Where weights stay in a cache, the second can be undercut."""
        products = self.images * self.flops / rates.flops[precision]
        return max(products, self.steps * ADAM_BYTES * self.parameters / rates.bandwidth)


@dataclass(frozen=True)
class Row:
    peer: str
    title: str
    error: str = ""
    """Why there are no numbers."""
    precision: str = ""
    epoch_s: Spread | None = None
    images_per_s: Spread | None = None
    ratio: Spread | None = None
    """Of this peer's time to rungwise's, round by round: above 1, rungwise is faster."""
    rate_share: Spread | None = None
    """Training's operations per second, as a share of the machine's product rate in this precision; epoch by epoch."""
    floor_share: float | None = None
    """The floor as a share of the time, median of the epochs."""
    loss: float | None = None
    """Mean training loss of the first epoch."""
    loss_difference: float | None = None
    """From rungwise's, as a fraction of it, negative where this peer's is lower; None where work need not be equal."""
    same_work: bool | None = None
    """Whether that is within the tolerance."""
    import_s: float | None = None
    first_s: float | None = None
    whole_s: float | None = None
    """All epochs from raw images to test predictions, building and compiling included, importing not."""
    accuracy: tuple[float, ...] = ()
    """On the test images, by task."""


def rows(runs: Sequence[Run], load: Load, test_labels: np.ndarray, *, equal: bool) -> list[Row]:
    """One per run, compared with that of the peer "rungwise"; where it has failed, there is nothing to compare with."""
    ours = next((run for run in runs if run.peer.name == "rungwise" and not run.error), None)
    return [_row(run, ours, load, test_labels, equal) for run in runs]


def _row(run: Run, ours: Run | None, load: Load, test_labels: np.ndarray, equal: bool) -> Row:
    if run.error or run.result is None:
        return Row(run.peer.name, run.peer.title, error=run.error)
    epochs, precision = list(zip(run.warm_s, run.rates, strict=True)), run.result.precision
    flops = load.images * load.flops
    off = run.losses[0] / ours.losses[0] - 1 if equal and ours is not None else None
    return Row(
        run.peer.name,
        run.peer.title,
        precision=precision,
        epoch_s=Spread.of(run.warm_s),
        images_per_s=Spread.of([load.images / s for s in run.warm_s]),
        ratio=None if ours is None else Spread.of([a / b for a, b in zip(run.warm_s, ours.warm_s, strict=True)]),
        rate_share=Spread.of([flops / s / rates.flops[precision] for s, rates in epochs]),
        floor_share=statistics.median(load.floor_s(rates, precision) / s for s, rates in epochs),
        loss=run.losses[0],
        loss_difference=off,
        same_work=None if off is None else abs(off) <= LOSS_TOLERANCE,
        import_s=run.import_s,
        first_s=run.first_s,
        whole_s=run.first_s + sum(run.warm_s) + run.last_s,
        accuracy=tuple(
            float((told == true).mean()) for told, true in zip(run.result.predictions, test_labels, strict=True)
        ),
    )


@dataclass(frozen=True)
class Table:
    """One net in one mode."""

    net: str
    equal: bool
    pairs: int
    noise: bool
    """Whether its images are noise: it is asked for, or the data set is not on this machine."""
    load: Load
    batch: int
    machine: dict[str, Spread]
    """What it did between the turns, by `pace`."""
    rows: list[Row]
    notes: dict[str, str]
    """How each peer works, by its title."""


def pace(runs: Sequence[Run]) -> dict[str, Spread]:
    """What the machine did before the epochs of these runs: matrix products by precision, and memory; per second."""
    known = [rates for run in runs for rates in run.rates]
    units = {f"{name} products, TFLOP": [rates.flops[name] / 1e12 for rates in known] for name in known[0].flops}
    units["memory, GB"] = [rates.bandwidth / 1e9 for rates in known]
    return {name: Spread.of(values) for name, values in units.items()}


def markdown(machine: dict[str, Any], tables: Sequence[Table]) -> str:
    """The machine, one table per net and mode, what the columns mean, and how each peer works."""
    parts = ["# rungwise against its peers", _machine(machine)]
    for table in tables:
        mode = "equal work" if table.equal else "default against default"
        load = table.load
        about = (
            f"{load.images:,} images per epoch, batch {table.batch}, {load.parameters:,} parameters, "
            f"{load.flops / 1e6:.1f} MFLOP per image, n = {table.pairs} pairs. The machine meanwhile: "
            + "; ".join(f"{name}/s {_spread(rate, '.3g')}" for name, rate in table.machine.items())
            + "."
            + (" The images are noise with a bright column for a class." if table.noise else "")
        )
        parts += [f"## {table.net}, {mode}", about, _table(table.rows)]
    parts += ["## What the columns say", COLUMNS]
    for equal, title in ((True, "How equal work is done"), (False, "What the defaults are")):
        if notes := {peer: text for table in tables if table.equal == equal for peer, text in table.notes.items()}:
            parts += [f"## {title}", "\n".join(f"- **{peer}**: {text}." for peer, text in notes.items())]
    return "\n\n".join(parts) + "\n"


COLUMNS = f"""\
- **images/s** and **time ÷ rungwise's**: medians of warm epochs (least–greatest). All peers fit one epoch in turn,
  then the next in another order; the ratio is taken round by round. Above 1, rungwise is faster.
- **share of rate**: training's operations per second (forward and backward products), against the machine's square
  products in the same number format, which are measured just before each epoch.
- **share of floor**: the least time of an epoch, against what it took. The least is max(operations / product rate,
  steps · {ADAM_BYTES} B · parameters / memory bandwidth). Weights that stay in a cache can undercut the second.
- **first loss**: the first epoch's mean training loss. Work counts as the same within {LOSS_TOLERANCE:.1%} of
  rungwise's.
- **import s**: its libraries, once per process. **first epoch s**: with building and compiling. **whole run s**: all
  epochs from raw images to test predictions, importing left out."""


def _machine(machine: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {text}" for name, text in machine["libraries"].items() if text != "unknown")
    commit = f" ({machine['commit'][:12]})" if machine["commit"] else ""
    gpu = f"{machine['accelerator']}; " if machine.get("accelerator") else ""
    version = f"rungwise {machine['rungwise']}{commit}"
    return f"{gpu}{machine['processor']}, {machine['threads']} threads; {version}; {libraries}."


HEADS = (
    "peer",
    "products in",
    "images/s",
    "time ÷ rungwise's",
    "share of rate",
    "share of floor",
    "first loss",
    "off rungwise's",
    "same work",
    "import s",
    "first epoch s",
    "whole run s",
    "test accuracy",
)


def _table(part: Sequence[Row]) -> str:
    lines = [f"| {' | '.join(HEADS)} |", "|---|---|" + "---:|" * (len(HEADS) - 2)]
    for row in part:
        if row.error:
            lines.append(f"| {row.title} | {row.error.replace('|', '/').splitlines()[0]} |" + " |" * (len(HEADS) - 2))
        else:
            lines.append(f"| {' | '.join(_cells(row))} |")
    return "\n".join(lines)


def _cells(row: Row) -> list[str]:
    same = {True: "yes", False: "**no**", None: "–"}
    return [
        row.title,
        row.precision,
        _spread(row.images_per_s, ",.0f"),
        _spread(row.ratio, ".2f"),
        _spread(row.rate_share, ".0%"),
        "–" if row.floor_share is None else f"{row.floor_share:.0%}",
        "–" if row.loss is None else f"{row.loss:.5f}",
        "–" if row.loss_difference is None else f"{row.loss_difference:+.1e}",
        same[row.same_work],
        f"{row.import_s:.1f}",
        f"{row.first_s:.2f}",
        f"{row.whole_s:.2f}",
        ", ".join(f"{value:.3f}" for value in row.accuracy),
    ]


def _spread(spread: Spread | None, form: str) -> str:
    return "–" if spread is None else f"{spread.median:{form}} ({spread.low:{form}}–{spread.high:{form}})"
