"""Repeated and blank images, against what a plain loop over their bytes finds."""

import hashlib
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rungwise.data.checks.duplicates import blank, pixel_keys, repeated
from rungwise.data.errors import DataError
from rungwise.data.load import load


def test_keys_are_the_beginning_of_sha256() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5000, 3, 4, 5), np.uint8)
    expected = [hashlib.sha256(image.tobytes()).digest()[:16] for image in images]
    assert [key.tobytes() for key in pixel_keys(images)] == expected


@given(st.lists(st.integers(0, 5), max_size=30))
def test_repeated_names_each_image_that_occurred_before(values: list[int]) -> None:
    images = np.array(values, np.uint8).reshape(-1, 1, 1, 1)
    found = repeated(pixel_keys(images))
    expected = [(i, values.index(value)) for i, value in enumerate(values) if values.index(value) < i]
    assert list(zip(found.again.tolist(), found.first.tolist(), strict=True)) == expected


def test_an_image_of_one_value_in_each_channel_is_blank() -> None:
    images = np.zeros((3, 2, 4, 4), np.uint8)
    images[0, 1] = 7  # two channels of one value each
    images[1, 0, 2, 2] = 1
    assert blank([images[:2], images[2:]]).tolist() == [True, False, True]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_70_000_images_of_which_none_is_repeated_take_a_second_or_so(name: str) -> None:
    try:
        data = load(name, offline=True)
    except DataError as error:
        pytest.skip(f"{name} is not on this machine: {error}")
    assert data.test is not None
    start = time.process_time()
    found = repeated(np.concatenate([pixel_keys(part.images) for part in (data.train, data.test)]))
    assert not len(found.again)
    assert time.process_time() - start < 5, "it takes .3 s of a processor"
