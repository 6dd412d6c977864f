"""Claims that ask for what cannot be had are refused, with their lines."""

import pytest

from rungwise.study.reading import parse_study
from rungwise.study.study import StudyError

STUDY = """
title = "claims"
seeds = 3
[[chapter]]
kind = "mlps"
data = { source = "%s" }
fit = { epochs = 4 }
nets = { A = { hidden = [4] }, B = { hidden = [5] } }
[[chapter.claim]]
id = "X"
says = "so"
holds_for = "%s"
test = { metric = "%s", better = "A", than = "B", statistic = "%s" }
"""
WAY_OUT = 'split own images once (split = "once"), or take a data set with a test part, as mnist, instead of digits'


def fault(source, holds_for, metric, statistic, more=""):
    text = STUDY % (source, holds_for, metric, statistic) + more
    if not holds_for:
        text = text.replace('holds_for = ""\n', "")
    with pytest.raises(StudyError) as error:
        parse_study(text, "s.toml")
    return str(error.value)


@pytest.mark.parametrize(
    ("source", "holds_for", "metric", "statistic", "says"),
    [
        (
            "mnist", "new images", "gap", "mean",
            "s.toml, line 12: claim X: 'gap' does not count answers to single test images, of which new ones differ: "
            'leave holds_for = "new images" out, or choose a metric that counts the test images that are right',
        ),
        ("digits", "new images", "epoch_s", "mean", "s.toml, line 12: claim X: 'epoch_s' does not count answers"),
        (
            "mnist", "new images", "test_accuracy", "median",
            "s.toml, line 12: claim X: a median is known for these images alone: leave holds_for out, or choose the "
            "mean, whose interval for new images is known",
        ),
        (
            "digits", "these images", "test_accuracy", "mean",
            "s.toml, line 12: claim X: each seed of the chapter 'mlps' splits the images anew, so that there are no "
            f"test images for it to hold for: leave holds_for out, for new images, or {WAY_OUT}",
        ),
        (
            "digits", "", "test_accuracy", "median",
            's.toml, line 12: claim X: statistic = "median" needs independent seeds, and those of the chapter \'mlps\' '
            f"split one pool of images: leave statistic out, or {WAY_OUT}",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused(source, holds_for, metric, statistic, says):
    assert fault(source, holds_for, metric, statistic).startswith(says)


def test_a_median_of_what_is_the_same_for_every_seed_is_refused():
    text = STUDY % ("mnist", "these images", "parameters", "median")
    with pytest.raises(StudyError, match="'parameters' is the same for every seed, so it has no median of its own"):
        parse_study(text.replace('better = "A", than', 'higher = "A", than'), "s.toml")


@pytest.mark.parametrize(
    ("source", "holds_for", "metric", "statistic"),
    [
        ("mnist", "new images", "test_accuracy", "mean"),
        ("mnist", "these images", "gap", "median"),
        ("digits", "new images", "gap", "mean"),
        ("digits", "new images", "test_accuracy", "mean"),
    ],
)
def test_what_can_be_had_is_not(source, holds_for, metric, statistic):
    assert parse_study(STUDY % (source, holds_for, metric, statistic), "s.toml").chapters[0].claims


def settling(claims, before="{ mlps = 3 }", source="mnist"):
    text = (STUDY % (source, "", "test_accuracy", "mean")).replace('holds_for = ""\n', "")
    return text + f"\n[settle]\nclaims = {claims}\nbefore = {before}\n"


def test_what_a_study_says_of_its_settling_is_checked():
    assert parse_study(settling(["X"]), "s.toml").settle.before == {"mlps": 3}
    with pytest.raises(StudyError, match=r"s.toml, line 15: no claim has the id 'Y'; Known: X"):
        parse_study(settling(["Y"]), "s.toml")
    with pytest.raises(StudyError, match=r"s.toml, line 16: the study has no chapter 'mlp'; did you mean 'mlps'"):
        parse_study(settling(["X"], "{ mlp = 3 }"), "s.toml")
    with pytest.raises(StudyError, match=r"s.toml, line 15: claim X cannot be settled: each seed splits one pool"):
        parse_study(settling(["X"], source="digits"), "s.toml")


def test_a_study_keeps_what_it_says_of_its_settling():
    study = parse_study(settling(["X"]), "s.toml")
    assert parse_study(study.as_json(), "study.json") == study
    assert study.with_seeds(4).settle is None
    assert "settle" not in study.with_seeds(4).as_json()
    assert [len(study.seeds_of(c)) for c in study.with_seeds_of({"mlps": 9}).chapters] == [9]
    assert study.with_seeds_of({"mlps": 3}).chapters == study.chapters
    assert [study.seeds_before(c) for c in study.with_seeds_of({"mlps": 9}).chapters] == [(0, 1, 2)]
