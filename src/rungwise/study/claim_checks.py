"""What is wrong in a study's claims: what they speak of is not there, or what they ask for cannot be had."""

from collections.abc import Iterator, Mapping, Sequence

from rungwise.chapters.chapter import ChapterSettings
from rungwise.errors import nearest
from rungwise.evidence.claims import Claim
from rungwise.evidence.conditions import ConditionError, Known, Wanted, wanted
from rungwise.evidence.design import Design, design_of
from rungwise.study.lines import SettingPath
from rungwise.study.study import Study

Faults = Iterator[tuple[SettingPath, str]]
NO_NEW_IMAGES = 'leave holds_for = "new images" out, or choose a metric that counts the test images that are right'


def wrong_claims(study: Study, known: Known) -> Faults:
    """Every fault of a claim, or of what the study says of its settling, and its place."""
    designs = {chapter.name: design_of(chapter.data) for chapter in study.chapters}
    for i, chapter in enumerate(study.chapters):
        for j, claim in enumerate(chapter.claims):
            place: SettingPath = ("chapter", i, "claim", j)
            for says, fault in _of_claim(claim, chapter, known, designs):
                yield (*place, *says), f"claim {claim.id}: {fault}"
    yield from _wrong_settling(study, known, designs)


def _of_claim(claim: Claim, chapter: ChapterSettings, known: Known, designs: Mapping[str, Design]) -> Faults:
    for k, condition in enumerate(claim.test):
        try:
            asked = wanted(condition, chapter.name, known)
        except ConditionError as error:
            yield ("test", k, error.key), str(error)
            continue
        if fault := _wrong_images(claim, asked, designs):
            yield ("holds_for",), fault
        if fault := _wrong_median(asked, designs):
            yield ("test", k, "statistic"), fault


def _wrong_images(claim: Claim, asked: Sequence[Wanted], designs: Mapping[str, Design]) -> str:
    split = _split_by_seed(asked, designs)
    if claim.holds_for == "these images" and split:
        return (
            f"each seed of the chapter {split!r} splits the images anew, so that there are no test images for it to "
            f"hold for: leave holds_for out, for new images, or {WAY_OUT}"
        )
    if claim.holds_for != "new images":
        return ""
    if any(each.median for each in asked):
        return (
            "a median is known for these images alone: leave holds_for out, or choose the mean, whose interval for new "
            "images is known"
        )
    without = next((each for each in asked if not each.of_images and (each.exact or each.timing or not split)), None)
    if without is None:
        return ""
    return f"{without.metric!r} does not count answers to single test images, of which new ones differ: {NO_NEW_IMAGES}"


def _wrong_median(asked: Sequence[Wanted], designs: Mapping[str, Design]) -> str:
    medians = [each for each in asked if each.median]
    if exact := next((each for each in medians if each.exact), None):
        return f"{exact.metric!r} is the same for every seed, so it has no median of its own: leave statistic out"
    if split := _split_by_seed(medians, designs):
        return (
            f'statistic = "median" needs independent seeds, and those of the chapter {split!r} split one pool of '
            f"images: leave statistic out, or {WAY_OUT}"
        )
    return ""


def _split_by_seed(asked: Sequence[Wanted], designs: Mapping[str, Design]) -> str:
    """The first chapter whose seeds split one pool of images; empty where there is none."""
    names = (ref.chapter for each in asked for ref in each.models)
    return next((name for name in names if designs[name].ratio), "")


WAY_OUT = 'split own images once (split = "once"), or take a data set with a test part, as mnist, instead of digits'


# Claims that are settled -------------------------------------------------------------------------------------------


def unsettleable(claim: Claim, chapter: str, known: Known, designs: Mapping[str, Design]) -> str:
    """Why no number of seeds settles a claim, and what to do; empty where some may."""
    if not claim.test:
        return "nothing tests it, so that no seed settles it: give it a test"
    if claim.holds_for == "new images":
        return (
            'it says holds_for = "new images", and seeds settle what holds for these: leave holds_for out, or add test '
            "images instead of seeds"
        )
    asked = [each for condition in claim.test for each in wanted(condition, chapter, known)]
    if _split_by_seed(asked, designs):
        return f"each seed splits one pool of images anew, so that seeds are not independent: {WAY_OUT}"
    if choosing := next((m for each in asked for m in each.about if m.over_seeds), None):
        return (
            f"a seed's value of {choosing.says!r} depends on the other seeds, so that it changes with each that is "
            "added: test another metric"
        )
    return ""


def _wrong_settling(study: Study, known: Known, designs: Mapping[str, Design]) -> Faults:
    """What `settle` says in a study that a person wrote or changed."""
    if study.settle is None:
        return
    claims = {claim.id: (chapter.name, claim) for chapter in study.chapters for claim in chapter.claims}
    for k, name in enumerate(study.settle.claims):
        place: SettingPath = ("settle", "claims", k)
        if name not in claims:
            yield place, f"no claim has the id {name!r}; {nearest(name, claims)}"
            continue
        chapter, claim = claims[name]
        try:
            fault = unsettleable(claim, chapter, known, designs)
        except ConditionError:  # which is told at its own place
            continue
        if fault:
            yield place, f"claim {name} cannot be settled: {fault}"
    for name in study.settle.before:
        if name not in designs:
            yield ("settle", "before", name), f"the study has no chapter {name!r}; {nearest(name, designs)}"
