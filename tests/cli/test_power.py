"""The command `plan --power`: what claims could show with the planned seeds, told from a pilot."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from rungwise.cli.app import app
from rungwise.cli.power_listing import print_power
from rungwise.judging.prospects import ClaimProspect, NumberProspect
from rungwise.runs.run import run_study
from rungwise.study.reading import parse_study

STUDY = """
title = "Wide and narrow"
seeds = 2
[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 300 }
fit = { epochs = 2 }
nets = { narrow = { hidden = [2] }, wide = { hidden = [64] } }
[[chapter.claim]]
id = "B"
says = "The wide net is better [by far]"
test = { metric = "test_accuracy", better = "wide", than = "narrow" }
[[chapter.claim]]
id = "W"
says = "The wide net has more parameters"
test = { metric = "parameters", higher = "wide", than = "narrow" }
[[chapter.claim]]
id = "N"
says = "Nothing tests this"
"""
BARE = STUDY[: STUDY.index("[[chapter.claim]]")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("power")
    for name, text in {"study": STUDY, "bare": BARE, "one": STUDY.replace("seeds = 2", "seeds = 1")}.items():
        (folder / f"{name}.toml").write_text(text)
    run_study(parse_study(STUDY, "study.toml"), folder / "two")
    run_study(parse_study(STUDY, "study.toml").with_seeds(3), folder / "three")
    run_study(parse_study((folder / "one.toml").read_text(), "one.toml"), folder / "one")
    return folder


def power(*words, code=0):
    done = CliRunner().invoke(app, ["plan", *map(str, words), "--power"])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def refused(*words):
    done = power(*words, code=2)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    return done.stderr


def test_the_table_has_each_claim(folder):
    lines = power(folder / "study.toml", "--pilot", folder / "two").stdout.splitlines()
    cells = [line.split() for line in lines]
    assert " ".join(cells[0]) == "claim number claimed pilot mean sd planned ± chance seeds for 80%"
    assert [row[0] for row in cells[1:4]] == ["B", "W", "N"]
    assert "test_accuracy of wide less narrow" in lines[1]
    assert cells[2][-2:] == ["100%", "1"], "a count is certain"
    assert lines[3].rstrip().endswith("nothing tests it")
    assert "of 2 claims have a chance of 80% or more" in lines[4]
    assert "2 seeds say little of the scatter" in lines[4]


def test_json_has_what_the_table_has(folder):
    found = json.loads(power(folder / "study.toml", "--pilot", folder / "two", "--seeds", 20, "--json").stdout)
    assert (found["schema"], found["title"], found["pilot"]) == (1, "Wide and narrow", str(folder / "two"))
    better, wide, nothing = found["claims"]
    assert (better["planned"], better["numbers"][0]["pilot"], better["numbers"][0]["claimed"]) == (20, 2, "above 0")
    assert better["chance"] > 0.9, "2 hidden units against 64"
    # Of 28 x 28 pixels: 785 x 64 + 65 x 10 parameters less 785 x 2 + 3 x 10.
    assert (wide["numbers"][0]["mean"], wide["chance"], wide["seeds_needed"]) == (50_890 - 1600, 1, 1)
    assert (nothing["note"], nothing["chance"]) == ("nothing tests it", None)


def test_the_pilot_is_the_folder_of_the_study_by_default(folder):
    by_name = power(folder / "study.toml", "--pilot", folder / "two").stdout
    assert power(folder / "study.toml", "--out", folder / "two").stdout == by_name


def test_a_plan_of_one_seed_shows_nothing_but_counts(folder):
    found = json.loads(power(folder / "one.toml", "--pilot", folder / "two", "--json").stdout)
    assert [(claim["planned"], claim["chance"]) for claim in found["claims"][:2]] == [(1, 0), (1, 1)]


def test_a_pilot_may_be_of_another_study_with_the_same_trials(folder):
    other = folder / "other.toml"
    other.write_text(STUDY.replace("Wide and narrow", "Another").replace("of wide", "of broad"))
    assert json.loads(power(other, "--pilot", folder / "two", "--json").stdout)["claims"][0]["numbers"][0]["pilot"] == 2


def test_what_cannot_be_told_is_refused(folder):
    assert "a pilot of one seed knows nothing of the scatter" in refused(
        folder / "study.toml", "--pilot", folder / "one"
    )
    assert "holds no run: expected study.json" in refused(folder / "study.toml", "--pilot", folder)
    assert "name the folder of another run with --pilot" in refused(folder / "study.toml", "--out", folder / "none")
    assert "no claim of 'Wide and narrow' is about numbers" in refused(folder / "bare.toml", "--pilot", folder / "two")
    assert "the study has no chapter 'cnns'" in refused(
        folder / "study.toml", "--pilot", folder / "two", "--chapters", "cnns"
    )
    other = folder / "other.toml"
    other.write_text(STUDY.replace("epochs = 2", "epochs = 3"))
    assert "no record that its claims need" in refused(other, "--pilot", folder / "two")
    done = CliRunner().invoke(app, ["plan", str(folder / "study.toml"), "--pilot", str(folder / "two")])
    assert (done.exit_code, "add --power" in done.stderr) == (2, True)


@pytest.mark.parametrize(("pilot", "code"), [("three", 3), ("two", 2)])
def test_records_that_are_damaged_are_named(folder, tmp_path, pilot, code):
    """Without one of them three seeds are two, which are enough, and two are one."""
    shutil.copytree(folder / pilot, tmp_path / "hurt")
    record = next(path for path in sorted(tmp_path.rglob("trials/*/*.json")) if "wide" in path.read_text())
    record.write_text("{")
    done = power(folder / "study.toml", "--pilot", tmp_path / "hurt", code=code)
    assert str(record.relative_to(tmp_path / "hurt")) in done.stderr
    assert ("a pilot of one seed" in done.stderr) == (code == 2)


def test_of_a_claim_of_many_numbers_the_hardest_are_shown(capsys):
    numbers = tuple(
        NumberProspect(says=f"x{i}", low=0, pilot=6, mean=-3e-17, sd=1, planned=5, chance=chance, seeds_needed=9)
        for i, chance in enumerate((None, 0.004, 0.2, 0.5, 0.6, 0.7, 0.995))
    )
    claim = ClaimProspect(chapter="mlps", id="A", says="a", planned=5, chance=0.004, note="a note", numbers=numbers)
    print_power("runs/pilot", [claim])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:7]] == ["x0", "x1", "x2", "x3", "x4"]
    assert (lines[1].split()[:3], lines[1].split()[-4:]) == (["A", "7", "numbers"], ["<", "1%", "a", "note"])
    assert lines[2].split()[4:6] == ["0", "1"], "a rest of cancelling sums is no mean"
    assert lines[7].strip() == "and 2 more with a chance of 70% or more"
    assert lines[8].startswith("From the pilot runs/pilot: 0 of 1 claims have a chance of 80% or more")
