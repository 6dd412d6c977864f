"""Deep Collaboration (Trottier et al. 2017, arXiv 1711.00111): columns that learn what to take from each other."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from rungwise.models.columns import ColumnsSettings
from rungwise.models.norm import BatchNorm


class CollaborationSettings(ColumnsSettings):
    """A column per task, and a collaborative block after every block of theirs."""

    link: ClassVar[str] = "a block common to all tasks reads every column and adds to each (Trottier et al. 2017)"

    family: Literal["collaboration"] = "collaboration"

    def junction(self, channels: int, tasks: int) -> "Collaborative":
        return Collaborative(channels, tasks)


class Collaborative(nn.Module):
    """The paper's collaborative block for T tasks of C channels each.

    z = H([x_1; ...; x_T]), what the tasks have in common, with a quarter of their channels, rounded up;
    y_i = ReLU(x_i + F_i([x_i; z])), what task i goes on with: the sides and channels of x_i are kept.
    """

    def __init__(self, channels: int, tasks: int) -> None:
        super().__init__()
        total = channels * tasks
        common = -(-total // 4)
        self.common = nn.Sequential(*_transform(total, common, common), nn.ReLU(inplace=True))  # H
        self.own = nn.ModuleList(  # F_i
            nn.Sequential(*_transform(channels + common, channels, channels)) for _ in range(tasks)
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """T tensors (N, C, H, W) to as many."""
        z = self.common(torch.cat(maps, 1))  # (N, ceil(TC/4), H, W)
        return [(x + own(torch.cat((x, z), 1))).relu_() for x, own in zip(maps, self.own, strict=True)]


def _transform(channels: int, middle: int, filters: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, middle, 1, bias=False),
        BatchNorm(middle),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, filters, 3, padding=1, bias=False),
        BatchNorm(filters),
    ]
