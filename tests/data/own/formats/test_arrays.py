"""Arrays of NumPy: names, shapes, ranges, labels, and what is never read."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rungwise.data.own.formats import find
from rungwise.data.own.index import make_index
from rungwise.data.own.places import archives
from rungwise.data.own.places.opening import open_place
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.prepare import prepare
from tests.data.own.material import fault, loaded, noise, opened, write

X, Y = noise(0, (30, 6, 5)), np.arange(30) % 3
XT, YT = noise(1, (9, 6, 5)), np.arange(9) % 3


def npz(path: Path, **arrays: Any) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    np.savez(path / "arrays.npz", **arrays)
    return path / "arrays.npz"


def npy(array: np.ndarray, pickled: bool = False) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=pickled)
    return content.getvalue()


def images(path: Path, **settings: Any) -> set[bytes]:
    dataset = loaded(path, split="per seed", **settings)
    return {image.tobytes() for image in dataset.train.images}


AS_THEY_ARE = {image.tobytes() for image in X}

# Names ---------------------------------------------------------------------------------------------------------


NAMES = ["x_{} y_{}", "X_{} Y_{}", "{}_images {}_labels", "{}X {}Y", "images-{} labels-{}", "{}_data {}_target"]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("test", ["test", "Test"])
def test_usual_names(tmp_path: Path, names: str, test: str) -> None:
    x, y = names.split()
    arrays = {x.format("train"): X, y.format("train"): Y, x.format(test): XT, y.format(test): YT}
    found = opened(npz(tmp_path, **arrays))
    assert found.counts == {"train": dict.fromkeys("012", 10), "test": dict.fromkeys("012", 3)}
    assert found.notes == ()


@pytest.mark.parametrize(("x", "y"), [("X", "y"), ("images", "labels"), ("data", "target"), ("x", "targets")])
def test_usual_names_without_parts(tmp_path: Path, x: str, y: str) -> None:
    assert images(npz(tmp_path, **{x: X, y: Y})) == AS_THEY_ARE


def test_a_validation_part(tmp_path: Path) -> None:
    found = opened(npz(tmp_path, x_train=X, y_train=Y, x_val=XT, y_val=YT))
    assert set(found.counts) == {"train", "validation", "test"}


def test_files_side_by_side(tmp_path: Path) -> None:
    """The folder, or one of them, the partners of which lie beside it."""
    files = {"x_train.npy": npy(X), "y_train.npy": npy(Y), "x_test.npy": npy(XT), "y_test.npy": npy(YT)}
    write(tmp_path / "a", files | {"notes.txt": b""})
    whole = loaded(tmp_path / "a")
    assert loaded(tmp_path / "a" / "y_train.npy").sha256 == whole.sha256
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"a/{name}", content)
    assert loaded(tmp_path / "a.zip").sha256["pixels"] == whole.sha256["pixels"]
    names = {"x": "images", "y": "labels"}
    folders = {f"{name[2:-4]}/{names[name[0]]}.npy": content for name, content in files.items()}
    write(tmp_path / "b", folders)
    assert loaded(tmp_path / "b").sha256["pixels"] == whole.sha256["pixels"]


def test_files_of_one_array_without_a_name(tmp_path: Path) -> None:
    """As KMNIST's: the file says what it is."""
    for name, array in {"train-imgs": X, "train-labels": Y, "test-imgs": XT, "test-labels": YT}.items():
        np.savez_compressed(tmp_path / f"kmnist-{name}.npz", array)
    assert opened(tmp_path).counts == {"train": dict.fromkeys("012", 10), "test": dict.fromkeys("012", 3)}


def test_a_file_for_each_part(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", images=X, labels=Y)
    np.savez(tmp_path / "test.npz", images=XT, labels=YT)
    assert opened(tmp_path).counts == {"train": dict.fromkeys("012", 10), "test": dict.fromkeys("012", 3)}


def test_a_zip_of_an_npz(tmp_path: Path) -> None:
    path = npz(tmp_path, x=X, y=Y)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "deep/arrays.npz")
    assert images(tmp_path / "a.zip") == AS_THEY_ARE


