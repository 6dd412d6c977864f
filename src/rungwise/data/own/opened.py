"""Own data opened: found, known by its content, prepared once and kept in the cache."""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from pydantic import TypeAdapter

from rungwise.data.errors import DataError
from rungwise.data.images import Dataset, ImageSet
from rungwise.data.own.cache import folder_of
from rungwise.data.own.division import test_part
from rungwise.data.own.formats import find
from rungwise.data.own.found import Found, Size
from rungwise.data.own.index import Index, make_index
from rungwise.data.own.kept import MAPPED_BYTES, pixel_digest, read_parts, write_labels
from rungwise.data.own.places.opening import open_place
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.prepare import Prepared, prepare
from rungwise.data.own.words import in_words
from rungwise.data.sources.source import Facts
from rungwise.digests import digest_of
from rungwise.files import rename, write_atomically
from rungwise.seeding import stream

RESULT_VERSION = 1
"""Of what is made of the same files: raised when other pixels, labels or splits come out."""
LAYOUT = 2
"""Of what is kept; images of an earlier one, which lack the names of files, are decoded anew where their files are."""
FACTS, FILES = "facts.json", "files.csv.gz"
Progress = Callable[[str, int, int], None]
"""Told what is done, and for how many of how many files."""
Done = Callable[[int, int], None]
_FACTS = TypeAdapter(Facts)


@dataclass(frozen=True)
class Opened:
    """Own data that is prepared."""

    facts: Facts
    index: Index
    format: str
    """In words."""
    sizes: dict[Size, int]
    """How many images had which size before they were made equal."""
    counts: dict[str, dict[str, int]]
    """Images by part and class. Where the data has no test part, these are after one was drawn."""
    notes: tuple[str, ...]
    """What is strange, in words."""
    unused: tuple[str, ...]
    """Files that no image comes from."""
    folder: Path
    """Where its images are kept."""


def open_own(path: Path, preparation: Preparation, *, verify: bool = False, progress: Progress | None = None) -> Opened:
    """What is known of the images at a path, which are decoded if they are not in the cache.

    `verify`: read all files, even those that seem unchanged. Raises DataError, which names the path.
    """
    place = open_place(path)
    try:
        found = find(place, preparation)
        index = make_index(found.place, found.files, verify=verify, progress=_of("files read", progress))
        folder = prepared_folder(index.digest, preparation)
        if (raw := _read_new(folder)) is None:
            with filelock.FileLock(f"{folder}.lock"):
                if (raw := _read_new(folder)) is None:
                    raw = _make(found, index, preparation, folder, _of("images decoded", progress))
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: {error.filename or 'the cache'}: {error.strerror}") from error
    facts = replace(_FACTS.validate_python(raw["facts"]), name=name_of(path))
    return Opened(
        facts,
        index,
        found.format,
        {Size(height, width): count for height, width, count in raw["sizes"]},
        raw["counts"],
        (*found.notes, *facts.notes),
        tuple(found.unused),
        folder,
    )


def prepared_folder(digest: str, preparation: Preparation) -> Path:
    """Where the images of files of a digest are kept, once they are prepared in that way."""
    settings = preparation.model_dump(mode="json", exclude={"metadata"})
    return folder_of("prepared") / digest_of([RESULT_VERSION, digest, settings])[:32]


def load_own(path: Path, preparation: Preparation, known: Facts) -> Dataset:
    """The images of own data, as they were prepared when the study was read, whatever became of the files since.

    `known`: what was found then. Images that are not in the cache, or that are damaged there, are decoded anew. Raises
    DataError where the files are not those that they were.
    """
    folder = prepared_folder(known.digest, preparation)
    for _ in range(2):
        if (dataset := _kept(folder, known)) is not None:
            return dataset
        shutil.rmtree(folder, ignore_errors=True)
        if (now := open_own(path, preparation)).folder != folder:
            raise DataError(
                f"{path} has changed since the study was read: expected files of the digest {known.digest[:12]}, got "
                f"{now.facts.digest[:12]}. Run the study again"
            )
    raise DataError(f"{folder} is damaged as soon as it is written: is the disk sound?")


def _kept(folder: Path, known: Facts) -> Dataset | None:
    """The images in a folder of the cache; None where they are not there, or are not those that were written."""
    if (raw := _read(folder)) is None:
        return None
    try:
        parts = read_parts(folder, known.mapped)
    except DataError:
        return None
    if not known.mapped and pixel_digest(parts) != raw["pixels"]:
        return None
    sha256 = {"files": known.digest, "pixels": raw["pixels"]}
    return Dataset(known.name, known.classes, parts["train"], parts.get("test"), sha256, parts.get("validation"))


