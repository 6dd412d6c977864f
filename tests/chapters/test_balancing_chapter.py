"""The chapter on multi-task learning where tasks are balanced and shared in several ways: from known records."""

import json

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from rungwise.chapters import multitask
from rungwise.chapters.multitask.models import models
from rungwise.chapters.multitask.results import read_results
from rungwise.chapters.multitask.verdicts import paired_tests
from rungwise.chapters.multitask.weights import SINGLE_NETS
from rungwise.study.reading import parse_study
from rungwise.study.study import StudyError

LOOPS = {"none": [1, 2, 3, 5, 7], "one": [0, 4, 6, 9], "two": [8]}
COMPACT = {"family": "compact", "filters": [2, 3]}
BASE = {
    "data": {"source": "mnist", "train_images": 200, "validation_images": 100},
    "fit": {"epochs": 4, "batch": 32, "evaluate": "end"},
    "net": COMPACT,
    "tasks": {"item": "labels", "loops": LOOPS},
    "weights": [0, 0.25, 0.5],
    "methods": {"DWA": {"method": "dwa", "temperature": 3}, "RLW": "random", "AdaTask": "adatask"},
    "sharing": {"Cross-stitch": {"family": "cross-stitch", "filters": [2, 3]}},
}
SETTINGS = multitask.Settings(**BASE)
SEEDS = (0, 1, 2)

ACCURACY = {  # by model: test accuracy on the item and on the loops, by seed
    "single: item": ([0.80, 0.80, 0.80],),
    "single: loops": ([0.50, 0.50, 0.50],),
    "multi: λ = 0": ([0.10, 0.10, 0.10], [0.60, 0.60, 0.60]),
    "multi: λ = 0.25": ([0.80, 0.80, 0.80], [0.50, 0.50, 0.50]),
    "multi: λ = 0.5": ([0.84, 0.80, 0.82], [0.50, 0.50, 0.50]),
    "DWA": ([0.84, 0.88, 0.86], [0.55, 0.56, 0.54]),
    "RLW": ([0.80, 0.81, 0.78], [0.50, 0.51, 0.49]),
    "AdaTask": ([0.40, 0.41, 0.40], [0.30, 0.30, 0.31]),
    "Cross-stitch": ([0.88, 0.80, 0.84], [0.50, 0.50, 0.50]),
}
VALIDATION = {"multi: λ = 0": (0.1, 0.6), "multi: λ = 0.25": (0.9, 0.8), "multi: λ = 0.5": (0.8, 0.7)}
"""The mean over the two tasks is highest at .25, though the test images would choose .5."""
STEP_MS = {"DWA": 11.0, "RLW": 10.0, "AdaTask": 20.0, "Cross-stitch": 30.0}
AU = {"multi: λ = 0": (0.0, 4.0), "multi: λ = 0.25": (1.0, 3.0), "multi: λ = 0.5": (3.0, 1.0), "RLW": (9.0, 1.0)}


@pytest.fixture
def records(fitted):
    return records_of(fitted)


def records_of(fitted, settings=SETTINGS, seeds=SEEDS, accuracy=ACCURACY):
    records = {}
    for trial in multitask.trials(settings, seeds):
        name, seed = trial.label, trial.seed
        numbers = [{"test_accuracy": task[seed]} for task in accuracy[name]]
        for k, value in enumerate(VALIDATION.get(name, ())):
            numbers[k]["validation_accuracy"] = value
        own = 10.0 if len(trial.tasks) == 2 else 5.0
        ms = STEP_MS.get(name, own)
        record = fitted(trial, *numbers, parameters=3000 if name == "Cross-stitch" else 1000, time_s=ms * 28 / 1000)
        record.summary.update({"steps": 28.0, "step_bytes": 2e6 if name == "AdaTask" else 1e6})
        if len(trial.tasks) == 2:
            curves = {"DWA": ([0.5, 0.5, 0.4, 0.3], [0.5, 0.5, 0.6, 0.7])}.get(name, ([0.5] * 4, [0.5] * 4))
            record.history.update({"weight_item": curves[0], "weight_loops": curves[1]})
            share = AU.get(name, (1.0, 1.0))
            record.history.update({"dominance_item": [0.0, share[0]], "dominance_loops": [0.0, share[1]]})
        records[trial.id] = record
    return records


