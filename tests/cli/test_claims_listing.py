"""The command `claims`: what a study declares, and what has become of it."""

import json

import pytest
from typer.testing import CliRunner

from rungwise.cli.app import app
from rungwise.runs.run import run_study
from rungwise.study.reading import parse_study

STUDY = """
title = "Wide and narrow"
seeds = 3
[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 300 }
fit = { epochs = 2 }
nets = { narrow = { hidden = [2] }, wide = { hidden = [64] } }
[[chapter.claim]]
id = "W"
says = "The wide net has more parameters [of course]"
test = { metric = "parameters", higher = "wide", than = "narrow" }
[[chapter.claim]]
id = "N"
says = "Nothing tests this"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listing")
    (folder / "study.toml").write_text(STUDY)
    run_study(parse_study(STUDY, "study.toml"), folder / "out")
    return folder


def claims(*words, code=0):
    done = CliRunner().invoke(app, ["claims", *map(str, words)])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_a_study_lists_its_claims_with_their_conditions(folder):
    told = claims(folder / "study.toml").stdout
    assert "W  The wide net has more parameters [of course]" in told
    assert "metric parameters; higher wide; than narrow" in told
    assert told.splitlines()[-1] == "2 claims are declared."
    found = json.loads(claims(folder / "study.toml", "--json").stdout)
    assert found["schema"] == 1
    assert [(each["chapter"], each["id"], len(each["test"])) for each in found["claims"]] == [
        ("mlps", "W", 1),
        ("mlps", "N", 0),
    ]


def test_a_run_has_them_judged(folder):
    told = claims(folder / "out").stdout
    assert "W  The wide net has more parameters [of course]: supported" in told
    assert "N  Nothing tests this: not run" in told
    assert told.splitlines()[-1] == "2 claims: 1 supported, 1 not run."
    found = json.loads(claims(folder / "out", "--json").stdout)
    wide, nothing = found["claims"]
    assert (wide["verdict"], wide["n"], wide["test"], nothing["verdict"]) == ("supported", 3, "", "not run")
    # Of 28 x 28 pixels: 785 x 64 + 65 x 10 parameters less 785 x 2 + 3 x 10.
    assert wide["numbers"][0]["estimate"]["mean"] == 50_890 - 1600
    assert (wide["numbers"][0]["claimed"], wide["numbers"][0]["low"]) == ("above 0", 0)


def test_other_claims_are_judged_by_the_records_of_a_run(folder):
    other = folder / "other.toml"
    other.write_text(STUDY.replace('higher = "wide", than = "narrow"', 'higher = "narrow", than = "wide"'))
    assert "refuted" in claims(other, "--out", folder / "out").stdout


def test_a_study_without_claims(folder):
    bare = folder / "bare.toml"
    bare.write_text(STUDY[: STUDY.index("[[chapter.claim]]")])
    assert claims(bare).stdout.strip() == "0 claims are declared."
    assert claims(bare, "--out", folder / "out").stdout.strip() == "0 claims."


def test_what_is_neither_a_study_nor_a_run(folder):
    assert "holds no run" in claims(folder, code=2).stderr
    assert "no preset is called" in claims("refrence", code=2).stderr
