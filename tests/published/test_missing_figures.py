"""A figure that cannot be made keeps its place, so that those after it keep their numbers."""

from pathlib import Path

import pytest

from rungwise import open_run
from rungwise.chapters import load_chapter
from rungwise.findings import Findings

RESULTS = Path(__file__).parents[2] / "results"
RUNS = ("best", "capacity", "multi-mnist", "multitask", "reference")


def ids(found: Findings) -> list[str]:
    return [figure.id for figure in found.figures]


@pytest.mark.parametrize("name", RUNS)
def test_every_figure_keeps_its_place_without_records(name: str) -> None:
    run = open_run(RESULTS / name)
    records = run.records
    for chapter in run.study.chapters:
        seeds, kind = run.study.seeds_of(chapter), load_chapter(chapter.kind)
        whole = kind.findings(chapter, seeds, records)
        none = kind.findings(chapter, seeds, {})
        (first, *_) = kind.trials(chapter, seeds)
        one = kind.findings(chapter, seeds, {first.id: records[first.id]})
        assert whole.figures
        assert not any(figure.missing for figure in whole.figures)
        assert ids(none) == ids(one) == ids(whole)
        for figure in none.figures:
            assert figure.missing.endswith("Running the study again computes what is missing.")
            assert figure.caption
            assert not figure.panels
