"""What became of the claims of the published reference study: `python -m docs.verdicts` prints the table of the page.

Each is judged by the records as they are, for these images and for new ones, and over all claims together.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rungwise.evidence.design import HoldsFor
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.together import Control
from rungwise.judging.judge import controlled, judged
from rungwise.runs.run import open_run
from rungwise.study.study import Study

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
CONTROLS: tuple[Control, ...] = ("holm", "benjamini-hochberg")


class Row(NamedTuple):
    """One claim."""

    id: str
    these: Judgement
    """As the study has it: these images, where the claim is about images."""
    new: Judgement
    """If it is to hold for new images; about the same as `these` where the claim is not about images."""
    survives: tuple[bool | None, ...]
    """Of `these`, one of each of `CONTROLS`; None where nothing was decided."""


@functools.cache
def rows(folder: Path = REFERENCE) -> tuple[Row, ...]:
    """Every claim of the run in the folder, in the order of its study."""
    run = open_run(folder)
    records = run.records
    these, new = (judged(study, records) for study in (run.study, _about(run.study, "new images")))
    about_new = _by_id(new)
    alive = [_by_id(controlled(these, control)) for control in CONTROLS]
    return tuple(
        Row(name, own, about_new[name], tuple(one[name].survives for one in alive))
        for name, own in _by_id(these).items()
    )


def _by_id(found: Mapping[str, Sequence[Judgement]]) -> dict[str, Judgement]:
    return {each.id: each for claims in found.values() for each in claims}


def _about(study: Study, holds_for: HoldsFor) -> Study:
    """The study whose claims are to hold for these images, or for new ones, wherever they are about images."""
    chapters = [
        chapter.model_copy(
            update={"claims": tuple(claim.model_copy(update={"holds_for": holds_for}) for claim in chapter.claims)}
        )
        for chapter in study.chapters
    ]
    return study.model_copy(update={"chapters": tuple(chapters)})


def table(folder: Path = REFERENCE) -> str:
    """In Markdown: a line for each claim."""
    lines = ["| claim | these images | new images | Holm | Benjamini and Hochberg |", "|---|---|---|---|---|"]
    for row in rows(folder):
        new = "" if row.new.holds_for is None else row.new.verdict
        changed = f"**{new}**" if new and row.new.verdict != row.these.verdict else new
        alive = ({True: "survives", False: "falls", None: ""}[each] for each in row.survives)
        lines.append(f"| {' | '.join((row.id, row.these.verdict, changed, *alive))} |".replace("  ", " "))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
