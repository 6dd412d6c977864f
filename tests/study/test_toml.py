"""Studies as TOML text."""

import tomllib

import pytest

from rungwise.study.reading import parse_study, preset_names, read_study
from rungwise.study.toml import written


@pytest.mark.parametrize("name", preset_names())
def test_what_is_written_is_read_as_it_was(name: str) -> None:
    study = read_study(name)
    raw = study.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert parse_study(written(raw, ["A heading."]), "again.toml") == study


def test_the_form_by_hand() -> None:
    raw = {
        "title": "small",
        "seeds": None,
        "chapter": [
            {
                "kind": "mlps",
                "data": {"source": "digits", "train_images": None},
                "nets": {"A": {"hidden": [4, 4]}},
                "claim": [{"id": "c", "test": [{"metric": "gap", "below": 0.5}, {"metric": "gap", "above": -0.5}]}],
            }
        ],
    }
    text = written(raw, ["First line.", "", "Left out: nothing."])
    assert text == (
        '# First line.\n\n# Left out: nothing.\ntitle = "small"\n\n'
        '[[chapter]]\nkind = "mlps"\ndata = {source = "digits"}\n\n'
        "[chapter.nets]\nA = {hidden = [4, 4]}\n\n"
        '[[chapter.claim]]\nid = "c"\ntest = [\n'
        '    {metric = "gap", below = 0.5},\n    {metric = "gap", above = -0.5},\n]\n'
    )
    assert tomllib.loads(text)["chapter"][0]["nets"] == {"A": {"hidden": [4, 4]}}
