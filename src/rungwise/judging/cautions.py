"""What chapters found strange in images, beside the verdicts on the same images."""

from collections.abc import Iterator, Mapping, Sequence

from rungwise.chapters import load_chapter
from rungwise.data.settings import Data
from rungwise.evidence.caution import Caution
from rungwise.evidence.claims import Claim
from rungwise.evidence.conditions import Known, Wanted, wanted
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.measure import TEST_ACCURACY
from rungwise.records.record import Record
from rungwise.study.study import Study


def with_cautions(
    study: Study, records: Mapping[str, Record], known: Known, found: Mapping[str, Sequence[Judgement]]
) -> dict[str, tuple[Judgement, ...]]:
    """The claims, each with what was found in the images that it is about. Exact numbers, as counts of parameters, and
    times do not depend on them."""
    told = _by_images(study, records)
    if not told:
        return {name: tuple(claims) for name, claims in found.items()}
    data = {chapter.name: _split_of(chapter.data) for chapter in study.chapters}
    declared = {(chapter.name, claim.id): claim for chapter in study.chapters for claim in chapter.claims}

    def cautioned(chapter: str, judged: Judgement) -> Judgement:
        if judged.verdict == "not run":
            return judged
        asked = list(_of_images(declared[chapter, judged.id], chapter, known))
        images = dict.fromkeys(data[ref.chapter] for each in asked for ref in each.models)
        accuracy = any(each.metric.startswith(TEST_ACCURACY) for each in asked)
        own = (one for each in images for one in told.get(each, ()) if accuracy or not one.accuracy_alone)
        return judged.model_copy(update={"cautions": tuple(dict.fromkeys(own))})

    return {name: tuple(cautioned(name, one) for one in claims) for name, claims in found.items()}


def _by_images(study: Study, records: Mapping[str, Record]) -> dict[str, list[Caution]]:
    """What was found, by the data and how they are split."""
    found: dict[str, list[Caution]] = {}
    for chapter in study.chapters:
        tell = getattr(load_chapter(chapter.kind), "cautions", None)
        if tell is not None and (own := tell(chapter, study.seeds_of(chapter), records)):
            found.setdefault(_split_of(chapter.data), []).extend(own)
    return found


def _split_of(data: Data) -> str:
    """The same of data whose images, and their parts, are the same."""
    return f"{data.identity} {data.preparation.model_dump(exclude={'metadata'})} {data.split_by}"


def _of_images(claim: Claim, chapter: str, known: Known) -> Iterator[Wanted]:
    """The numbers of a claim that depend on the images."""
    for condition in claim.test:
        for each in wanted(condition, chapter, known):
            if not each.exact and not each.timing:
                yield each
