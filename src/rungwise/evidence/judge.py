"""A study's measurements, and its claims judged by them."""

from collections.abc import Mapping

from rungwise.chapters import load_chapter
from rungwise.evidence.measure import Measurement
from rungwise.records.record import Record
from rungwise.study import Study


def measurements(study: Study, records: Mapping[str, Record]) -> list[Measurement]:
    """Everything that the study's chapters measured, as a tidy table: chapter, model, metric, seed, value, trials."""
    return [
        measurement
        for chapter in study.chapters
        for measurement in load_chapter(chapter.kind).measured(chapter, study.seeds_of(chapter), records)
    ]