def said(findings, start):
    (text,) = (s.text for s in findings.statements if s.text.startswith(start))
    return text


def table(findings, name):
    (found,) = (t for t in findings.tables if t.id == f"multitask-{name}")
    return found


def figure(findings, name):
    (found,) = (f for f in findings.figures if f.id == f"multitask-{name}")
    return found


# Settings and trials -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": {"D": "dwaa"}}, "no method is called 'dwaa'; did you mean 'dwa'"),
        ({"methods": {"D": {"method": "dwa", "temprature": 2}}}, "unknown setting 'temprature'"),
        ({"methods": {"A": "auto-lambda"}, "data": {"source": "mnist"}}, "set validation_images"),
        ({"methods": {"A": "adatask"}, "fit": {"epochs": 1, "optimiser": "sgd"}}, 'needs "adam"'),
        ({"methods": {"single: item": "dwa"}}, "'single: item' is what another model of this chapter is called"),
        ({"methods": {"multi: λ = 0.5": "dwa"}}, "is what another model"),
        ({"sharing": {"DWA": COMPACT}}, "'DWA' is what another model"),
        ({"sharing": {"X": {"family": "crossstitch"}}}, "did you mean 'cross-stitch'"),
        ({"tasks": {"item": "labels", "turn": "turn"}}, "a column of the data"),
        ({"data": {"source": "mnist", "validation_images": 0}}, "at least 1 image, got 0"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        multitask.Settings(**{**BASE, **change})


STUDY = """
title = "T"
[[chapter]]
kind = "multitask"
data = { source = "mnist"VALIDATION }
fit = { epochs = 1RECIPE }
net = { family = "compact", filters = [2, 3] }
weights = [WEIGHTS]
[chapter.tasks]
item = "labels"
loops = TASK
[chapter.methods]
Fine = "dwa"
Wrong = METHOD
"""
RIGHT = {
    "VALIDATION": "", "RECIPE": "", "WEIGHTS": "0.5", "METHOD": '"random"',
    "TASK": "{ a = [0, 1, 2, 3, 4], b = [5, 6, 7, 8, 9] }",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"METHOD": '"autolambda"'}, "line 14: methods.Wrong: no method is called 'autolambda'; did you mean 'auto-la"),
        ({"METHOD": '"auto-lambda"'}, "line 14: methods.Wrong: auto-lambda draws batches from images that are set asi"),
        ({"TASK": '"loops"'}, 'line 11: tasks.loops: a task is "labels", a column of the data or groups of labels'),
        ({"WEIGHTS": "[0.5, 0.6]"}, "line 8: weights[0]: loss weights must be at least 0 and sum to 1, got [0.5, 0.6]"),
        ({"VALIDATION": ", validation_images = 0"}, "line 5: data.validation_images: a validation part needs at least"),
        ({"RECIPE": ', optimiser = "muon"'}, "line 6: fit: muon fits nets of one task; choose adam, sgd, rmsprop or"),
        ({"RECIPE": ", pruning = {}"}, "line 6: fit: pruning goes by the loss of one task: leave `pruning` out"),
    ],
)
def test_a_wrong_study_is_reported_once_with_its_line(change, message):
    text = STUDY
    for name, value in {**RIGHT, **change}.items():
        text = text.replace(name, value)
    with pytest.raises(StudyError) as error:
        parse_study(text, "mine.toml")
    assert message in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_schedule_beside_ways_to_balance_is_reported_with_their_lines():
    text = STUDY
    for name, value in {**RIGHT, "RECIPE": ', schedule = "one-cycle"'}.items():
        text = text.replace(name, value)
    with pytest.raises(StudyError) as error:
        parse_study(text, "mine.toml")
    assert "line 13: methods.Fine: ways to balance tasks know the rate as a constant" in str(error.value)


