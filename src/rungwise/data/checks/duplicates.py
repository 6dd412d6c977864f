"""Images that occur more than once, pixel by pixel."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

ROWS = 4096
"""Images that are read at a time, of a file that may be larger than memory."""
KEY = np.dtype([("high", ">u8"), ("low", ">u8")])


class Repeated(NamedTuple):
    """Images whose pixels have occurred before, in the order of the images."""

    again: np.ndarray
    """(n,), int64: the images, by their numbers."""
    first: np.ndarray
    """(n,), int64: of each the first image with the same pixels."""


def pixel_keys(images: np.ndarray) -> np.ndarray:
    """The first 128 bits of the SHA-256 of each image's pixels, as two numbers: (N,), of `KEY`.

    Parameters: images (N, C, H, W), uint8, perhaps mapped from a file.
    """
    found = np.empty((len(images), 16), np.uint8)
    for start in range(0, len(images), ROWS):
        rows = np.ascontiguousarray(images[start : start + ROWS])
        for number, image in enumerate(rows, start):
            found[number] = np.frombuffer(hashlib.sha256(image.data).digest()[:16], np.uint8)
    return found.view(KEY)[:, 0]


def repeated(keys: np.ndarray) -> Repeated:
    """The images that occur again, by the keys of all images (N,), as `pixel_keys` makes them.

    Images of several parts follow each other, part by part: what is in two parts is `first` in the earlier one.
    """
    order = np.lexsort((keys["low"], keys["high"]))  # stable: of equal keys the first image comes first
    same = keys[order][1:] == keys[order][:-1]
    starts = np.flatnonzero(np.concatenate([[True], ~same]))[: len(keys)]
    first = np.empty(len(keys), np.int64)
    first[order] = np.repeat(order[starts], np.diff(np.append(starts, len(keys))))
    again = np.flatnonzero(first != np.arange(len(keys)))
    return Repeated(again, first[again])


def blank(images: Iterable[np.ndarray]) -> np.ndarray:
    """Which images are of a single colour: (N,), bool, of parts of images (n, C, H, W) one after the other.

    Each channel has one value throughout.
    """
    found = [np.zeros(0, bool)]
    for part in images:
        for start in range(0, len(part), ROWS):
            rows = np.asarray(part[start : start + ROWS])
            found.append((rows.min(axis=(2, 3)) == rows.max(axis=(2, 3))).all(axis=1))
    return np.concatenate(found)
