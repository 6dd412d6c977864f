"""A folder of images for each class, with or without folders of parts around them; the same in a ZIP or a TAR."""

from collections.abc import Mapping, Sequence
from functools import partial

from rungwise.data.errors import DataError
from rungwise.data.own.encoded import is_image
from rungwise.data.own.found import Found, Listed
from rungwise.data.own.nesting import inner_folder, odd_classes, other_images, parts_of
from rungwise.data.own.parts import clean, part_of
from rungwise.data.own.pictures import items_of_files
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.tables.tables import has_table, likely_tables
from rungwise.words import counted, listed, some_of

TITLE = "a folder of images for each class"


def recognises(place: Place, preparation: Preparation) -> bool:
    return not has_table(place, preparation) and any(is_image(name) for name in place.files)


def find(place: Place, preparation: Preparation) -> Found:
    if preparation.label_column is not None:
        raise DataError(
            f"{place.path} has a folder for each class and no table: expected a metadata.csv with the column "
            f"{preparation.label_column!r}; leave label_column out, or name the table as metadata"
        )
    prefix = inner_folder(place)
    inner = place.below(prefix.removesuffix("/")) if prefix else place
    images = [name for name in inner.files if is_image(name)]
    parts = parts_of({name.partition("/")[0] for name in images if "/" in name}, place.path)
    files, loose = [], []
    for name in images:
        part, within = (parts[name.partition("/")[0]], name.partition("/")[2]) if parts else ("", name)
        label, slash, _ = within.partition("/")
        if slash:
            files.append(Listed(name, part, clean(label)))
        else:
            loose.append(name)
    tables = likely_tables(place)
    if loose:
        perhaps = f" ({tables[0]} may be such a table: set metadata to it)" if tables else ""
        raise DataError(
            f"{place.path} holds {counted(len(loose), 'image')} in no class's folder ({some_of(loose)}): expected "
            f"CLASS/image, or PART/CLASS/image; move them, or name their classes in a metadata.csv{perhaps}"
        )
    used = {prefix + file.name for file in files}
    unused = [name for name in place.files if name not in used]
    notes = [*inner.notes, *_hollow(inner, files, parts), *_nested_parts(files, bool(parts)), *other_images(unused)]
    notes += [f"{name} may say more of the images: to use it, set metadata to it" for name in tables]
    notes += odd_classes({file.label for file in files})
    return Found(TITLE, inner, files, partial(items_of_files, inner, files, preparation), unused, notes)


def _hollow(place: Place, files: Sequence[Listed], parts: Mapping[str, str]) -> list[str]:
    """A note on folders without an image where parts and classes have theirs."""
    within = {name for name in (*place.folders, *(name.rpartition("/")[0] for name in place.files)) if name}
    for depth in (1, 2) if parts else (1,):
        filled = {"/".join(file.name.split("/")[:depth]) for file in files}
        folders = {"/".join(name.split("/")[:depth]) for name in within if name.count("/") >= depth - 1}
        if hollow := sorted(folders - filled):
            verb, what = "holds" if len(hollow) == 1 else "hold", "part" if parts and depth == 1 else "class"
            return [f"{some_of(hollow)} {verb} no image: not taken for a {what}"]
    return []


def _nested_parts(files: Sequence[Listed], parted: bool) -> list[str]:
    """A note where classes have folders called as parts: they count as images of the class."""
    nested = {steps[1 + parted] for file in files if len(steps := file.name.split("/")) > 2 + parted}
    if len(nested) > 1 and all(part_of(name) for name in nested):
        return [
            f"each class has folders called {listed(sorted(nested))}, which are taken as images of the class: for "
            "parts, put them outermost, as train/CLASS/image"
        ]
    return []
