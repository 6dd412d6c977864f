"""Folders of classes: what is a class, what is a part, and what is neither."""

import zipfile
from pathlib import Path

import pytest

from tests.data.own.material import fault, loaded, opened, picture, pictures, write

SOME = {"cat": 12, "dog": 12}


def test_folders_are_classes_in_natural_order(tmp_path: Path) -> None:
    found = opened(write(tmp_path, pictures({"100": 10, "2": 10, "10": 10, "img9": 10, "img10": 10})))
    assert found.facts.classes == ("2", "10", "100", "img9", "img10")


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("training", "valid", "testing"),
        ("Train", "validation", "TEST"),
        ("train", "dev", "eval"),
    ],
)
def test_folders_called_as_parts_are_no_classes(tmp_path: Path, train: str, validation: str, test: str) -> None:
    """datasets#7880, fastai#1552."""
    files = pictures({f"{part}/{name}": 10 for part in (train, validation, test) for name in ("a", "b")})
    found = opened(write(tmp_path, files))
    assert found.facts.classes == ("a", "b")
    assert found.counts == {part: {"a": 10, "b": 10} for part in ("train", "validation", "test")}


def test_no_part_but_train_is_asked_for(tmp_path: Path) -> None:
    found = opened(write(tmp_path, pictures({"train/a": 20, "train/b": 20})))
    assert found.counts == {"train": {"a": 15, "b": 15}, "test": {"a": 5, "b": 5}}


def test_parts_beside_classes_are_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, pictures({"train/a": 10, "train/b": 10, "cats": 9})))
    assert "holds folders called as parts of a data set (train) beside others (cats)" in message


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, pictures({"test/a": 10, "test/b": 10, "val/a": 9})))
    assert "holds test and val, and nothing to train on" in message


def test_a_part_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, pictures({"train/a": 10, "val/b": 10, "valid/a": 9})))
    assert "holds the part 'validation' twice, as val and valid" in message


def test_classes_called_nearly_as_parts_are_told(tmp_path: Path) -> None:
    """As of the Intel scenes, whose folders are seg_train and seg_test."""
    found = opened(write(tmp_path, pictures({"seg_train/sea": 12, "seg_test/sea": 12})))
    assert found.facts.classes == ("seg_test", "seg_train")
    assert "seg_test, seg_train are taken for classes: if it is a part of the data set" in found.notes[-1]


def test_hidden_folders_and_what_systems_leave_are_no_classes(tmp_path: Path) -> None:
    """vision#2831."""
    junk = [
        ".ipynb_checkpoints/1.png",
        ".git/2.png",
        "__MACOSX/cat/._1.png",
        "cat/.DS_Store",
        "cat/Thumbs.db",
        "cat/._9.png",
    ]
    found = opened(write(tmp_path, pictures(SOME) | dict.fromkeys(junk, picture(99))))
    assert found.facts.classes == ("cat", "dog")
    assert found.notes == found.unused == ()


def test_empty_folders_are_told(tmp_path: Path) -> None:
    """vision#4925."""
    write(tmp_path, pictures(SOME) | {"docs/note.txt": b""})
    (tmp_path / "bird").mkdir()
    found = opened(tmp_path)
    assert found.facts.classes == ("cat", "dog")
    assert found.notes == ("bird, docs hold no image: not taken for a class",)
    assert found.unused == ("docs/note.txt",)


def test_an_empty_part_is_told(tmp_path: Path) -> None:
    write(tmp_path, pictures({"train/a": 12, "train/b": 12}))
    (tmp_path / "test").mkdir()
    found = opened(tmp_path)
    assert found.notes == ("test holds no image: not taken for a part",)
    assert "test" in found.counts, "one is drawn"


def test_folders_below_a_class_belong_to_it(tmp_path: Path) -> None:
    found = opened(write(tmp_path, pictures({"cat/indoor/2019": 6, "cat/outdoor": 6, "dog": 12})))
    assert found.facts.classes == ("cat", "dog")
    assert sum(part["cat"] for part in found.counts.values()) == 12


