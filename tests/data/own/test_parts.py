"""Names of parts, and classes in the order in which people count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rungwise.data.errors import DataError
from rungwise.data.own.parts import check_parts, file_parts, in_order, part_in, part_of, parts_by_value


def test_names_are_in_the_order_of_counting() -> None:
    names = ["img10", "100", "-1", "2", "img9", "10", "Img8", "a", "-10", "0002"]
    assert in_order(names) == ("-10", "-1", "0002", "2", "10", "100", "a", "Img8", "img9", "img10")


@given(st.lists(st.text(), max_size=20), st.randoms())
def test_any_names_have_one_order(names: list[str], random: object) -> None:
    shuffled = names.copy()
    random.shuffle(shuffled)
    assert in_order(names) == in_order(shuffled)
    assert set(in_order(names)) == set(names)


def test_a_number_of_very_many_digits_is_a_name() -> None:
    """Python refuses to read one of 5,000."""
    assert in_order(["9" * 5000, "10"]) == ("10", "9" * 5000)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("fashion-mnist_train.csv", "train"),
        ("t10k-images-idx3-ubyte.gz", "test"),
        ("train-00000-of-00002.parquet", "train"),
        ("x_val", "validation"),
        ("TEST", "test"),
        ("test-train.csv", None),
        ("contest.csv", None),
        ("training_and_train", "train"),
        ("latest", None),
    ],
)
def test_words_of_names_are_parts(name: str, part: str | None) -> None:
    assert part_in(name) == part


def test_whole_names_are_parts() -> None:
    assert [part_of(name) for name in (" Train ", "VALID", "dev", "eval", "train2", "")] == [
        *("train", "validation", "validation", "test", None, None)
    ]


def test_files_have_the_parts_of_their_names_or_folders() -> None:
    assert file_parts(["a/train/0.parquet", "a/test/0.parquet"], "x") == {
        "a/train/0.parquet": "train",
        "a/test/0.parquet": "test",
    }
    assert file_parts(["my_test.npz"], "x") == {"my_test.npz": ""}, "one file is all there is"
    assert file_parts(["0.parquet", "1.parquet"], "x") == {"0.parquet": "", "1.parquet": ""}
    with pytest.raises(DataError, match=r"x holds files called as parts of a data set beside others \(extra.csv\)"):
        file_parts(["train.csv", "extra.csv"], "x")
    with pytest.raises(DataError, match="x has test and validation images, and none to train on"):
        file_parts(["test.csv", "val.csv"], "x")


def test_values_of_a_column_are_parts() -> None:
    assert parts_by_value(["Train", "dev"], "x") == {"Train": "train", "dev": "validation"}
    with pytest.raises(DataError, match=r"as values of 'split', got 'a', ''"):
        parts_by_value(["train", "a", ""], "x")


def test_no_parts_are_fine() -> None:
    check_parts((), "x")
