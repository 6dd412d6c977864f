"""What was found that a reader of a verdict on these images must know."""

from collections.abc import Callable, Iterator, Mapping

from rungwise.chapters.audit.results import Results, SplitView, read_results
from rungwise.chapters.audit.settings import Settings
from rungwise.data.checks.checked import FEW
from rungwise.evidence.caution import Caution
from rungwise.records.record import Record
from rungwise.words import counted


def cautions(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> tuple[Caution, ...]:
    """One line for each finding that touches what is claimed of these images."""
    results = read_results(settings, seeds, records)
    if not results.views:
        return ()
    return tuple(Caution(says=says, chapter=settings.name, accuracy_alone=alone) for says, alone in _found(results))


def _found(results: Results) -> Iterator[tuple[str, bool]]:
    """Of each finding its words, and whether it touches claims on accuracy alone."""
    views, view, names = results.views, results.views[0], results.names

    def most(count: Callable[[SplitView], int]) -> int:
        return max(count(each) for each in views)

    if same := most(lambda v: int(v.repeated.crossing.sum())):
        yield (
            f"{counted(same, 'image')} {_occur(same)} in two parts, so that nets are tested on what they learnt",
            False,
        )
    if near := most(lambda v: len(v.near.images)):
        which = f"{counted(near, 'image')} outside training {'is' if near == 1 else 'are'}"
        yield f"{which} almost the same as a training image", False
    if view.series is not None and view.series.hints and not view.grouped:
        yield (
            f"images with neighbouring file numbers are alike (correlation {view.series.alike:.2f}), and the split is "
            "image by image: groups may be in training and test",
            False,
        )
    if contrary := most(lambda v: int(v.repeated.contrary.sum())):
        yield f"{counted(contrary, 'image')} {_occur(contrary)} with two labels", False
    if results.doubts is not None and (found := results.doubts.found):
        yield f"the labels of {counted(len(found), 'test image')} are in doubt", False
    if view.few:
        yield f"{counted(len(view.few), 'class')} with fewer than {FEW} images", False
    for part in view.parts:
        if absent := view.absent(part):
            yield f"the {part} part has no image of {counted(len(absent), 'class')}", False
    if view.lopsided:
        yield f"always answering {names[view.largest]!r} would be right for {view.majority:.1%}", True


def _occur(count: int) -> str:
    return "occurs" if count == 1 else "occur"
