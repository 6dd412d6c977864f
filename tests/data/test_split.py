import numpy as np
import pytest

from rungwise.data.images import Dataset, ImageSet
from rungwise.data.load import load
from rungwise.data.source import Data
from rungwise.data.split import split


def _numbered(count: int, first: int = 0) -> ImageSet:
    """Images whose two pixels tell which they are."""
    number = np.arange(first, first + count)
    images = np.stack([number // 256, number % 256], axis=1).astype(np.uint8).reshape(count, 1, 1, 2)
    return ImageSet(images, number % 10)


def _numbers(part: ImageSet) -> list[int]:
    pixels = part.images.reshape(-1, 2).astype(int)
    numbers = pixels[:, 0] * 256 + pixels[:, 1]
    np.testing.assert_array_equal(part.labels, numbers % 10)  # labels go with their images
    return numbers.tolist()


@pytest.fixture
def official():
    return Dataset("mnist", tuple("0123456789"), _numbered(1000), _numbered(200, 1000), {"file": "abc"})


@pytest.fixture
def uncut():
    return Dataset("digits", tuple("0123456789"), _numbered(1797), None, {"pixels": "abc"})


def test_whole_set_in_its_order(official):
    result = split(official, Data(source="mnist"), seed=3)
    assert _numbers(result.train) == list(range(1000))
    assert _numbers(result.test) == list(range(1000, 1200))
    assert (result.classes, result.sha256) == (official.classes, official.sha256)


def test_subset(official):
    drawn = _numbers(split(official, Data(source="mnist", train_images=300), seed=3).train)
    assert len(set(drawn)) == 300
    assert set(drawn) <= set(range(1000))
    assert drawn == _numbers(split(official, Data(source="mnist", train_images=300), seed=3).train)
    assert drawn != _numbers(split(official, Data(source="mnist", train_images=300), seed=4).train)
    assert drawn[:50] == _numbers(split(official, Data(source="mnist", train_images=50), seed=3).train)


def test_subset_is_random(official):
    """Image 0 is in half of all draws of half of the images: within four standard errors of 1/2."""
    half = Data(source="mnist", train_images=500)
    share = np.mean([0 in _numbers(split(official, half, seed).train) for seed in range(400)])
    assert abs(share - 0.5) < 4 * (0.25 / 400) ** 0.5


def test_own_test_part_is_the_same_for_every_subset(official):
    for seed, count in ((1, 10), (2, 999)):
        result = split(official, Data(source="mnist", train_images=count), seed)
        assert _numbers(result.test) == list(range(1000, 1200))


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_cut_is_disjoint_and_complete(uncut, seed):
    result = split(uncut, Data(source="digits"), seed)
    train, test = _numbers(result.train), _numbers(result.test)
    assert (len(train), len(test)) == (1348, 449)
    assert sorted(train + test) == list(range(1797))


def test_cut_depends_on_the_seed_only(uncut):
    whole = split(uncut, Data(source="digits"), seed=5)
    part = split(uncut, Data(source="digits", train_images=600), seed=5)
    assert _numbers(part.test) == _numbers(whole.test)
    assert set(_numbers(part.train)) < set(_numbers(whole.train))
    assert _numbers(split(uncut, Data(source="digits"), seed=6).test) != _numbers(whole.test)


def test_sizes_are_those_of_the_catalogue():
    setting = Data(source="digits")
    result = split(load("digits"), setting, seed=1)
    assert len(result.train) == setting.size
    assert set(np.unique(result.test.labels)) == set(range(10))


def test_the_setting_must_mean_this_data(official, uncut):
    with pytest.raises(ValueError, match=r"asks for 'digits', but the images are of 'mnist'"):
        split(official, Data(source="digits"), seed=1)
    with pytest.raises(ValueError, match=r"has 1,000 training images, not 2,000"):
        split(official, Data(source="mnist", train_images=2000), seed=1)