def test_trials_differ_in_what_is_compared_alone():
    trials = {t.label: t for t in multitask.trials(SETTINGS, (0,))}
    assert list(trials)[-4:] == ["DWA", "RLW", "AdaTask", "Cross-stitch"]
    plain = trials["multi: λ = 0.5"]
    for name, trial in trials.items():
        if name in SETTINGS.methods:
            assert trial.balance == SETTINGS.methods[name]
            assert trial.loss_weights == (0.5, 0.5)
            assert trial.model_copy(update={"balance": None}).id == plain.id
    assert trials["Cross-stitch"].model_copy(update={"net": plain.net}).id == plain.id
    assert multitask.Settings.model_validate_json(SETTINGS.model_dump_json(by_alias=True)) == SETTINGS


# Numbers -------------------------------------------------------------------------------------------------------


def test_weights_are_tuned_on_the_images_set_aside(records):
    results = read_results(SETTINGS, SEEDS, records)
    assert results.tuned.name == "multi: λ = 0.25"
    assert results.equal.name == "multi: λ = 0.5"
    assert results.best("loops").weights == (0.25, 0.75), "by validation accuracy: the test images would say 0"


def test_every_measurement_by_hand(records):
    found = {(m.metric, m.model, m.seed): m.value for m in multitask.measured(SETTINGS, SEEDS, records)}
    assert found["mean_test_accuracy", "DWA", 0] == pytest.approx((0.84 + 0.55) / 2)
    assert found["mean_test_accuracy", SINGLE_NETS, 0] == pytest.approx(0.65)
    assert found["gain_on_single", "DWA", 0] == pytest.approx(100 * (0.04 / 0.8 + 0.05 / 0.5) / 2)
    assert found["gain_on_tuned", "DWA", 1] == pytest.approx(100 * (0.08 / 0.8 + 0.06 / 0.5) / 2)
    assert found["gain_on_tuned", "multi: λ = 0.25", 1] == 0
    assert found["gain_on_equal", "DWA", 1] == pytest.approx(100 * (0.08 / 0.8 + 0.06 / 0.5) / 2)
    assert found["gain_on_equal", "DWA", 0] == pytest.approx(100 * (0 + 0.05 / 0.5) / 2)
    assert found["gain_on_equal", "multi: λ = 0.5", 2] == 0
    assert found["step_ms", "AdaTask", 0] == pytest.approx(20)
    assert found["step_time_ratio", "AdaTask", 0] == pytest.approx(2)
    assert found["step_memory_mb", "AdaTask", 0] == pytest.approx(2)
    assert found["memory_ratio", "AdaTask", 2] == pytest.approx(2)
    assert found["dominance_item", "multi: λ = 0.5", 0] == 3
    assert found["validation_accuracy_loops", "multi: λ = 0.25", 0] == 0.8
    assert found["parameters_saved", "Cross-stitch", 0] == pytest.approx(1 - 3000 / 2000)
    known = {(key, model) for key, metric in multitask.metrics(SETTINGS).items() for model in metric.models}
    assert {(m, n) for m, n, _ in found} <= known
    ids = {m.metric: m.trials for m in multitask.measured(SETTINGS, SEEDS, records) if m.model == "DWA" and m.seed == 1}
    assert [len(ids[key]) for key in ("test_accuracy_item", "gain_on_tuned", "gain_on_equal")] == [1, 2, 2]
    assert len(ids["gain_on_single"]) == 3


