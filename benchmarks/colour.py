"""How fast nets are fitted to colour images, by rungwise and by loops in PyTorch that are written by hand: with its own
Adam, with the fused one, and with maps stored channels last, too. The fastest of the three is the one to compare with.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.peers import PEERS, Peer
from benchmarks.throughput import FULL_PAIRS, SHORT_PAIRS, choose, compare, report_progress, write
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import NetSettings
from rungwise.training.precision import resolve

SIDES = (32, 64)
LARGEST = 256
"""Images per epoch of what takes longest; others have more, so that an epoch takes each peer tenths of a second."""
NETS: dict[str, tuple[NetSettings, int]] = {  # the studies' nets, and their images of 32x32 per epoch
    "reference MLP-1": (MlpSettings(hidden=(1000, 1000)), 1024),
    "reference CNN-1": (CnnSettings(filters=(32, 64, 128)), LARGEST),
    "reference CNN-2": (CnnSettings(filters=(64, 128)), LARGEST),
    "reference CNN-3": (CnnSettings(filters=(128, 128, 128)), LARGEST),
    "reference CNN-4": (CnnSettings(filters=(16, 32)), 1024),
    "reference CNN-5": (CnnSettings(filters=(32, 64, 128, 256, 512)), LARGEST),
    "quick MLP-1": (MlpSettings(hidden=(100, 100)), 8192),
    "quick CNN-1": (CnnSettings(filters=(8, 16, 32)), 1024),
    "quick CNN-2": (CnnSettings(filters=(8, 16)), 1024),
    "quick CNN-3": (CnnSettings(filters=(12, 12, 12)), 1024),
    "quick CNN-4": (CnnSettings(filters=(4, 8)), 2048),
    "quick CNN-5": (CnnSettings(filters=(4, 8, 16, 32, 64)), 1024),
}
SHORT = ("reference MLP-1", "reference CNN-1", "reference CNN-4", "quick MLP-1", "quick CNN-1", "quick CNN-4")
FUSED = Peer(
    "torch-fused",
    "PyTorch, resident data, fused Adam",
    "benchmarks.peers.torch_fused",
    "as PyTorch, resident data, with `Adam(fused=True)`",
    "as PyTorch, resident data, with `Adam(fused=True)`",
)


def run(*, full: bool, cases: Sequence[str], pairs: int | None, out: Path) -> None:
    """Measure, print, and write `colour.json` and `colour.md` to `out`, named `colour-short` unless `full`.

    Work is equal, in float32; where "auto" means another precision here, defaults are compared, too.
    """
    nets = list(_cases(tuple(NETS) if full or cases else SHORT))
    rounds = pairs or (FULL_PAIRS if full else SHORT_PAIRS)
    modes = (True,) if resolve("auto", "cpu") == "float32" else (True, False)
    found = compare(choose(nets, cases), peers(), rounds, modes=modes, tell=report_progress())
    write(out / f"colour{'' if full else '-short'}", found)


def peers() -> list[Peer]:
    """rungwise and the three loops."""
    return [*(peer for peer in PEERS if peer.name in ("rungwise", "torch-resident", "torch-tuned")), FUSED]


def _cases(names: Sequence[str]) -> Iterator[Case]:
    """Each net on images of each side; of four times as many pixels a fourth as many."""
    for name in names:
        net, count = NETS[name]
        first = Case(f"{name}, {SIDES[0]}x{SIDES[0]}", net, count, shape=(3, SIDES[0], SIDES[0]))
        yield first
        for side in SIDES[1:]:
            images = max(LARGEST // 2, count * SIDES[0] ** 2 // side**2)
            yield dataclasses.replace(first, name=f"{name}, {side}x{side}", images=images, shape=(3, side, side))
