"""Parquet files: coded images, lists, columns; class names, shards, and what is missing."""

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.data.own.material import encoded, fault, loaded, noise, opened, picture, write

X, Y = [noise(number) for number in range(30)], [number % 3 for number in range(30)]
NAMES = ["zebra", "ant", "cat"]
CODED = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def coded(count: int = 30, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"image": {"bytes": picture(start + number), "path": f"{number}.png"}, "label": number % 3}
        for number in range(count)
    ]


def schema(features: dict[str, Any] | None = None, **fields: pa.DataType) -> pa.Schema:
    known = {"label": {"names": NAMES, "_type": "ClassLabel"}} if features is None else features
    metadata = {"huggingface": json.dumps({"info": {"features": known}})} if known else None
    return pa.schema(list((fields or {"image": CODED, "label": pa.int64()}).items()), metadata)


def parquet(rows: list[dict[str, Any]], kind: pa.Schema | None = None, **more: Any) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, kind or schema()), content, **more)
    return content.getvalue()


def images(path: Path, **settings: Any) -> set[bytes]:
    dataset = loaded(path, split="per seed", **settings)
    return {image.tobytes() for image in dataset.train.images}


ALL = {image.tobytes() for image in X}

# Coded images --------------------------------------------------------------------------------------------------


def test_structs_of_bytes_with_names_of_classes(tmp_path: Path) -> None:
    path = write(tmp_path, {"x.parquet": parquet(coded())})
    assert images(path) == ALL
    found = opened(path)
    assert found.facts.classes == ("ant", "cat", "zebra")
    dataset = loaded(path, split="per seed")
    zebras = {image.tobytes() for image in dataset.train.images[dataset.train.labels == 2]}
    assert zebras == {image.tobytes() for image in X[::3]}
    assert found.notes == ()


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_plain_bytes(tmp_path: Path, kind: pa.DataType) -> None:
    rows = [{"img": row["image"]["bytes"], "label": row["label"]} for row in coded()]
    assert images(write(tmp_path, {"x.parquet": parquet(rows, schema({}, img=kind, label=pa.int8()))})) == ALL
    assert opened(tmp_path).facts.classes == ("0", "1", "2")


def test_pictures_of_any_kind_are_decoded(tmp_path: Path) -> None:
    """JPEG turned by EXIF, say, of several sizes."""
    exif = Image.Exif()
    exif[0x0112] = 6
    flat = np.full((16, 8, 3), (200, 30, 30), np.uint8)
    rows = coded(29)
    rows.append({"image": {"bytes": encoded(Image.fromarray(flat), "JPEG", exif=exif), "path": None}, "label": 0})
    found = opened(write(tmp_path, {"x.parquet": parquet(rows)}))
    assert found.sizes == {(8, 8): 29, (8, 16): 1}
    assert found.facts.image == (3, 8, 8)


def test_small_groups_of_rows_are_read(tmp_path: Path) -> None:
    assert images(write(tmp_path, {"x.parquet": parquet(coded(), row_group_size=7)})) == ALL


def test_shards_and_parts(tmp_path: Path) -> None:
    files = {
        "data/train-00000-of-00002-3f0a1b2c4d.parquet": parquet(coded(15)),
        "data/train-00001-of-00002-9e8d7c6b5a.parquet": parquet(coded(15, 15)),
        "data/test-00000-of-00001.parquet": parquet(coded(6, 100)),
        "README.md": b"---",
    }
    dataset = loaded(write(tmp_path, files))
    assert {image.tobytes() for image in dataset.train.images} == ALL
    assert {image.tobytes() for image in dataset.test.images} == {noise(number).tobytes() for number in range(100, 106)}
    assert opened(tmp_path).unused == ("README.md",)


def test_folders_of_parts(tmp_path: Path) -> None:
    """As in the branch of converted files: default/train/0000.parquet."""
    files = {"default/train/0000.parquet": parquet(coded(15)), "default/train/0001.parquet": parquet(coded(15, 15))}
    dataset = loaded(write(tmp_path, files | {"default/test/0000.parquet": parquet(coded(6, 100))}))
    assert (len(dataset.train), len(dataset.test)) == (30, 6)


def test_a_column_tells_the_parts(tmp_path: Path) -> None:
    rows = [row | {"split": "train" if number < 20 else "test"} for number, row in enumerate(coded())]
    kind = schema(image=CODED, label=pa.int64(), split=pa.string())
    assert len(loaded(write(tmp_path, {"x.parquet": parquet(rows, kind)})).test) == 10


