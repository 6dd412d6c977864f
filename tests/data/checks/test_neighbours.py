"""Near duplicates: planted copies are found, and other images are not."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from rungwise.data.checks import neighbours
from rungwise.data.checks.neighbours import near_duplicates
from rungwise.data.errors import DataError
from rungwise.data.load import load
from tests.material.made import made

COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the same": lambda x: x,
    "brighter": lambda x: np.clip(x.astype(int) + 20, 0, 255).astype(np.uint8),
    "a JPEG": lambda x: np.stack([jpeg(image) for image in x]),
    "a pixel to the left": lambda x: np.pad(x, ((0, 0), (0, 0), (0, 0), (0, 1)), "edge")[..., 1:],
    "a pixel down and to the right": lambda x: np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 0)), "edge")[..., :-1, :-1],
    "under noise": lambda x: np.clip(x + np.random.default_rng(5).normal(0, 4, x.shape), 0, 255).astype(np.uint8),
}


def jpeg(image: np.ndarray, quality: int = 75) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(np.moveaxis(image, 0, -1).squeeze()).save(file, "JPEG", quality=quality)
    pixels = np.asarray(Image.open(file))
    return np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), -1, 0)


def smooth(count: int, shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Pictures of random waves, which no two have in common."""
    random = np.random.default_rng(seed)
    channels, height, width = shape
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = random.normal(0, 1, (count, 1, 6, 1, 1)) * random.uniform(0.7, 1.3, (count, channels, 6, 1, 1))
    turns = random.uniform(0, 4, (count, 1, 6, 3, 1, 1))
    angles = turns[:, :, :, 0] * 2 * np.pi * x + turns[:, :, :, 1] * 2 * np.pi * y + turns[:, :, :, 2]
    made = (waves * np.sin(angles)).sum(axis=2)
    return np.clip(128 + 30 * made, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 40, 33), (3, 130, 100)])
def test_copies_are_found(copy: str, shape: tuple[int, int, int]) -> None:
    train, others = smooth(150, shape, 0), smooth(50, shape, 1)
    places = np.arange(0, 150, 5)
    found = near_duplicates(np.concatenate([others, COPIES[copy](train[places])]), train)
    right = places[found.query[found.query >= 50] - 50] == found.nearest[found.query >= 50]
    assert right.all()
    assert right.sum() >= 0.9 * len(places)
    assert (found.query >= 50).all(), "images that are no copies are named"
    assert (np.diff(found.distance) >= 0).all()


def test_order_means_nothing() -> None:
    train = smooth(60, (1, 20, 20), 0)
    queries = np.concatenate([smooth(10, (1, 20, 20), 1), COPIES["brighter"](train[:7])])
    order, other = np.random.default_rng(0).permutation(17), np.random.default_rng(1).permutation(60)
    first, again = near_duplicates(queries, train), near_duplicates(queries[order], train[other])
    pairs = {(int(q), int(n)) for q, n in zip(first.query, first.nearest, strict=True)}
    assert {(int(order[q]), int(other[n])) for q, n in zip(again.query, again.nearest, strict=True)} == pairs
    assert len(pairs) == 7


def test_blank_images_are_like_nothing() -> None:
    blank = np.full((5, 1, 8, 8), 200, np.uint8)
    assert not len(near_duplicates(blank, np.concatenate([blank, smooth(10, (1, 8, 8), 0)])).query)


@pytest.mark.parametrize("counts", [(0, 5), (5, 0), (1, 1), (2, 3)])
def test_few_images_are_enough(counts: tuple[int, int]) -> None:
    queries, train = (smooth(count, (3, 6, 5), seed) for seed, count in enumerate(counts))
    assert near_duplicates(queries, train).looked == counts[0]
    if min(counts):
        found = near_duplicates(train[:1], train)
        assert found.nearest.tolist() == [0]
        assert found.distance[0] < 1e-5


def test_of_too_many_images_some_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    train = smooth(50, (1, 12, 12), 0)
    monkeypatch.setattr(neighbours, "MOST_COMPARED", 500)
    found = near_duplicates(train, train)
    assert found.looked == 10
    assert sorted(found.query.tolist()) == list(range(0, 50, 5))


def test_colour_tells_images_of_one_grey_apart() -> None:
    grey = smooth(30, (1, 20, 20), 0).astype(int)
    shift = 0.4 * (grey - 128)
    red = np.clip(np.concatenate([128 + 3 * shift, 128 - 0 * shift, 128 + 0 * shift], 1), 0, 255).astype(np.uint8)
    blue = red[:, ::-1].copy()
    assert not len(near_duplicates(blue[:10], red).query)


def test_sources_of_many_forms_have_none() -> None:
    for shape in ((1, 8, 8), (3, 16, 12)):
        data = made(shape, 5, train_images=100, test_images=40)
        whole = data.load()
        assert whole.test is not None
        assert len(near_duplicates(whole.test.images, whole.train.images).query) <= 1


def test_mnist_has_next_to_none() -> None:
    try:
        data = load("mnist", offline=True)
    except DataError as error:
        pytest.skip(f"mnist is not on this machine: {error}")
    assert data.test is not None
    found = near_duplicates(data.test.images[:2000], data.train.images)
    assert len(found.query) <= 4, "5 of all 10,000 were named when the thresholds were chosen"
