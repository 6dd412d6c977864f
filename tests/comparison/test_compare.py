"""Two runs side by side: differences by hand, outcomes, false alarms, and the command on small real runs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner, Result

from rungwise.cli.app import app
from rungwise.comparison import differences
from rungwise.comparison.compare import names
from rungwise.comparison.numbers import Nets, Pair, paired
from rungwise.comparison.outcome import OUTCOMES, ComparedNumber, Options, judge, listed
from rungwise.comparison.words import ordered
from rungwise.engine.local import LocalEngine
from rungwise.errors import UserError
from rungwise.evidence.measure import Answers, Measurement, Metric
from rungwise.evidence.paired import McNemar
from rungwise.records.checks import seal
from rungwise.records.store import Store
from rungwise.runs.run import open_run
from rungwise.study.reading import known_metrics, parse_study
from rungwise.study.study import study_trials

ACCURACY = Metric("share right", ("A",), better="higher")
LOSS = Metric("cross-entropy", ("A",), better="lower")
ANGLE = Metric("where it points", ("A",))
COUNT = Metric("parameters", ("A",), better="lower", exact=True)
TIME = Metric("seconds", ("A",), better="lower", timing=True)
RECALL = Metric("recall of a class", ("A",), better="higher", answers=Answers(statistic="recall", label=0))
PLAIN = Options()


def pair(base: list[float], other: list[float], about: Metric = ACCURACY, metric: str = "accuracy") -> Pair:
    return Pair("nets", "A", metric, about, tuple(range(len(base))), tuple(base), tuple(other), ("a",), ("b",))


def outcome(base: list[float], other: list[float], about: Metric = ACCURACY, options: Options = PLAIN) -> str:
    (row,) = judge([pair(base, other, about)], options)
    return row.outcome


def measured(values: dict[int, float], metric: str = "accuracy", model: str = "A") -> list[Measurement]:
    return [Measurement("nets", model, metric, seed, value, (f"{metric}-{seed}",)) for seed, value in values.items()]


# Numbers --------------------------------------------------------------------------------------------------------


def test_differences_by_hand() -> None:
    (row,) = judge([pair([0.90, 0.91, 0.92], [0.88, 0.90, 0.91])], PLAIN)
    assert row.difference.values == pytest.approx([-0.02, -0.01, -0.01])
    assert row.difference.mean == pytest.approx(-0.04 / 3)
    half = 4.302653 * 0.01 / np.sqrt(3) / np.sqrt(3)  # t(.975, 2) s / sqrt(n), with s = .01 / sqrt(3)
    assert row.interval == pytest.approx((-0.04 / 3 - half, -0.04 / 3 + half))
    assert row.p == pytest.approx(stats.ttest_rel([0.88, 0.90, 0.91], [0.90, 0.91, 0.92]).pvalue)  # t = -4: p = .057
    assert (row.test, row.outcome, row.p_holm) == ("paired t", "same within noise", row.p)


def test_only_seeds_that_both_have_are_compared() -> None:
    base = measured({0: 0.9, 1: 0.8, 2: 0.7}) + measured({0: 5.0}, "epochs") + measured({0: 1.0}, model="B")
    other = measured({2: 0.6, 1: 0.9, 5: 0.1}) + measured({1: 5.0}, "epochs") + measured({0: float("inf")}, model="B")
    (found,) = paired(base, other, {"nets": {"accuracy": ACCURACY, "epochs": ANGLE}}, {})
    assert (found.seeds, found.base, found.other) == ((1, 2), (0.8, 0.7), (0.9, 0.6))
    assert found.base_trials == ("accuracy-1", "accuracy-2")
    assert paired(base, other, {"other": {"accuracy": ACCURACY}}, {}) == []


FAR, NEAR = [0.70, 0.71, 0.69, 0.70], [0.90, 0.92, 0.88, 0.91]


@pytest.mark.parametrize(
    ("base", "other", "about", "expected"),
    [
        (NEAR, FAR, ACCURACY, "worse"),
        (FAR, NEAR, ACCURACY, "better"),
        (NEAR, FAR, LOSS, "better"),
        (FAR, NEAR, LOSS, "worse"),
        (FAR, NEAR, ANGLE, "differs"),
        (NEAR, [0.92, 0.90, 0.91, 0.88], ACCURACY, "same within noise"),
        (NEAR, [0.92, 0.90, 0.91, 0.88], ANGLE, "same within noise"),
        (NEAR, NEAR, ACCURACY, "identical"),
        ([1000], [1000], COUNT, "identical"),
        ([1000], [1001], COUNT, "differs"),
        ([0.9], [0.9], ACCURACY, "identical"),
        ([0.9], [0.1], ACCURACY, "too few seeds"),
        (FAR, NEAR, TIME, "worse"),
    ],
)
def test_outcomes(base: list[float], other: list[float], about: Metric, expected: str) -> None:
    assert outcome(base, other, about) == expected


def test_what_decides() -> None:
    pairs = [pair(FAR, NEAR, about) for about in (ACCURACY, LOSS, ANGLE, COUNT, TIME)]
    assert [row.decides for row in judge(pairs, PLAIN)] == [True, True, False, False, False]
    assert [row.decides for row in judge(pairs, Options(times=True))] == [True, True, False, False, True]


def test_a_difference_without_scatter_is_left_to_the_sign_test() -> None:
    """Two nets that differ by the same number of images for each seed: t would be infinite."""
    few, many = judge([pair([0.8, 0.9, 0.7], [0.7, 0.8, 0.6]), pair([0.9, 0.8] * 4, [0.8, 0.7] * 4)], PLAIN)
    assert (few.test, few.p, few.outcome) == ("sign", 0.25, "same within noise")
    assert (many.p, many.p_holm, many.outcome) == (2 / 2**8, 4 / 2**8, "worse")
    assert few.interval is None


def test_rounding_to_32_bits_is_no_scatter() -> None:
    base, other = (
        [float(np.float32(k / 10_000)) for k in counts] for counts in ((9890, 9870, 9841), (9880, 9860, 9831))
    )
    assert len({b - a for a, b in zip(base, other, strict=True)}) > 1
    (row,) = judge([pair(base, other)], PLAIN)
    assert (row.test, row.outcome) == ("sign", "same within noise")


def test_holm_corrects_numbers_that_decide_apart_from_the_others() -> None:
    slight = [0.90, 0.91, 0.92, 0.95], [0.88, 0.90, 0.91, 0.92]  # d = -.02, -.01, -.01, -.03: p = .034
    p = stats.ttest_rel(*slight).pvalue
    assert 0.025 < p < 0.05
    assert outcome(*slight) == "worse"
    others = [pair(*slight, about) for about in (ANGLE, TIME)]
    rows = judge([pair(*slight), *others, pair(NEAR, NEAR)], PLAIN)
    assert [row.p_holm for row in rows] == pytest.approx([p, 2 * p, 2 * p, None])
    assert [row.outcome for row in rows] == ["worse", "same within noise", "same within noise", "identical"]
    assert [row.outcome for row in judge([pair(*slight)] * 2, PLAIN)] == ["same within noise"] * 2


def test_numbers_of_single_classes_are_corrected_by_themselves_and_listed_where_they_changed() -> None:
    """Of ten recalls one fell surely and one might have; a macro F1 beside them has its p as if it were alone."""
    same, maybe = [0.5, 0.6, 0.55], [0.4, 0.55, 0.4]
    of_class = [pair(same, [0.501, 0.6, 0.548], RECALL, f"test_recall_{k}") for k in range(8)]
    fell, might = (pair(same, other, RECALL, name) for other, name in (([0.2, 0.3, 0.251], "fell"), (maybe, "might")))
    mean = pair(same, maybe, replace(ACCURACY, answers=Answers(statistic="macro_f1")), "test_macro_f1")
    rows = judge([mean, *of_class, fell, might], PLAIN)
    assert [row.decides for row in rows] == [True] + [False] * 10
    assert rows[0].p_holm == rows[0].p == rows[-1].p, "alone in its family"
    assert rows[-1].p_holm == pytest.approx(9 * rows[-1].p), "the second of ten"
    assert [row.metric for row in listed(rows)] == ["test_macro_f1", "fell"]
    (asked,) = judge([might], Options(metrics=("might",)))
    assert asked.decides, "it was asked for by name"
    assert listed([asked]) == [asked]


def test_a_margin_forgives_losses_that_are_not_surely_larger() -> None:
    base, other = [0.90, 0.91, 0.92, 0.93], [0.880, 0.891, 0.899, 0.910]  # d = -.020, -.019, -.021, -.020
    _, high = judge([pair(base, other)], PLAIN)[0].interval
    for margin, expected in (
        (0.0, "worse"),
        (-high - 1e-4, "worse"),
        (-high + 1e-4, "within margin"),
        (0.03, "within margin"),
    ):
        assert outcome(base, other, ACCURACY, Options(margin=margin)) == expected
        turned = [1 - value for value in base], [1 - value for value in other]
        assert outcome(*turned, LOSS, Options(margin=margin)) == expected
        assert outcome(other, base, ACCURACY, Options(margin=margin)) == "better"
    (row,) = judge([pair(base, other)], Options(margin=0.015))
    assert row.p_margin == pytest.approx(stats.ttest_1samp(np.subtract(other, base), -0.015).pvalue)
    with pytest.raises(UserError, match="from 0 up"):
        Options(margin=float("nan"))


def nets(first_only: int, second_only: int, images: int) -> Pair:
    p = stats.binomtest(first_only, first_only + second_only).pvalue
    found = Nets(McNemar(seed=0, first_only=first_only, second_only=second_only, p=p), images)
    return replace(pair([0.9], [0.9 + (second_only - first_only) / images]), nets=found)


def test_one_seed_by_mcnemar() -> None:
    (row,) = judge([nets(10, 1, 100)], PLAIN)
    assert row.p == pytest.approx(2 * (1 + 11) / 2**11)
    assert (row.test, row.outcome, row.interval) == ("McNemar", "worse", None)
    assert judge([nets(1, 10, 100)], PLAIN)[0].outcome == "better"
    assert judge([nets(6, 2, 100)], PLAIN)[0].outcome == "same within noise"
    # A margin of 4 images of 100 moves two of them: 8 against 3 of 11, p = 2 (1 + 11 + 55 + 165) / 2^11 = .23.
    (row,) = judge([nets(10, 1, 100)], Options(margin=0.04))
    assert (row.outcome, row.p_margin) == ("within margin", pytest.approx(2 * 232 / 2**11))
    assert judge([nets(40, 1, 100)], Options(margin=0.04))[0].outcome == "worse"


def test_the_most_important_come_first() -> None:
    pairs = [pair(NEAR, NEAR), pair([0.9], [0.8]), pair(FAR, NEAR), pair(FAR, NEAR, TIME), pair(NEAR, FAR)]
    rows = ordered(judge(pairs, PLAIN))
    assert [row.outcome for row in rows] == ["worse", "worse", "better", "too few seeds", "identical"]
    assert [row.decides for row in rows] == [True, False, True, True, True]
    assert set(OUTCOMES) >= {row.outcome for row in rows}


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("noise", ["normal", "few images"])
def test_false_alarms_are_rare(seeds: int, noise: str) -> None:
    """No true difference in 12 metrics: a comparison says worse, or worse or better, of any in at most 5% of cases."""
    rng, comparisons, metrics = np.random.default_rng(20 + seeds), 300, 12
    worse = changed = 0
    for _ in range(comparisons):
        size = (2, metrics, seeds)
        values = rng.normal(0.9, 0.01, size) if noise == "normal" else rng.binomial(449, 0.97, size) / 449
        rows: list[ComparedNumber] = judge([pair(list(a), list(b)) for a, b in zip(*values, strict=True)], PLAIN)
        worse += any(row.outcome == "worse" for row in rows)
        changed += any(row.outcome in ("worse", "better") for row in rows)
    slack = 2.6 * np.sqrt(0.05 * 0.95 / comparisons)
    assert changed / comparisons < 0.05 + slack
    assert worse / comparisons < 0.05


# Settings, machine, data ----------------------------------------------------------------------------------------

STUDY = """
title = "A small study"
seeds = 3
[[chapter]]
kind = "mlps"
data = { source = "digits" }
fit = { epochs = 8, batch = 64, optimiser = "adam", rate = 1e-3, precision = "float32" }
nets = { A = { hidden = [30] } }
"""
EPOCHS = {"good": 8, "bad": 1}
CNNS = """
[[chapter]]
kind = "cnns"
data = { source = "digits" }
fit = { epochs = 1 }
nets = { C = { filters = [4, 8] } }
"""


def test_settings_that_differ_by_chapter_and_path() -> None:
    base = parse_study(STUDY + CNNS, "base")
    other = parse_study(
        STUDY.replace("[30] }", "[20] }, B = { hidden = [9] }").replace("seeds = 3", "seeds = 4"), "other"
    )
    found = {one.path: one for one in differences.settings(base, other)}
    assert list(found) == ["seeds", "mlps.nets.A.hidden", "mlps.nets.B", "cnns"]
    assert (found["mlps.nets.A.hidden"].base, found["mlps.nets.A.hidden"].other) == ([30], [20])
    assert (found["mlps.nets.B"].only, found["cnns"].only) == ("other", "base")
    assert found["seeds"].only is None
    models = differences.models(*(known_metrics(study.chapters) for study in (base, other)))
    assert [(one.chapter, one.model, one.only) for one in models] == [("mlps", "B", "other")]
    assert differences.settings(base, base) == ()


def test_a_chapter_inside_another_is_told_once() -> None:
    """CNNs carry the MLPs that they are compared with."""
    base, other = (parse_study(text + CNNS, "study") for text in (STUDY, STUDY.replace("epochs = 8", "epochs = 9")))
    assert [one.path for one in differences.settings(base, other)] == ["mlps.fit.epochs"]


def test_claims_are_matched_by_their_ids() -> None:
    claim = '[[chapter.claim]]\nid = "{}"\nsays = "{}"\n'
    base = parse_study(STUDY + claim.format("X", "one") + claim.format("Y", "two"), "base")
    other = parse_study(STUDY + claim.format("Y", "three"), "other")
    found = [(one.path, one.only) for one in differences.settings(base, other)]
    assert found == [("mlps.claim.X", "base"), ("mlps.claim.Y.says", None)]


def test_runs_have_unique_names(tmp_path: Path) -> None:
    def named(*folders: str) -> list[str]:
        return names([tmp_path / folder for folder in folders])

    assert named("ann/one", "ann/two") == ["one", "two"]
    assert named("ann/run", "bob/run", "bob/two") == ["ann/run", "bob/run", "bob/two"]
    assert named("ann/run", "ann/run") == ["run", "run (2)"]


# The command on real runs ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs `good`, of 8 epochs, and `bad`, of one; nobody may change them."""
    folder = tmp_path_factory.mktemp("runs")
    studies = {name: parse_study(STUDY.replace("epochs = 8", f"epochs = {n}"), name) for name, n in EPOCHS.items()}
    store = Store(folder / "good").create()
    trials = [trial for study in studies.values() for _, trial in study_trials(study)]
    LocalEngine(device="cpu", workers=2, offline=True).run(trials, store, lambda event: None)
    shutil.copytree(folder / "good", folder / "bad")  # both hold the trials of both: a study knows its own
    for name, study in studies.items():
        (folder / name / "study.json").write_text(study.as_json())
    return folder


