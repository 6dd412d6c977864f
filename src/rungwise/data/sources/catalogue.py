"""The data sets that rungwise knows by name, in one table with one way to look them up."""

from rungwise.data.errors import DataError
from rungwise.data.files.known import KNOWN
from rungwise.data.sources.digits import Digits
from rungwise.data.sources.idx_files import IdxFiles
from rungwise.data.sources.multi_mnist import MultiMnist
from rungwise.data.sources.source import Facts, Source
from rungwise.errors import nearest

DIGITS = tuple("0123456789")
ITEMS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

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

CATALOGUE: dict[str, Source] = {source.facts.name: source for source in (_MNIST, _FASHION_MNIST, _DIGITS, _MULTI_MNIST)}


def find_source(name: str) -> Source:
    """The data set of that name. Raises `DataError` where there is none."""
    if name not in CATALOGUE:
        raise DataError(f"no data set is called {name!r}; {nearest(name, CATALOGUE)}")
    return CATALOGUE[name]


def describe(name: str) -> Facts:
    """What is known of the data set of that name. Raises `DataError` where there is none."""
    return find_source(name).facts
