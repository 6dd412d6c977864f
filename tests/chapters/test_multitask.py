"""The chapter on multi-task learning: its settings, table, sentences and figures, from records with known numbers."""

import json
import math
import re

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from rungwise.chapters import multitask
from rungwise.training.settings import Fit

LOOPS = {"none": [1, 2, 3, 5, 7], "one": [0, 4, 6, 9], "two": [8]}
PARITY = {"even": [0, 2, 4, 6, 8], "odd": [1, 3, 5, 7, 9]}
BASE = {
    "data": {"source": "mnist"},
    "fit": {"epochs": 4, "batch": 32, "rate": 2e-3},
    "net": {"filters": [2, 3], "kernel": 3, "shared": [12], "head": [6]},
    "tasks": {"item": "labels", "loops": LOOPS},
    "weights": [0, 0.5, 1],
}
SETTINGS = multitask.Settings(**BASE)
THREE = multitask.Settings(
    **{**BASE, "tasks": {**BASE["tasks"], "parity": PARITY}, "weights": [[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]]}
)
SEEDS = (0, 1, 2)

SINGLE = {"item": [0.90, 0.91, 0.92], "loops": [0.95, 0.95, 0.95], "parity": [0.97, 0.97, 0.97]}
MULTI = {  # by the weight of the item: accuracy on the item, on the loops
    0.0: ([0.10, 0.11, 0.12], [0.95, 0.96, 0.97]),
    0.5: ([0.92, 0.92, 0.95], [0.94, 0.95, 0.96]),
    1.0: ([0.91, 0.92, 0.93], [0.30, 0.20, 0.10]),
}


def records_of(fitted, settings=SETTINGS, seeds=SEEDS, single=SINGLE, multi=MULTI):
    records = {}
    for trial in multitask.trials(settings, seeds):
        if len(trial.tasks) == 1:
            (task,) = trial.tasks
            numbers, size, seconds = [{"test_accuracy": [0.5, single[task][trial.seed]]}], 1000, 10.0
        else:
            values = [*multi[trial.loss_weights[0]], SINGLE["parity"]][: len(trial.tasks)]
            numbers, size, seconds = [{"test_accuracy": [0.5, v[trial.seed]]} for v in values], 1200, 15.0
        records[trial.id] = fitted(trial, *numbers, parameters=size, time_s=seconds + trial.seed)
    return records


def texts(findings):
    return [statement.text for statement in findings.statements]


def said(findings, start):
    (text,) = (text for text in texts(findings) if text.startswith(start))
    return text


def half_width(values):
    return stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))


def ends(values):
    """The interval of a mean share by the delta method on the logit scale, by hand."""
    mean = sum(values) / len(values)
    middle, half = math.log(mean / (1 - mean)), half_width(values) / (mean * (1 - mean))
    return tuple(1 / (1 + math.exp(-(middle + sign * half))) for sign in (-1, 1))


def of_seeds(text):
    """Without the intervals for new images, which the records of these tests have no real answers for."""
    return re.sub(r"; for new images (it is )?[+-]?[0-9.]+ to [+-]?[0-9.]+", "", text)


# Settings and trials -------------------------------------------------------------------------------------------