def test_several_data_sets_are_refused(tmp_path: Path) -> None:
    files = {f"{name}/train-00000-of-00001.parquet": parquet(coded()) for name in ("cropped", "full")}
    assert "holds several data sets" in fault(write(tmp_path / "a", files))
    rows = [{"img": row["image"]["bytes"], "label": 0} for row in coded()]
    other = {
        "train.parquet": parquet(coded()),
        "test.parquet": parquet(rows, schema({}, img=pa.binary(), label=pa.int64())),
    }
    assert "holds Parquet files of different columns (test.parquet and train.parquet)" in fault(
        write(tmp_path / "b", other)
    )


def test_a_zip_of_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data/x.parquet", parquet(coded()))
    assert images(tmp_path / "a.zip") == ALL


# Columns -------------------------------------------------------------------------------------------------------


def test_other_columns_are_columns_or_told(tmp_path: Path) -> None:
    rows = [
        row | {"wild": number % 2 == 0, "size": 0.5, "box": [1], "who": "ab"[number // 4 % 2]}
        for number, row in enumerate(coded())
    ]
    who = pa.dictionary(pa.int8(), pa.string())
    kind = schema(image=CODED, label=pa.int64(), wild=pa.bool_(), size=pa.float32(), box=pa.list_(pa.string()), who=who)
    for row in rows:
        row["box"] = ["x"]
    found = opened(write(tmp_path, {"x.parquet": parquet(rows, kind)}))
    assert found.facts.columns == {"wild": ("False", "True"), "who": ("a", "b")}
    assert found.notes == tuple(
        f"the column {name!r} holds neither words nor whole numbers: passed over" for name in ("box", "size")
    )


def test_cifar_100_has_two_columns_of_classes(tmp_path: Path) -> None:
    features = {
        name: {"names": words, "_type": "ClassLabel"}
        for name, words in (("fine_label", NAMES), ("coarse_label", ["x", "y"]))
    }
    rows = [{"img": row["image"], "fine_label": row["label"], "coarse_label": n % 2} for n, row in enumerate(coded())]
    kind = schema(features, img=CODED, fine_label=pa.int64(), coarse_label=pa.int64())
    found = opened(write(tmp_path, {"x.parquet": parquet(rows, kind)}))
    assert found.facts.classes == ("ant", "cat", "zebra")
    assert found.facts.columns == {"coarse_label": ("x", "y")}
    assert opened(tmp_path, label_column="coarse_label").facts.classes == ("x", "y")


def test_a_column_with_names_is_the_class_and_two_are_not_clear(tmp_path: Path) -> None:
    features = {name: {"names": NAMES, "_type": "ClassLabel"} for name in ("species", "mood")}
    rows = [{"image": row["image"], "species": row["label"], "mood": row["label"]} for row in coded()]
    kind = schema(features, image=CODED, species=pa.int64(), mood=pa.int64())
    assert "has the classes species and mood: set label_column to one of them" in fault(
        write(tmp_path, {"x.parquet": parquet(rows, kind)})
    )
    for row in rows:
        del row["mood"]
    kind = schema(features, image=CODED, species=pa.int64())
    assert opened(write(tmp_path, {"x.parquet": parquet(rows, kind)})).facts.classes == ("ant", "cat", "zebra")


@pytest.mark.parametrize("metadata", [b"{", b"[]", b'{"info": {"features": {"label": {"names": 3}}}}', b"\xff"])
def test_names_that_cannot_be_understood_are_none(tmp_path: Path, metadata: bytes) -> None:
    kind = pa.schema([("image", CODED), ("label", pa.int64())], {b"huggingface": metadata})
    assert opened(write(tmp_path, {"x.parquet": parquet(coded(), kind)})).facts.classes == ("0", "1", "2")


def test_a_part_without_labels_is_told(tmp_path: Path) -> None:
    """-1 throughout, as Hugging Face writes it, or no column."""
    hidden = [row | {"label": -1} for row in coded(6, 100)]
    bare = [{"image": row["image"]} for row in hidden]
    for name, content in (("a", parquet(hidden)), ("b", parquet(bare, schema({}, image=CODED)))):
        path = write(tmp_path / name, {"train.parquet": parquet(coded()), "test.parquet": content})
        (note,) = opened(path).notes
        assert note.startswith("test.parquet has no ")
        assert note.endswith(": passed over")
        assert sum(map(sum, (part.values() for part in opened(path).counts.values()))) == 30


def test_some_labels_that_are_missing_are_refused(tmp_path: Path) -> None:
    rows = coded()
    rows[3]["label"] = -1
    assert "expected values of 'label' from 0 to 2, as there are 3 names, got -1 to 2" in fault(
        write(tmp_path, {"x.parquet": parquet(rows)})
    )
    rows[3]["label"] = None
    message = fault(write(tmp_path, {"x.parquet": parquet(rows)}))
    assert "expected a class for each image, got none for 1" in message


@pytest.mark.parametrize(
    ("fields", "row", "says"),
    [
        ({"label": pa.int64()}, {"label": 1}, "has the columns label: expected a column image"),
        ({"image": CODED}, {"image": {"bytes": picture(0)}}, "has the columns image: expected a column image"),
        (
            {"image": pa.string(), "label": pa.int8()},
            {"image": "a.png", "label": 1},
            "names images by their paths alone",
        ),
        ({"a": CODED, "b": CODED, "label": pa.int8()}, {"label": 1}, "has several columns of images (a and b)"),
    ],
)
def test_columns_that_are_no_data_set_are_refused(
    tmp_path: Path, fields: dict[str, Any], row: dict[str, Any], says: str
) -> None:
    assert says in fault(write(tmp_path, {"x.parquet": parquet([row] * 30, schema({}, **fields))}))


# Damage --------------------------------------------------------------------------------------------------------


def test_images_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    rows = coded()
    rows[2]["image"] = None
    rows[3]["image"] = {"bytes": None, "path": None}
    rows[4]["image"]["bytes"] = b""
    rows[5]["image"]["bytes"] = rows[5]["image"]["bytes"][:-30]
    rows[6]["image"] = {"bytes": None, "path": "/home/me/6.png"}
    path = write(tmp_path, {"x.parquet": parquet(rows)})
    message = fault(path)
    assert "5 of 30 images cannot be decoded" in message
    for number, what in (
        (3, "there is no image"),
        (4, "there is no image"),
        (5, "it is empty"),
        (6, "it is damaged"),
        (7, "it is a path alone"),
    ):
        assert f"x.parquet: image {number}: {what}" in message
    found = opened(path, skip_damaged=True)
    assert sum(map(sum, (part.values() for part in found.counts.values()))) == 25


def test_images_that_are_all_paths_are_refused(tmp_path: Path) -> None:
    rows = [row | {"image": {"bytes": None, "path": "a.png"}} for row in coded()]
    message = fault(write(tmp_path, {"x.parquet": parquet(rows)}))
    assert "x.parquet names images by their paths alone: expected their bytes in it" in message


@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[:-9], lambda content: b"PAR1" + bytes(500) + b"PAR1"]
)
def test_damaged_files_are_named(tmp_path: Path, damage: Any) -> None:
    message = fault(write(tmp_path, {"x.parquet": damage(parquet(coded()))}))
    assert "x.parquet is a damaged Parquet file" in message


