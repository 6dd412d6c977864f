"""What became of the claims of the published reference study: `python -m docs.verdicts` prints the table of the page.

Each is judged by the records as they are, for these images and for new ones, and over all claims together.
"""

import functools
from pathlib import Path
from typing import NamedTuple

from rungwise.evidence.design import HoldsFor
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.together import Control, survives
from rungwise.judging.judge import judged
from rungwise.runs.run import Run, open_run
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
    these, new = _judged(run, run.study), _judged(run, _about(run.study, "new images"))
    alive = [surviving(tuple(these.values()), control) for control in CONTROLS]
    return tuple(Row(name, these[name], new[name], tuple(one[name] for one in alive)) for name in these)


def surviving(found: tuple[Judgement, ...], control: Control) -> dict[str, bool | None]:
    """Whether each verdict survives control over all claims that were tested; None where nothing was decided."""
    tested = {each.id: each.p for each in found if each.p is not None}
    kept = dict(zip(tested, survives(list(tested.values()), control), strict=True))
    decided = {each.id for each in found if each.verdict in ("supported", "refuted")}
    return {each.id: kept[each.id] if each.id in decided & kept.keys() else None for each in found}


def _judged(run: Run, study: Study) -> dict[str, Judgement]:
    return {each.id: each for claims in judged(study, run.records).values() for each in claims}


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
