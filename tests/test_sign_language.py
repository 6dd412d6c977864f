"""The study of the docs on the sign-language digits: its table, and that it can be run on them."""

import csv
import os
import shutil
from pathlib import Path

import pytest

from docs.studies.sign_language import main, rows
from rungwise.study.reading import read_study
from rungwise.study.study import study_trials

ROOT = Path(__file__).parents[1]
OWN = Path(os.environ.get("RUNGWISE_DATA", "-")) / "own"
here = pytest.mark.skipif(
    not (OWN / "sign-language-digits.zip").exists(), reason="needs RUNGWISE_DATA with own/sign-language-digits.zip"
)


def test_a_student_begins_where_the_digit_does_not_rise() -> None:
    names = ["s/", *(f"s/{digit}/IMG_{number}.JPG" for number, digit in enumerate([0, 1, 4, 2, 3, 3, 9, 0], 1000))]
    assert [(name[0], group, half) for name, group, half in rows(names[::-1])] == [
        *(("0", 0, "first"), ("1", 0, "first"), ("4", 0, "first"), ("2", 1, "first"), ("3", 1, "first")),
        *(("3", 2, "second"), ("9", 2, "second"), ("0", 3, "second")),
    ]


@here
def test_the_table_has_the_groups_and_the_study_goes_with_it(tmp_path: Path) -> None:
    shutil.copy(OWN / "sign-language-digits.zip", tmp_path)
    shutil.copy(ROOT / "docs/studies/sign-language.toml", tmp_path)
    with main(tmp_path / "sign-language-digits.zip").open() as file:
        made = {row["file_name"]: row["group"] for row in csv.DictReader(file)}
    with (OWN / "sign-language-groups.csv").open() as file:
        assert made == {row["file_name"]: row["group"] for row in csv.DictReader(file)}
    study = read_study(str(tmp_path / "sign-language.toml"))
    facts = study.chapters[0].data.facts
    assert (facts.groups, round(facts.mates, 4)) == (220, 0.0)
    assert facts.columns == {"half": ("first", "second")}
    assert len(study_trials(study)) == 6 + 25 + 25 + 20 + 20
