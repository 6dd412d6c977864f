"""The published runs under results/: their records are found by their studies, whatever files move in the package."""

from pathlib import Path

import pytest

from rungwise import open_run, study_trials

RESULTS = Path(__file__).parents[2] / "results"
RECORDS = {"best": 42, "best-gpu": 42, "capacity": 168, "multi-mnist": 120, "multitask": 325, "reference": 160}
"""How many trials each study asks for."""
FOUND = {**RECORDS, "best-gpu": 20}
"""And how many of them were computed and published: best-gpu left the slow ones out."""


@pytest.mark.parametrize("name", RECORDS)
def test_every_published_record_is_found_by_its_study(name: str) -> None:
    run = open_run(RESULTS / name)
    asked = {trial.id for _, trial in study_trials(run.study)}
    published = {folder.name for folder in (run.store.root / "trials").iterdir()}
    assert published <= asked, "a record that no trial of its study asks for: ids have changed"
    assert (len(asked), len(published)) == (RECORDS[name], FOUND[name])
    assert run.records.keys() == published


@pytest.mark.parametrize("name", RECORDS)
def test_a_published_record_says_of_itself_what_its_trial_says(name: str) -> None:
    run = open_run(RESULTS / name)
    records = run.records
    for _, trial in study_trials(run.study):
        if trial.id in records:
            assert records[trial.id].spec == trial.spec
