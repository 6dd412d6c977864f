"""Soft sharing: a column of the compact net's blocks for each task, and what joins the columns after every block."""

from typing import ClassVar, Literal

from torch import Tensor, nn

from rungwise.models.cnn import Filters
from rungwise.models.compact import Blocks, CompactSettings, blocks_in_words
from rungwise.models.mlp import Widths
from rungwise.models.multitask import heads, own_in_words
from rungwise.models.net import NetSettings, Role, Shape


class ColumnsSettings(NetSettings):
    """The blocks of every column and the hidden layers of every task, as in `CompactSettings`."""

    roles: ClassVar[tuple[Role, ...]] = ("sharing",)
    link: ClassVar[str]
    """What happens after each block, in words."""

    filters: Filters = (16, 32, 64)
    """Of each block of a column; the first block is the stem."""
    head: Widths = ()
    """Widths of each task's own hidden layers."""

    def junction(self, channels: int, tasks: int) -> nn.Module:
        """What joins the columns' maps after a block: of one tensor (N, channels, H, W) per task, as many more."""
        raise NotImplementedError

    def build(self, image: Shape, outputs: tuple[int, ...]) -> nn.Module:
        """One task has nobody to share with: its net is a column alone, the compact net."""
        if len(outputs) == 1:
            return CompactSettings(filters=self.filters, head=self.head).build(image, outputs)
        return Columns(self, image, outputs)

    def in_short(self) -> str:
        return "-".join(map(str, self.filters))

    def in_words(self) -> str:
        column = f"{blocks_in_words(self.filters)} and {self.head_in_words()}"
        return f"Each task has a column of {column}; after each block, {self.link}."

    def head_in_words(self) -> str:
        return own_in_words(self.head)

    def halvings(self) -> Literal["pool"]:
        return "pool"


class Columns(nn.Module):
    """A column and a head per task; the maps of column k, joined with the others', answer for task k."""

    def __init__(self, settings: ColumnsSettings, image: Shape, outputs: tuple[int, ...]) -> None:
        super().__init__()
        columns = [Blocks(image, settings.filters) for _ in outputs]
        self.columns = nn.ModuleList(columns)
        self.junctions = nn.ModuleList(settings.junction(channels, len(outputs)) for channels in settings.filters)
        self.heads = heads(columns[0].outputs, settings.head, outputs)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Of each block, every column's maps before they are joined; then the logits."""
        stages: dict[str, Tensor] = {}
        maps = [x for _ in self.heads]
        for number, (*blocks, junction) in enumerate(zip(*self.columns, self.junctions, strict=True), 1):
            maps = [block(own) for block, own in zip(blocks, maps, strict=True)]  # (N, filters, side, side) each
            stages |= {f"block {number} column {task}": own for task, own in enumerate(maps, 1)}
            maps = junction(maps)
        for task, (head, own) in enumerate(zip(self.heads, maps, strict=True), 1):
            stages[f"logits {task}"] = head(own.flatten(1))  # (N, classes of the task)
        return stages

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        stages = self.features(x)
        return tuple(stages[f"logits {task}"] for task in range(1, len(self.heads) + 1))
