"""The files that rungwise knows by their checksums, and the mirrors that have them.

A published checksum is over the bytes that its publisher had: of MNIST and CIFAR-10 over the uncompressed bytes, which
any wrapping leaves as they are; of Kuzushiji-MNIST and EMNIST over the gzip file. Nobody publishes one of their
uncompressed bytes, so an unpacked copy of these can be checked by its shape only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """A ZIP or TAR archive that a data set is published in."""

    name: str
    size: int
    """Bytes, as it is published."""
    sha256: str
    """Of these bytes."""
    mirrors: tuple[str, ...]
    """Its addresses, tried in order."""
    folder: str
    """What its members' names begin with."""


@dataclass(frozen=True)
class File:
    """One file of images, of labels, or of both, with the checksums that are published of it.

    The bytes are right if any checksum says so: mirrors differ in the wrapping.
    """

    source: str
    """The data set that it belongs to."""
    name: str
    """The uncompressed file's name; mirrors add ``.gz``."""
    size: int
    """Bytes, uncompressed."""
    sha256: str = ""
    """Of the uncompressed bytes; empty where nobody publishes it."""
    mirrors: tuple[str, ...] = ()
    """Folders at which ``name.gz`` is found, tried in order."""
    sha1: str = ""
    """Of the uncompressed bytes, where nobody publishes their SHA-256."""
    packed_sha256: str = ""
    """Of ``name.gz``, the gzip file as it is published."""
    archive: Archive | None = None
    """What it is also published in."""
    shared_folder: str = ""
    """The folder that holds it, where that does not bear the data set's name."""

    @property
    def folder(self) -> str:
        """The name of the folder that holds it."""
        return self.shared_folder or self.source

    @property
    def verifiable(self) -> bool:
        """Whether a checksum of the uncompressed bytes is published."""
        return bool(self.sha256 or self.sha1)

    @property
    def most_bytes(self) -> int:
        """What it may have, wrapped in whatever way: no wrapping adds a tenth to its content."""
        return self.size + self.size // 10 + 1024

    @property
    def kept_name(self) -> str:
        """The name that a download is kept under: as it can be verified again."""
        return self.name if self.verifiable else f"{self.name}.gz"

    @property
    def member(self) -> str:
        """Its name in the archive."""
        assert self.archive is not None
        return f"{self.archive.folder}/{self.kept_name}"


def idx_sizes(train: int, test: int, prefix: str = "", test_name: str = "t10k") -> dict[str, int]:
    """The names and sizes of the four files of a data set of 28 x 28 grey images: always in this order."""
    return {  # a header of 4 bytes and 4 per axis, then one byte per pixel or label
        f"{prefix}train-images-idx3-ubyte": 16 + train * 28 * 28,
        f"{prefix}train-labels-idx1-ubyte": 8 + train,
        f"{prefix}{test_name}-images-idx3-ubyte": 16 + test * 28 * 28,
        f"{prefix}{test_name}-labels-idx1-ubyte": 8 + test,
    }


def _mnist_like(source: str, mirrors: tuple[str, ...], sha256: Mapping[str, str]) -> tuple[File, ...]:
    """The four files of MNIST and its stand-ins: the names and sizes are the same, the bytes are not."""
    sizes = idx_sizes(60_000, 10_000)
    return tuple(File(source, name, size, sha256[name], mirrors) for name, size in sizes.items())


def _kmnist() -> tuple[File, ...]:
    # SHA-256 and sizes of the gzip files: tensorflow/datasets, url_checksums/kmnist.txt; the same in pytorch/vision,
    # prototype/datasets/_builtin/mnist.py. Files of before February 2019 have other checksums, and black images among
    # the others (rois-codh/kmnist#1).
    packed = {
        "train-images-idx3-ubyte": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "train-labels-idx1-ubyte": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "t10k-images-idx3-ubyte": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "t10k-labels-idx1-ubyte": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    }
    mirrors = (
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",  # a checksum says whose bytes they are
        # A copy of the same four gzip files, for days on which the publisher cannot be reached (rois-codh/kmnist#29).
        "https://huggingface.co/datasets/tanganke/kmnist/resolve/dab04d7c5e37a87fc08226dc58aa548bab58d0d2/raw/",
    )
    sizes = idx_sizes(60_000, 10_000)
    return tuple(File("kmnist", name, size, "", mirrors, packed_sha256=packed[name]) for name, size in sizes.items())


