"""Images made equal and put into order: what is kept, what is refused, and what is said."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rungwise.data.own import prepare as preparing
from tests.data.own.material import encoded, fault, loaded, noise, opened, picture, pictures, write

SOME = {"cat": 12, "dog": 12}


# Order ---------------------------------------------------------------------------------------------------------


def test_images_are_ordered_by_class_and_pixels(tmp_path: Path) -> None:
    """By the SHA-256 of the pixels, whatever the files are called."""
    files = pictures({"train/b": 10, "train/a": 10, "test/a": 2, "test/b": 2})
    dataset = loaded(write(tmp_path, files))
    assert dataset.classes == ("a", "b")
    assert dataset.train.labels.tolist() == [0] * 10 + [1] * 10
    for label in (0, 1):
        own = dataset.train.images[dataset.train.labels == label]
        keys = [hashlib.sha256(image.tobytes()).digest() for image in own]
        assert keys == sorted(keys)


def test_names_mean_nothing(tmp_path: Path) -> None:
    files = pictures(SOME)
    renamed = {name.replace("/", "/x") if "1" in name else name: content for name, content in files.items()}
    one, other = loaded(write(tmp_path / "one", files)), loaded(write(tmp_path / "other", renamed))
    assert one.sha256["pixels"] == other.sha256["pixels"]
    assert one.sha256["files"] != other.sha256["files"]


def test_equal_images_of_other_groups_have_an_order(tmp_path: Path) -> None:
    """By their columns, so that the same comes of another order on disk."""
    digests = set()
    for flip in (False, True):
        names = [f"{number:02}.png" for number in range(24)]
        files = {f"images/{name}": picture(number // 8) for number, name in enumerate(names)}
        rows = [
            f"images/{name},{'ab'[number // 8 % 2]},{'xy'[(number + flip) % 2]}" for number, name in enumerate(names)
        ]
        table = "\n".join(["file_name,label,side", *rows])
        dataset = loaded(write(tmp_path / str(flip), files | {"metadata.csv": table.encode()}))
        digests.add((dataset.sha256["pixels"], tuple(dataset.train.columns["side"].tolist())))
    assert len(digests) == 1


# Parts ---------------------------------------------------------------------------------------------------------


def test_a_test_part_is_drawn_once(tmp_path: Path) -> None:
    path = write(tmp_path, pictures({"cat": 40, "dog": 20}))
    counts = {"train": {"cat": 30, "dog": 15}, "test": {"cat": 10, "dog": 5}}
    assert opened(path).counts == counts
    assert loaded(path).sha256["pixels"] == loaded(path).sha256["pixels"] != loaded(path, split_seed=1).sha256["pixels"]
    assert opened(path, test_share=0.5).counts["test"] == {"cat": 20, "dog": 10}


def test_a_split_per_seed_leaves_all_to_train_on(tmp_path: Path) -> None:
    path = write(tmp_path, pictures({"cat": 40, "dog": 20}))
    dataset = loaded(path, split="per seed")
    assert dataset.test is None
    assert len(dataset.train) == 60
    facts = opened(path, split="per seed").facts
    assert (facts.train_images, facts.test_images) == (45, 15)


def test_a_test_part_that_is_given_is_never_trained_on(tmp_path: Path) -> None:
    files = pictures({"train/cat": 20, "train/dog": 20, "valid/cat": 3, "valid/dog": 3, "eval/cat": 4, "eval/dog": 4})
    dataset = loaded(write(tmp_path, files))
    train, test = ({image.tobytes() for image in part.images} for part in (dataset.train, dataset.test))
    assert not train & test
    expected = {noise(number).tobytes() for number in range(46, 54)}
    assert test == expected, "byte by byte those of the folder eval"
    assert len(dataset.validation) == 6


def test_a_class_that_is_missing_from_a_part_keeps_its_number(tmp_path: Path) -> None:
    """By name, not by place (ultralytics#13936)."""
    files = pictures({"train/ant": 9, "train/bee": 9, "train/cat": 9, "test/bee": 4, "test/cat": 5})
    dataset = loaded(write(tmp_path, files))
    assert dataset.classes == ("ant", "bee", "cat")
    assert dataset.test.labels.tolist() == [1] * 4 + [2] * 5
    assert opened(tmp_path).counts["test"] == {"ant": 0, "bee": 4, "cat": 5}


def test_a_class_that_is_never_trained_on_is_refused(tmp_path: Path) -> None:
    files = pictures({"train/ant": 9, "train/bee": 9, "test/bee": 4, "test/wasp": 5})
    assert "expected images of every class to train on, got none of 'wasp'" in fault(write(tmp_path, files))


# Groups --------------------------------------------------------------------------------------------------------


def grouped(path: Path, groups: int = 12, column: str = "group") -> Path:
    files = pictures({"images": 48})
    rows = [f"{name},{'ab'[number % 2]},person {number // (48 // groups)}" for number, name in enumerate(files)]
    return write(path, files | {"metadata.csv": "\n".join([f"file_name,label,{column}", *rows]).encode()})


def test_no_group_is_on_both_sides(tmp_path: Path) -> None:
    dataset = loaded(grouped(tmp_path))
    train, test = set(dataset.train.groups.tolist()), set(dataset.test.groups.tolist())
    assert (len(train), len(test)) == (9, 3)
    assert not train & test
    assert dataset.train.columns == {}, "the group is no task"


def test_groups_can_be_left_alone_or_named(tmp_path: Path) -> None:
    assert loaded(grouped(tmp_path / "one"), group_column="none").train.groups is None
    assert len(set(loaded(grouped(tmp_path / "two", column="person"), group_column="person").train.groups)) == 9
    assert loaded(grouped(tmp_path / "three", column="person")).train.groups is None
    assert "expected the groups in a column 'school'; the data has group" in fault(
        tmp_path / "one", group_column="school"
    )


def test_groups_that_cannot_be_split_are_refused(tmp_path: Path) -> None:
    message = fault(grouped(tmp_path, 1))
    assert (
        'no test part can be drawn by groups: expected two groups or more, got one. Set group_column = "none"'
        in message
    )


# Damage --------------------------------------------------------------------------------------------------------


def test_damaged_images_are_refused_by_name(tmp_path: Path) -> None:
    files = pictures({"dog": 14, "cat": 10})
    files |= {"cat/000.png": b"", "dog/012.png": files["dog/012.png"][:-30], "dog/013.png": b"<html></html>"}
    message = fault(write(tmp_path, files))
    assert "3 of 24 images cannot be decoded:" in message
    assert "cat/000.png: it is empty" in message
    assert "dog/012.png: it is damaged" in message
    assert "dog/013.png: it is a page" in message
    assert "set skip_damaged = true to go on without" in message


def test_damaged_images_are_skipped_and_counted_where_that_is_asked(tmp_path: Path) -> None:
    files = pictures({"cat": 14, "dog": 12}) | {"cat/000.png": b""}
    found = opened(write(tmp_path, files), skip_damaged=True)
    assert sum(sum(part.values()) for part in found.counts.values()) == 25
    assert found.notes == ("1 damaged image of 26 left out:\n  cat/000.png: it is empty",)


def test_many_damaged_images_are_counted(tmp_path: Path) -> None:
    files = pictures({"cat": 30, "dog": 30}) | {f"cat/{number:03}.png": b"" for number in range(9)}
    message = fault(write(tmp_path, files))
    assert message.count("it is empty") == 5
    assert "and 4 more" in message


def test_a_class_of_damaged_images_alone_is_none(tmp_path: Path) -> None:
    files = pictures({"ant": 12, "bee": 12}) | {"cat/1.png": b""}
    assert opened(write(tmp_path, files), skip_damaged=True).facts.classes == ("ant", "bee")


def test_too_few_may_be_left(tmp_path: Path) -> None:
    files = pictures({"cat": 10, "dog": 10}) | {"cat/000.png": b""}
    message = fault(write(tmp_path, files), skip_damaged=True)
    assert "expected 20 to 1,000,000 images, got 19 without the 1 that are damaged" in message
    assert "20 of 20 images cannot be decoded" in fault(write(tmp_path / "x", dict.fromkeys(files, b"")))
    assert "got 0 without the 20" in fault(tmp_path / "x", skip_damaged=True)


# Limits --------------------------------------------------------------------------------------------------------


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    assert "expected 20 to 1,000,000 images, got 19" in fault(write(tmp_path / "a", pictures({"cat": 10, "dog": 9})))
    opened(write(tmp_path / "b", pictures({"cat": 10, "dog": 10})))


def test_too_many_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "MOST_IMAGES", 21)
    assert "expected 20 to 21 images, got 24" in fault(write(tmp_path, pictures(SOME)))


