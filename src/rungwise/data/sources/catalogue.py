"""The data sets that are known by name: rungwise's own in one table, others by the entry point ``rungwise.sources``."""

from collections.abc import Mapping
from typing import Any

from rungwise.data.errors import DataError
from rungwise.data.files.known import KNOWN
from rungwise.data.sources.cifar_files import CifarFiles
from rungwise.data.sources.digits import Digits
from rungwise.data.sources.idx_files import IdxFiles
from rungwise.data.sources.multi_mnist import MultiMnist
from rungwise.data.sources.source import Facts, Source
from rungwise.extensions import ExtensionError, Registry

DIGITS = tuple("0123456789")
ITEMS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
CHARACTERS = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt")
"""The 47 classes of EMNIST's balanced split: lower case is one class with upper case where the two look alike
(emnist-balanced-mapping.txt in its archive; Cohen et al. 2017, section II)."""
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_MNIST = IdxFiles(
    Facts(
        name="mnist",
        classes=DIGITS,
        image=(1, 28, 28),
        train_images=60_000,
        test_images=10_000,
        licence="CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. Burges)",
    ),
    KNOWN["mnist"],
)
_FASHION_MNIST = IdxFiles(
    Facts(
        name="fashion-mnist",
        classes=ITEMS,
        image=(1, 28, 28),
        train_images=60_000,
        test_images=10_000,
        licence="MIT (Zalando SE)",
    ),
    KNOWN["fashion-mnist"],
)
_DIGITS = Digits(
    Facts(  # 1,797 images in all, of which the seed cuts off a quarter
        name="digits",
        classes=DIGITS,
        image=(1, 28, 28),
        train_images=1348,
        test_images=449,
        test_by_seed=True,
        licence="as bundled with scikit-learn (UCI; E. Alpaydin, C. Kaynak)",
    )
)
_MULTI_MNIST = MultiMnist(
    Facts(
        name="multi-mnist",
        classes=DIGITS,
        image=(1, 28, 28),
        train_images=60_000,
        test_images=10_000,
        columns={"left": DIGITS, "right": DIGITS},
        licence="CC BY-SA 3.0, made from mnist",
    ),
    _MNIST,
)

_KMNIST = IdxFiles(
    Facts(
        name="kmnist",
        classes=KANA,
        image=(1, 28, 28),
        train_images=60_000,
        test_images=10_000,
        licence="CC BY-SA 4.0 (created by CODH, adapted from the Kuzushiji Dataset of NIJL and others, "
        "doi:10.20676/00000341)",
    ),
    KNOWN["kmnist"],
    balanced=True,
)


def _emnist(split: str, classes: tuple[str, ...], train: int, test: int, first_label: int = 0) -> IdxFiles:
    # NIST and the authors state no licence. Special Database 19, which the images are made from, is NIST's.
    licence = "none stated (NIST, from Special Database 19; cite Cohen et al. 2017, arXiv:1702.05373)"
    name = f"emnist-{split}"
    facts = Facts(name, classes, (1, 28, 28), train, test, licence=licence)
    return IdxFiles(facts, KNOWN[name], transposed=True, first_label=first_label, balanced=True)


_CIFAR10 = CifarFiles(
    Facts(
        name="cifar10",
        classes=THINGS,
        image=(3, 32, 32),
        train_images=50_000,
        test_images=10_000,
        licence="none stated (A. Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images)",
    ),
    KNOWN["cifar10"],
)

CATALOGUE: dict[str, Source] = {
    source.facts.name: source
    for source in (
        _MNIST,
        _FASHION_MNIST,
        _DIGITS,
        _MULTI_MNIST,
        _KMNIST,
        _emnist("balanced", CHARACTERS, 112_800, 18_800),
        _emnist("letters", LETTERS, 124_800, 20_800, first_label=1),
        _emnist("digits", DIGITS, 240_000, 40_000),
        _CIFAR10,
    )
}
"""Rungwise's own. Nothing is read, and no library imported, before one is loaded."""


def _source(name: str, found: Any) -> Source:
    """A data set at an address; ours are in a table. Raises ValueError: what was expected, and what was got."""
    if isinstance(found, Mapping) and name in found:
        found = found[name]
    missing = [needed for needed in ("facts", "files", "origin", "load") if not hasattr(found, needed)]
    if isinstance(found, type) or missing or not isinstance(found.facts, Facts):
        raise ValueError(f"expected a data set with facts, files, origin and load, got {found!r}")
    if found.facts.name != name:
        raise ValueError(f"expected facts of the name {name!r}, got {found.facts.name!r}")
    source: Source = found
    return source


SOURCES: Registry[Source] = Registry("sources", "data set", dict.fromkeys(CATALOGUE, f"{__name__}:CATALOGUE"), _source)
"""Other packages add theirs under the entry point ``rungwise.sources``: the address of a `Source`."""


def source_names() -> tuple[str, ...]:
    """Of all data sets: ours in the order of the table, then those of other packages."""
    return tuple(dict.fromkeys((*CATALOGUE, *SOURCES.addresses())))


def find_source(name: str) -> Source:
    """The data set of that name. Raises `DataError` where there is none, or where it cannot be used."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    try:
        return SOURCES.find(name)
    except ExtensionError as error:
        longer = [known for known in source_names() if known.startswith(f"{name}-")]
        there_are = f"no data set is called {name!r}; there is {' and '.join(map(repr, longer))}"
        raise DataError(there_are if longer else str(error)) from None


def describe(name: str) -> Facts:
    """What is known of the data set of that name. Raises `DataError` where there is none."""
    return find_source(name).facts
