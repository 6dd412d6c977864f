"""What own data is, before anything is trained: as plain data for the terminal, for JSON and for a page."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rungwise.data.images import ImageSet
from rungwise.data.own.kept import read_parts
from rungwise.data.own.opened import Opened, open_own
from rungwise.data.own.preparation import Preparation
from rungwise.data.reading import Reading
from rungwise.words import counted, some_of

FEW = 10
"""Images of a class, fewer than which say little."""
LOPSIDED = 3.0
"""How many times the images of the smallest class the largest one has, from which it is strange."""
RARE = 0.01
"""The share of images of another size, below which that is strange."""


@dataclass(frozen=True)
class Look:
    """What was found at a path."""

    opened: Opened
    strange: tuple[str, ...]
    """What a user should know before anything is trained, in words."""

    def as_json(self) -> dict[str, object]:
        """Schema 1."""
        opened, facts = self.opened, self.opened.facts
        return {
            "schema": 1,
            "name": facts.name,
            "format": opened.format,
            "digest": facts.digest,
            "image": list(facts.image),
            "preparation": facts.preparation,
            "sizes": [
                {"height": size.height, "width": size.width, "images": count} for size, count in opened.sizes.items()
            ],
            "parts": {part: sum(counts.values()) for part, counts in opened.counts.items()},
            "classes": [
                {"name": name, **{part: counts[name] for part, counts in opened.counts.items()}}
                for name in facts.classes
            ],
            "columns": {name: list(values) for name, values in facts.columns.items()},
            "strange": list(self.strange),
            "unused": list(opened.unused),
        }


def look(path: Path, preparation: Preparation, reading: Reading | None = None) -> Look:
    """Open own data and look for what is strange in it. Raises DataError."""
    reading = reading or Reading()
    opened = open_own(path, preparation, verify=reading.verify, progress=reading.progress)
    parts = read_parts(opened.folder, opened.facts.mapped)
    strange = (*opened.notes, *_of_counts(opened), *_of_sizes(opened), *_of_pixels(parts))
    return Look(opened, strange)


def _of_counts(opened: Opened) -> Iterator[str]:
    total = Counter[str]()
    for counts in opened.counts.values():
        total.update(counts)
    if few := [name for name, count in total.items() if count < FEW]:
        yield f"{counted(len(few), 'class')} with fewer than {FEW} images: {some_of(few)}"
    (most, largest), (least, smallest) = total.most_common(1)[0], total.most_common()[-1]
    if largest >= LOPSIDED * smallest:
        share = largest / total.total()
        yield (
            f"classes are uneven: {most!r} has {largest:,} images, {least!r} has {smallest:,}; always to answer "
            f"{most!r} would be right for {share:.1%}"
        )
    for part, counts in opened.counts.items():
        if missing := [name for name, count in counts.items() if not count]:
            yield f"the {part} part has no image of {counted(len(missing), 'class')}: {some_of(missing)}"


def _of_sizes(opened: Opened) -> Iterator[str]:
    total = sum(opened.sizes.values())
    rare = {size: count for size, count in opened.sizes.items() if count < RARE * total}
    if rare and len(rare) < len(opened.sizes):
        sizes = [f"{size.height} x {size.width}" for size in rare]
        yield f"{counted(sum(rare.values()), 'image')} of a size that few have: {some_of(sizes)} pixels"


def _of_pixels(parts: Mapping[str, ImageSet]) -> Iterator[str]:
    """Blank images, and images that occur twice, within a part and across parts."""
    seen: dict[bytes, tuple[str, int]] = {}
    blank = twice = across = contrary = 0
    for name, part in parts.items():
        for image, label in zip(part.images, part.labels.tolist(), strict=True):
            blank += bool(image.min() == image.max())
            key = hashlib.sha256(np.ascontiguousarray(image).data).digest()
            if key not in seen:
                seen[key] = name, label
                continue
            twice += seen[key][0] == name
            across += seen[key][0] != name
            contrary += seen[key][1] != label
    if blank:
        yield f"{counted(blank, 'image')} of a single colour"
    if twice:
        yield f"{counted(twice, 'image')} that occur twice in a part, pixel by pixel"
    if across:
        yield f"{counted(across, 'image')} that occur in two parts, pixel by pixel: what is tested was trained on"
    if contrary:
        yield f"{counted(contrary, 'image')} that occur with two labels"