def test_other_arrays_are_columns_or_told(tmp_path: Path) -> None:
    group = np.repeat(["a", "b", "c", "d", "e"], 6)
    found = opened(
        npz(tmp_path, x=X, y=Y, group=group, shade=np.arange(30) // 10, mean=np.float32(0.5), weights=np.ones((3, 3)))
    )
    assert found.facts.columns == {"shade": ("0", "1", "2")}
    assert found.notes[0] == "mean and weights were passed over"
    assert loaded(tmp_path / "arrays.npz").train.groups is not None


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"a": X, "b": Y}, "expected arrays called x_train, y_train"),
        ({"x": X}, "got x (30 x 6 x 5)"),
        ({"x_train": X, "labels": Y}, "got labels (30), x_train (30 x 6 x 5)"),
        ({"x_test": X, "y_test": Y}, "has test images, and none to train on"),
        ({"x": X, "y": Y, "x_test": XT, "y_test": YT}, "has x beside arrays of parts"),
        ({"x": X, "images": XT, "y": Y}, "expected one array of images for each part"),
        ({"x": X, "y": Y[:29]}, "has 30 images, and 29 values of 'label': expected one for each"),
    ],
)
def test_unclear_names_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], says: str) -> None:
    message = fault(npz(tmp_path, **arrays))
    assert says in message
    assert "arrays.npz" in message


def test_several_data_sets_are_refused(tmp_path: Path) -> None:
    for name in ("bloodmnist", "pathmnist"):
        np.savez(tmp_path / f"{name}.npz", train_images=X, train_labels=Y)
    assert "expected one array of images for each part. Give the file or folder of one data set" in fault(tmp_path)


def test_a_part_without_labels_is_told(tmp_path: Path) -> None:
    found = opened(npz(tmp_path, x_train=X, y_train=Y, x_test=XT))
    assert found.notes == ("x_test has no labels beside it: passed over",)
    assert found.counts["test"] == {"0": 2, "1": 2, "2": 2}, "drawn from the others"


# Shapes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((6, 5), (1, 6, 5)),
        ((6, 5, 1), (1, 6, 5)),
        ((6, 5, 3), (3, 6, 5)),
        ((6, 5, 4), (4, 6, 5)),
        ((6, 5, 16), (16, 6, 5)),
        ((1, 6, 5), (1, 6, 5)),
        ((3, 6, 5), (3, 6, 5)),
        ((4, 6, 7), (4, 6, 7)),
        ((4, 6, 4), (4, 4, 6)),  # ambiguous: the last axis
        ((36,), (1, 6, 6)),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_axes(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, int, int], order: str) -> None:
    array = noise(3, (24, *shape))
    found = images(npz(tmp_path, x=np.asarray(array, order=order), y=np.arange(24) % 2))
    channels, height, width = expected
    last = len(shape) == 3 and shape[2] == channels
    arranged = array.reshape(24, height, width, channels).transpose(0, 3, 1, 2)
    assert found == {image.tobytes() for image in (arranged if last else array.reshape(24, *expected))}


def test_what_could_be_taken_otherwise_is_told(tmp_path: Path) -> None:
    def notes(*shape: int) -> tuple[str, ...]:
        return opened(npz(tmp_path / str(shape), x=noise(3, (24, *shape)), y=np.arange(24) % 2)).notes

    assert notes(6, 5) == notes(6, 5, 3) == notes(3, 60, 50) == ()
    assert notes(36) == ("rows of 36 values are taken as images of 6 x 6",)
    assert notes(3, 6, 3) == ("an array of 24 x 3 x 6 x 3 is taken as images of 3 channels, its last axis",)
    assert notes(3, 6, 5) == ("an array of 24 x 3 x 6 x 5 is taken as images of 3 channels, its second axis",)
    assert notes(6, 5, 4) == ("4 channels are taken as they are: none is taken for transparency",)


