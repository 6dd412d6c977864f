"""Tables beside images: how columns and files are found, and what is wrong with rows."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.own.material import fault, loaded, opened, pictures, write

IMAGES = pictures({"images": 24})
NAMES = list(IMAGES)


def table(rows: list[str], header: str = "file_name,label") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def labelled(more: str = "", names: list[str] = NAMES) -> list[str]:
    return [f"{name},{'cat' if number % 2 else 'dog'}{more}" for number, name in enumerate(names)]


def beside(path: Path, content: bytes, name: str = "metadata.csv") -> Path:
    return write(path, IMAGES | {name: content})


# Columns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["file_name", "filename", "File", "image", "path", "image_path"])
@pytest.mark.parametrize("label", ["label", "Class", "category", "target"])
def test_columns_have_several_names(tmp_path: Path, file: str, label: str) -> None:
    found = opened(beside(tmp_path, table(labelled(), f"{file},{label}")))
    assert found.facts.classes == ("cat", "dog")
    assert found.format == "images with a table"
    assert found.notes == found.unused == ()


def test_the_column_of_classes_can_be_chosen(tmp_path: Path) -> None:
    rows = [f"{name},{'ab'[number % 2]},{'xyz'[number % 3]}" for number, name in enumerate(NAMES)]
    path = beside(tmp_path, table(rows, "file_name,label,colour"))
    dataset = loaded(path, label_column="colour", split="per seed")
    assert dataset.classes == ("x", "y", "z")
    assert opened(path, label_column="colour").facts.columns == {"label": ("a", "b")}
    assert opened(path).facts.columns == {"colour": ("x", "y", "z")}
    message = fault(path, label_column="size")
    assert "expected the class in a column 'size'; beside the files there is label and colour" in message


def test_a_choice_between_columns_is_told(tmp_path: Path) -> None:
    found = opened(beside(tmp_path, table(labelled(",x"), "file_name,class,target")))
    assert found.facts.classes == ("cat", "dog")
    assert found.notes[0] == "the class is the column 'class'; for target, set label_column"


def test_without_a_column_the_folder_is_the_class(tmp_path: Path) -> None:
    files = pictures({"cat": 12, "dog": 12})
    rows = [f"{name},{number // 4}" for number, name in enumerate(files)]
    found = opened(write(tmp_path, files | {"metadata.csv": table(rows, "file_name,age")}))
    assert found.facts.classes == ("cat", "dog")
    assert found.facts.columns == {"age": ("0", "1", "2", "3", "4", "5")}


def test_without_a_column_and_folders_there_is_no_class(tmp_path: Path) -> None:
    message = fault(beside(tmp_path, table([f"{name},1" for name in NAMES], "file_name,age")))
    assert "expected a column label (or class, category, target), or images in a folder for each class" in message


def test_a_table_without_names_of_files_is_refused(tmp_path: Path) -> None:
    message = fault(beside(tmp_path, table([f"{number},a" for number in range(24)], "number,label")))
    assert "expected a column file_name with the names of images; there is number and label. Rename it" in message


def test_texts_stay_texts(tmp_path: Path) -> None:
    """0001 is no number, and 1.0 another class than 1."""
    rows = [f"{name},{('0001', '0002', '1')[number % 3]}" for number, name in enumerate(NAMES)]
    assert opened(beside(tmp_path, table(rows))).facts.classes == ("0001", "1", "0002")


# Parts and groups ----------------------------------------------------------------------------------------------


def test_a_column_tells_the_parts(tmp_path: Path) -> None:
    rows = [f"{row},{('train', 'Training', 'val', 'test')[number // 6]}" for number, row in enumerate(labelled())]
    found = opened(beside(tmp_path, table(rows, "file_name,label,split")))
    assert {name: sum(part.values()) for name, part in found.counts.items()} == {
        "train": 12,
        "validation": 6,
        "test": 6,
    }
    assert found.facts.columns == {}


def test_values_that_are_no_parts_are_refused(tmp_path: Path) -> None:
    rows = [f"{row},{'train' if number else 'holdout'}" for number, row in enumerate(labelled())]
    message = fault(beside(tmp_path, table(rows, "file_name,label,split")))
    assert "expected train, training, val, valid, validation, dev, test, testing, eval as values of 'split'" in message
    assert "got 'holdout'" in message
    message = fault(beside(tmp_path, table(labelled(",test"), "file_name,label,split")))
    assert "has test images, and none to train on" in message


def test_each_part_may_have_its_table(tmp_path: Path) -> None:
    """As in Hugging Face's imagefolder: names are relative to the table."""
    files = {}
    for part, count in (("train", 20), ("test", 4)):
        own = [f"{number}.png" for number in range(count)]
        files |= {f"{part}/{name}": IMAGES[NAMES[number]] for number, name in enumerate(own)}
        files[f"{part}/metadata.csv"] = table(labelled(names=own))
    found = opened(write(tmp_path, files))
    assert found.counts == {"train": {"cat": 10, "dog": 10}, "test": {"cat": 2, "dog": 2}}
    assert found.notes == ()


