"""Small data sets written in each format, as those write them who made it."""

import csv
import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from rungwise.testing.formats import Sample

OFFICIAL = {"train": "train", "validation": "val", "test": "test", "": ""}


def png(image: np.ndarray) -> bytes:
    """A PNG of an image (C, H, W)."""
    content = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(content, "PNG")
    return content.getvalue()


def idx(array: np.ndarray) -> bytes:
    """The IDX bytes of an array of uint8."""
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def parts(sample: Sample) -> Iterator[tuple[str, Sample]]:
    """The images of each part that there are, by the part's usual name."""
    for part in dict.fromkeys(sample.parts):
        yield OFFICIAL[part], sample.part(part)


def whole(sample: Sample) -> np.ndarray:
    """Labels as whole numbers."""
    return np.array([int(label) for label in sample.labels])


def pictures(sample: Sample) -> Iterator[tuple[str, bytes]]:
    """PNG files by name, in folders of parts and classes."""
    for image, label, part in zip(sample.images, sample.labels, sample.parts, strict=True):
        name = f"{hashlib.sha256(image.tobytes()).hexdigest()[:12]}.png"  # in any order of images the same
        yield "/".join(filter(None, (OFFICIAL[part], label, name))), png(image)


def folder(path: Path, sample: Sample) -> Path:
    for name, content in pictures(sample):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def zipped(path: Path, sample: Sample) -> Path:
    with zipfile.ZipFile(path / "photos.zip", "w") as archive:
        for name, content in pictures(sample):
            archive.writestr(f"photos/{name}", content)
            archive.writestr(f"__MACOSX/photos/{name}", b"Mac OS X")
    return path / "photos.zip"


def tarred(path: Path, sample: Sample) -> Path:
    with tarfile.open(path / "photos.tar.gz", "w:gz") as archive:
        for name, content in pictures(sample):
            info = tarfile.TarInfo(f"./photos/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path / "photos.tar.gz"


def _rows(path: Path, sample: Sample) -> list[dict[str, str]]:
    """Images beside a table, and its rows."""
    rows = []
    for (name, content), label, part in zip(pictures(sample), sample.labels, sample.parts, strict=True):
        own = "images/" + name.rpartition("/")[2]
        (path / own).parent.mkdir(exist_ok=True)
        (path / own).write_bytes(content)
        rows.append({"file_name": own, "label": label} | ({"split": OFFICIAL[part]} if part else {}))
    return rows


def table_csv(path: Path, sample: Sample) -> Path:
    rows = _rows(path, sample)
    with (path / "metadata.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def table_jsonl(path: Path, sample: Sample) -> Path:
    """As Hugging Face's imagefolder: a table in the folder of each part."""
    for part, own in parts(sample):
        (path / part).mkdir(exist_ok=True)
        rows = _rows(path / part, Sample(own.images, own.labels, ("",) * len(own.labels)))
        (path / part / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def table_parquet(path: Path, sample: Sample) -> Path:
    pq.write_table(pa.Table.from_pylist(_rows(path, sample)), path / "metadata.parquet")
    return path


def idx_files(path: Path, sample: Sample) -> Path:
    for part, own in parts(sample):
        images = own.images[:, 0] if own.images.shape[1] == 1 else own.images.transpose(0, 2, 3, 1)
        name = {"train": "train", "test": "t10k", "val": "val", "": "all"}[part]
        (path / f"{name}-images-idx{images.ndim}-ubyte").write_bytes(idx(np.ascontiguousarray(images)))
        (path / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(whole(own).astype(np.uint8))))
    return path


def cifar_10(path: Path, sample: Sample) -> Path:
    (path / "batches.meta.txt").write_text("\n".join(sorted(set(sample.labels))) + "\n\n")
    names = sorted(set(sample.labels))
    for part, own in parts(sample):
        places = np.array([names.index(label) for label in own.labels], np.uint8)
        records = np.concatenate([places[:, np.newaxis], own.images.reshape(len(places), -1)], axis=1)
        file = {"train": "data_batch_1.bin", "test": "test_batch.bin", "val": "validation_batch.bin", "": "batch.bin"}
        (path / file[part]).write_bytes(records.tobytes())
    return path


def cifar_100(path: Path, sample: Sample) -> Path:
    names = sorted(set(sample.labels))
    (path / "fine_label_names.txt").write_text("\n".join(names) + "\n")
    (path / "coarse_label_names.txt").write_text("thing\nbeing\n")
    for part, own in parts(sample):
        places = np.array([names.index(label) for label in own.labels], np.uint8)
        labels = np.stack([places % 2, places], axis=1)
        records = np.concatenate([labels, own.images.reshape(len(places), -1)], axis=1)
        (path / f"{part or 'all'}.bin").write_bytes(records.tobytes())
    return path


def _last(images: np.ndarray) -> np.ndarray:
    """(N, H, W), or (N, H, W, C) in colour."""
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)


def npz(path: Path, sample: Sample) -> Path:
    """As Keras names arrays; names of classes are texts."""
    arrays: dict[str, np.ndarray] = {}
    for part, own in parts(sample):
        suffix = f"_{part}" if part else ""
        arrays |= {f"x{suffix}": _last(own.images), f"y{suffix}": np.array(own.labels)}
    np.savez(path / "arrays.npz", allow_pickle=False, **arrays)
    return path / "arrays.npz"


def medmnist(path: Path, sample: Sample) -> Path:
    """As MedMNIST: labels (N, 1), packed."""
    names = np.array(sorted(set(sample.labels)))
    arrays: dict[str, np.ndarray] = {"class_names": names}
    for part, own in parts(sample):
        prefix = f"{part}_" if part else ""
        arrays[f"{prefix}images"] = _last(own.images)
        arrays[f"{prefix}labels"] = np.searchsorted(names, own.labels)[:, np.newaxis].astype(np.uint8)
    np.savez_compressed(path / "arrays.npz", allow_pickle=False, **arrays)
    return path / "arrays.npz"


def npy(path: Path, sample: Sample) -> Path:
    """Files side by side, channels first, images as floats."""
    for part, own in parts(sample):
        suffix = f"_{part}" if part else ""
        np.save(path / f"X{suffix}.npy", own.images.astype(np.float32) / 255)
        np.save(path / f"y{suffix}.npy", np.array(own.labels))
    return path


def _csv(sample: Sample) -> str:
    side = sample.images.shape[2]
    header = ",".join(["label", *(f"{row}x{column}" for row in range(1, side + 1) for column in range(1, side + 1))])
    rows = (
        ",".join([label, *map(str, image.reshape(-1))])
        for label, image in zip(sample.labels, sample.images, strict=True)
    )
    return "\n".join([header, *rows]) + "\n"


def pixel_csv(path: Path, sample: Sample) -> Path:
    for part, own in parts(sample):
        (path / f"sign_mnist_{part or 'all'}.csv").write_text(_csv(own))
    return path


def pixel_csv_gz(path: Path, sample: Sample) -> Path:
    for part, own in parts(sample):
        (path / f"{part or 'all'}.csv.gz").write_bytes(gzip.compress(_csv(own).encode()))
    return path


def hugging_face(path: Path, sample: Sample) -> Path:
    """Structs of bytes and path, class names beside the schema, two files for training."""
    names = sorted(set(sample.labels))
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("image", kind), ("label", pa.int64())], metadata)
    (path / "data").mkdir()
    for part, own in parts(sample):
        shards = 2 if part == "train" else 1
        for shard in range(shards):
            some = own.take(range(shard, len(own.labels), shards))
            rows = [
                {"image": {"bytes": png(image), "path": None}, "label": names.index(label)}
                for image, label in zip(some.images, some.labels, strict=True)
            ]
            name = f"{part or 'all'}-{shard:05}-of-{shards:05}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, schema), path / "data" / name)
    return path


