"""The binary format of CIFAR-10 and CIFAR-100: records of one or two label bytes and 3,072 bytes of pixels.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the page of the data sets,
https://www.cs.toronto.edu/~kriz/cifar.html, section "Binary version".
"""

from typing import Literal

import numpy as np

from rungwise.data.errors import DataError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
CLASSES: dict[int, tuple[int, ...]] = {1: (10,), 2: (20, 100)}
"""By the number of label bytes, the classes of each: CIFAR-100 has a coarse label and then a fine one."""


def read_cifar(content: bytes | bytearray | memoryview, label_bytes: Literal[1, 2]) -> tuple[np.ndarray, np.ndarray]:
    """The images (N, 3, 32, 32), uint8, red, green and blue planes, and the labels (N, `label_bytes`), uint8.

    Both are copies. Raises `DataError` where the bytes are no whole number of records, or a label has no class.
    """
    record = label_bytes + PIXELS
    if not len(content) or len(content) % record:
        raise DataError(
            f"not a CIFAR file: {len(content):,} bytes are no whole number of records of {label_bytes} label bytes and "
            f"{PIXELS:,} of pixels"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, record)
    labels = records[:, :label_bytes].copy()
    _check_labels(labels, CLASSES[label_bytes])
    return np.ascontiguousarray(records[:, label_bytes:]).reshape(-1, *SHAPE), labels


def _check_labels(labels: np.ndarray, classes: tuple[int, ...]) -> None:
    wrong = labels >= np.array(classes)  # (N, label_bytes)
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"not a CIFAR file: image {row:,} has the label {labels[row, column]}, expected 0 to {classes[column] - 1}"
        )
