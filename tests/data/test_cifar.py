"""CIFAR's binary format, against records that are written here byte by byte."""

import numpy as np
import pytest

from rungwise.data.errors import DataError
from rungwise.data.files.cifar import read_cifar


def record(labels: bytes, red: int, green: int, blue: int, first_row: range) -> bytes:
    """One image of three plain colours, but for the first row of its red plane."""
    planes = [bytearray([value]) * 1024 for value in (red, green, blue)]
    planes[0][: len(first_row)] = bytes(first_row)
    return labels + b"".join(planes)


def test_planes_rows_and_labels_are_where_they_belong():
    content = record(b"\x07", 1, 2, 3, range(100, 132)) + record(b"\x00", 4, 5, 6, range(0))
    images, labels = read_cifar(content, 1)
    assert images.shape == (2, 3, 32, 32)
    assert labels.shape == (2, 1)
    assert images.dtype == labels.dtype == np.uint8
    assert labels[:, 0].tolist() == [7, 0]
    assert images[0, 0, 0].tolist() == list(range(100, 132)), "the first row of the red plane, left to right"
    assert (images[0, 0, 1:] == 1).all()
    assert [np.unique(plane).tolist() for plane in images[1]] == [[4], [5], [6]], "red, green, blue"


def test_a_hundred_classes_have_a_coarse_label_before_the_fine_one():
    content = record(b"\x13\x63", 1, 2, 3, range(0)) + record(b"\x00\x05", 1, 2, 3, range(0))
    images, labels = read_cifar(content, 2)
    assert labels.tolist() == [[19, 99], [0, 5]]
    assert images.shape == (2, 3, 32, 32)


def test_it_is_what_pythons_own_slices_say():
    content = np.random.default_rng(1).integers(0, 10, 5 * 3073, np.uint8).tobytes()
    images, labels = read_cifar(memoryview(content), 1)
    for i in range(5):
        one = content[i * 3073 : (i + 1) * 3073]
        assert labels[i, 0] == one[0]
        assert images[i].tobytes() == one[1:]
    assert images.flags.c_contiguous


@pytest.mark.parametrize("size", [0, 1, 3072, 3074, 2 * 3073 - 1])
def test_no_whole_number_of_records(size):
    with pytest.raises(DataError, match=rf"{size:,} bytes are no whole number of records of 1 label bytes"):
        read_cifar(bytes(size), 1)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (b"\x0a", "image 1 has the label 10, expected 0 to 9"),
        (b"\x14\x00", "image 1 has the label 20, expected 0 to 19"),
        (b"\x00\x64", "image 1 has the label 100, expected 0 to 99"),
    ],
)
def test_labels_without_a_class(labels, says):
    sound = record(bytes(len(labels)), 1, 2, 3, range(0))
    with pytest.raises(DataError, match=says):
        read_cifar(sound + record(labels, 1, 2, 3, range(0)), len(labels))