def parquet_columns(path: Path, sample: Sample) -> Path:
    for part, own in parts(sample):
        pixels = own.images.reshape(len(own.labels), -1)
        columns: dict[str, Any] = {"label": list(own.labels)}
        columns |= {f"pixel{number}": pixels[:, number] for number in range(pixels.shape[1])}
        pq.write_table(pa.table(columns), path / f"{part or 'all'}.parquet")
    return path


def parquet_lists(path: Path, sample: Sample) -> Path:
    for part, own in parts(sample):
        table = pa.table({"pixels": _last(own.images).tolist(), "label": list(own.labels)})
        pq.write_table(table, path / f"{part or 'all'}.parquet")
    return path


Write = Callable[[Path, Sample], Path]
GREY: dict[str, Any] = {"channels": (1,)}
COLOUR: dict[str, Any] = {"channels": (3,)}
DIGITS = {"classes": ("0", "3", "7")}
SQUARE = {"size": (5, 5), "channels": (1,)}
CIFAR = {"size": (32, 32), "channels": (3,), "classes": ("frog", "ship", "truck")}
WRITERS: tuple[tuple[str, Write, dict[str, Any]], ...] = (
    ("folder", folder, {}),
    ("folder", zipped, COLOUR),
    ("folder", tarred, GREY),
    ("table", table_csv, COLOUR),
    ("table", table_jsonl, GREY),
    ("table", table_parquet, GREY),
    ("idx", idx_files, DIGITS),
    ("cifar", cifar_10, CIFAR),
    ("cifar", cifar_100, CIFAR),
    ("arrays", npz, GREY),
    ("arrays", medmnist, COLOUR | {"classes": ("cat", "cow", "dog")}),
    ("arrays", npy, {}),
    ("parquet", hugging_face, {}),
    ("parquet", parquet_columns, SQUARE),
    ("parquet", parquet_lists, COLOUR),
    ("pixel_csv", pixel_csv, SQUARE),
    ("pixel_csv", pixel_csv_gz, SQUARE),
)
"""Formats by name, who writes them, and what they can hold."""