@pytest.mark.parametrize("shape", [(), (30,), (3072,), (6, 5, 17), (2, 30, 30), (2, 3, 6, 5)])
def test_shapes_of_no_images_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    message = fault(npz(tmp_path, x=noise(3, (24, *shape)), y=np.arange(24) % 2))
    assert "x.npy has the shape 24" in message
    assert "expected images as (N, H, W), (N, H, W, C) with 1 to 16 channels, (N, C, H, W) with 1, 3 or 4" in message


def test_parts_of_other_channels_are_refused(tmp_path: Path) -> None:
    message = fault(npz(tmp_path, x_train=noise(1, (30, 6, 5, 3)), y_train=Y, x_test=noise(1, (9, 6, 5, 4)), y_test=YT))
    assert "have images of 3 and 4 channels: expected the same in all parts" in message


def test_grey_parts_go_with_colour(tmp_path: Path) -> None:
    dataset = loaded(npz(tmp_path, x_train=noise(1, (30, 6, 5, 3)), y_train=Y, x_test=XT, y_test=YT))
    assert dataset.test.shape == (3, 6, 5)
    assert (dataset.test.images == dataset.test.images[:, :1]).all()


def test_colour_arrays_of_grey_images_are_grey(tmp_path: Path) -> None:
    """As files are."""
    assert images(npz(tmp_path, x=np.repeat(X[..., np.newaxis], 3, -1), y=Y)) == AS_THEY_ARE


def test_images_of_other_sizes_are_resized(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.kron(X, np.ones((1, 2, 2), np.uint8)), y=Y)
    assert images(path, image_size=(6, 5)) == AS_THEY_ARE, "the mean of four equal pixels is that"


# Ranges --------------------------------------------------------------------------------------------------------

FULL = np.linspace(0, 255, 30 * 30).round().astype(np.uint8).reshape(30, 6, 5)
FULL_SET = {image.tobytes() for image in FULL}


@pytest.mark.parametrize(
    ("array", "note"),
    [
        (FULL, None),
        (FULL.astype(np.int64), None),
        (FULL.astype(">i2"), None),
        (FULL / 255, "pixels are floats from 0 to 1: scaled from [0, 1] to 0 to 255"),
        ((FULL / 255).astype(np.float32), "pixels are floats from 0 to 1: scaled from [0, 1] to 0 to 255"),
        ((FULL / 255).astype(np.float16), "pixels are floats from 0 to 1: scaled from [0, 1] to 0 to 255"),
        (FULL / 127.5 - 1, "pixels are floats from -1 to 1: scaled from [-1, 1] to 0 to 255"),
        ((FULL / 127.5 - 1).astype(np.float32), "pixels are floats from -1 to 1: scaled from [-1, 1] to 0 to 255"),
        (FULL.astype(np.float64), "pixels are floats from 0 to 255: taken as they are, of 0 to 255"),
        (FULL.astype(np.uint16) * 257, "pixels are whole numbers from 0 to 65535: scaled from [0, 65,535] to 0 to 255"),
    ],
)
def test_numbers_become_pixels_by_their_range(tmp_path: Path, array: np.ndarray, note: str | None) -> None:
    path = npz(tmp_path, x=array, y=Y)
    assert images(path) == FULL_SET
    assert opened(path).notes == ((note,) if note else ())


def test_bits_are_black_and_white(tmp_path: Path) -> None:
    bits = X > 127
    expected = {(image * np.uint8(255)).tobytes() for image in bits}
    assert images(npz(tmp_path / "a", x=bits, y=Y)) == expected
    for kind in (np.uint8, np.int32, np.float32):
        path = npz(tmp_path / kind.__name__, x=bits.astype(kind), y=Y)
        assert images(path) == expected
        assert "scaled from [0, 1] to 0 to 255" in opened(path).notes[0]