@pytest.fixture
def changed(runs: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    """A function that copies a run and changes its study, or its records by seed; a seed's None deletes its record."""

    def change(name: str, to: str, study=lambda text: text, record=lambda seed, raw: raw) -> Path:  # type: ignore[no-untyped-def]
        folder = tmp_path / to
        shutil.copytree(runs / name, folder)
        (folder / "study.json").write_text(study((folder / "study.json").read_text()))
        for path in (folder / "trials").glob("*/record.json"):
            raw = json.loads(path.read_text())
            new = record(raw["spec"]["seed"], raw)
            shutil.rmtree(path.parent) if new is None else path.write_text(json.dumps({**new, "sha256": seal(new)}))
        return folder

    return change


def compare(*words: object, code: int) -> Result:
    done = CliRunner().invoke(app, ["compare", *map(str, words)])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def told(*words: object, code: int) -> dict:  # type: ignore[type-arg]
    return json.loads(compare(*words, "--json", code=code).stdout)


def snapshot(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*") if path.is_file()}


def test_a_worse_run_ends_with_1_and_a_better_one_with_0(runs: Path) -> None:
    before = snapshot(runs)
    text = compare(runs / "good", runs / "bad", code=1).stdout
    assert "mlps.fit.epochs  8     1" in text
    lines = [line.split() for line in text.splitlines()]
    first = next(line for line in lines if line and line[0] in OUTCOMES)
    assert first[:3] == ["worse", "mlps", "A"], "the most important row is first"
    assert "\x1b" not in text
    text = compare(runs / "bad", runs / "good", code=0).stdout
    assert "none of the" in text
    assert not any(line.startswith(" worse") and line.rstrip().endswith("yes") for line in text.splitlines())
    assert snapshot(runs) == before, "nothing is written into the compared folders"


def test_json_holds_all_numbers(runs: Path) -> None:
    found = told(runs / "good", runs / "bad", code=1)
    assert (found["schema"], found["worse"], [run["name"] for run in found["runs"]]) == (1, True, ["good", "bad"])
    (comparison,) = found["comparisons"]
    assert (comparison["run"], comparison["worse"]) == ("bad", True)
    assert [warning.split(" (recall")[0].split(" ", 1)[1] for warning in comparison["warnings"]] == [
        "numbers of single classes"
    ], "nothing else is warned of"
    assert comparison["settings"] == [{"path": "mlps.fit.epochs", "base": 8, "other": 1, "only": None}]
    (row,) = (row for row in comparison["rows"] if row["metric"] == "test_accuracy")
    sides = [
        [record.summary["test_accuracy"] for record in sorted(run.records.values(), key=lambda r: int(r.spec["seed"]))]  # type: ignore[call-overload]
        for run in (open_run(runs / "good"), open_run(runs / "bad"))
    ]
    assert (row["base"]["values"], row["other"]["values"], row["seeds"]) == (*sides, [0, 1, 2])
    assert row["difference"]["values"] == pytest.approx(np.subtract(sides[1], sides[0]))
    # Of digits, whose seeds split one pool of 1,797 images: t is smaller by sqrt(1/3 / (1/3 + 449/1348)).
    t = stats.ttest_rel(*sides).statistic / np.sqrt(1 + 3 * 449 / 1348)
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(t), 2))
    assert row["difference"]["mean"] < -0.1
    assert len(row["base_trials"]) == len(row["other_trials"]) == 3
    summary = comparison["summary"]
    assert summary["compared"] == len(comparison["rows"]) == sum(summary["outcomes"].values())
    assert summary["decide"] == sum(summary["decisive"].values()) == sum(row["decides"] for row in comparison["rows"])
    parameters = next(row for row in comparison["rows"] if row["metric"] == "parameters")
    assert (parameters["outcome"], parameters["p"], parameters["decides"]) == ("identical", None, False)


