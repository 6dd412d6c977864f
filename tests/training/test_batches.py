"""Batches cut out of images that lie whole on the device."""

import numpy as np
import pytest
import torch

from rungwise.training import batches
from rungwise.training.batches import Resident

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


def test_an_order_has_all_images_once_or_those_asked_for():
    random = torch.Generator().manual_seed(0)
    assert sorted(torch.cat(PART.shuffled(8, random)).tolist()) == list(range(50))
    seen = torch.from_numpy(np.arange(50) % 3 == 0)
    assert sorted(torch.cat(PART.shuffled(8, random, seen)).tolist()) == list(range(0, 50, 3))
