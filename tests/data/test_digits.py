import numpy as np
import pytest
from PIL import Image
from sklearn import datasets

from rungwise.data.errors import DataError
from rungwise.data.inventory import check
from rungwise.data.load import load
from rungwise.data.sources import digits
from rungwise.data.sources.catalogue import describe


def test_all_digits_in_order():
    dataset = load("digits", offline=True)
    bundled = datasets.load_digits()
    assert dataset.test is None
    assert dataset.train.images.shape == (1797, 1, 28, 28)
    assert dataset.train.images.dtype == np.uint8
    np.testing.assert_array_equal(dataset.train.labels, bundled.target)
    facts = describe("digits")
    assert len(dataset.train) == facts.train_images + facts.test_images
    assert check("digits")[0].fault is None


def test_resize_is_pillows_bilinear():
    bundled = datasets.load_digits().images[:200]
    ours = digits.enlarge(bundled.astype(np.int64))
    scaled = (bundled * (255 / 16)).astype(np.float32)
    pillows = [np.asarray(Image.fromarray(one).resize((28, 28), Image.Resampling.BILINEAR)) for one in scaled]
    assert abs(ours - np.stack(pillows)).max() < 0.5 + 1e-4  # rounding to whole numbers, and nothing else


def test_resize_keeps_constants_and_the_range():
    for value, pixel in ((0, 0), (8, 128), (16, 255)):  # 127.5 goes up
        assert (digits.enlarge(np.full((1, 8, 8), value)) == pixel).all()
    random = np.random.default_rng(1).integers(0, 17, (5, 8, 8))
    flipped = digits.enlarge(random[:, ::-1, :])
    np.testing.assert_array_equal(flipped, digits.enlarge(random)[:, ::-1, :])


def test_other_digits_are_refused(monkeypatch):
    monkeypatch.setitem(digits.SHA256, "labels", "0" * 64)
    with pytest.raises(DataError, match=r"not those that rungwise knows"):
        load("digits")
    assert "not those" in check("digits")[0].fault
