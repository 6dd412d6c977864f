"""From a name to the images, wherever they are."""

from rungwise.data.files.contents import Progress
from rungwise.data.images import Dataset
from rungwise.data.sources.catalogue import find_source


def load(name: str, *, offline: bool = False, progress: Progress | None = None) -> Dataset:
    """A whole data set, its files' checksums verified; what is missing is downloaded unless `offline`.

    Images are (N, C, H, W), uint8; labels (N,), int64. Raises `DataError`.
    """
    return find_source(name).load(offline=offline, progress=progress)