def test_gains_are_tested_in_pairs_and_adjusted(records):
    results = read_results(SETTINGS, SEEDS, records)
    found = paired_tests(results, results.of("adaptive"), results.tuned)
    assert [t.model.name for t in found] == ["DWA", "RLW", "AdaTask"]
    gains = {"DWA": [], "RLW": [], "AdaTask": []}
    for name, values in gains.items():
        for item, loops in zip(*ACCURACY[name], strict=True):
            values.append(100 * ((item - 0.8) / 0.8 + (loops - 0.5) / 0.5) / 2)
    raw = {name: stats.ttest_1samp(values, 0).pvalue for name, values in gains.items()}
    order = sorted(raw, key=raw.get)
    assert order == ["AdaTask", "DWA", "RLW"]
    holm = [3 * raw["AdaTask"], max(3 * raw["AdaTask"], 2 * raw["DWA"]), raw["RLW"]]
    assert {t.model.name: t.p for t in found} == pytest.approx(dict(zip(order, holm, strict=True)))


# Sentences -----------------------------------------------------------------------------------------------------


def test_the_verdict_names_those_that_win_and_lose(records):
    found = multitask.findings(SETTINGS, SEEDS, records)
    text = said(found, "Does any adaptive method beat the tuned weights (λ = 0.25)")
    assert (
        "Yes: of 3, 1 is more accurate (paired t-tests of the gain by seed, level 0.05 after Holm over 3): DWA (+"
        in (text)
    )
    assert "1 is less accurate by more than noise: AdaTask (-" in text
    assert text.endswith("To find the tuned weights took 3 runs for each seed; each adaptive method took one.")
    assert said(found, "Does any adaptive method beat equal weights (λ = 0.5)")


def test_the_verdict_may_be_no(fitted):
    level = {**ACCURACY, "DWA": ACCURACY["RLW"], "AdaTask": ([0.80, 0.79, 0.81], [0.50, 0.51, 0.48])}
    found = multitask.findings(SETTINGS, SEEDS, records_of(fitted, accuracy=level))
    text = said(found, "Does any adaptive method beat the tuned weights")
    assert "No: of 3, none is more accurate (" in text
    assert "less accurate" not in text
    # Each gain: means of the two tasks' relative gains; the strictest of Holm's three steps is at .05 / 3.
    least = []
    for name in ("DWA", "RLW", "AdaTask"):
        gains = [100 * ((i - 0.8) / 0.8 + (n - 0.5) / 0.5) / 2 for i, n in zip(*level[name], strict=True)]
        least.append(stats.t.isf(0.05 / 6, 2) * np.std(gains, ddof=1) / 3**0.5)
    assert f"the best of 3 would need a gain above {np.median(least):.2f}% to be told from noise" in text


def test_what_the_correction_takes_away_is_reported(fitted):
    """Gains of 5, 5.625 and 7.5%: p = .015 alone, seven times as much beside six methods that gain nothing."""
    methods = {name: {"method": "dwa", "temperature": k} for k, name in enumerate("ABCDEFG", 1)}
    settings = multitask.Settings(**{**BASE, "methods": methods})
    noise = ([0.80, 0.79, 0.81], [0.50, 0.51, 0.49])
    accuracy = {**ACCURACY, **dict.fromkeys("BCDEFG", noise), "A": ([0.88, 0.89, 0.92], [0.50, 0.50, 0.50])}
    found = multitask.findings(settings, SEEDS, records_of(fitted, settings, accuracy=accuracy))
    text = said(found, "Does any adaptive method beat the tuned weights")
    p = stats.ttest_1samp([5.0, 5.625, 7.5], 0).pvalue
    assert p < 0.05 < 7 * p
    assert "No: of 7, none is more accurate (" in text
    assert f"Tested alone, without the correction, A (+6.04%, p = {p:.2g}) would count as more accurate." in text