def test_metrics_margins_and_times(runs: Path) -> None:
    good, bad = runs / "good", runs / "bad"
    rows = told(good, bad, "--metric", "test_accuracy", "--metric", "parameters", code=1)["comparisons"][0]["rows"]
    assert [row["metric"] for row in rows] == ["test_accuracy", "parameters"]
    done = compare(good, bad, "--metric", "test_acuracy", code=2)
    assert "did you mean 'test_accuracy'?" in done.stderr
    assert told(good, bad, "--metric", "test_accuracy", "--margin", "0.99", code=0)["worse"] is False
    assert compare(good, bad, "--margin", "-1", code=2).stdout == ""


def test_times_decide_only_where_that_is_wanted(changed) -> None:  # type: ignore[no-untyped-def]
    def taking(seconds: float):  # type: ignore[no-untyped-def]
        return lambda seed, raw: raw | {"summary": raw["summary"] | {"time_s": seconds + 0.1 * seed * seconds**0.5}}

    quick, slow = changed("good", "quick", record=taking(1.0)), changed("good", "slow", record=taking(9.0))
    (row,) = told(quick, slow, "--metric", "time_s", code=0)["comparisons"][0]["rows"]
    assert (row["decides"], row["outcome"]) == (False, "worse")
    assert "No number here decides" in compare(quick, slow, "--metric", "time_s", code=0).stdout
    (row,) = told(quick, slow, "--metric", "time_s", "--times", code=1)["comparisons"][0]["rows"]
    assert (row["decides"], row["outcome"], row["difference"]["mean"]) == (True, "worse", pytest.approx(8.2))


