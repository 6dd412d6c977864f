"""CSV files of pixels: which columns are which, and what is wrong with a line."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.data.own.material import fault, loaded, noise, opened, picture, write

X, Y = noise(0, (30, 5, 5)), np.arange(30) % 3
ALL = {image.tobytes() for image in X}
PLAIN = [f"pixel{number}" for number in range(25)]


def rows(images: np.ndarray = X, labels: np.ndarray | None = Y, delimiter: str = ",") -> list[str]:
    flat = images.reshape(len(images), -1).tolist()
    if labels is None:
        return [delimiter.join(map(str, row)) for row in flat]
    return [delimiter.join(map(str, [label, *row])) for label, row in zip(labels.tolist(), flat, strict=True)]


def text(lines: list[str], header: list[str] | None = None, delimiter: str = ",", end: str = "\n") -> bytes:
    return end.join([delimiter.join(["label", *PLAIN] if header is None else header), *lines, ""]).encode()


def images(path: Path, **settings: object) -> set[bytes]:
    dataset = loaded(path, split="per seed", **settings)
    return {image.tobytes() for image in dataset.train.images}


# Columns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        PLAIN,
        [f"pixel{number}" for number in range(1, 26)],
        [f"{row}x{column}" for row in range(1, 6) for column in range(1, 6)],
        [f"pixel_{number:04}" for number in range(25)],
        list(map(str, range(25))),
        [f"Px {number}" for number in range(25)],
    ],
)
def test_names_of_pixels(tmp_path: Path, names: list[str]) -> None:
    path = write(tmp_path, {"x.csv": text(rows(), ["label", *names])})
    assert images(path) == ALL
    assert opened(path).facts.classes == ("0", "1", "2")
    assert opened(path).notes == ()


def test_the_label_may_be_the_last_column(tmp_path: Path) -> None:
    lines = [f"{line},{label}" for line, label in zip(rows(labels=None), Y, strict=True)]
    path = write(tmp_path, {"x.csv": text(lines, [*PLAIN, "class"])})
    assert images(path) == ALL
    assert opened(path).facts.classes == ("0", "1", "2")


def test_columns_out_of_order_are_put_into_it_and_told(tmp_path: Path) -> None:
    """As a program leaves them that sorts names as texts: pixel10 before pixel2."""
    order = sorted(range(25), key=lambda number: f"pixel{number}")
    path = write(tmp_path, {"x.csv": text(rows(X.reshape(30, 25)[:, order]), ["label", *(PLAIN[n] for n in order)])})
    assert images(path) == ALL
    assert opened(path).notes == ("the columns of pixels in x.csv are not in their order: taken by their numbers",)


def test_other_columns_are_columns(tmp_path: Path) -> None:
    lines = [
        f'"{number:04}",{line},"old, blue"' if number % 2 else f"{number:04},{line},new"
        for number, line in enumerate(rows())
    ]
    path = write(tmp_path, {"x.csv": text(lines, ["id", "label", *PLAIN, "state"])})
    assert images(path) == ALL
    found = opened(path)
    assert found.facts.columns == {"state": ("new", "old, blue")}
    assert found.notes == ("the column 'id' is no task: each image has a value of its own",)


def test_the_class_can_be_another_column(tmp_path: Path) -> None:
    lines = [f"{'ab'[number % 2]},{line}" for number, line in enumerate(rows())]
    path = write(tmp_path, {"x.csv": text(lines, ["sex", "label", *PLAIN])})
    assert opened(path).facts.classes == ("0", "1", "2")
    found = opened(path, label_column="sex")
    assert found.facts.classes == ("a", "b")
    assert found.facts.columns == {"label": ("0", "1", "2")}


def test_a_file_without_names_of_columns(tmp_path: Path) -> None:
    """As mnist_train.csv of J. Redmon: the label first."""
    path = write(tmp_path, {"mnist_train.csv": "\n".join(rows()).encode()})
    assert images(path) == ALL
    assert opened(path).facts.classes == ("0", "1", "2")


def test_names_that_count_up_are_no_image(tmp_path: Path) -> None:
    message = fault(write(tmp_path, {"x.csv": text(rows(), list(map(str, range(26))))}))
    assert "expected a column label and a column for each pixel" in message


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_dialects(tmp_path: Path, delimiter: str, end: str, mark: bytes) -> None:
    content = mark + text(rows(delimiter=delimiter), delimiter=delimiter, end=end)
    assert images(write(tmp_path, {"x.csv": content})) == ALL


def test_blank_lines_and_quotes_are_no_harm(tmp_path: Path) -> None:
    lines = [",".join(f'"{value}"' for value in line.split(",")) for line in rows()]
    lines.insert(7, "")
    path = write(tmp_path, {"x.csv": text(lines) + b"\n\n"})
    assert images(path) == ALL
    assert opened(path).facts.classes == ("0", "1", "2")


# Files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.csv", "test.csv"),
        ("fashion-mnist_train.csv", "fashion-mnist_test.csv"),
        ("a/sign_mnist_train.csv", "a/sign_mnist_test.csv"),
    ],
)
def test_names_of_files_tell_the_parts(tmp_path: Path, train: str, test: str) -> None:
    other = noise(1, (6, 5, 5))
    path = write(tmp_path, {train: text(rows()), test: text(rows(other, np.arange(6) % 3))})
    dataset = loaded(path)
    assert {image.tobytes() for image in dataset.train.images} == ALL
    assert {image.tobytes() for image in dataset.test.images} == {image.tobytes() for image in other}


def test_packed_files_are_the_same(tmp_path: Path) -> None:
    plain = loaded(write(tmp_path / "a", {"x.csv": text(rows())}))
    packed = loaded(write(tmp_path / "b", {"x.csv.gz": gzip.compress(text(rows()))}) / "x.csv.gz")
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/x.csv", text(rows()))
    assert plain.sha256["pixels"] == packed.sha256["pixels"] == loaded(tmp_path / "c.zip").sha256["pixels"]


def test_a_test_file_without_labels_is_told(tmp_path: Path) -> None:
    """As Kaggle's; and a list of answers has no pixels."""
    files = {
        "train.csv": text(rows()),
        "test.csv": text(rows(labels=None), PLAIN),
        "sample_submission.csv": b"ImageId,Label\n1,0\n2,0\n",
    }
    found = opened(write(tmp_path, files))
    assert found.notes == ("test.csv has no column of labels: passed over",)
    assert found.unused == ("sample_submission.csv", "test.csv")
    assert {name: sum(part.values()) for name, part in found.counts.items()} == {"train": 24, "test": 6}