def test_without_pyarrow_there_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, {"x.parquet": parquet(coded())})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = fault(path)
    assert (
        message
        == f"{path / 'x.parquet'} is a Parquet file, which pyarrow reads: install it by pip install 'rungwise[parquet]'"
    )


# Pixels --------------------------------------------------------------------------------------------------------


def test_columns_of_pixels(tmp_path: Path) -> None:
    """In the order of their numbers, whatever that in the file is."""
    flat = np.stack(X).reshape(30, 64)
    columns = {f"pixel{number}": flat[:, number] for number in sorted(range(64), key=str)}
    pq.write_table(pa.table({**columns, "label": Y}), tmp_path / "x.parquet")
    assert images(tmp_path) == ALL
    pq.write_table(
        pa.table({f"pixel{number}": flat[:, number] for number in range(60)} | {"label": Y}), tmp_path / "x.parquet"
    )
    assert "has 60 columns of pixels: expected those of a grey square image" in fault(tmp_path)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.uint8()),
        pa.list_(pa.int64(), 64),
        pa.large_list(pa.float32()),
        pa.list_(pa.list_(pa.uint8())),
        pa.list_(pa.list_(pa.uint8(), 8), 8),
        pa.list_(pa.list_(pa.list_(pa.uint8()))),
    ],
)
def test_lists_of_pixels(tmp_path: Path, kind: pa.DataType) -> None:
    depth = str(kind).count("list")
    shape = {1: (30, 64), 2: (30, 8, 8), 3: (30, 1, 8, 8)}[depth]
    table = pa.table({"image": pa.array(np.stack(X).reshape(shape).tolist(), kind), "label": Y})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=11)
    assert images(tmp_path) == ALL


def test_lists_that_differ_are_refused(tmp_path: Path) -> None:
    for odd in ([1] * 63, None, []):
        rows = [row.reshape(-1).tolist() for row in X]
        rows[20] = odd
        pq.write_table(pa.table({"image": pa.array(rows, pa.list_(pa.uint8())), "label": Y}), tmp_path / "x.parquet")
        assert "x.parquet has lists of different lengths: expected 64 pixels in each row" in fault(tmp_path)


def test_values_that_are_missing_are_refused(tmp_path: Path) -> None:
    rows = [row.reshape(-1).tolist() for row in X]
    rows[20][3] = None
    pq.write_table(pa.table({"image": pa.array(rows, pa.list_(pa.uint8())), "label": Y}), tmp_path / "x.parquet")
    assert "x.parquet holds values that are no numbers" in fault(tmp_path)
