"""Two digits in one image: by hand, against exact arithmetic and Pillow, and from the real MNIST if it is at hand."""

import os
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from rungwise.data.errors import DataError
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.sources.multi_mnist import CANVAS, SHIFT, SIDE, STREAMS, overlay, partners, shrink
from rungwise.data.split import split


def test_the_digits_lie_at_two_corners_and_the_brighter_pixel_shows():
    left, right = (np.full((1, SIDE, SIDE), value, np.uint8) for value in (10, 20))
    left[0, -1, -1] = 99
    (canvas,) = overlay(left, right)
    assert canvas.shape == (CANVAS, CANVAS)
    assert (canvas[:SHIFT, :SIDE] == 10).all()
    assert (canvas[SHIFT:SIDE, SHIFT : SIDE - 1] == 20).all()
    assert canvas[SIDE - 1, SIDE - 1] == 99
    assert (canvas[SIDE:, SHIFT:] == 20).all()
    assert not canvas[:SHIFT, SIDE:].any()
    assert not canvas[SIDE:, :SHIFT].any()


def exactly(canvas, row, column):
    """One pixel of the shrunken image in fractions: the triangle of half-width 36/28 around its centre."""
    step = Fraction(CANVAS, SIDE)

    def weights(place):
        centre = (place + Fraction(1, 2)) * step
        own = [max(Fraction(0), 1 - abs(j + Fraction(1, 2) - centre) / step) for j in range(CANVAS)]
        return [w / sum(own) for w in own]

    rows, columns = weights(row), weights(column)
    return sum(r * c * int(canvas[i, j]) for i, r in enumerate(rows) if r for j, c in enumerate(columns) if c)


def test_shrinking_is_exact_and_halves_go_up():
    canvas = np.random.default_rng(3).integers(0, 256, (2, CANVAS, CANVAS), np.uint8)
    shrunk = shrink(canvas)
    for number, row, column in ((0, 0, 0), (0, 13, 14), (1, 27, 27), (1, 5, 20), (1, 0, 27)):
        expected = exactly(canvas[number], row, column) + Fraction(1, 2)
        assert shrunk[number, row, column] == expected.numerator // expected.denominator


def test_shrinking_is_that_of_pillow():
    canvas = np.random.default_rng(4).integers(0, 256, (20, CANVAS, CANVAS), np.uint8)
    pillow = [np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for one in canvas]
    assert np.abs(shrink(canvas).astype(int) - np.array(pillow)).max() <= 1, "which rounds between rows and columns"
    assert (shrink(np.full((1, CANVAS, CANVAS), 255, np.uint8)) == 255).all()


def test_every_image_gets_another_one():
    pairs = partners(60_000, STREAMS["train"])
    assert (pairs != np.arange(60_000)).all()
    assert pairs.min() >= 0
    assert pairs.max() < 60_000
    distances = (pairs - np.arange(60_000)) % 60_000
    counts = np.bincount(distances // 6000, minlength=10)
    assert ((counts - 6000) ** 2 / 6000).sum() < 33.7, "chi-square of 9 degrees of freedom, p = 1e-4"
    assert sorted(partners(2, (7,)).tolist()) == [0, 1], "of two, each is the other's"
    assert (partners(60_000, STREAMS["train"]) == pairs).all()
    assert (partners(10_000, STREAMS["test"]) != pairs[:10_000] % 10_000).any()


def test_other_images_than_those_known_are_refused(small_mnist):
    with pytest.raises(DataError, match="multi-mnist made here are not those that rungwise knows"):
        load("multi-mnist")


@pytest.fixture(scope="module")
def real():
    if not os.environ.get("RUNGWISE_DATA"):
        pytest.skip("RUNGWISE_DATA does not say where the real files are")
    return load("mnist", offline=True), load("multi-mnist", offline=True)


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_real_thing(real, part):
    mnist, made = (getattr(dataset, part) for dataset in real)
    assert made.images.shape == mnist.images.shape
    pairs = partners(len(mnist), STREAMS[part])
    assert (made.labels == mnist.labels).all()
    assert (made.columns["left"] == mnist.labels).all()
    assert (made.columns["right"] == mnist.labels[pairs]).all()
    for number in (0, 7, len(mnist) - 1):
        one = [mnist.images[place, 0][np.newaxis] for place in (number, pairs[number])]
        assert (made.images[number, 0] == shrink(overlay(*one))[0]).all()


def test_images_set_aside_are_not_trained_on(real):
    _, made = real
    found = split(made, Data(source="multi-mnist", train_images=200, validation_images=100), seed=1)
    seen, aside = ({image.tobytes() for image in part.images} for part in (found.train, found.validation))
    assert len(seen) == 200
    assert not seen & aside
    assert set(found.train.columns) == set(found.validation.columns) == {"left", "right"}
