"""The filters in the published record of the chapter on seeing are those of the net that its maps were made with."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rungwise import open_run
from rungwise.models.cnn import same_padding
from rungwise.models.pixels import scaled
from rungwise.records.record import Record

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
FIRST, SECOND = "423e235d4d776749", "7a8ac62955ee6658"
"""The looks into the nets of seeds 0 and 1."""
HALF = 2.0**-11
"""What half precision may lose of a number, relative to it."""
LAYERS = 3


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    return open_run(REFERENCE).records


def deviation(filters: Record, maps: Record, label: int, number: int) -> float:
    """By how much a layer's maps differ from the filters' answers to the maps before, as a share of the largest value.

    The biases are not published: each is the median of what lacks where its map is above 0.
    """
    before = scaled(torch.from_numpy(maps.arrays[f"image_{label}"])[None]).float()
    if number > 1:
        before = torch.from_numpy(maps.arrays[f"maps_{label}_convolution_{number - 1}"].astype(np.float32))[None]
    kernels = torch.from_numpy(filters.arrays[f"kernels_convolution_{number}"].astype(np.float32))
    stride = 1 if number == 1 else 2
    (top, bottom), (left, right) = (same_padding(side, kernels.shape[-1], stride) for side in before.shape[2:])
    answers = F.conv2d(F.pad(before, (left, right, top, bottom)), kernels, stride=stride)[0].numpy()
    known = maps.arrays[f"maps_{label}_convolution_{number}"].astype(np.float32)
    worst = 0.0
    for answer, own in zip(answers, known, strict=True):
        lit = own > 0
        if lit.sum() > 2:
            bias = np.median((own - answer)[lit])
            worst = max(worst, float(np.abs(np.maximum(answer + bias, 0) - own).max()))
    return worst / float(known.max())


@pytest.mark.parametrize("number", range(1, LAYERS + 1))
@pytest.mark.parametrize("label", [2, 9])
def test_the_filters_make_the_published_maps(records: dict[str, Record], label: int, number: int) -> None:
    assert deviation(records[FIRST], records[FIRST], label, number) < 2 * HALF


def test_the_filters_of_one_net_do_not_make_the_maps_of_another(records: dict[str, Record]) -> None:
    assert deviation(records[FIRST], records[SECOND], 2, 1) > 0.5


def test_the_record_says_that_its_filters_were_added(records: dict[str, Record]) -> None:
    assert "added on 2026-12-01" in records[FIRST].choices["filters"]
    assert not any("filters" in record.choices for id, record in records.items() if id != FIRST)
