"""What own data is, before anything is trained: as plain data for the terminal, for JSON and for a page."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rungwise.data.checks.checked import FEW, UNEVEN, Checked, check
from rungwise.data.images import ImageSet
from rungwise.data.own.kept import read_parts
from rungwise.data.own.opened import Opened, open_own
from rungwise.data.own.preparation import Preparation
from rungwise.data.reading import Reading
from rungwise.words import counted, some_of

RARE = 0.01
"""The share of images of another size, below which that is strange."""


@dataclass(frozen=True)
class Look:
    """What was found at a path."""

    opened: Opened
    strange: tuple[str, ...]
    """What a user should know before anything is trained, in words."""
    checked: Checked
    """What was found in the images. Where each seed draws a test part of its own, all are of the training part."""

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
            "checks": self._checks(),
            "unused": list(opened.unused),
        }

    def _checks(self) -> dict[str, object]:
        """The numbers of what was found; a series is null where it was not looked for."""
        found = self.checked
        again, first = found.repeated
        series = found.series
        return {
            "repeated": len(again),
            "repeated_across_parts": int((found.part_of(again) != found.part_of(first)).sum()),
            "nearly_repeated_across_parts": len(found.near.query),
            "single_colour": len(found.blank),
            "series": None if series is None else {**series._asdict(), "hints": series.hints},
        }


def look(path: Path, preparation: Preparation, reading: Reading | None = None) -> Look:
    """Open own data and look for what is strange in it. Raises DataError."""
    reading = reading or Reading()
    opened = open_own(path, preparation, verify=reading.verify, progress=reading.progress)
    parts = read_parts(opened.folder, opened.facts.mapped)
    found = check(parts, len(opened.facts.classes))
    strange = (*opened.notes, *_of_counts(opened), *_of_sizes(opened), *_of_images(found, parts))
    return Look(opened, strange, found)


def _of_counts(opened: Opened) -> Iterator[str]:
    total = Counter[str]()
    for counts in opened.counts.values():
        total.update(counts)
    if few := [name for name, count in total.items() if count < FEW]:
        yield f"{counted(len(few), 'class')} with fewer than {FEW} images: {some_of(few)}"
    (most, largest), (least, smallest) = total.most_common(1)[0], total.most_common()[-1]
    if largest >= UNEVEN * smallest:
        share = largest / total.total()
        yield (
            f"classes are uneven: {most!r} has {largest:,} images, {least!r} has {smallest:,}; always answering "
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


def _of_images(found: Checked, parts: Mapping[str, ImageSet]) -> Iterator[str]:
    """Blank images, images that occur twice or almost so, and series in file names."""
    again, first = found.repeated
    across = found.part_of(again) != found.part_of(first)
    labels = np.concatenate([parts[name].labels for name in found.sizes])
    contrary = labels[again] != labels[first]
    if count := len(found.blank):
        yield f"{counted(count, 'image')} of a single colour"
    for some, says in (
        (~across, "twice in a part, pixel by pixel"),
        (across, "in two parts, pixel by pixel, so that what is tested was trained on"),
        (contrary, "with two labels"),
    ):
        if count := int(some.sum()):
            occur = "occurs" if count == 1 else "occur"
            pair = _named(parts, found, again[some][0], first[some][0])
            yield f"{counted(count, 'image')} {occur} {says}{pair}"
    if count := len(found.near.query):
        pair = _named(parts, found, found.near.query[0], found.near.nearest[0])
        yield f"{counted(count, 'image')} outside training nearly the same as a training image{pair}"
    if found.series is not None and found.series.hints and parts["train"].groups is None:
        yield (
            f"images with neighbouring numbers in their file names, as {found.series.example}, are alike (correlation "
            f"{found.series.alike:.2f}, p = {found.series.p:.2g}): if they show the same person or place, say which "
            "belong together by group_column, or the nets are tested on what they learnt"
        )


def _named(parts: Mapping[str, ImageSet], found: Checked, *images: int) -> str:
    """ ": as cat/1.png and dog/2.png" of images, by their numbers; "" where they are no files."""
    if any(parts[name].names is None for name in found.sizes):
        return ""
    names = [file for name in found.sizes for file in parts[name].file_names]
    return f": as {' and '.join(names[image] for image in images)}"