def test_images_in_folders_of_parts_and_elsewhere_are_refused(tmp_path: Path) -> None:
    files = pictures({"train": 12, "more": 12})
    message = fault(write(tmp_path, files | {"metadata.csv": table(labelled(names=list(files)))}))
    assert "holds folders called as parts of a data set (train) beside others (more)" in message


def test_the_recovered_groups_of_the_sign_language_digits(tmp_path: Path) -> None:
    """A table by itself beside a ZIP: the class is the folder, and 220 groups are never on both sides."""
    folder = Path(os.environ.get("RUNGWISE_DATA", tmp_path)) / "own"
    if not (folder / "sign-language-digits.zip").exists():
        pytest.skip("needs RUNGWISE_DATA with own/sign-language-digits.zip")
    settings = {"metadata": str(folder / "sign-language-groups.csv"), "group_column": "group"}
    dataset = loaded(folder / "sign-language-digits.zip", **settings)
    assert dataset.classes == tuple("0123456789")
    assert len(dataset.train) + len(dataset.test) == 2062
    train, test = set(dataset.train.groups.tolist()), set(dataset.test.groups.tolist())
    assert len(train | test) == 220
    assert not train & test
    assert abs(len(dataset.test) / 2062 - 0.25) < 0.01
    assert np.ptp(np.bincount(dataset.test.labels)) < 12, "each digit has its share"


# A table that is named -----------------------------------------------------------------------------------------


def test_a_named_table_may_be_anywhere(tmp_path: Path) -> None:
    path = write(tmp_path / "data", IMAGES)
    elsewhere = write(tmp_path / "tables", {"labels.csv": table(labelled())}) / "labels.csv"
    one = loaded(path, metadata=str(elsewhere))
    write(path, {"images/labels.csv": table(labelled(names=[name.removeprefix("images/") for name in NAMES]))})
    other = loaded(path, metadata=str(path / "images/labels.csv"))
    assert one.sha256 == other.sha256, "the table's own place and names are no part of the data"


def test_a_named_table_must_be_one(tmp_path: Path) -> None:
    path = write(tmp_path / "data", IMAGES)
    assert f"there is no folder or file {tmp_path / 'x.csv'}" in fault(path, metadata=str(tmp_path / "x.csv"))
    assert "is no table: expected CSV, JSON Lines or Parquet" in fault(path, metadata=str(path))
    arrays = write(tmp_path / "arrays", {"x.npz": b""})
    named = write(tmp_path, {"x.csv": table(labelled())}) / "x.csv"
    assert "holds no image files, to which" in fault(arrays, metadata=str(named))


# Names of files ------------------------------------------------------------------------------------------------