def test_the_same_trials_are_identical(changed, runs: Path) -> None:  # type: ignore[no-untyped-def]
    copy = changed("good", "copy")
    found = told(runs / "good", copy, code=0)["comparisons"][0]
    assert {row["outcome"] for row in found["rows"]} == {"identical"}
    assert (found["settings"], found["models"], found["environment"], found["data"]) == ([], [], [], [])
    assert "nothing changed" in compare(copy, copy, code=0).stdout


def test_one_seed_in_common_is_judged_by_mcnemar(changed, runs: Path) -> None:  # type: ignore[no-untyped-def]
    one = changed("bad", "one", record=lambda seed, raw: raw if seed == 1 else None)
    found = told(runs / "good", one, code=1)["comparisons"][0]
    rows = {row["metric"]: row for row in found["rows"]}
    assert {metric for metric, row in rows.items() if row["test"]} == {"test_accuracy"}
    arrays = [
        next(r for r in open_run(folder).records.values() if r.spec["seed"] == 1).arrays
        for folder in (runs / "good", one)
    ]
    right = [np.asarray(a["test_predictions"]) == a["test_labels"] for a in arrays]
    first, second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    assert rows["test_accuracy"]["mcnemar"] == {
        "seed": 1,
        "first_only": first,
        "second_only": second,
        "p": pytest.approx(stats.binomtest(first, first + second).pvalue),
    }
    assert rows["test_accuracy"]["difference"]["mean"] == pytest.approx((second - first) / 449, abs=1e-6)
    assert rows["test_accuracy"]["outcome"] == "worse"
    assert rows["test_loss"]["outcome"] == "too few seeds"
    assert any("2 of 3 trials have no result (2 not run)" in warning for warning in found["warnings"])
    assert any("says nothing of another seed" in warning for warning in found["warnings"])


