"""Cross-stitch units (Misra et al. 2016, arXiv 1604.03539): columns that learn how much of each other to mix in."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from rungwise.models.columns import ColumnsSettings
from rungwise.models.net import Undrawn


class CrossStitchSettings(ColumnsSettings):
    """A column per task, and a cross-stitch unit for every channel after every block of theirs."""

    link: ClassVar[str] = "each column goes on with a learned mixture of all of them (Misra et al. 2016)"

    family: Literal["cross-stitch"] = "cross-stitch"
    own: float = Field(0.9, ge=0, le=1)
    """The weight of a column's own maps at the start; the others' share the rest equally. With 1 the columns start
    apart, and still learn to mix."""

    def junction(self, channels: int, tasks: int) -> "CrossStitch":
        return CrossStitch(channels, tasks, self.own)


class CrossStitch(Undrawn):
    """Per channel, what each task goes on with is a learnt linear combination of all tasks' maps of that channel."""

    def __init__(self, channels: int, tasks: int, own: float) -> None:
        super().__init__()
        self.own = own
        self.units = nn.Parameter(torch.empty(tasks, tasks, channels))
        """[i, j, c]: how much of column j's channel c goes to column i."""
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        tasks = len(self.units)
        self.units.fill_((1 - self.own) / (tasks - 1))
        for i in range(tasks):
            self.units[i, i] = self.own

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """T tensors (N, C, H, W) to as many."""
        mixed = []
        for row in self.units[..., None, None]:  # (T, C, 1, 1)
            parts = (unit * x for unit, x in zip(row, maps, strict=True))
            mixed.append(sum(parts, start=next(parts)))
        return mixed