def test_one_weight_stands_for_two():
    assert SETTINGS.weights == ((0, 1), (0.5, 0.5), (1, 0))
    assert multitask.Settings(**{**BASE, "weights": [[0.3, 0.7]]}).weights == ((0.3, 0.7),)
    assert multitask.Settings.model_validate_json(SETTINGS.model_dump_json(by_alias=True)) == SETTINGS
    assert multitask.Settings.model_validate_json(THREE.model_dump_json(by_alias=True)) == THREE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [0.5, 1.2]}, "at least 0 and sum to 1"),
        ({"weights": [[0.5, 0.4]]}, "sum to 1"),
        ({"weights": [[0.5, 0.3, 0.2]]}, "2 tasks need 2 weights"),
        ({"weights": [0.5, [0.5, 0.5]]}, "listed twice"),
        ({"weights": [float("nan")]}, "finite number"),
        ({"weights": []}, "at least 1 item"),
        ({"tasks": {"item": "labels"}}, "at least 2 items"),
        ({"tasks": {"item": "labels", "loops": {**LOOPS, "two": [8, 9]}}}, "label 9 is given more than once"),
        ({"tasks": {"item": "labels", "loops": {**LOOPS, "two": [7]}}}, "label 8 is in no group"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        multitask.Settings(**{**BASE, **change})


def test_a_class_of_one_task_is_weighted_in_the_nets_of_that_task_alone():
    def weighted(names):
        fit = BASE["fit"] | {"class_weights": names}
        return multitask.trials(multitask.Settings(**{**BASE, "fit": fit, "weights": [0.5]}), (0,))

    found = {trial.label: trial.fit.class_weights for trial in weighted({"3": 2.0, "two": 3.0})}
    both = {"3": 2.0, "two": 3.0}
    assert found == {"single: item": {"3": 2.0}, "single: loops": {"two": 3.0}, "multi: λ = 0.5": both}
    assert next(t for t in weighted({"3": 2.0}) if t.label == "single: loops").fit.class_weights is None
    with pytest.raises(ValueError, match="mnist has no class 'too'; did you mean 'two'"):
        weighted({"too": 2.0})


def test_three_tasks_have_no_single_lambda():
    with pytest.raises(ValidationError, match="valid tuple"):
        multitask.Settings(**{**BASE, "tasks": THREE.tasks, "weights": [0.5]})


def test_a_single_task_net_per_task_and_a_shared_one_per_weight():
    trials = multitask.trials(SETTINGS, (0, 1))
    assert [(t.label, t.seed) for t in trials[:4]] == [
        ("single: item", 0), ("single: item", 1), ("single: loops", 0), ("single: loops", 1),
    ]  # fmt: skip
    assert [t.label for t in trials[4::2]] == ["multi: λ = 0", "multi: λ = 0.5", "multi: λ = 1"]
    assert [t.outputs for t in trials[::2]] == [(10,), (3,), (10, 3), (10, 3), (10, 3)]
    assert [t.loss_weights for t in trials[4::2]] == [(0, 1), (0.5, 0.5), (1, 0)]
    assert len({t.id for t in trials}) == 10
    assert [t.label for t in multitask.trials(THREE, (0,))][3:] == [
        "multi: w = 0.5, 0.25, 0.25",
        "multi: w = 0.2, 0.3, 0.5",
    ]
    assert all(isinstance(t, Fit) for t in trials)


# Table ---------------------------------------------------------------------------------------------------------


def test_table_by_hand(fitted):
    (table,) = multitask.findings(SETTINGS, SEEDS, records_of(fitted)).tables
    assert [c.label for c in table.columns] == [
        "Model", "λ", "Item accuracy", "Loops accuracy", "Parameters", "Training time (s)",
    ]  # fmt: skip
    assert [row[:2] for row in table.rows] == [
        ("single: item", None), ("single: loops", None), ("multi", "0"), ("multi", "0.5"), ("multi", "1"),
    ]  # fmt: skip
    item, loops, *multi = table.rows
    assert item[2].values == (0.90, 0.91, 0.92)
    assert item[3] is None
    assert loops[2] is None
    assert loops[3].values == (0.95, 0.95, 0.95)
    assert [(row[2].values, row[3].values) for row in multi] == [
        (tuple(items), tuple(loops)) for items, loops in MULTI.values()
    ]
    assert multi[1][2].interval == pytest.approx(ends(MULTI[0.5][0]))
    assert [row[4] for row in table.rows] == [1000, 1000, 1200, 1200, 1200]
    assert multi[0][5].values == (15.0, 16.0, 17.0)


# Sentences -----------------------------------------------------------------------------------------------------


def test_best_weights_by_hand(fitted):
    found = multitask.findings(SETTINGS, SEEDS, records_of(fitted))
    high, low = ends(MULTI[0.5][0]), ends(MULTI[0.0][0])
    assert of_seeds(said(found, "On item, λ")) == (
        f"On item, λ = 0.5 has the highest mean test accuracy, 0.9300 (95% interval {high[0]:.4f} to {high[1]:.4f}, "
        f"n = 3), and λ = 0 the lowest, 0.1100 (95% interval {low[0]:.4f} to {low[1]:.4f}, n = 3)."
    )
    assert said(found, "On loops, λ").startswith("On loops, λ = 0 has the highest mean test accuracy, 0.9600 (")


def test_against_the_single_task_net_by_hand(fitted):
    found = multitask.findings(SETTINGS, SEEDS, records_of(fitted))
    # λ = .5 against single: .02, .01, .03: mean .02, s .01, half-width 4.3027 x .01 / sqrt(3).
    assert said(found, "On item, the multi-task net") == (
        "On item, the multi-task net at λ = 0.5 is more accurate than the single-task net by 0.0200 (paired by seed, "
        "n = 3; the 95% interval of the difference, -0.0048 to +0.0448, contains 0: no evidence of a difference). "
        "It is the best of the sweep on these very images, which favours the multi-task net."
    )
    trials = multitask.trials(SETTINGS, SEEDS)
    (statement,) = (s for s in found.statements if s.text.startswith("On item, the multi-task net"))
    assert set(statement.trials) == {t.id for t in trials if t.label in ("single: item", "multi: λ = 0.5")}


def test_a_worse_and_an_equal_net_read_well(fitted):
    single = {**SINGLE, "item": [0.99] * 3, "loops": [0.95, 0.96, 0.97]}
    found = multitask.findings(SETTINGS, SEEDS, records_of(fitted, single=single))
    assert "at λ = 0.5 is less accurate than the single-task net by 0.0600 (" in said(found, "On item, the multi")
    assert "does not contain 0)" in said(found, "On item, the multi")
    assert "at λ = 0 is exactly as accurate as the single-task net (" in said(found, "On loops, the multi")


def test_weights_that_make_no_difference(fitted):
    level = {w: ([0.9] * 3, [0.9] * 3) for w in MULTI}
    found = multitask.findings(SETTINGS, SEEDS, records_of(fitted, multi=level))
    assert said(found, "On item, all weights").startswith(
        "On item, all weights give the same mean test accuracy, 0.9000 ("
    )


def test_savings_by_hand(fitted):
    found = multitask.findings(SETTINGS, SEEDS, records_of(fitted))
    # 1 - 1200 / 2000 = 40%; mean times 16 against 11 + 11: 27.3%.
    assert said(found, "One multi-task net") == (
        "One multi-task net has 1,200 parameters, against 2,000 for 2 single-task nets together, 40.0% fewer; it "
        "trains in 16.0 s, on average over the weights, against 22.0 s, 27.3% less."
    )


def test_savings_may_be_none(fitted):
    records = records_of(fitted)
    for record in records.values():
        record.summary["time_s"] = 1.0 if record.label.startswith("single") else 3.0
        record.summary["parameters"] = 50 if record.label.startswith("single") else 100
    text = said(multitask.findings(SETTINGS, SEEDS, records), "One multi-task net")
    assert "has 100 parameters, against 100 for 2 single-task nets together; it trains in 3.0 s" in text
    assert text.endswith("against 2.0 s, 50.0% more.")


def test_three_tasks(fitted):
    multi = {0.5: MULTI[0.5], 0.2: MULTI[0.0]}
    found = multitask.findings(THREE, SEEDS, records_of(fitted, THREE, multi=multi))
    assert found.tables[0].columns[1].label == "Weights"
    assert [row[1] for row in found.tables[0].rows] == [None, None, None, "0.5, 0.25, 0.25", "0.2, 0.3, 0.5"]
    assert said(found, "On item, w").startswith(
        "On item, w = 0.5, 0.25, 0.25 has the highest mean test accuracy, 0.9300"
    )
    assert "for 3 single-task nets together, 60.0% fewer" in said(found, "One multi-task net")
    sweep = found.figures[0]
    assert [panel.kind for panel in sweep.panels] == ["bars"] * 3
    assert sweep.panels[0].names == ("0.5, 0.25, 0.25", "0.2, 0.3, 0.5")
    assert sweep.panels[1].levels[0].values == (0.95, 0.95, 0.95)


def test_one_seed_tells_no_interval_and_warns(fitted):
    found = multitask.findings(SETTINGS, (0,), records_of(fitted, seeds=(0,)))
    assert said(found, "On item, λ") == (
        "On item, λ = 0.5 has the highest test accuracy, 0.9200, and λ = 0 the lowest, 0.1000."
    )
    assert "by 0.0200 (one run each: no interval). It is" in said(found, "On item, the multi-task net")
    assert not any("95% interval" in text or "n = " in text for text in texts(found))
    assert len(found.warnings) == 2
    assert "The best of 3 weights for a task was chosen by its accuracy on the test set" in found.warnings[1]
    assert "one seed" in found.warnings[0]
    assert found.seeds == 1


def test_method_tells_the_settings_as_they_were():
    tasks, net, recipe = multitask.findings(SETTINGS, (0,), {}).method
    assert tasks == (
        "The tasks: item, the 10 classes; loops, 3 groups: none (1, 2, 3, 5, 7), one (0, 4, 6, 9), two (8)."
    )
    assert net.startswith(
        "All tasks share convolutions of 2, 3 filters of 3 × 3, then shared dense layers of 12 units; each task adds "
        "dense layers of 6 units and its logits."
    )
    assert recipe.startswith(
        "Every net was fitted on 60,000 training images of mnist, for 4 epochs with Adam at a constant learning rate "
        "of 0.002, in batches of 32. "
    )


# Figures -------------------------------------------------------------------------------------------------------


def test_sweep_has_every_run_and_the_baseline(fitted):
    settings = multitask.Settings(**{**BASE, "weights": [1, 0, 0.5]})  # drawn in order of λ, whatever the study's
    found = multitask.findings(settings, SEEDS, records_of(fitted, settings))
    sweep, learning = found.figures
    item, loops = sweep.panels
    assert (item.title, loops.title) == ("Item accuracy", "Loops accuracy")
    assert item.x_label == "λ (weight of item)"
    assert (item.series[0].x, loops.series[0].x) == ((0.5, 1), (0, 0.5)), "not where a task has no weight"
    assert item.series[0].runs == ((0.92, 0.91), (0.92, 0.92), (0.95, 0.93))
    assert "has no weight are in the table" in sweep.caption
    assert item.levels[0].values == (0.90, 0.91, 0.92)
    assert item.markers
    assert "item: 0.9200 at λ = 1, 0.1100 at λ = 0, 0.9300 at λ = 0.5" in sweep.alt
    assert [series.name for series in learning.panels[1].series] == ["λ = 1", "λ = 0", "λ = 0.5"]
    assert learning.panels[1].series[0].runs == ((0.5, 0.30), (0.5, 0.20), (0.5, 0.10))


# What has not run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [SETTINGS, THREE])
def test_nothing_has_run(settings):
    found = multitask.findings(settings, (0, 1), {})
    assert all(cell is None for row in found.tables[0].rows for cell in row[2:])
    assert (found.statements, found.seeds) == ((), 0)
    assert all(figure.missing for figure in found.figures)
    assert found.warnings == (
        "10 of 10 trials have not finished: what needs them is left out, or rests on fewer seeds.",
    )
    assert found.model_dump_json()


def test_single_task_nets_alone(fitted):
    records = {id_: r for id_, r in records_of(fitted).items() if r.label.startswith("single")}
    found = multitask.findings(SETTINGS, SEEDS, records)
    assert found.statements == ()
    assert all(figure.missing for figure in found.figures)
    assert found.tables[0].rows[0][2].mean == pytest.approx(0.91)
    assert found.tables[0].rows[2][2:] == (None,) * 4


def test_multi_task_nets_alone(fitted):
    records = {id_: r for id_, r in records_of(fitted).items() if r.label.startswith("multi")}
    found = multitask.findings(SETTINGS, SEEDS, records)
    assert [text[:9] for text in texts(found)] == ["On item, ", "On loops,"]
    assert all(panel.levels == () for panel in found.figures[0].panels)


def test_one_baseline_is_missing(fitted):
    records = {id_: r for id_, r in records_of(fitted).items() if r.label != "single: item"}
    found = multitask.findings(SETTINGS, SEEDS, records)
    assert not any(text.startswith("On item, the multi-task net") for text in texts(found))
    assert said(found, "On loops, the multi-task net")
    assert not any("single-task nets together" in text for text in texts(found)), "no sum without its parts"
    assert found.warnings[1].startswith("3 of 15 trials have not finished")


def test_one_weight_of_one_seed_is_missing(fitted):
    records = records_of(fitted)
    gone = next(t for t in multitask.trials(SETTINGS, SEEDS) if t.label == "multi: λ = 0.5" and t.seed == 1)
    del records[gone.id]
    found = multitask.findings(SETTINGS, SEEDS, records)
    (series,) = found.figures[0].panels[0].series
    assert math.isnan(series.runs[1][0])
    assert series.runs[1][1] == 0.92
    assert found.warnings[1] == "1 of 15 trials has not finished: what needs it is left out, or rests on fewer seeds."
    assert "n = 2" in said(found, "On item, the multi-task net at λ = 0.5")
    assert "NaN" not in found.model_dump_json()


def test_one_weight_alone_is_no_sweep(fitted):
    settings = multitask.Settings(**{**BASE, "weights": [0.5]})
    found = multitask.findings(settings, SEEDS, records_of(fitted, settings))
    assert not any("highest" in text for text in texts(found))
    assert not any("best of the sweep" in text for text in texts(found))
    assert said(found, "On item, the multi-task net at λ = 0.5")


def test_several_seeds_of_which_one_has_run_are_one_seed(fitted):
    found = multitask.findings(SETTINGS, SEEDS, records_of(fitted, seeds=(0,)))
    assert "one seed" in found.warnings[0]
    assert found.warnings[1].startswith("10 of 15 trials")


# Purity --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [SETTINGS, THREE])
def test_same_records_same_findings(fitted, settings):
    records = records_of(fitted, settings, multi={**MULTI, 0.2: MULTI[0.0]})
    first = multitask.findings(settings, SEEDS, records)
    again = multitask.findings(settings, SEEDS, dict(reversed(records.items())))
    assert first.model_dump_json() == again.model_dump_json()
    json.loads(first.model_dump_json(), parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
    known = {t.id for t in multitask.trials(settings, SEEDS)}
    assert all(statement.trials and set(statement.trials) <= known for statement in first.statements)
    assert all(len(row) == len(table.columns) for table in first.tables for row in table.rows)
