"""What the checks found, a line each: how it was looked for and how many there are."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rungwise.chapters.audit.results import Results, SplitView
from rungwise.data.checks.checked import FEW
from rungwise.data.checks.neighbours import CANDIDATES, CLOSE, NEAR, RATIO
from rungwise.insight.doubts import LEAST_MARGIN, LEAST_NETS
from rungwise.words import counted, some_of


class Line(NamedTuple):
    """One check."""

    looked_for: str
    how: str
    found: str


def lines(results: Results) -> list[Line]:
    """Every check of the images, and that of the labels. `results`: of at least one split."""
    return [*_of_pixels(results), *_of_classes(results), _of_names(results), _of_labels(results)]


def ranged(views: Sequence[SplitView], count: Callable[[SplitView], int], of: str) -> str:
    """ "none of 100 images", "3 of 100 images"; of several splits with different numbers "1 to 3 of ..."."""
    numbers = [count(view) for view in views]
    low, high = min(numbers), max(numbers)
    many = "none" if not high else f"{low:,}" if low == high else f"{low:,} to {high:,}"
    splits = f", over {len(views)} splits" if low != high else ""
    return f"{many} of {of}{splits}"


def _of_pixels(results: Results) -> list[Line]:
    views = results.views
    images, tested = counted(views[0].images, "image"), views[0].record.summary["near_looked"]
    same = "by SHA-256 of the pixels"
    whole = "" if tested == _outside(views[0]) else f", evenly spread over {_outside(views[0]):,}"
    nearly = (
        f"the {CANDIDATES} nearest training images by low frequencies after PCA, then correlation of the pixels at "
        f"shifts by at most one: above {1 - CLOSE:g}, or above {1 - NEAR:g} and {1 / RATIO:g} times as near as the last"
    )
    return [
        Line("the same image in two parts", same, ranged(views, lambda v: int(v.repeated.crossing.sum()), images)),
        Line(
            "almost the same image in training and another part",
            nearly,
            ranged(views, lambda v: len(v.near.images), f"{tested:,.0f} images outside training{whole}"),
        ),
        Line(
            "the same image twice in a part", same, ranged(views, lambda v: int((~v.repeated.crossing).sum()), images)
        ),
        Line("the same image with two labels", same, ranged(views, lambda v: int(v.repeated.contrary.sum()), images)),
        Line("images of a single colour", "one value in each channel", ranged(views, lambda v: v.blank, images)),
    ]


def _outside(view: SplitView) -> int:
    return sum(int(counts.sum()) for part, counts in view.counts.items() if part != "train")


def _of_classes(results: Results) -> list[Line]:
    views, names = results.views, results.names
    view = views[0]
    few, classes = view.few, counted(len(names), "class")
    absent = {part: missing for part in view.parts if (missing := view.absent(part))}
    lacking = "; ".join(f"{part}: {some_of([names[k] for k in missing])}" for part, missing in absent.items())
    which = f": {some_of([names[k] for k in few])}" if few else ""
    return [
        Line(f"classes with fewer than {FEW} images", "in all parts", f"{len(few) or 'none'} of {classes}{which}"),
        Line("classes without an image in a part", "by part", lacking or f"none of {classes}"),
        Line(
            "uneven classes",
            "largest class over smallest; share of the test images in the largest",
            f"{view.ratio:.2f} times; {view.majority:.1%} ({names[view.largest]}): the accuracy of always answering it",
        ),
    ]


def _of_names(results: Results) -> Line:
    view = results.views[0]
    what, how = "series in file names", "correlation of neighbours in number, less their class; permutation test"
    if not view.named:
        return Line(what, how, "not looked at: the images have no file names")
    if (found := view.series) is None:
        return Line(what, how, "too few names have a number")
    kept = "; the split keeps groups together" if view.grouped else ""
    hint = "neighbours are more alike" if found.hints else "no sign of groups"
    order = "within each class" if found.within else "through all classes"
    return Line(
        what, how, f"{hint}: correlation {found.alike:.3f}, p = {found.p:.3g}, {found.pairs:,} pairs, {order}{kept}"
    )


def _of_labels(results: Results) -> Line:
    what = "labels that nets agree against"
    how = (
        f"{LEAST_NETS} nets or more that were not trained on an image all say the same other label, on average with "
        f"{LEAST_MARGIN:g} nats or more"
    )
    if not results.settings.asked:
        return Line(what, how, "not looked at: the study has no chapter on CNNs or MLPs on these images")
    if results.doubts is None:
        return Line(what, how, f"not looked at: {counted(len(results.nets), 'net')}, of {LEAST_NETS} that it takes")
    found = len(results.doubts.found)
    return Line(
        what,
        f"{how} (of {results.settings.asked}, {len(results.nets)} seeds)",
        f"{found or 'none'} of {counted(results.doubts.looked, 'test image')}{_not_tested(results)}",
    )


def _not_tested(results: Results) -> str:
    """What is not known of training images, where all seeds train on the same ones."""
    return "" if results.settings.data.facts.test_by_seed else "; training images were not looked at"
