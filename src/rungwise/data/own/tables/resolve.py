"""Which file a table means by a name."""

import re
from collections import Counter
from collections.abc import Sequence


def resolved(
    names: Sequence[str], folders: Sequence[str], images: Sequence[str]
) -> tuple[list[str | None], str | None]:
    """The file that each name means, or None; and a note where that is not what it says.

    Names are relative to one of the folders, the first that has the file. Where no name is, all may be the last steps
    of images' names, with or without their endings, if that is clear of each.
    """
    plain, known = [_plain(name) for name in names], set(images)
    found = [next((one for folder in folders if (one := folder + name) in known), None) for name in plain]
    if any(found):
        return found, None
    for ending in ("", " without its ending"):
        own = [_last(image, bool(ending)) for image in images]
        counts, by_last = Counter(own), dict(zip(own, images, strict=True))
        if all(counts[_last(name, False)] == 1 for name in plain):
            return [by_last[_last(name, False)] for name in plain], (
                f"the table's names are found as the last step of each image's name{ending}"
            )
    return found, None


def _plain(name: str) -> str:
    """With "/" between steps, as Windows does not write it, and without "./" in front."""
    return re.sub(r"^(\./)+", "", name.strip().replace("\\", "/"))


def _last(name: str, without_ending: bool) -> str:
    own = name.rpartition("/")[2].casefold()
    return own.rpartition(".")[0] if without_ending else own
