"""MNIST in seven formats is the same images."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rungwise.data.files.idx import read_idx
from rungwise.testing.formats import Sample
from tests.data.own import writers
from tests.data.own.material import loaded

FOLDER = Path(os.environ.get("RUNGWISE_DATA", "nowhere")) / "mnist"
IMAGES = {"train": 1500, "test": 500}
NAMES = {"train": "train", "test": "t10k"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs RUNGWISE_DATA with mnist/")


@pytest.fixture(scope="module")
def mnist() -> Sample:
    """The first 1,500 training images and 500 test images."""
    images, labels, parts = [], [], []
    for part, count in IMAGES.items():
        for what, kept in (("images-idx3", images), ("labels-idx1", labels)):
            path = FOLDER / f"{NAMES[part]}-{what}-ubyte"
            kept.append(read_idx(path if path.exists() else path.with_name(f"{path.name}.gz"))[:count])
        parts += [part] * count
    words = map(str, np.concatenate(labels).tolist())
    return Sample(np.concatenate(images)[:, np.newaxis], tuple(words), tuple(parts))


WRITERS = (
    *(writers.folder, writers.zipped, writers.npz, writers.npy, writers.pixel_csv, writers.hugging_face),
    *(writers.parquet_columns, writers.table_jsonl, writers.idx_files),
)


@pytest.mark.parametrize("write", WRITERS)
def test_mnist_has_one_digest_of_pixels(tmp_path: Path, mnist: Sample, write: Callable[[Path, Sample], Path]) -> None:
    """That of the images in their canonical order, by hand: SHA-256 of names, shapes, pixels and labels."""
    digest = hashlib.sha256()
    for part in IMAGES:
        own = mnist.part(part)
        order = sorted(
            range(len(own.labels)),
            key=lambda n: (int(own.labels[n]), hashlib.sha256(own.images[n].tobytes()).digest()),
        )
        digest.update(f"{part} {own.images.shape}".encode() + own.images[order].tobytes())
        digest.update(np.array([int(own.labels[n]) for n in order], "<i8").tobytes())
    assert loaded(write(tmp_path, mnist)).sha256["pixels"] == digest.hexdigest()