def test_a_file_that_is_there_twice_is_told(tmp_path: Path) -> None:
    """As in Kaggle's archive of the sign-language letters, which has three pictures beside them too."""
    files = {
        "sign_mnist_train.csv": text(rows()),
        "sign_mnist_test.csv": text(rows(noise(1, (6, 5, 5)), np.arange(6) % 3)),
    }
    files |= {f"{name.removesuffix('.csv')}/{name}": content for name, content in files.items()}
    found = opened(write(tmp_path, files | {"amer_sign2.png": picture(0)}))
    assert {name: sum(part.values()) for name, part in found.counts.items()} == {"train": 30, "test": 6}
    assert found.notes == (
        "sign_mnist_test/sign_mnist_test.csv is a copy of sign_mnist_test.csv: passed over",
        "sign_mnist_train/sign_mnist_train.csv is a copy of sign_mnist_train.csv: passed over",
    )


def test_several_files_of_a_part_are_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, {"a_train.csv": text(rows()), "b_train.csv": text(rows()[::-1])}))
    assert "holds several files of one part (a_train.csv and b_train.csv): expected one for each" in message


# Values --------------------------------------------------------------------------------------------------------


def test_floats_are_scaled(tmp_path: Path) -> None:
    lines = [
        f"{label}.0," + ",".join(f"{value / 255:.6f}" for value in image.reshape(-1))
        for image, label in zip(X, Y, strict=True)
    ]
    path = write(tmp_path, {"x.csv": text(lines)})
    assert images(path) == ALL
    found = opened(path)
    assert found.facts.classes == ("0", "1", "2")
    assert "scaled from [0, 1] to 0 to 255" in found.notes[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda line: line.rpartition(",")[0], "line 9 has 25 values: expected 26"),
        (lambda line: line + ",7", "line 9 has 27 values: expected 26"),
        (
            lambda line: line.rpartition(",")[0] + ",x",
            "line 9: expected numbers as pixels (could not convert string 'x'",
        ),
        (lambda line: line.rpartition(",")[0] + ",", "line 9: expected numbers as pixels (could not convert string ''"),
        (lambda line: line.rpartition(",")[0] + ",256", "got floats from 0 to 256"),
        (lambda line: line.rpartition(",")[0] + ",-1", "got floats from -1 to 255"),
        (lambda line: line.rpartition(",")[0] + ",nan", "holds values that are no numbers"),
        (lambda line: "," + line.partition(",")[2], "expected a class for each image, got none for 1"),
        (lambda line: line + "\xff", "line 9 is not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(tmp_path: Path, change: object, says: str) -> None:
    lines = rows()
    lines[7] = change(lines[7])
    content = text(lines).replace("\xff".encode(), b"\xff")
    message = fault(write(tmp_path, {"x.csv": content}))
    assert says in message
    assert "x.csv" in message


def test_images_that_are_not_square_are_refused(tmp_path: Path) -> None:
    lines = [line.rpartition(",")[0] for line in rows()]
    message = fault(write(tmp_path, {"x.csv": text(lines, ["label", *PLAIN[:-1]])}))
    assert "x.csv has 24 columns of pixels: expected those of a grey square image, as 784 for 28 x 28" in message
    assert "the nearest are 16 and 25" in message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "x.csv is empty: expected a first line"),
        (text([]), "x.csv has no rows below its first"),
        (text([], ["label", "a", "b"]), "expected a column label and a column for each pixel of a square image"),
        (text(rows(), ["digit", *PLAIN]), "If the classes are in another, set label_column to it"),
        (text(rows(), ["label", "label", *PLAIN[1:]]), "has two columns called 'label'"),
        (b"9" * (2**20 + 5), "line 1 has more than 1,048,576 bytes: expected a table"),
    ],
)
def test_files_of_no_images_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in fault(write(tmp_path, {"x.csv": content}))


@pytest.mark.parametrize("cut", [0.5, 0.99])
def test_a_truncated_gzip_is_named(tmp_path: Path, cut: float) -> None:
    content = gzip.compress(text(rows()))
    assert "x.csv.gz is truncated" in fault(write(tmp_path, {"x.csv.gz": content[: int(len(content) * cut)]}))


def test_a_line_without_end_takes_no_memory(tmp_path: Path) -> None:
    """A gzip of 100 MB of one character."""
    assert "line 1 has more than" in fault(write(tmp_path, {"x.csv.gz": gzip.compress(b"1" * 10**8, 1)}))


def test_a_table_of_images_is_told(tmp_path: Path) -> None:
    message = fault(write(tmp_path, {"labels.csv": b"file_name,label\n1.png,cat\n"}))
    assert (
        "labels.csv names images that are files: give their folder as the data, and this table as metadata" in message
    )


def test_images_of_emnist_are_told_to_lie(tmp_path: Path) -> None:
    found = opened(write(tmp_path, {"emnist-letters-train.csv": text(rows())}))
    assert "EMNIST's own files hold each image with rows and columns exchanged" in found.notes[0]