def test_the_range_is_that_of_all_parts(tmp_path: Path) -> None:
    """A dark test part is not made brighter than it is."""
    dark = (XT % 2).astype(np.int64)
    dataset = loaded(npz(tmp_path, x_train=X.astype(np.int64), y_train=Y, x_test=dark, y_test=YT))
    assert dataset.test.images.max() == 1
    signed = loaded(npz(tmp_path / "b", x_train=X / 127.5 - 1, y_train=Y, x_test=XT / 510 + 0.5, y_test=YT))
    assert signed.test.images.min() >= 191, "floats above 0 beside others below it"


def test_a_dark_range_is_told(tmp_path: Path) -> None:
    """As of scikit-learn's digits, 0 to 16."""
    found = opened(npz(tmp_path, data=(X // 16).astype(np.float64).reshape(30, 30)[:, :25], target=Y))
    assert "pixels are floats from 0 to 15: taken as they are, of 0 to 255" in found.notes


@pytest.mark.parametrize(
    ("array", "got"),
    [
        ((FULL / 255 - 0.1307) / 0.3081, "got floats from -0.424213 to 2.82149, not all of them whole"),
        (FULL / 2, "got floats from 0 to 127.5, not all of them whole"),
        (FULL.astype(int) - 1, "got whole numbers from -1 to 254"),
        (FULL.astype(int) * 300, "got whole numbers from 0 to 76500"),
        (np.where(FULL == 7, np.nan, FULL / 255), "holds values that are no numbers (NaN or infinite)"),
        (np.where(FULL == 7, np.inf, FULL / 255), "holds values that are no numbers (NaN or infinite)"),
        (FULL.astype(complex), "holds values of the type complex128: expected numbers or texts"),
        (FULL.astype(str), "expected pixels as whole numbers from 0 to 255"),
    ],
)
def test_other_ranges_are_refused(tmp_path: Path, array: np.ndarray, got: str) -> None:
    message = fault(npz(tmp_path, x=array, y=Y))
    assert got in message
    assert "x.npy" in message


def test_parts_of_other_types_are_refused(tmp_path: Path) -> None:
    message = fault(npz(tmp_path, x_train=X, y_train=Y, x_test=XT / 255, y_test=YT))
    assert "hold floats and whole numbers: expected one type of number in all parts" in message


# Labels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (Y, ("0", "1", "2")),
        (Y.astype(np.uint8)[:, np.newaxis], ("0", "1", "2")),
        (Y.astype(np.float64), ("0", "1", "2")),
        (Y - 1, ("-1", "0", "1")),
        (Y * 5 + 5, ("5", "10", "15")),
        (Y > 0, ("False", "True")),
        (np.array(["b", "a", "c"])[Y], ("a", "b", "c")),
        (np.array([b"b", "ä".encode(), b"c"])[Y], ("b", "c", "ä")),
    ],
)
def test_labels_are_numbers_or_texts(tmp_path: Path, labels: np.ndarray, classes: tuple[str, ...]) -> None:
    assert opened(npz(tmp_path, x=X, y=labels)).facts.classes == classes


def test_names_of_classes(tmp_path: Path) -> None:
    for key in ("classes", "class_names", "label_names"):
        found = opened(npz(tmp_path / key, x=X, y=Y, **{key: np.array(["zebra", "ant", "cat"])}))
        assert found.facts.classes == ("ant", "cat", "zebra")
        assert found.counts["train"] == {"ant": 8, "cat": 8, "zebra": 8}
    dataset = loaded(tmp_path / "classes" / "arrays.npz", split="per seed")
    zebras = {image.tobytes() for image in dataset.train.images[dataset.train.labels == 2]}
    assert zebras == {image.tobytes() for image in X[Y == 0]}
    message = fault(npz(tmp_path / "few", x=X, y=Y, classes=np.array(["zebra", "ant"])))
    assert "expected values of 'label' from 0 to 1, as there are 2 names, got 0 to 2" in message
    message = fault(npz(tmp_path / "from one", x=X, y=Y + 1, classes=np.array(["zebra", "ant", "cat"])))
    assert "got 1 to 3" in message


@pytest.mark.parametrize("kind", [np.uint8, np.float32, bool])
def test_rows_with_a_single_one_are_classes(tmp_path: Path, kind: type) -> None:
    found = opened(npz(tmp_path, x=X, y=np.eye(3)[Y].astype(kind)))
    assert found.facts.classes == ("0", "1", "2")
    assert found.notes == ("labels are rows of 3 with a single 1: its place is the class",)
    plain = loaded(npz(tmp_path / "plain", x=X, y=Y))
    assert loaded(tmp_path / "arrays.npz").sha256["pixels"] == plain.sha256["pixels"]


def test_several_labels_are_several_tasks(tmp_path: Path) -> None:
    """MedMNIST#46."""
    several = np.random.default_rng(0).integers(0, 2, (30, 14))
    path = npz(tmp_path, train_images=X, train_labels=several)
    first = opened(path)
    assert (first.facts.classes, first.facts.label) == (("0", "1"), "label_0")
    assert set(first.facts.columns) == {f"label_{number}" for number in range(1, 14)}
    assert first.notes == (
        "each image has 14 labels, which are 14 tasks; 'label_0' stands where one class is needed: set label_column to "
        "have another",
    )
    found = opened(path, label_column="label_3")
    assert found.notes == ()
    assert found.facts.classes == ("0", "1")
    assert set(found.facts.columns) == {f"label_{number}" for number in range(14)} - {"label_3"}
    dataset = loaded(path, label_column="label_3", split="per seed")
    ones = {image.tobytes() for image in dataset.train.images[dataset.train.labels == 1]}
    assert ones == {image.tobytes() for image in X[several[:, 3] == 1]}


def test_a_label_of_one_value_is_no_class(tmp_path: Path) -> None:
    several = np.random.default_rng(0).integers(0, 2, (30, 3))
    several[:, 0] = 0
    found = opened(npz(tmp_path, train_images=X, train_labels=several))
    assert found.facts.label == "label_1"
    assert found.facts.columns == {"label_2": ("0", "1")}
    several[:] = 1
    message = "has 3 labels for each image, and the same for all: expected classes"
    assert message in fault(npz(tmp_path / "same", train_images=X, train_labels=several))


def test_several_labels_may_have_names(tmp_path: Path) -> None:
    path = npz(tmp_path, x=X, y=np.stack([Y > 0, Y > 1], 1), label_names=np.array(["some", "many"]))
    found = opened(path, label_column="many")
    assert found.facts.columns == {"some": ("False", "True")}
    assert "expected the class in a column 'few'; there is some and many" in fault(path, label_column="few")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (Y + 0.5, "expected classes as whole numbers or texts in 'label', got 0.5"),
        (np.where(Y == 1, np.nan, Y), "expected classes as whole numbers or texts in 'label', got nan"),
        (np.array(["a", "", "b"])[Y], "expected a class for each image, got none for 10"),
        (noise(1, (30, 6, 5)), "have the shapes 30 x 6 x 5: expected labels as (N,), (N, 1) or (N, K)"),
    ],
)
def test_labels_that_are_no_classes_are_refused(tmp_path: Path, labels: np.ndarray, says: str) -> None:
    assert says in fault(npz(tmp_path, x=X, y=labels))


