"""Random changes to training images that leave their class: whole batches at a time, on the device."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

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
    scale: float = Field(0.0, ge=0, le=0.9)
    """Each side is stretched by a factor of at most 1 + this, and at least 1 - this."""
    shear: float = Field(0.0, ge=0, le=2)
    """Sideways movement of a row per row from the middle, at most."""
    shift: float = Field(0.0, ge=0)
    """Pixels, at most, in each direction: whole ones, or any with the three above."""
    flip: bool | Literal["alternate"] = False
    """Mirrored left to right: half of the time by chance, or each in every second epoch (Jordan 2024, 2404.00498)."""
    cutout: int = Field(0, ge=0)
    """The side, in pixels, of a black square around a random pixel (DeVries and Taylor 2017)."""

    def fault_on(self, image: Sequence[int]) -> tuple[str, str] | None:
        """Which setting leaves nothing of images of that shape (C, H, W), and what to do; None where none does."""
        height, width = image[-2:]
        side = min(height, width)
        for name, value, does in (
            ("shift", self.shift, "moves images out of sight"),
            ("cutout", self.cutout, "blackens whole images"),
        ):
            if value >= side:
                return name, (
                    f"{name} = {value:,} {does}, as they have {height} x {width} pixels; expected less than {side}"
                )
        return None

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
        """`change` by what `draw` draws; where mirroring alternates, `mirrored` says which images are, (B,), bool."""
        drawn = self.draw(len(images), images.shape[2:], random)
        return self.change(images, drawn if mirrored is None else drawn._replace(mirrored=mirrored))

    def draw(self, count: int, sides: Sequence[int], random: torch.Generator) -> "Drawn":
        """What happens to each of so many images of sides (H, W). `random` is on the CPU, and so is what is drawn:
        every device draws the same. It is little more than the drawing itself, for a GPU waits for it.
        """
        height, width = sides
        bends = moves = mirrored = squares = None
        if self.bends:
            bends = torch.rand(6, count, generator=random).T
        if self.flip or (self.shift and not self.bends):
            moves = torch.randint(0, 2 * self.reach + 1, (2, count), generator=random).T
            if self.flip is True:
                mirrored = torch.rand(count, generator=random) < 0.5
        if self.cutout:
            rows = torch.randint(0, height, (count,), generator=random)
            squares = torch.stack([rows, torch.randint(0, width, (count,), generator=random)], 1)
        return Drawn(bends, moves, mirrored, squares)

    def change(self, images: Tensor, drawn: "Drawn") -> Tensor:
        """Changed images (B, C, H, W) of uint8 ones; float32 in 0 to 255 where pixels are interpolated, else uint8."""
        drawn = drawn.to(images.device)
        if drawn.bends is not None:
            grid = F.affine_grid(self._maps(drawn.bends, *images.shape[2:]), list(images.shape), align_corners=False)
            images = F.grid_sample(images.float(), grid, align_corners=False)
        if drawn.moves is not None:
            images = self._moved(images, drawn.moves, drawn.mirrored)
        if drawn.squares is not None:
            images = self._cut(images, drawn.squares)
        return images

    @property
    def reach(self) -> int:
        """By how many whole pixels images are shifted at most."""
        return 0 if self.bends else int(self.shift)

    def _maps(self, bends: Tensor, height: int, width: int) -> Tensor:
        """Where the pixels of the new images come from, (B, 2, 3): affine maps of -1 to 1."""
        turn, shear, stretch_x, stretch_y, shift_x, shift_y = (2 * bends - 1).unbind(1)
        turn, shear = turn * math.radians(self.rotate), shear * self.shear
        stretch_x, stretch_y = 1 + stretch_x * self.scale, 1 + stretch_y * self.scale
        shift_x, shift_y = shift_x * self.shift, shift_y * self.shift
        return torch.stack(
            [
                torch.stack([turn.cos() * stretch_x, shear - turn.sin() * stretch_x, shift_x * 2 / width], 1),
                torch.stack([turn.sin() * stretch_y, turn.cos() * stretch_y, shift_y * 2 / height], 1),
            ],
            1,
        )

    def _moved(self, images: Tensor, moves: Tensor, mirrored: Tensor | None) -> Tensor:
        """Shifted by whole pixels and mirrored, as one gathering of pixels."""
        count, _, height, width = images.shape
        device = images.device
        rows = torch.arange(height, device=device) + moves[:, :1]  # (B, H) of the padded images
        columns = torch.arange(width, device=device) + moves[:, 1:]  # (B, W)
        if mirrored is not None:
            columns = torch.where(mirrored[:, None], columns.flip(1), columns)
        padded, which = F.pad(images, (self.reach,) * 4), torch.arange(count, device=device)
        return padded[which[:, None, None], :, rows[:, :, None], columns[:, None, :]].movedim(3, 1)

    def _cut(self, images: Tensor, squares: Tensor) -> Tensor:
        height, width = images.shape[2:]
        squares = squares - self.cutout // 2
        rows = torch.arange(height, device=images.device) - squares[:, :1]
        columns = torch.arange(width, device=images.device) - squares[:, 1:]
        inside = ((rows >= 0) & (rows < self.cutout))[:, :, None] & ((columns >= 0) & (columns < self.cutout))[:, None]
        return images.masked_fill(inside[:, None], 0)


class Drawn(NamedTuple):
    """What was drawn for B images; None: nothing of that kind is done."""

    bends: Tensor | None = None
    """(B, 6), float32, from 0 to 1: how far, from the one end to the other, it is turned, sheared, stretched (x, y) and
    shifted (x, y)."""
    moves: Tensor | None = None
    """(B, 2), int64: rows and columns from the corner of the images with `reach` black pixels around them."""
    mirrored: Tensor | None = None
    """(B,), bool."""
    squares: Tensor | None = None
    """(B, 2), int64: row and column of the pixel that the black square is around."""

    @classmethod
    def joined(cls, some: "Sequence[Drawn]") -> "Drawn":
        """What was drawn for several batches, one after the other."""
        return cls(*(None if part[0] is None else torch.cat(part) for part in zip(*some, strict=True)))

    def each(self, work: Callable[[Tensor], Tensor]) -> "Drawn":
        """The same of each tensor."""
        return Drawn(*(None if value is None else work(value) for value in self))

    def to(self, device: torch.device) -> "Drawn":
        return self.each(lambda value: value.to(device))