def test_one_class_is_none(tmp_path: Path) -> None:
    assert "expected 2 to 1,000 classes, got 1: 'cat'" in fault(write(tmp_path, pictures({"cat": 20})))


def test_a_thousand_classes_are_taken_and_one_more_is_not(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(1001)]
    files = {f"images/{name}": picture(number, (4, 4)) for number, name in enumerate(names)}
    for count in (1000, 1001):
        rows = [f"images/{name},{number % count}" for number, name in enumerate(names)]
        path = write(tmp_path / str(count), files | {"metadata.csv": "\n".join(["file_name,label", *rows]).encode()})
        if count == 1000:
            assert opened(path).facts.classes == tuple(map(str, range(1000))), "in natural order"
        else:
            assert "expected 2 to 1,000 classes, got 1,001: '0', '1', " in (message := fault(path))
            assert "'9' and 991 others" in message


def test_columns_of_many_values_or_none_are_no_tasks(tmp_path: Path) -> None:
    files = pictures({"images": 60})
    rows = [
        f"{name},{'ab'[number % 2]},{number},{number % 20},{number % 21},same,{'yes' if number else ''},"
        f"{'AB'[number % 2]},{19 - number % 20}"
        for number, name in enumerate(files)
    ]
    table = "\n".join(["file_name,label,id,few,many,constant,gap,kind,other", *rows]).encode()
    found = opened(write(tmp_path, files | {"metadata.csv": table}))
    assert set(found.facts.columns) == {"few"}
    assert found.facts.columns["few"][:3] == ("0", "1", "2")
    assert found.facts.label == "label"
    assert set(found.notes) == {
        "the column 'id' is no task: it has 60 values, expected 2 to 50",
        "the column 'constant' is no task: it has 1 value, expected 2 to 50",
        "the column 'gap' is no task: it has images without a value",
        "the column 'many' is no task: it has 21 values for 60 images",
        "the column 'kind' is no task: it says the same as the class",
        "the column 'other' is no task: it says the same as the column 'few'",
    }