def test_parts_below_classes_are_told(tmp_path: Path) -> None:
    counts = {f"{name}/{part}": 10 for name in ("cat", "dog") for part in ("train", "test")}
    found = opened(write(tmp_path, pictures(counts)))
    assert found.facts.classes == ("cat", "dog")
    assert "each class has folders called test and train, which are taken as images of the class" in found.notes[0]


def test_folders_around_everything_are_passed(tmp_path: Path) -> None:
    """As archives have one, and a README beside it."""
    inner = loaded(write(tmp_path / "plain", pictures(SOME)))
    wrapped = {f"photos-main/photos/{name}": content for name, content in pictures(SOME).items()}
    path = write(tmp_path / "wrapped", wrapped | {"photos-main/README.md": b"hello", "docs/a.txt": b""})
    assert loaded(path).sha256 == inner.sha256, "files are the same, wherever they are"
    assert sorted(opened(path).unused) == ["docs/a.txt", "photos-main/README.md"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in wrapped.items():
            archive.writestr(name, content)
    assert loaded(tmp_path / "a.zip").sha256 == inner.sha256


def test_a_folder_around_parts_is_passed(tmp_path: Path) -> None:
    found = opened(
        write(tmp_path, pictures({"data/train/a": 10, "data/train/b": 10, "data/test/a": 3, "data/test/b": 3}))
    )
    assert found.counts["test"] == {"a": 3, "b": 3}


def test_images_in_no_class_are_refused(tmp_path: Path) -> None:
    message = fault(write(tmp_path, pictures(SOME) | {"cover.jpg": picture(99)}))
    assert "holds 1 image in no class's folder (cover.jpg): expected CLASS/image, or PART/CLASS/image" in message
    message = fault(write(tmp_path / "x", {f"train/{number}.png": picture(number) for number in range(30)}))
    assert "holds 30 images in no class's folder" in message


def test_a_table_that_nobody_named_is_told(tmp_path: Path) -> None:
    table = b"id,breed\n1,a\n"
    found = opened(write(tmp_path / "a", pictures(SOME) | {"labels.csv": table, "prices.csv": b"item,price\n"}))
    assert found.notes == ("labels.csv may say more of the images: to use it, set metadata to it",)
    message = fault(write(tmp_path / "b", {f"{n}.png": picture(n) for n in range(24)} | {"labels.csv": table}))
    assert "(labels.csv may be such a table: set metadata to it)" in message


def test_pictures_of_formats_that_are_not_read_are_told(tmp_path: Path) -> None:
    """Photographs of telephones, say."""
    found = opened(write(tmp_path, pictures(SOME) | {"cat/IMG_1.HEIC": b"x", "dog/2.svg": b"<svg/>"}))
    assert found.notes == (
        "2 pictures are of a format that is not read (heic and svg): to use them, convert them to JPEG",
    )


def test_names_of_classes_are_one_text_on_all_systems(tmp_path: Path) -> None:
    """macOS writes a letter and its accent apart; a space at an end is nobody's wish."""
    files = pictures({"train/caf\u0065\u0301": 12, "train/dog ": 12, "test/caf\u00e9": 4, "test/dog": 4})
    found = opened(write(tmp_path, files))
    assert found.facts.classes == ("caf\u00e9", "dog")
    assert found.counts["test"] == {"caf\u00e9": 4, "dog": 4}


def test_a_column_needs_a_table(tmp_path: Path) -> None:
    message = fault(write(tmp_path, pictures(SOME)), label_column="breed")
    assert "has a folder for each class and no table: expected a metadata.csv with the column 'breed'" in message


def test_nothing_that_can_be_used_is_told(tmp_path: Path) -> None:
    assert "holds no file: expected a folder (or ZIP, TAR)" in fault(tmp_path)
    assert "holds 1 file, none of them an image or an array (a.txt)" in fault(write(tmp_path / "a", {"a.txt": b""}))
    message = fault(write(tmp_path / "b", {"data.pkl": b"\x80"}))
    assert "holds data.pkl, which is a pickle, which runs any code when it is read" in message
    assert "holds x.mat, which is of a format that is not read" in fault(write(tmp_path / "c", {"x.mat": b""}))
