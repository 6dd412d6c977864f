"""How images become equal in size, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rungwise.data.own.found import Size
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.sizes import Fitting, common_size
from tests.data.own.material import noise


def fit(image: np.ndarray, size: tuple[int, int], **settings: object) -> np.ndarray:
    return Fitting(Size(*size), Preparation(**settings))(image)


# Which size ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({(28, 28): 9}, (28, 28)),
        ({(30, 64): 9}, (30, 64)),
        ({(100, 100): 9}, (64, 64)),
        ({(480, 640): 9}, (48, 64)),
        ({(2, 300): 9}, (4, 64)),
        ({(28, 28): 1, (32, 32): 2}, (32, 32)),
        ({(20, 40): 1, (30, 50): 1}, (30, 30)),  # sides 20, 30, 40, 50: the lower median
        ({(20, 20): 100, (500, 500): 1}, (20, 20)),
        ({(300, 200): 5, (100, 90): 1}, (64, 64)),
    ],
)
def test_the_size_that_all_get(sizes: dict[tuple[int, int], int], expected: tuple[int, int]) -> None:
    assert common_size({Size(*size): count for size, count in sizes.items()}, Preparation()) == Size(*expected)


def test_a_size_that_is_set_is_taken() -> None:
    assert common_size({Size(28, 28): 1}, Preparation(image_size=40)) == Size(40, 40)
    assert common_size({Size(28, 28): 1}, Preparation(image_size=(20, 40))) == Size(20, 40)


# How -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_shrinking_is_the_mean_over_areas(channels: int) -> None:
    image = noise(0, (12, 18, channels))
    means = image.reshape(4, 3, 6, 3, channels).mean((1, 3))
    found = fit(image, (4, 6))
    assert found.shape == (4, 6, channels)
    assert np.abs(found - means).max() <= 1, "the mean, rounded after each direction"
    assert abs((found - means).mean()) < 0.15, "up as often as down"


def test_an_image_of_the_size_is_not_touched() -> None:
    image = noise(1, (9, 5, 3))
    assert fit(image, (9, 5)) is image


def test_enlarging_is_bilinear() -> None:
    """From two pixels to four: a quarter of the way beyond each centre, as PIL and OpenCV place them."""
    np.testing.assert_array_equal(fit(np.array([[[0], [200]]], np.uint8), (2, 4))[0, :, 0], [0, 50, 150, 200])


@pytest.mark.parametrize("how", ["letterbox", "crop"])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_halves_are_the_whole(how: str, channels: int) -> None:
    """A picture of Pillow's is scaled before it is an array."""
    image = noise(2, (30, 41, channels))
    fitted = Fitting(Size(16, 12), Preparation(resize=how))
    scaled = fitted.scaled(Image.fromarray(image[:, :, 0] if channels == 1 else image))
    found = fitted.framed(np.asarray(scaled).reshape(scaled.height, scaled.width, channels))
    np.testing.assert_array_equal(found, fitted(image))


def test_a_letterbox_has_bars_of_the_background() -> None:
    image = np.full((10, 20, 3), 100, np.uint8)
    found = fit(image, (10, 10), background="#ff0080")
    np.testing.assert_array_equal(found[2:7], np.full((5, 10, 3), 100))
    np.testing.assert_array_equal(
        np.unique(np.concatenate([found[:2], found[7:]]).reshape(-1, 3), axis=0), [[255, 0, 128]]
    )
    grey = fit(image[:, :, :1], (10, 10), background="#ff0080")
    assert grey[0, 0, 0] == round(0.299 * 255 + 0.114 * 128), "the luma of the colour (ITU-R BT.601)"
    upright = fit(np.full((20, 10, 1), 100, np.uint8), (10, 10), background="black")
    assert upright[0, :, 0].tolist() == [0, 0, 100, 100, 100, 100, 100, 0, 0, 0]


def test_cropping_cuts_two_sides() -> None:
    image = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, np.newaxis], (10, 20, 1))
    found = fit(image, (10, 10), resize="crop")
    np.testing.assert_array_equal(found[0, :, 0], np.arange(5, 15))
    np.testing.assert_array_equal(fit(image.transpose(1, 0, 2), (10, 10), resize="crop")[:, 0, 0], np.arange(5, 15))


@given(st.tuples(*[st.integers(1, 90)] * 4), st.sampled_from([1, 3, 5]), st.sampled_from(["letterbox", "crop"]))
def test_any_image_gets_the_size(sides: tuple[int, int, int, int], channels: int, how: str) -> None:
    """And one of a single value stays so, where nothing is added."""
    height, width, *size = sides
    image = np.full((height, width, channels), 77, np.uint8)
    found = fit(image, (size[0], size[1]), resize=how)
    assert found.shape == (*size, channels)
    assert found.dtype == np.uint8
    if how == "crop":
        assert (found == 77).all()
    assert (found == 77).any()