# Shape ---------------------------------------------------------------------------------------------------------


def test_grey_only_if_every_image_is(tmp_path: Path) -> None:
    grey = {name: encoded(Image.fromarray(noise(number)).convert("RGB")) for number, name in enumerate(pictures(SOME))}
    assert loaded(write(tmp_path / "grey", grey)).train.shape == (1, 8, 8)
    mixed = grey | {"cat/000.png": picture(99, (8, 8, 3))}
    dataset = loaded(write(tmp_path / "mixed", mixed), split="per seed")
    assert dataset.train.shape == (3, 8, 8)
    colour = [image for image in dataset.train.images if not (image[0] == image[1]).all()]
    np.testing.assert_array_equal(colour, [noise(99, (8, 8, 3)).transpose(2, 0, 1)])


def test_sizes_are_made_equal_and_told(tmp_path: Path) -> None:
    files = pictures({"cat": 12, "dog": 11}) | {"dog/x.png": picture(50, (16, 8))}
    found = opened(write(tmp_path, files))
    assert found.facts.image == (1, 8, 8)
    assert found.sizes == {(8, 8): 23, (16, 8): 1}
    assert found.facts.preparation.startswith(
        "The images, 8 to 16 pixels high, 8 wide and grey, were resized to 8 × 8 (shrunk by averaging areas, "
        "enlarged bilinearly, with white bars where the shape differs)."
    )