def test_a_gain_that_does_not_vary_is_tested_by_its_sign(fitted):
    always = {**ACCURACY, "DWA": ([0.84] * 3, [0.50] * 3), "RLW": ([0.80] * 3, [0.50] * 3)}
    results = read_results(SETTINGS, SEEDS, records_of(fitted, accuracy=always))
    alone = {t.model.name: t.alone for t in paired_tests(results, results.of("adaptive"), results.tuned)}
    assert alone["DWA"] == 0.25, "three of three: 2 / 2^3"
    assert alone["RLW"] == 1
    assert len(alone) == 3


def test_weights_are_tuned_on_the_seeds_that_all_have(fitted):
    """At .5 validation is best over all seeds that it has (.91 against .85), at .25 in the one that all have."""
    records = records_of(fitted)
    for trial in multitask.trials(SETTINGS, SEEDS):
        if trial.label == "multi: λ = 0.5":
            if trial.seed:
                records[trial.id].summary.update(validation_accuracy_item=0.99, validation_accuracy_loops=0.99)
        elif trial.label.startswith("multi") and trial.seed:
            del records[trial.id]
    assert read_results(SETTINGS, SEEDS, records).tuned.name == "multi: λ = 0.25"


def test_one_seed_gives_no_verdict(fitted):
    found = multitask.findings(SETTINGS, (0,), records_of(fitted, seeds=(0,)))
    assert said(found, "Does any adaptive method beat the tuned").endswith("One run each cannot tell.")
    assert not any("n = " in s.text or "p = " in s.text for s in found.statements)


def test_sentences_on_tuning_sharing_cost_and_dominance(records):
    found = multitask.findings(SETTINGS, SEEDS, records)
    assert said(found, "Of 3 fixed weights, λ = 0.25 has the highest accuracy").endswith(
        "on the 100 images set aside: the tuned weights. On the test images its gain on the single-task nets is "
        "+0.00% in each of 3 seeds."
    )
    assert "It is the best of the sweep on the images set aside." in said(
        found, "On item, the multi-task net at λ = 0.25"
    )
    # .88/.84, .80/.80, .84/.82 on the item, nothing on the loops: 2.38, 0, 1.22 percent.
    text = said(
        found, "Cross-stitch has a gain of +1.20% (95% interval -1.76% to +4.16%, n = 3) on the chapter's own net"
    )
    assert text.endswith("with 3,000 parameters against 1,000 and 3.0 times the training time for each step.")
    assert said(found, "A training step of the adaptive methods") == (
        "A training step of the adaptive methods takes between 1.00 (RLW) and 2.00 (AdaTask) times the time of fixed "
        "weights and between 1.00 (DWA) and 2.00 (AdaTask) times the memory of fixed weights."
    )
    assert said(found, "At equal weights, item has 75% of the sum of all tasks' AU").endswith(
        "of the adaptive methods, DWA gives it the least, 50%, and RLW the most, 90%."
    )
    assert found.warnings == ("No number here rests on more than 3 seeds; 5 or more make intervals worth reading.",)


def test_without_images_set_aside_the_choice_is_warned_of(fitted):
    settings = multitask.Settings(**{**BASE, "data": {"source": "mnist"}})
    found = multitask.findings(settings, SEEDS, records_of(fitted, settings))
    assert "chosen by its accuracy on the test set itself" in found.warnings[1]
    assert "validation_images" in found.warnings[1]
    assert not any(s.text.startswith("Of 3 fixed weights") for s in found.statements)


# Tables and figures --------------------------------------------------------------------------------------------


def test_tables(records):
    found = multitask.findings(SETTINGS, SEEDS, records)
    gains = table(found, "gains")
    assert [row[0] for row in gains.rows] == [
        "multi: λ = 0.25", "multi: λ = 0.5", "DWA", "RLW", "AdaTask", "Cross-stitch"
    ]  # fmt: skip
    assert gains.rows[0][2] is None, "not against itself"
    assert [row[3] is None for row in gains.rows] == [True, True, False, False, False, True]
    cost = table(found, "cost")
    assert cost.rows[4][1].mean == pytest.approx(20)
    assert [cost.rows[1][-2].mean, cost.rows[1][-1].mean] == [0.75, 0.25]
    methods = table(found, "methods")
    assert methods.rows[0][1].endswith("Set here: temperature = 3.0.")
    assert "Set here" not in methods.rows[1][1]
    assert [cell.mean for cell in methods.rows[0][3:]] == pytest.approx([0.3, 0.7])
    assert all(len(row) == len(t.columns) for t in found.tables for row in t.rows)