def test_other_machines_and_other_data_are_told(changed, runs: Path) -> None:  # type: ignore[no-untyped-def]
    def elsewhere(seed: int, raw: dict) -> dict:  # type: ignore[type-arg]
        raw["environment"] |= {"processor": "Z80", "commit": "f" * 40}
        raw["choices"]["precision"] = "bfloat16" if seed == 0 else raw["choices"]["precision"]
        raw["data_sha256"] = {"images": "1234"}
        return raw

    away = changed("good", "away", record=elsewhere)
    found = told(runs / "good", away, code=0)["comparisons"][0]
    facts = {fact["name"]: fact["other"] for fact in found["environment"]}
    assert facts == {"processor": "Z80", "commit": "f" * 40, "number format of training": "bfloat16; float32"}
    assert [one["chapter"] for one in found["data"]] == ["mlps"]
    assert "pairing by seed is not valid" in found["warnings"][0]


def test_what_cannot_be_compared_ends_with_2(changed, runs: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    good = runs / "good"
    assert "at least two runs" in compare(good, code=2).stderr
    assert compare(code=2).stdout == ""
    assert "holds no run" in compare(good, tmp_path / "nowhere", code=2).stderr
    renamed = changed("good", "renamed", study=lambda text: text.replace('"name": "mlps"', '"name": "mine"'))
    message = compare(good, renamed, code=2).stderr
    assert "no number in common" in message
    assert "renamed has results of mine" in message
    old = changed("good", "old", record=lambda seed, raw: raw | {"version": 0})
    assert "is no record of this version" in compare(good, old, code=2).stderr
    empty = changed("good", "empty", record=lambda seed, raw: None)
    assert "empty has results of no chapter" in compare(good, empty, code=2).stderr


def test_several_runs_and_their_page(changed, runs: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    copy = changed("good", "copy")
    before = snapshot(runs)
    page = tmp_path / "page"
    done = compare(runs / "good", copy, runs / "bad", "--out", page, code=1)
    assert done.stdout.splitlines()[-1] == str(page / "report.html")
    assert done.stdout.index("copy against good") < done.stdout.index("bad against good")
    findings = json.loads((page / "findings.json").read_text())
    assert findings["title"] == "copy and bad against good"
    assert [chapter["name"] for chapter in findings["chapters"]] == ["outcome", "differences", "mlps"]
    outcome, _, chapter = findings["chapters"]
    assert outcome["statements"][0]["text"].startswith("From good to copy, nothing changed")
    worse = [s for s in outcome["statements"] if s["text"].startswith("Worse in bad: ")]
    assert worse
    listed = {trial["id"] for trial in findings["trials"]}
    assert all(set(statement["trials"]) <= listed and statement["trials"] for statement in worse)
    table = chapter["tables"][0]
    assert table["columns"][0]["key"] == "run"
    assert {row[0] for row in table["rows"]} == {"bad"}, "what is identical is left out"
    panel = next(p for p in chapter["figures"][0]["panels"] if p["title"] == "test_accuracy, bad")
    row = next(r for r in table["rows"] if r[1:3] == ["A", "test_accuracy"])
    assert panel["values"] == [row[5]["values"]]
    assert (page / "report.md").is_file()
    for inside in (runs / "good", runs / "bad" / "page"):
        assert "give --out a folder of its own" in compare(runs / "good", runs / "bad", "--out", inside, code=2).stderr
    assert snapshot(runs) == before
