"""Columns beside the class, from each format that has them: what they are called, and which image has which value."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.own.material import fault, loaded, noise, opened
from tests.data.own.writers import png

IMAGES = noise(3, (36, 1, 4, 4))
DIGIT = np.arange(36) % 6
PARITY = np.where(DIGIT % 2, "odd", "even")
HALF = np.where(DIGIT < 3, "low", "high")
PLACE = np.arange(36) // 12
ROWS = [
    {"digit": int(d), "parity": str(p), "half": str(h), "place": int(o)}
    for d, p, h, o in zip(DIGIT, PARITY, HALF, PLACE, strict=True)
]


def with_files(path: Path) -> list[dict[str, object]]:
    for number, image in enumerate(IMAGES):
        (path / f"{number}.png").write_bytes(png(image))
    return [{"file_name": f"{number}.png", **row} for number, row in enumerate(ROWS)]


def csv_of(rows: list[dict[str, object]]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)])


def table_csv(path: Path) -> Path:
    (path / "metadata.csv").write_text(csv_of(with_files(path)))
    return path


def table_jsonl(path: Path) -> Path:
    (path / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in with_files(path)))
    return path


def table_parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(with_files(path)), path / "metadata.parquet")
    return path


def folders_with_table(path: Path) -> Path:
    """The folder is the class, and the table has the rest."""
    rows = []
    for number, (image, row) in enumerate(zip(IMAGES, ROWS, strict=True)):
        name = f"{row['digit']}/{number}.png"
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(png(image))
        rows.append({"file_name": name, **{key: value for key, value in row.items() if key != "digit"}})
    (path / "metadata.csv").write_text(csv_of(rows))
    return path


def npz_columns(path: Path) -> Path:
    np.savez(path / "a.npz", images=IMAGES[:, 0], labels=DIGIT, parity=PARITY, half=HALF, place=PLACE)
    return path / "a.npz"


def npz_labels(path: Path) -> Path:
    whole = np.stack([DIGIT, PARITY == "odd", HALF == "low", PLACE], 1)
    names = np.array(["digit", "parity", "half", "place"])
    np.savez(path / "a.npz", images=IMAGES[:, 0], labels=whole, label_names=names)
    return path / "a.npz"


def pixel_csv(path: Path) -> Path:
    rows = [
        {"label": row["digit"], **{key: row[key] for key in ("parity", "half", "place")}}
        | {f"pixel{n}": int(value) for n, value in enumerate(image.reshape(-1))}
        for image, row in zip(IMAGES, ROWS, strict=True)
    ]
    (path / "a.csv").write_text(csv_of(rows))
    return path / "a.csv"


def parquet(path: Path) -> Path:
    rows = [{"image": {"bytes": png(image), "path": None}, **row} for image, row in zip(IMAGES, ROWS, strict=True)]
    pq.write_table(pa.Table.from_pylist(rows), path / "a.parquet")
    return path / "a.parquet"


WRITERS = {
    table_csv: {"label_column": "digit"},
    table_jsonl: {"label_column": "digit"},
    table_parquet: {"label_column": "digit"},
    folders_with_table: {},
    npz_columns: {},
    npz_labels: {},
    pixel_csv: {},
    parquet: {"label_column": "digit"},
}
NAMES = {folders_with_table: "", npz_columns: "label", pixel_csv: "label"}


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_columns_are_found_and_belong_to_their_images(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    facts = opened(path, **WRITERS[write]).facts
    assert facts.classes == tuple("012345")
    assert facts.label == NAMES.get(write, "digit")
    assert set(facts.columns) == {"parity", "half", "place"}
    dataset = loaded(path, split="per seed", **WRITERS[write])
    number = {image.tobytes(): place for place, image in enumerate(IMAGES)}
    order = [number[image.tobytes()] for image in dataset.train.images]
    assert sorted(order) == list(range(36))
    assert np.array_equal(dataset.train.labels, DIGIT[order])
    for name, values in (("parity", PARITY == "odd"), ("place", PLACE)):
        assert np.array_equal(dataset.train.columns[name], values[order].astype(int))
    low = facts.columns["half"].index("low" if "low" in facts.columns["half"] else "1")
    assert np.array_equal(dataset.train.columns["half"] == low, (HALF == "low")[order])


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "expected the class in a column 'ditig'" in fault(npz_labels(tmp_path), label_column="ditig")
