"""From a source to the images, wherever they are."""

from pathlib import Path

from rungwise.data.files.contents import Progress
from rungwise.data.images import Dataset
from rungwise.data.reading import is_path
from rungwise.data.settings import Data
from rungwise.data.sources.catalogue import find_source


def load(source: str | Data, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
    """A whole data set, its files' checksums verified; what is missing is downloaded unless `offline`.

    `source`: a name, or the data of a chapter, which may be own images. Images are (N, C, H, W), uint8; labels (N,),
    int64. Raises `DataError`.
    """
    if isinstance(source, str) and not is_path(source):
        return find_source(source).load(offline=offline, progress=progress)
    data = source if isinstance(source, Data) else Data(source=source)
    if not data.own:
        return find_source(data.source).load(offline=offline, progress=progress)
    from rungwise.data.own.opened import load_own  # the formats are not needed for what has a name

    return load_own(Path(data.source), data.preparation, data.facts)