# Files ---------------------------------------------------------------------------------------------------------


class Dangerous:
    """Leaves a file behind where somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_pickled_arrays_are_refused_and_not_read(tmp_path: Path, kind: str) -> None:
    labels = np.array([Dangerous(tmp_path / "ran")] * 30, dtype=object)
    if kind == "npz":
        path = npz(tmp_path / "data", x=X, y=labels)
    else:
        path = write(tmp_path / "data", {"x.npy": npy(X), "y.npy": npy(labels, pickled=True)})
    message = fault(path)
    assert "y.npy is a pickled array, which runs any code when it is read: expected numbers or texts" in message
    assert not (tmp_path / "ran").exists()


def test_a_pickled_array_that_nobody_asks_for_is_told(tmp_path: Path) -> None:
    found = opened(npz(tmp_path, x=X, y=Y, info=np.array([{"a": 1}], dtype=object)))
    assert "info.npy is a pickled array" in found.notes[0]
    assert found.notes[0].endswith("passed over")


@pytest.mark.parametrize("change", ["truncated", "oversized"])
def test_a_header_that_announces_another_size_is_refused(tmp_path: Path, change: str) -> None:
    content = npy(X)
    content = content[:-1] if change == "truncated" else content + b"\0"
    message = fault(write(tmp_path, {"x.npy": content, "y.npy": npy(Y)}))
    assert f"x.npy is {change}: its header announces 30 x 6 x 5 values, 1,028 bytes in all" in message


def test_an_announced_bomb_is_refused(tmp_path: Path) -> None:
    """A header of terabytes before a few bytes, and a small file that unpacks to many."""
    header = npy(np.empty((0, 6, 5), np.uint8)).replace(b"(0, 6, 5), }            ", b"(999999999, 99999, 5), }")
    message = fault(write(tmp_path, {"x.npy": header, "y.npy": npy(Y)}))
    assert "x.npy is truncated: its header announces 999,999,999 x 99,999 x 5 values" in message


def test_an_archive_that_is_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RATIO_FROM", 2**20)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((2000, 28, 28), np.uint8), y=Y)
    monkeypatch.setattr(archives, "MOST_RATIO", 100)
    assert "looks like a decompression bomb" in fault(tmp_path / "x.npz")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\1\0\x10\0{'descr': 'oops'", b"<html>"])
def test_files_that_are_no_arrays_are_named(tmp_path: Path, content: bytes) -> None:
    assert "x.npy is no array of NumPy, or a damaged one" in fault(write(tmp_path, {"x.npy": content, "y.npy": npy(Y)}))
    assert "x.npz is a damaged ZIP archive" in fault(write(tmp_path / "b", {"x.npz": content}) / "x.npz")


def test_arrays_of_named_fields_are_refused(tmp_path: Path) -> None:
    fields = np.zeros(30, [("a", "u1"), ("b", "u1")])
    assert "expected numbers or texts" in fault(npz(tmp_path, x=X, y=fields))


@pytest.mark.parametrize("kind", ["npy", "npz", "packed", "by column"])
def test_large_arrays_never_lie_in_memory(tmp_path: Path, kind: str) -> None:
    """60 MB of images pass through 30 MB, whatever is scaled."""
    images = np.zeros((20_000, 32, 32, 3), np.uint8)
    images[:] = np.arange(20_000, dtype=np.uint32).view(np.uint8).reshape(-1, 4)[:, np.newaxis, np.newaxis, :3]
    labels = np.arange(20_000) % 7
    if kind == "npz":
        path = npz(tmp_path, x=images, y=labels)
    elif kind == "packed":
        np.savez_compressed(path := tmp_path / "x.npz", x=images, y=labels)
    else:
        path = write(tmp_path, {"y.npy": npy(labels)})
        np.save(path / "x.npy", np.asfortranarray(images) if kind == "by column" else images)
    del images
    place = open_place(path)
    found = find(place, Preparation())
    tracemalloc.start()
    items = found.items(make_index(found.place, found.files).headers)
    (tmp_path / "made").mkdir()
    made = prepare(items, Preparation(split="per seed"), tmp_path / "made")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(made.parts["train"]) == 20_000
    assert most < 40 * 2**20
