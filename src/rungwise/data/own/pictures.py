"""Images that are files of their own, with what is known of each."""

from collections.abc import Sequence

from rungwise.data.own.encoded import Encoded, each_file
from rungwise.data.own.found import Headers, Items, Listed, coded, part_codes
from rungwise.data.own.places.place import Place
from rungwise.data.own.preparation import Preparation


def items_of_files(
    place: Place, files: Sequence[Listed], preparation: Preparation, headers: Headers, label_name: str = ""
) -> Items:
    """The images of files, each of which is one; all have the same columns."""
    names = [file.name for file in files]
    rows = [dict(file.columns) for file in files]
    columns = {name: coded([row[name] for row in rows]) for name, _ in (files[0].columns if files else ())}
    pixels = Encoded([headers[name] for name in names], each_file(place, names), preparation.background)
    labels, parts = coded([file.label for file in files]), part_codes([file.part for file in files])
    return Items(pixels, parts, labels, columns, names.__getitem__, files=names, label_name=label_name)
