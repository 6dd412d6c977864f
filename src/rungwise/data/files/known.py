"""The files that rungwise knows by their checksums, and the mirrors that have them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """One gzipped IDX file. Its identity is that of the bytes inside: mirrors differ in the wrapping."""

    source: str
    """The data set that it belongs to; also the name of the folder that holds it."""
    name: str
    """The uncompressed file's name; mirrors add ``.gz``."""
    size: int
    """Bytes, uncompressed."""
    sha256: str
    """Of the uncompressed bytes."""
    mirrors: tuple[str, ...]
    """Folders at which ``name.gz`` is found, tried in order."""


def _files(source: str, mirrors: tuple[str, ...], sha256: dict[str, str]) -> tuple[File, ...]:
    """The four files of MNIST and its stand-ins: the names and sizes are the same, the bytes are not."""
    sizes = {  # a header of 4 bytes and 4 per axis, then one byte per pixel or label
        "train-images-idx3-ubyte": 16 + 60_000 * 28 * 28,
        "train-labels-idx1-ubyte": 8 + 60_000,
        "t10k-images-idx3-ubyte": 16 + 10_000 * 28 * 28,
        "t10k-labels-idx1-ubyte": 8 + 10_000,
    }
    return tuple(File(source, name, size, sha256[name], mirrors) for name, size in sizes.items())


KNOWN: dict[str, tuple[File, ...]] = {
    "mnist": _files(
        "mnist",
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://sagemaker-sample-files.s3.amazonaws.com/datasets/image/MNIST/",
        ),
        sha256={
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion-mnist": _files(
        "fashion-mnist",
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            # S3 serves websites by HTTP only; the checksum, not the transport, says whose bytes they are.
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",  # Keras's copy
        ),
        sha256={
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
}
"""By data set."""


def holder(sha256: str) -> File | None:
    """The known file that has this checksum."""
    return next((file for files in KNOWN.values() for file in files if file.sha256 == sha256), None)