def test_names_of_windows_and_of_the_root_are_understood(tmp_path: Path) -> None:
    forms = [name.replace("/", "\\") if number % 2 else f"./{name}" for number, name in enumerate(NAMES)]
    content = table(labelled(names=forms))
    plain = loaded(beside(tmp_path / "a", table(labelled())))
    assert loaded(beside(tmp_path / "b", content)).sha256 == plain.sha256
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, image in IMAGES.items():
            archive.writestr(f"photos/{name}", image)
        archive.writestr("photos/metadata.csv", content)
    assert loaded(tmp_path / "a.zip").sha256 == plain.sha256


@pytest.mark.parametrize("form", ["{stem}.png", "{stem}", "/home/me/photos/{stem}.png", "{stem}.PNG"])
def test_last_steps_of_names_are_understood_and_told(tmp_path: Path, form: str) -> None:
    """As tables have them whose images lie in a folder, or came from another machine."""
    forms = [form.format(stem=name.removeprefix("images/").removesuffix(".png")) for name in NAMES]
    found = opened(beside(tmp_path, table(labelled(names=forms))))
    ending = " without its ending" if form == "{stem}" else ""
    assert found.notes == (f"the table's names are found as the last step of each image's name{ending}",)


def test_last_steps_that_are_not_clear_are_refused(tmp_path: Path) -> None:
    files = pictures({"a": 12, "b": 12})
    rows = labelled(names=[name.rpartition("/")[2] for name in files][:12])
    message = fault(write(tmp_path, files | {"metadata.csv": table(rows)}))
    assert "names 12 images of 12 that are not there: 000.png (line 2), 001.png (line 3)" in message


def test_missing_files_are_named(tmp_path: Path) -> None:
    message = fault(beside(tmp_path, table([*labelled(), "images/900.png,cat", "images/901.png,dog"])))
    assert (
        "metadata.csv names 2 images of 26 that are not there: images/900.png (line 26), images/901.png (line 27)"
        in message
    )
    message = fault(beside(tmp_path, table([*labelled(), *(f"{number}.png,cat" for number in range(13))])))
    assert "names 13 images of 37 that are not there" in message
    assert "and 3 others" in message


def test_a_file_in_the_table_twice_is_named(tmp_path: Path) -> None:
    message = fault(beside(tmp_path, table([*labelled(), f"{NAMES[3]},dog"])))
    assert "images/003.png has 2 rows in the table (line 5 and line 26)" in message


def test_files_without_a_row_are_told(tmp_path: Path) -> None:
    found = opened(beside(tmp_path, table(labelled()[:22])))
    assert found.notes == ("2 images without a row in the table passed over (images/022.png, images/023.png)",)
    assert found.unused == ("images/022.png", "images/023.png")
    assert sum(sum(part.values()) for part in found.counts.values()) == 22


# Values --------------------------------------------------------------------------------------------------------


def test_spaces_at_ends_of_classes_are_taken_away_and_told(tmp_path: Path) -> None:
    rows = [row + (" " if number < 3 else "") for number, row in enumerate(labelled())]
    found = opened(beside(tmp_path, table(rows)))
    assert found.facts.classes == ("cat", "dog")
    assert found.notes == ("3 names of classes have spaces at an end: taken without",)


def test_classes_that_differ_in_case_are_told(tmp_path: Path) -> None:
    rows = [row.replace("cat", "Cat") if number < 5 else row for number, row in enumerate(labelled())]
    found = opened(beside(tmp_path, table(rows)))
    assert set(found.facts.classes) == {"Cat", "cat", "dog"}
    assert found.notes == ("classes differ in upper and lower case alone: cat",)


def test_empty_classes_are_refused(tmp_path: Path) -> None:
    rows = [row.rpartition(",")[0] + ", " if number in (4, 9) else row for number, row in enumerate(labelled())]
    message = fault(beside(tmp_path, table(rows)))
    assert "expected a class for each image, got none in 2 (line 6, line 11): fill in the column 'label'" in message


# How tables are written ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_dialects_of_csv(tmp_path: Path, delimiter: str, mark: bytes, end: str) -> None:
    text = end.join(["file_name,label", *labelled(), ""]).replace(",", delimiter)
    plain = loaded(beside(tmp_path / "plain", table(labelled())))
    assert loaded(beside(tmp_path / "other", mark + text.encode())).sha256 == plain.sha256