def _read(folder: Path) -> dict[str, Any] | None:
    """What is known of the images in a folder of the cache; None where they are not there, or cannot be read."""
    try:
        raw: dict[str, Any] = json.loads((folder / FACTS).read_text("utf-8"))
        _FACTS.validate_python(raw["facts"])
        if "groups" not in raw["facts"]:  # an earlier version did not count them
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return raw


def _read_new(folder: Path) -> dict[str, Any] | None:
    """As `_read`; None too where an earlier version of rungwise wrote it."""
    raw = _read(folder)
    return raw if raw is not None and raw.get("layout") == LAYOUT else None


def name_of(path: Path) -> str:
    """What reports call the data: the name of the folder or file, without what says that it is packed."""
    name = path.absolute().name
    for suffix in (".tar.gz", ".tar.bz2", ".tar.xz", path.suffix if not path.is_dir() else ""):
        if suffix and name.lower().endswith(suffix.lower()):
            return name[: -len(suffix)] or name
    return name or "images"


def _make(found: Found, index: Index, preparation: Preparation, folder: Path, progress: Done | None) -> dict[str, Any]:
    """Decode the images into the folder, whole or not at all; what is known of them."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-", ignore_cleanup_errors=True) as made:
        work = Path(made) / "arrays"
        work.mkdir()
        prepared = prepare(found.items(index.headers), preparation, work, progress)
        (work / "raw.npy").unlink(missing_ok=True)
        write_labels(work, prepared.parts)
        (work / FILES).write_bytes(index.written())
        known = {
            "layout": LAYOUT,
            "facts": asdict(_facts(prepared, index.digest, preparation, found.place)),
            "sizes": [[*size, count] for size, count in prepared.sizes.items()],
            "counts": _counts(prepared),
            "pixels": pixel_digest(prepared.parts),
        }
        write_atomically(work / FACTS, json.dumps(known))
        shutil.rmtree(folder, ignore_errors=True)
        rename(work, folder)
        return known


def _facts(prepared: Prepared, digest: str, preparation: Preparation, place: Place) -> Facts:
    # A note may name a file, and is read where the data's folder is not, in reports too.
    parts, around = prepared.parts, f"{place.path.parent}/"
    train, test = len(parts["train"]), len(parts["test"]) if "test" in parts else 0
    groups, mates = _groups(list(parts.values()))
    if "test" not in parts:
        test = int(_drawn(parts["train"], preparation).sum())
        train -= test
    return Facts(
        name="",
        classes=prepared.classes,
        image=parts["train"].shape,
        train_images=train,
        test_images=test,
        columns=prepared.columns,
        validation_images=len(parts["validation"]) if "validation" in parts else 0,
        digest=digest,
        preparation=in_words(prepared, preparation),
        notes=tuple(note.replace(around, "") for note in prepared.notes),
        groups=groups,
        mates=mates,
        mapped=sum(part.images.nbytes for part in parts.values()) > MAPPED_BYTES,
        result_version=RESULT_VERSION,
        test_by_seed="test" not in parts,
        label=prepared.label_name,
    )


def _groups(parts: Sequence[ImageSet]) -> tuple[int, float]:
    """How many groups there are, and the share of the images whose group has another image of their class."""
    found = [part.groups for part in parts if part.groups is not None]
    if len(found) < len(parts):
        return 0, 0.0
    both = np.stack([np.concatenate(found), np.concatenate([part.labels for part in parts])], axis=1)
    _, counts = np.unique(both, axis=0, return_counts=True)
    return len(np.unique(both[:, 0])), float(counts[counts > 1].sum() / len(both))


def _drawn(train: ImageSet, preparation: Preparation) -> np.ndarray:
    """The test part of seed 0, where each seed has its own."""
    return test_part(train.labels, train.groups, preparation.test_share, stream(0, "split"))


def _counts(prepared: Prepared) -> dict[str, dict[str, int]]:
    return {
        name: dict(
            zip(prepared.classes, np.bincount(part.labels, minlength=len(prepared.classes)).tolist(), strict=True)
        )
        for name, part in prepared.parts.items()
    }


def _of(what: str, progress: Progress | None) -> Done | None:
    return None if progress is None else partial(progress, what)