EMNIST = Archive(
    name="gzip.zip",
    size=561_753_746,
    # Size and SHA-256: tensorflow/datasets, url_checksums/emnist.txt. MD5 (58c8d27c78d21e728a6bc7b3cc06412e):
    # pytorch/vision, datasets/mnist.py, whose pull request #8350 has the address that NIST moved it to.
    sha256="fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    mirrors=("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
    folder="gzip",
)
EMNIST_PACKED = {
    # SHA-256 of the gzip files in that archive: notwa/mnists, mnists/hashes.py. Eight of the twelve are published once
    # more, by a project that took them out of NIST's archive: those of the letters, and the others' to train on.
    # MD5 of all twelve: deeplearning4j, EmnistFetcher.java, and pczarnik/mnists.
    "emnist-balanced-train-images-idx3-ubyte": "74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4",
    "emnist-balanced-train-labels-idx1-ubyte": "b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed",
    "emnist-balanced-test-images-idx3-ubyte": "117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db",
    "emnist-balanced-test-labels-idx1-ubyte": "a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd",
    "emnist-letters-train-images-idx3-ubyte": "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",
    "emnist-letters-train-labels-idx1-ubyte": "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",
    "emnist-letters-test-images-idx3-ubyte": "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",
    "emnist-letters-test-labels-idx1-ubyte": "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",
    "emnist-digits-train-images-idx3-ubyte": "f7c95004d14d81af89522e67d8f0c781dfb3bd544181c81bfe1eb6b41c35b726",
    "emnist-digits-train-labels-idx1-ubyte": "6638a6ff5fe2eefd9cca2471995b46c82986b8e4b2a70d2f5ce8e05d7edb319e",
    "emnist-digits-test-images-idx3-ubyte": "20ebe43509264f7639d37c835a3f0b009e90b29e00a099a03101abe1644a3f63",
    "emnist-digits-test-labels-idx1-ubyte": "bad1834c45d5988e270b99d43b13edc3fd898f658ffbc2caf2846ef27f7b05b0",
}


def _emnist(split: str, train: int, test: int, mirrors: tuple[str, ...] = ()) -> tuple[File, ...]:
    return tuple(
        File(
            f"emnist-{split}",
            name,
            size,
            mirrors=mirrors,
            packed_sha256=EMNIST_PACKED[name],
            archive=EMNIST,
            shared_folder="emnist",
        )
        for name, size in idx_sizes(train, test, f"emnist-{split}-", "test").items()
    )


# The same gzip files one by one, of which a split is 5% of NIST's archive.
_EMNIST_MIRRORS = ("https://huggingface.co/datasets/Heliosoph/EMNIST/resolve/main/",)

CIFAR10 = Archive(
    name="cifar-10-binary.tar.gz",
    size=170_052_171,
    # Size and SHA-256: tensorflow/datasets, url_checksums/cifar10.txt. MD5 (c32a1d4ab5d03f1284b67883e8d87530): the
    # page of the data set, https://www.cs.toronto.edu/~kriz/cifar.html.
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
    ),
    folder="cifar-10-batches-bin",
)
CIFAR10_SHA1 = {
    # Of the files in that archive: apache/mxnet, python/mxnet/gluon/data/vision/datasets.py, which first (2017) took
    # them out of the archive at Toronto.
    "data_batch_1.bin": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "data_batch_2.bin": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "data_batch_3.bin": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "data_batch_4.bin": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "data_batch_5.bin": "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "test_batch.bin": "67eb016db431130d61cd03c7ad570b013799c88c",
}

KNOWN: dict[str, tuple[File, ...]] = {
    "mnist": _mnist_like(
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
    "fashion-mnist": _mnist_like(
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
    "kmnist": _kmnist(),
    "emnist-balanced": _emnist("balanced", 112_800, 18_800, _EMNIST_MIRRORS),
    "emnist-letters": _emnist("letters", 124_800, 20_800, _EMNIST_MIRRORS),
    "emnist-digits": _emnist("digits", 240_000, 40_000),
    "cifar10": tuple(
        File("cifar10", name, 10_000 * (1 + 3 * 32 * 32), sha1=sha1, archive=CIFAR10)
        for name, sha1 in CIFAR10_SHA1.items()
    ),
}
"""By data set."""


def holder(sha256: str) -> File | None:
    """The known file whose uncompressed bytes, or whose gzip file, have this checksum."""
    return next((file for file in _all() if sha256 in (file.sha256, file.packed_sha256)), None)


def members(archive: Archive) -> tuple[File, ...]:
    """The known files that are published in an archive."""
    return tuple(file for file in _all() if file.archive == archive)


def _all() -> Iterator[File]:
    return (file for files in KNOWN.values() for file in files)
