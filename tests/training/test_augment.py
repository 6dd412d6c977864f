"""Changes to images against values worked by hand, and against the limits that are promised."""

import pytest
import torch
from pydantic import ValidationError

from rungwise.training.augment import Augmentation


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spots(count: int, row: int = 4, column: int = 6, side: int = 12) -> torch.Tensor:
    """Black images of one white pixel."""
    images = torch.zeros(count, 1, side, side, dtype=torch.uint8)
    images[:, 0, row, column] = 255
    return images


def places(images: torch.Tensor) -> torch.Tensor:
    """(row, column) of the one white pixel of each."""
    assert (images == 255).flatten(1).sum(1).eq(1).all()
    return (images[:, 0] == 255).nonzero()[:, 1:]


def test_nothing_asked_nothing_done() -> None:
    images = torch.randint(0, 256, (5, 3, 7, 9), dtype=torch.uint8)
    assert torch.equal(Augmentation().apply(images, drawn()), images)
    assert Augmentation().says == ""


def test_shifts_are_whole_uniform_and_within_reach() -> None:
    moved = places(Augmentation(shift=2).apply(spots(5000), drawn())) - torch.tensor([4, 6])
    counts = torch.stack([(moved == by).sum(0) for by in range(-2, 3)])
    assert counts.sum() == 2 * 5000  # nothing outside -2 to 2
    assert counts.min() > 1000 - 5 * 30, "each of five shifts in a fifth of 5,000, sd 28"
    assert abs(torch.corrcoef(moved.T.float())[0, 1]) < 0.07, "rows and columns are drawn apart"


def test_what_is_shifted_out_is_gone_and_black_comes_in() -> None:
    white = torch.full((500, 1, 6, 6), 255, dtype=torch.uint8)
    moved = Augmentation(shift=1).apply(white, drawn())
    assert set((moved == 0).flatten(1).sum(1).tolist()) == {0, 6, 11}, "no row or column, one of them, or both"


def test_half_are_mirrored() -> None:
    images = torch.randint(0, 256, (2000, 2, 5, 4), dtype=torch.uint8)
    out = Augmentation(flip=True).apply(images, drawn())
    same = (out == images).flatten(1).all(1)
    mirrored = (out == images.flip(3)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 900 < mirrored.sum() < 1100


def test_the_named_images_are_mirrored() -> None:
    images, which = torch.randint(0, 256, (50, 1, 5, 4), dtype=torch.uint8), torch.arange(50) % 3 == 0
    out = Augmentation(flip="alternate").apply(images, drawn(), which)
    assert torch.equal(out, torch.where(which[:, None, None, None], images.flip(3), images))


def test_shift_and_flip_together_reach_both() -> None:
    found = {tuple(p) for p in places(Augmentation(shift=1, flip=True).apply(spots(3000), drawn())).tolist()}
    assert found == {(r, c) for r in (3, 4, 5) for c in (4, 5, 6, 7)}, "columns 6 and 12 - 1 - 6 = 5, each +-1"


def test_cutout_is_a_black_square_somewhere() -> None:
    white = torch.full((4000, 1, 10, 10), 255, dtype=torch.uint8)
    cut = Augmentation(cutout=4).apply(white, drawn()) == 0
    rows, columns = cut[:, 0].any(2).sum(1), cut[:, 0].any(1).sum(1)
    assert torch.equal(cut.flatten(1).sum(1), rows * columns), "a rectangle"
    # Around pixel p it takes p - 2 to p + 1: 4 inside, at p = 0 two, at p = 1 three, at p = 9 three.
    assert {n: int((rows == n).sum()) // 100 for n in (2, 3, 4)}.keys() == set(rows.tolist())
    assert abs((rows == 4).float().mean() - 0.7) < 0.04
    assert abs((rows == 2).float().mean() - 0.1) < 0.03


def test_an_image_is_turned_by_the_drawn_angle(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(0, 256, (1, 1, 8, 8), dtype=torch.uint8)
    monkeypatch.setattr(torch, "rand", lambda *shape, generator: torch.ones(shape))  # the largest of everything
    out = Augmentation(rotate=90).apply(images, drawn())
    assert (out - torch.rot90(images, 1, (2, 3))).abs().max() < 0.01
    out = Augmentation(rotate=1e-9, shift=2).apply(images, drawn())
    assert torch.allclose(out[..., :6, :6], images[..., 2:, 2:].float(), atol=0.01), "two pixels up and to the left"
    out = Augmentation(scale=0.5).apply(spots(1, row=4, column=4, side=9), drawn())
    assert out[0, 0, 4, 4] > 250
    assert out.sum() < 255 * 1.5**-2 * 2.5, "stretched coordinates: the image shrinks"


def test_shears_stretches_and_shifts_stay_within_their_limits() -> None:
    images = spots(2000, row=16, column=16, side=33)  # the middle: turns, stretches and shears leave it there
    still = Augmentation(rotate=30, scale=0.2, shear=0.3).apply(images, drawn())
    assert still[:, 0, 16, 16].min() > 250
    moved = Augmentation(rotate=1e-6, shift=3).apply(images, drawn())
    mass = moved[:, 0] / moved[:, 0].sum((1, 2), keepdim=True)
    centre = torch.stack([(mass.sum(2) * torch.arange(33)).sum(1), (mass.sum(1) * torch.arange(33)).sum(1)], 1) - 16
    assert 2.9 < centre.abs().max() <= 3.001
    assert abs(centre.mean()) < 0.1
    assert (centre - centre.round()).abs().mean() > 0.2, "in parts of pixels"


def test_the_same_seed_draws_the_same_changes() -> None:
    images = torch.randint(0, 256, (64, 1, 9, 9), dtype=torch.uint8)
    settings = Augmentation(rotate=10, scale=0.1, shear=0.1, shift=1.5, flip=True, cutout=3)
    once, again, other = (settings.apply(images, drawn(seed)) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert once.dtype == torch.float32
    assert once.shape == images.shape


def test_it_says_what_it_does() -> None:
    assert Augmentation(shift=2, flip=True).says == "shifts of up to 2 pixels, mirroring"
    assert Augmentation(flip="alternate").says == "mirroring in every second epoch"
    with pytest.raises(ValidationError, match="alternate"):
        Augmentation(flip="sometimes")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="zoom"):
        Augmentation(zoom=1)  # type: ignore[call-arg]
