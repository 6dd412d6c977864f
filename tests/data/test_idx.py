import gzip
from pathlib import Path

import numpy as np
import pytest

from rungwise.data.errors import DataError
from rungwise.data.files.idx import read_idx

BY_HAND = bytes.fromhex("00 00 08 02  00 00 00 02  00 00 00 03") + bytes([1, 2, 3, 4, 5, 255])


@pytest.mark.parametrize("wrap", [bytes, bytearray, gzip.compress])
def test_reads_what_the_format_says(wrap):
    array = read_idx(wrap(BY_HAND))
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, [[1, 2, 3], [4, 5, 255]])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_reads_a_path(tmp_path: Path, pack):
    path = tmp_path / "some-idx2-ubyte"
    path.write_bytes(pack(BY_HAND))
    np.testing.assert_array_equal(read_idx(path), read_idx(BY_HAND))
    np.testing.assert_array_equal(read_idx(str(path)), read_idx(BY_HAND))


def test_wider_types_are_big_endian():
    assert read_idx(bytes.fromhex("00 00 0b 01 00 00 00 02 01 00 ff fe")).tolist() == [256, -2]
    assert read_idx(bytes.fromhex("00 00 0d 01 00 00 00 01 3f 80 00 00")).tolist() == [1.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated: 0 bytes, not even a header"),
        (BY_HAND[:7], "truncated: the header breaks off after 7 of 12 bytes"),
        (BY_HAND[:-1], "truncated: its header announces 2 x 3 values in 6 bytes, but 5 follow"),
        (BY_HAND + b"\0", "oversized: its header announces 2 x 3 values in 6 bytes, but more follow"),
        (b"<html>", "not an IDX file: it starts with the bytes 3c 68 74 6d"),
        (bytes.fromhex("00 00 07 01 00 00 00 01 00"), "not an IDX file"),
        (bytes.fromhex("00 00 08 00"), "not an IDX file"),
        (gzip.compress(BY_HAND)[:-12], "truncated: the gzip stream breaks off"),
        (gzip.compress(BY_HAND[:-1]), "truncated: its header announces"),
        (gzip.compress(BY_HAND + bytes(10**7)), "oversized: its header announces"),
        (b"\x1f\x8bnonsense", "a damaged gzip file"),
        (gzip.compress(BY_HAND[:6]), "truncated: the header breaks off after 6 of 12 bytes"),
        (gzip.compress(b"<html>"), "not an IDX file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_names_the_fault(content, message):
    with pytest.raises(DataError) as caught:
        read_idx(content)
    assert str(caught.value).startswith(f"the IDX data: {message}")


def test_names_the_file(tmp_path: Path):
    path = tmp_path / "labels"
    path.write_bytes(b"no")
    with pytest.raises(DataError, match=r"labels: truncated"):
        read_idx(path)