def test_figures(records):
    found = multitask.findings(SETTINGS, SEEDS, records)
    all_of_them, front = figure(found, "front").panels
    assert (all_of_them.title, front.title) == ("All", "Near the fixed weights")
    assert all_of_them.clouds[0].labels == ("", "")
    assert all_of_them.clouds[1].labels == ("DWA", "", "AdaTask"), "those that are far away"
    assert all_of_them.clouds[2].labels == ("Cross-stitch",)
    fixed, adaptive, single = front.clouds
    assert fixed.joined
    assert fixed.labels == ("0.25", "0.5"), "a weight of 0 leaves a task out"
    assert fixed.x == pytest.approx((0.80, 0.82))
    assert adaptive.labels == ("RLW",)
    assert all_of_them.clouds[2].x == pytest.approx((0.84,))
    assert (single.x, single.y) == (pytest.approx((0.8,)), pytest.approx((0.5,)))
    weights = figure(found, "weights")
    assert [panel.title for panel in weights.panels] == ["DWA"], "the others' stay"
    assert weights.panels[0].series[0].runs[0] == (0.5, 0.5, 0.4, 0.3)
    single_gain, tuned_gain = figure(found, "gains").panels
    assert "multi: λ = 0.25" in single_gain.names
    assert "multi: λ = 0.25" not in tuned_gain.names
    dominance = figure(found, "dominance")
    assert dominance.panels[0].values[dominance.panels[0].names.index("RLW")] == (0.9, 0.9, 0.9)
    assert not any(f.id.endswith("learning") for f in found.figures), "the test images were looked at once"


def test_three_tasks_have_a_front_for_each_pair(fitted):
    thirds = [0.3333, 0.3333, 0.3334]
    settings = multitask.Settings(**{
        **BASE, "tasks": {**BASE["tasks"], "turn": "turn"}, "data": {**BASE["data"], "turned": True},
        "weights": [thirds, [0.5, 0.25, 0.25]],
    })  # fmt: skip
    own = {m.name: [[0.5, 0.6, 0.7]] * (1 if m.role == "single" else 3) for m in models(settings, SEEDS)}
    found = multitask.findings(settings, SEEDS, records_of(fitted, settings, accuracy=own))
    panels = figure(found, "front").panels
    assert [(p.x_label, p.y_label) for p in panels] == [
        ("Item accuracy", "Loops accuracy"), ("Item accuracy", "Turn accuracy"), ("Loops accuracy", "Turn accuracy")
    ]  # fmt: skip
    assert not panels[0].clouds[0].joined
    assert "turn, the column turn of 4 classes" in found.method[0]
    assert found.statements


# What has not run ----------------------------------------------------------------------------------------------


def test_nothing_has_run():
    found = multitask.findings(SETTINGS, SEEDS, {})
    assert (found.statements, found.seeds) == ((), 0)
    assert all(figure.missing for figure in found.figures)
    assert found.model_dump_json()


@pytest.mark.parametrize("gone", [*ACCURACY, "multi"])
def test_any_part_may_be_missing(fitted, gone):
    records = {i: r for i, r in records_of(fitted).items() if not r.label.startswith(gone)}
    found = multitask.findings(SETTINGS, SEEDS, records)
    json.loads(found.model_dump_json(), parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    assert "nan" not in "".join(s.text for s in found.statements)
    list(multitask.measured(SETTINGS, SEEDS, records))
