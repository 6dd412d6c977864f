"""Batches cut out of images that lie whole on the device."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rungwise.data.images import ImageSet
from rungwise.data.settings import Data
from rungwise.models.mlp import MlpSettings
from rungwise.training import batches
from rungwise.training.batches import Resident
from rungwise.training.settings import Fit, Recipe

PART = Resident(
    torch.arange(50, dtype=torch.uint8).view(50, 1, 1, 1), torch.stack([torch.arange(50), 100 - torch.arange(50)])
)


@pytest.mark.parametrize("together", [1, 3, 16])
def test_batches_cut_out_together_are_those_of_each_index(together, monkeypatch):
    monkeypatch.setattr(batches, "TOGETHER", together)
    indices = PART.shuffled(8, torch.Generator().manual_seed(0))
    assert [len(index) for index in indices] == [8] * 6 + [2]
    found = list(PART.batches(indices))
    assert len(found) == 7
    for index, batch in zip(indices, found, strict=True):
        assert batch.images.flatten().tolist() == index.tolist()
        assert batch.labels.tolist() == [index.tolist(), (100 - index).tolist()]


def test_the_same_images_of_several_parts_are_kept_once() -> None:
    other = Resident(PART.images, PART.labels.flip(1))
    apart, once = (Resident.joined([PART, other], same=same) for same in (False, True))
    assert len(apart) == len(once) == 100
    assert len(apart.images) == 100
    assert once.images is PART.images
    for index in torch.randperm(100, generator=torch.Generator().manual_seed(0)).split(30):
        for one, two in zip(apart.batch(index)[:2], once.batch(index)[:2], strict=True):
            assert torch.equal(one, two)
        assert once.batch(index).images.flatten().tolist() == (index % 50).tolist()


def test_images_of_a_mapped_file_stay_there(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 3, 4, 5), np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="c")
    trial = Fit(label="x", data=Data(source="digits"), seed=0, net=MlpSettings(hidden=()), fit=Recipe(epochs=1))
    part = Resident.of(ImageSet(mapped, np.zeros(40, np.int64)), trial, "cpu")
    assert part.images.data_ptr() == mapped.ctypes.data
    index = torch.tensor([7, 0, 39])
    assert torch.equal(part.batch(index).images, torch.from_numpy(pixels[index.numpy()]))


def test_an_order_has_all_images_once_or_those_asked_for():
    random = torch.Generator().manual_seed(0)
    assert sorted(torch.cat(PART.shuffled(8, random)).tolist()) == list(range(50))
    seen = torch.from_numpy(np.arange(50) % 3 == 0)
    assert sorted(torch.cat(PART.shuffled(8, random, seen)).tolist()) == list(range(0, 50, 3))
