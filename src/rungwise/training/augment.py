"""Random changes to training images that leave their class: whole batches at a time, on the device."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from rungwise.settings import Settings


class Augmentation(Settings):
    """What each training image goes through at each sight of it, in this order; what is left out is not done.

    What comes in from outside the image is black (0).
    """

    rotate: float = Field(0.0, ge=0, le=180)
    """Degrees, at most, to either side."""
    scale: float = Field(0.0, ge=0, lt=1)
    """Each side is stretched by a factor of at most 1 + this, and at least 1 - this."""
    shear: float = Field(0.0, ge=0, le=2)
    """Sideways movement of a row per row from the middle, at most."""
    shift: float = Field(0.0, ge=0)
    """Pixels, at most, in each direction: whole ones, or any with the three above."""
    flip: bool | Literal["alternate"] = False
    """Mirrored left to right: half of the time by chance, or each in every second epoch (Jordan 2024, 2404.00498)."""
    cutout: int = Field(0, ge=0)
    """The side, in pixels, of a black square around a random pixel (DeVries and Taylor 2017)."""

    @property
    def says(self) -> str:
        """In words, as "shifts of up to 2 pixels, mirroring"; "" where nothing is done."""
        parts = (
            (self.rotate, f"turns of up to {self.rotate:g} degrees"),
            (self.scale, f"stretching of up to {100 * self.scale:g}%"),
            (self.shear, f"shears of up to {self.shear:g}"),
            (self.shift, f"shifts of up to {self.shift:g} pixels"),
            (self.flip is True, "mirroring"),
            (self.flip == "alternate", "mirroring in every second epoch"),
            (self.cutout, f"a square of {self.cutout} pixels cut out"),
        )
        return ", ".join(says for value, says in parts if value)

    @property
    def bends(self) -> bool:
        """Whether pixels are interpolated."""
        return bool(self.rotate or self.scale or self.shear)

    def apply(self, images: Tensor, random: torch.Generator, mirrored: Tensor | None = None) -> Tensor:
        """Changed images (B, C, H, W) from uint8 ones; float32 in 0 to 255 where pixels are interpolated, else uint8.

        `random` is on the CPU, so that every device draws the same. `mirrored` says which are mirrored where that
        alternates, (B,), bool.
        """
        if self.bends:
            images = F.grid_sample(images.float(), self._grid(images, random), align_corners=False)
        if self.flip or (self.shift and not self.bends):
            images = self._moved(images, random, mirrored)
        if self.cutout:
            images = self._cut(images, random)
        return images

    def _grid(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Where each pixel of the new images comes from, (B, H, W, 2), in -1 to 1."""
        count, _, height, width = images.shape
        turn, shear = (2 * torch.rand(2, count, generator=random) - 1) * torch.tensor(
            [[math.radians(self.rotate)], [self.shear]]
        )
        stretch_x, stretch_y = 1 + (2 * torch.rand(2, count, generator=random) - 1) * self.scale
        shift = (2 * torch.rand(2, count, generator=random) - 1) * self.shift
        maps = torch.stack(
            [
                torch.stack([turn.cos() * stretch_x, shear - turn.sin() * stretch_x, shift[0] * 2 / width], 1),
                torch.stack([turn.sin() * stretch_y, turn.cos() * stretch_y, shift[1] * 2 / height], 1),
            ],
            1,
        )
        return F.affine_grid(maps.to(images.device), list(images.shape), align_corners=False)

    def _moved(self, images: Tensor, random: torch.Generator, mirrored: Tensor | None) -> Tensor:
        """Shifted by whole pixels and mirrored, as one gathering of pixels."""
        count, _, height, width = images.shape
        reach = 0 if self.bends else int(self.shift)
        down, right = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=random)
        device = images.device
        rows = (torch.arange(height) + down).to(device)  # (B, H) of the padded images
        columns = (torch.arange(width) + right).to(device)  # (B, W)
        if self.flip:
            if mirrored is None:
                mirrored = torch.rand(count, generator=random) < 0.5
            columns = torch.where(mirrored.to(device)[:, None], columns.flip(1), columns)
        padded, which = F.pad(images, (reach,) * 4), torch.arange(count, device=device)
        return padded[which[:, None, None], :, rows[:, :, None], columns[:, None, :]].movedim(3, 1)

    def _cut(self, images: Tensor, random: torch.Generator) -> Tensor:
        count, _, height, width = images.shape
        top = torch.randint(0, height, (count, 1), generator=random) - self.cutout // 2
        left = torch.randint(0, width, (count, 1), generator=random) - self.cutout // 2
        rows, columns = torch.arange(height) - top, torch.arange(width) - left
        inside = ((rows >= 0) & (rows < self.cutout))[:, :, None] & ((columns >= 0) & (columns < self.cutout))[:, None]
        return images.masked_fill(inside[:, None].to(images.device), 0)