def test_quoted_delimiters_and_lines_are_read(tmp_path: Path) -> None:
    rows = [
        f'{name},"{"cat, large" if number % 2 else "dog"}","two{chr(10)}lines"' for number, name in enumerate(NAMES)
    ]
    path = beside(tmp_path, table(rows, "file_name,label,remark"))
    assert opened(path).facts.classes == ("cat, large", "dog")
    rows[20] = "images/900.png,dog,x"
    message = fault(beside(tmp_path, table(rows, "file_name,label,remark")))
    assert "images/900.png (line 42)" in message, "each row above has two lines"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "metadata.csv is empty: expected a first line with the names of columns"),
        (b"file_name,label\n", "metadata.csv has no rows: expected one for each image"),
        (b"file_name,label,label\n", "has two columns called 'label': rename one"),
        (table([*labelled()[:5], "images/005.png,cat,3"]), "line 7 has 3 values: expected 2, as its first line"),
        (table([*labelled()[:5], "images/005.png"]), "line 7 has 1 values: expected 2"),
        (table([*labelled()[:5], 'images/005.png,"cat']), "cannot be read (unexpected end of data)"),
        (table(labelled()).replace(b"cat", b"caf\xe9", 1), "line 3 is not UTF-8: save the table as UTF-8"),
    ],
)
def test_tables_that_are_damaged_are_named(tmp_path: Path, content: bytes, says: str) -> None:
    message = fault(beside(tmp_path, content))
    assert says in message
    assert "metadata.csv" in message


def test_json_lines(tmp_path: Path) -> None:
    rows = [
        {"file_name": name, "label": number % 2, "wild": number % 3 == 0, "boxes": [1, 2]}
        for number, name in enumerate(NAMES)
    ]
    path = beside(tmp_path, "\n".join(map(json.dumps, rows)).encode(), "metadata.jsonl")
    found = opened(path)
    assert found.facts.classes == ("0", "1")
    assert found.facts.columns == {"wild": ("False", "True")}
    assert found.notes == ("the column 'boxes' holds neither words nor whole numbers: passed over",)
    for line, says in (
        (b"{", "line 25 is no JSON"),
        (b"[1]", "line 25 is no object"),
        (b"[" * 10**5, "line 25 is no JSON"),
    ):
        content = "\n".join(map(json.dumps, rows)).encode() + b"\n" + line
        assert says in fault(beside(tmp_path, content, "metadata.jsonl"))


def test_a_value_that_is_missing_in_json_is_no_task(tmp_path: Path) -> None:
    rows = [
        {"file_name": name, "label": "ab"[number % 2]} | ({"age": 3} if number else {})
        for number, name in enumerate(NAMES)
    ]
    found = opened(beside(tmp_path, "\n".join(map(json.dumps, rows)).encode(), "metadata.jsonl"))
    assert found.notes == ("the column 'age' is no task: it has images without a value",)


def test_parquet(tmp_path: Path) -> None:
    """With the names of classes beside the schema, as Hugging Face writes them."""
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    schema = pa.schema(
        [("file_name", pa.string()), ("label", pa.int64()), ("weight", pa.float64())],
        {"huggingface": json.dumps({"info": {"features": features}})},
    )
    rows = [{"file_name": name, "label": number % 2, "weight": 0.5} for number, name in enumerate(NAMES)]
    pq.write_table(pa.Table.from_pylist(rows, schema), write(tmp_path, IMAGES) / "metadata.parquet")
    found = opened(tmp_path)
    assert found.facts.classes == ("cat", "dog")
    assert found.notes == ("the column 'weight' holds neither words nor whole numbers: passed over",)
    rows[4]["label"] = 2
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "metadata.parquet")
    assert "metadata.parquet: expected values of 'label' from 0 to 1, got 2" in fault(tmp_path)
