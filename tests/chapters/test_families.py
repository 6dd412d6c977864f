"""The chapters on MLPs and CNNs: their tables, sentences and figures, from records with known numbers."""

import json
import math
import re

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from rungwise.chapters import cnns, mlps
from rungwise.chapters.family import results as family
from rungwise.chapters.family import statements as family_statements
from rungwise.chapters.recipes import recipe_in_words
from rungwise.training.settings import Recipe

DATA = {"source": "mnist"}
FIT = {"epochs": 4, "batch": 32, "rate": 1e-3}
SETTINGS = mlps.Settings(
    data=DATA, fit=FIT, nets={"A": {"hidden": [20, 20]}, "B": {"hidden": [30, 10]}, "C": {"hidden": []}}
)
CNNS = cnns.Settings(
    data=DATA,
    fit={**FIT, "epochs": 2},
    nets={"K": {"filters": [2, 3]}, "L": {"filters": [4], "halving": "pool"}},
    against=SETTINGS,
)

ACCURACY = {"A": [0.90, 0.92, 0.91], "B": [0.93, 0.96, 0.96], "C": [0.80, 0.80, 0.80]}
TRAIN = {"A": [1.0, 1.0, 1.0], "B": [0.96, 0.98, 0.97], "C": [0.81, 0.81, 0.81]}
PARAMETERS = {"A": 3000, "B": 1000, "C": 2000, "K": 500, "L": 100}
SECONDS = {"A": 4.0, "B": 8.0, "C": 2.0, "K": 10.0, "L": 6.0}
CNN_ACCURACY = {"K": [0.96, 0.97, 0.98], "L": [0.90, 0.90, 0.90]}


def mlp_records(fitted, seeds=(0, 1, 2), settings=SETTINGS, accuracy=ACCURACY, **more):
    records = {}
    for trial in mlps.trials(settings, tuple(seeds)):
        end = accuracy[trial.label][trial.seed]
        # B moves by .02 an epoch over the second half, A by .01, C by .005.
        move = {"A": 0.01, "B": -0.02, "C": 0.005}[trial.label]
        numbers = {"train_accuracy": TRAIN[trial.label][trial.seed], "test_accuracy": [0.1, 0.5, end - move, end]}
        records[trial.id] = fitted(
            trial, numbers, parameters=PARAMETERS[trial.label], time_s=SECONDS[trial.label] + trial.seed, **more
        )
    return records


def cnn_records(fitted, seeds=(0, 1, 2), settings=CNNS):
    return {
        trial.id: fitted(
            trial,
            {"test_accuracy": [0.5, CNN_ACCURACY[trial.label][trial.seed]]},
            parameters=PARAMETERS[trial.label],
            time_s=SECONDS[trial.label],
        )
        for trial in cnns.trials(settings, tuple(seeds))
    }


def texts(findings):
    return [statement.text for statement in findings.statements]


def said(findings, start):
    (text,) = (text for text in texts(findings) if text.startswith(start))
    return text


def figure(findings, name):
    return next(figure for figure in findings.figures if figure.id == name)


def names(findings):
    return [figure.id for figure in findings.figures]


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


# Trials --------------------------------------------------------------------------------------------------------


def test_one_trial_per_net_and_seed():
    trials = mlps.trials(SETTINGS, (0, 1))
    assert [(t.label, t.seed) for t in trials] == [("A", 0), ("A", 1), ("B", 0), ("B", 1), ("C", 0), ("C", 1)]
    assert {t.outputs for t in trials} == {(10,)}
    assert {t.epochs for t in cnns.trials(CNNS, (0,))} == {2}


def test_cnns_stand_beside_mlps_on_the_same_images_only():
    other = SETTINGS.model_copy(update={"data": CNNS.data.model_copy(update={"source": "kmnist"})})
    alone = CNNS.model_copy(update={"against": None})
    assert alone.beside([alone, other, SETTINGS]).against == SETTINGS
    assert alone.beside([alone, other]).against is None
    assert CNNS.beside([other]).against == SETTINGS, "what the study says itself is kept"
    fewer = SETTINGS.model_copy(update={"data": CNNS.data.model_copy(update={"train_images": 500}), "name": "fewer"})
    assert alone.beside([fewer, SETTINGS]).against == SETTINGS, "as many images as the CNNs"
    assert alone.beside([fewer, fewer.model_copy(update={"name": "same"})]).against == fewer, "or else the first"
    with pytest.raises(ValidationError, match="the MLPs are on kmnist and the CNNs on mnist"):
        cnns.Settings(**{**CNNS.model_dump(by_alias=True), "against": other.model_dump(by_alias=True)})


# Tables --------------------------------------------------------------------------------------------------------


def test_table_holds_what_the_records_hold(fitted):
    table, _ = mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted)).tables
    assert table.id == "mlps-accuracy"
    keys = [column.key for column in table.columns]
    assert keys == [
        "net",
        "shape",
        "parameters",
        "train_accuracy",
        "test_accuracy",
        "train_loss",
        "test_loss",
        "time_s",
    ]
    a, b, c = (dict(zip(keys, row, strict=True)) for row in table.rows)
    assert [row["net"] for row in (a, b, c)] == ["A", "B", "C"]
    assert [row["shape"] for row in (a, b, c)] == ["20 × 2", "30, 10", "none"]
    assert [row["parameters"] for row in (a, b, c)] == [3000, 1000, 2000]
    assert b["test_accuracy"].values == (0.93, 0.96, 0.96)
    assert b["test_accuracy"].mean == pytest.approx(0.95)
    assert b["test_accuracy"].interval == pytest.approx(ends(ACCURACY["B"]))
    assert a["train_accuracy"].values == (1.0, 1.0, 1.0)
    assert a["test_loss"].values == (0.2, 0.2, 0.2)
    assert c["time_s"].values == (2.0, 3.0, 4.0)


def test_comparison_of_the_families_by_hand(fitted):
    records = {**mlp_records(fitted), **cnn_records(fitted)}
    table = cnns.findings(CNNS, (0, 1, 2), records).tables[1]
    assert [row[:2] for row in table.rows] == [("MLPs", n) for n in "ABC"] + [("CNNs", n) for n in "KL"]
    rows = {row[1]: dict(zip([c.key for c in table.columns], row, strict=True)) for row in table.rows}
    k = rows["K"]
    assert k["images"] == 60_000
    assert k["parameters_m"] == pytest.approx(500e-6)
    assert k["accuracy_per_m"].mean == pytest.approx(0.97 / 500e-6)
    assert k["epoch_s"].mean == pytest.approx(10 / 2)
    assert k["epoch_s_per_m"].mean == pytest.approx(5 / 500e-6)
    assert k["image_us"].mean == pytest.approx(5e6 / 60_000)
    assert rows["A"]["epoch_s"].values == pytest.approx((4 / 4, 5 / 4, 6 / 4))
    bars = figure(cnns.findings(CNNS, (0, 1, 2), records), "cnns-against-mlps-figure").panels
    assert [panel.names for panel in bars] == [("A", "B", "C", "K", "L")] * 2
    assert bars[0].values[3] == k["accuracy_per_m"].values
    assert bars[1].values[0] == rows["A"]["epoch_s_per_m"].values


# Sentences -----------------------------------------------------------------------------------------------------


def test_best_lead_gap_size_and_steadiness_by_hand(fitted):
    found = mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted))
    low, high = ends(ACCURACY["B"])
    assert of_seeds(texts(found)[0]).startswith(
        f"B has the highest mean test accuracy, 0.9500 (95% interval {low:.4f} to {high:.4f}, n = 3); C the lowest, "
        "0.8000 (95% interval "
    )
    # B - A: .03, .04, .05; mean .04, s = .01, t(.975, 2) = 4.3027: half-width .0248.
    assert texts(found)[1] == (
        "On the test set, B leads A by 0.0400 (paired by seed, n = 3; the 95% interval of the difference, +0.0152 to "
        "+0.0648, does not contain 0). The pair was chosen after seeing the results, which favours a difference."
    )
    # Gaps: A .10 .08 .09; B .03 .02 .01; C .01.
    gap = said(found, "The gap")
    assert gap.startswith("The gap between training and test accuracy is widest for A, 0.0900 (95% interval 0.0652 to ")
    assert gap.endswith("and narrowest for C, 0.0100 in each of 3 seeds.")
    # Ranks of parameters A 3, B 1, C 2 against accuracy A 2, B 3, C 1: 1 - 6 (1 + 4 + 1) / 24 = -.5.
    assert said(found, "Over the 3 nets") == (
        "Over the 3 nets, the rank correlation (Spearman) of parameters with test accuracy is -0.50. With so few nets, "
        "which differ in more than size, it describes these nets and no others."
    )
    assert said(found, "Over the second half") == (
        "Over the second half of training, test accuracy moves from one epoch to the next by 0.0200 on average for B, "
        "the least steady net, and by 0.0050 for C, the steadiest."
    )
    assert all(statement.trials for statement in found.statements)
    assert set(found.statements[1].trials) == {t.id for t in mlps.trials(SETTINGS, (0, 1, 2)) if t.label in "AB"}


def test_a_lead_that_may_be_noise_is_called_so(fitted):
    accuracy = {**ACCURACY, "A": [0.95, 0.92, 0.95]}  # B - A: -.02, .04, .01
    found = mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted, accuracy=accuracy))
    text = said(found, "On the test set, B leads A by 0.0100")
    assert "-0.0645 to +0.0845, contains 0: no evidence of a difference)" in text


def test_equals_are_not_ranked(fitted):
    level = {name: [0.9, 0.9, 0.9] for name in ACCURACY}
    found = mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted, accuracy=level))
    assert texts(found)[0].startswith("A, B and C have the same mean test accuracy, 0.9000 (")
    says = "On the test set, A is level with B (paired by seed: in each of 3 seeds, so that there is no scatter to "
    assert texts(found)[1].startswith(says)
    assert not any("rank correlation" in text for text in texts(found)), "undefined without ranks"
    two = {**level, "C": [0.8, 0.8, 0.8]}
    found = mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted, accuracy=two))
    assert texts(found)[0].startswith("A and B have the highest mean test accuracy, 0.9000 (")
    assert "; C the lowest, 0.8000 (" in texts(found)[0]


def test_one_seed_tells_no_interval_and_warns(fitted):
    found = mlps.findings(SETTINGS, (0,), mlp_records(fitted, seeds=(0,)))
    assert texts(found)[0] == "B has the highest test accuracy, 0.9300; C the lowest, 0.8000."
    assert texts(found)[1].startswith("On the test set, B leads A by 0.0300 (one run each: no interval). ")
    assert not any("95% interval" in text or "n = " in text for text in texts(found))
    assert all(cell.interval is None for row in found.tables[0].rows for cell in row[3:])
    assert found.seeds == 1
    assert len(found.warnings) == 1
    assert "one seed" in found.warnings[0]


def test_several_seeds_of_which_one_has_run_are_one_seed(fitted):
    found = mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted, seeds=(0,)))
    assert found.seeds == 1
    assert "one seed" in found.warnings[0]
    assert found.warnings[1].startswith("6 of 9 trials have not finished")


FEW = "No number here rests on more than 3 seeds; 5 or more make intervals worth reading."


def test_few_seeds_are_reported(fitted):
    assert mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted)).warnings == (FEW,)


def test_short_training_says_nothing_of_steadiness(fitted):
    found = cnns.findings(CNNS, (0, 1, 2), cnn_records(fitted))
    assert not any("epoch to the next" in text for text in texts(found))


def test_best_of_each_family_paired_by_seed(fitted):
    found = cnns.findings(CNNS, (0, 1, 2), {**mlp_records(fitted), **cnn_records(fitted)})
    # K - B: .03, .01, .02.
    assert said(found, "On the test set the best CNN") == (
        "On the test set the best CNN, K, is more accurate than the best MLP, B, by 0.0200 (paired by seed, n = 3; the "
        "95% interval of the difference, -0.0048 to +0.0448, contains 0: no evidence of a difference), with 500 "
        "against 1,000 parameters. They were trained differently: 60,000 images for 2 epochs against 60,000 images for "
        "4 epochs."
    )
    # Accuracies .80 to .97, parameters 100 to 3,000.
    assert "is 1.21 times the least, and the greatest number of parameters 30.0 times" in said(found, "Over all nets")


def test_a_worse_and_an_equal_cnn_read_well(fitted):
    for best, words in ((0.99, "is less accurate than the best MLP, B, by 0.0100 ("),
                        (0.98, "is exactly as accurate as the best MLP, B (")):  # fmt: skip
        accuracy = {**ACCURACY, "B": [best]}
        records = {**mlp_records(fitted, (0,), accuracy=accuracy), **cnn_records(fitted, (0,))}
        for trial in cnns.trials(CNNS, (0,)):
            records[trial.id].summary["test_accuracy"] = 0.98 if trial.label == "K" else 0.5
        assert words in said(cnns.findings(CNNS, (0,), records), "On the test set the best CNN, K,")


def test_unequal_data_are_reported(fitted):
    fewer = SETTINGS.model_copy(update={"data": SETTINGS.data.model_copy(update={"train_images": 500})})
    settings = CNNS.model_copy(update={"against": fewer})
    found = cnns.findings(settings, (0, 1, 2), {**mlp_records(fitted, settings=fewer), **cnn_records(fitted)})
    assert found.warnings[2:] == (
        "The MLPs were fitted on 500 images and the CNNs on 60,000: the comparison of the families mixes architecture "
        "with data.",
    )
    text = said(found, "On the test set the best CNN")
    assert text.endswith("They were trained differently: 60,000 images for 2 epochs against 500 images for 4 epochs.")
    row = next(row for row in found.tables[1].rows if row[1] == "A")
    assert row[2] == 500
    assert row[8].values == pytest.approx((2000, 2500, 3000))  # 4, 5 and 6 s for 4 epochs of 500, in microseconds


def test_trained_alike_goes_without_saying(fitted):
    alike = CNNS.model_copy(update={"fit": SETTINGS.fit})
    found = cnns.findings(alike, (0,), {**mlp_records(fitted, (0,)), **cnn_records(fitted, (0,), alike)})
    assert not any("differently" in text for text in texts(found))


# Choosing on the test set --------------------------------------------------------------------------------------


def results(fitted, accuracy, seeds):
    """Nets with these test accuracies, by seed."""
    settings = SETTINGS.model_copy(update={"nets": {name: SETTINGS.nets[name] for name in accuracy}})
    planned = [trial for trial in mlps.trials(settings, seeds) if trial.seed in accuracy[trial.label]]
    records = {trial.id: fitted(trial, {"test_accuracy": accuracy[trial.label][trial.seed]}) for trial in planned}
    return family.read_results(settings, seeds, records).models


def test_flattery_by_hand(fitted):
    accuracy = {"A": {0: 0.90, 1: 0.99, 2: 0.90}, "B": {0: 0.92, 1: 0.93, 2: 0.91}}
    # Means .93 and .92. Without seed 0: .945, .92: A has .90; without 1: .90, .915: B has .93; without 2: A has .90.
    assert family_statements.flattery(results(fitted, accuracy, (0, 1, 2))) == pytest.approx((0.93, 0.91, 3))
    level = {"A": {0: 0.9, 1: 0.8}, "B": {0: 0.9, 1: 0.8}}
    assert family_statements.flattery(results(fitted, level, (0, 1))) == pytest.approx((0.85, 0.85, 2))


def test_flattery_is_over_the_seeds_that_all_nets_have(fitted):
    accuracy = {"A": {0: 0.90, 1: 0.94, 3: 0.1}, "B": {0: 0.80, 1: 0.80, 2: 0.99}}
    assert family_statements.flattery(results(fitted, accuracy, (0, 1, 2, 3))) == pytest.approx((0.92, 0.92, 2))
    apart = {"A": {0: 0.9, 1: 0.9}, "B": {1: 0.8, 2: 0.8}}
    assert family_statements.flattery(results(fitted, apart, (0, 1, 2))) is None


def test_the_best_of_both_families_is_said_to_be_flattered(fitted):
    found = cnns.findings(CNNS, (0, 1, 2), {**mlp_records(fitted), **cnn_records(fitted)})
    assert found.warnings[0] == FEW
    assert found.warnings[1:] == (
        "The best of 2 CNNs and the best of 3 MLPs were chosen by their accuracy on the test set itself, which "
        "flatters them. The best of 2 CNNs has a test accuracy of 0.9700 over 3 seeds; chosen on all of them but one, "
        "and told on the one left out, 0.9700 on average. The best of 3 MLPs has a test accuracy of 0.9500 over 3 "
        "seeds; chosen on all of them but one, and told on the one left out, 0.9500 on average. All seeds share the "
        "test images: what the choice owes to these images is still in both numbers.",
    )
    alone = cnns.findings(CNNS, (0, 1, 2), cnn_records(fitted))
    assert alone.warnings[1].startswith("The best of 2 CNNs was chosen by its accuracy on the test set itself, which ")
    assert "MLPs" not in alone.warnings[0]


def test_one_seed_cannot_tell_how_much_a_choice_flatters(fitted):
    found = cnns.findings(CNNS, (0,), {**mlp_records(fitted, (0,)), **cnn_records(fitted, (0,))})
    assert found.warnings[1] == (
        "The best of 2 CNNs and the best of 3 MLPs were chosen by their accuracy on the test set itself, which "
        "flatters them."
    )


def test_where_there_was_nothing_to_choose_nothing_is_flattered(fitted):
    one = CNNS.model_copy(update={"nets": {"K": CNNS.nets["K"]}, "against": None})
    assert cnns.findings(one, (0, 1, 2), cnn_records(fitted, settings=one)).warnings == (FEW,)
    assert cnns.findings(CNNS, (), {}).warnings == ()


def test_mlps_may_have_other_seeds_than_the_cnns(fitted):
    """Each family is reported over all its seeds, and the difference over those that both have."""
    for dense, own, both in (((0, 1, 2), (0, 1), 2), ((0,), (0, 1, 2), 1)):
        records = {**mlp_records(fitted, dense), **cnn_records(fitted, own)}
        found = cnns.findings(CNNS, own, records)
        counts = {row[1]: row[4].n for row in found.tables[1].rows}
        assert counts == {**dict.fromkeys("ABC", len(dense)), **dict.fromkeys("KL", len(own))}
        difference = said(found, "On the test set the best CNN")
        assert (f"n = {both}" if both > 1 else "one run each") in difference
        assert found.seeds == len(own)


# Method --------------------------------------------------------------------------------------------------------


def test_method_tells_the_settings_as_they_were():
    (text,) = mlps.findings(SETTINGS, (0,), {}).method
    assert text.startswith(
        "3 nets were fitted on 60,000 training images of mnist, pixels scaled to [-1, 1], for 4 epochs with Adam at a "
        "constant learning rate of 0.001, in batches of 32. "
    )
    one = mlps.Settings(
        data={"source": "mnist", "train_images": 10_000},
        fit={"epochs": 1, "optimiser": "sgd", "momentum": 0.9, "rate": 0.01},
        nets={"A": {"hidden": [5]}},
    )
    assert (
        mlps.findings(one, (0,), {})
        .method[0]
        .startswith(
            "1 net was fitted on 10,000 training images of mnist, pixels scaled to [-1, 1], for 1 epoch with SGD with "
            "momentum 0.9 at a constant learning rate of 0.01, in batches of 64. "
        )
    )
    assert cnns.findings(CNNS, (0,), {}).method[1] == (
        "The side halves between convolutions by 2 × 2 max-pooling or a stride of 2."
    )


# Figures -------------------------------------------------------------------------------------------------------


def test_figures_show_every_run(fitted):
    found = mlps.findings(SETTINGS, (0, 1, 2), mlp_records(fitted))
    assert names(found) == ["mlps-learning", "mlps-time", "mlps-confusion", "mlps-wrong"]
    loss, _, _, accuracy = figure(found, "mlps-learning").panels
    assert (loss.log_y, accuracy.log_y) == (True, False)
    assert [series.name for series in accuracy.series] == ["A", "B", "C"]
    assert accuracy.series[0].x == (1, 2, 3, 4)
    assert accuracy.series[0].runs[1] == (0.1, 0.5, 0.91, 0.92)
    assert not accuracy.markers
    (points,) = figure(found, "mlps-time").panels
    assert points.clouds[1].x == (8.0, 9.0, 10.0)
    assert points.clouds[1].y == (0.93, 0.96, 0.96)
    assert points.clouds[1].size == 1000
    assert "B 0.9500 in 9.0 s, 1,000 parameters" in figure(found, "mlps-time").alt


def test_a_single_epoch_is_still_visible(fitted):
    trials = mlps.trials(SETTINGS, (0,))
    found = mlps.findings(SETTINGS, (0,), {t.id: fitted(t, {"test_accuracy": 0.9}) for t in trials})
    assert all(panel.markers for panel in figure(found, "mlps-learning").panels)


def test_confusion_by_hand(fitted):
    records = mlp_records(fitted, seeds=(0, 1))
    found = figure(mlps.findings(SETTINGS, (0, 1), records), "mlps-confusion")
    counts = found.panels[0].values
    assert counts.shape == (10, 10)
    np.testing.assert_array_equal(counts[:3, :3], [[1, 0, 1], [1, 1, 0], [0, 0, 2]])
    assert counts.sum() == 6
    assert (found.panels[0].x_label, found.panels[0].y_label) == ("Predicted class", "True class")
    assert "A confuses most often 0 with 2: 1.0 images." in found.alt
    assert "means over the seeds" in found.caption
    next(iter(records.values())).arrays["test_predictions"][:] = [0, 0, 1, 1, 2, 0]  # the other seed stays as it was
    counts = figure(mlps.findings(SETTINGS, (0, 1), records), "mlps-confusion").panels[0].values
    np.testing.assert_array_equal(counts[:3, :3], [[1.5, 0, 0.5], [0.5, 1.5, 0], [0.5, 0, 1.5]])


def test_one_seeds_confusions_are_whole_numbers(fitted):
    found = figure(mlps.findings(SETTINGS, (0,), mlp_records(fitted, seeds=(0,))), "mlps-confusion")
    assert found.panels[0].digits == 0
    assert "A confuses most often 0 with 2: 1 image." in found.alt
    assert "seeds" not in found.caption


def test_most_wrong_images_by_hand(fitted):
    found = figure(mlps.findings(SETTINGS, (0, 1), mlp_records(fitted, seeds=(0, 1))), "mlps-wrong")
    (panel,) = found.panels
    # e^(ln 3) / (e^(ln 3) + 1) = .75, and e^.5 / (e^.5 + 1) = .62.
    assert [tile.title for tile in panel.tiles] == ["0 → 2, 0.75", "1 → 0, 0.62"]
    assert [int(tile.pixels[0, 0]) for tile in panel.tiles] == [10, 30]
    assert panel.tiles[0].pixels.shape == (4, 4)
    assert panel.tiles[0].pixels.dtype == np.uint8
    assert "B (seed 0), the net with the highest test accuracy" in found.caption
    assert found.alt == "2 misclassified images: 0 → 2, 0.75; 1 → 0, 0.62."


def test_where_nothing_is_wrong_nothing_is_shown(fitted):
    found = mlps.findings(SETTINGS, (0,), mlp_records(fitted, seeds=(0,), wrong=False))
    assert names(found) == ["mlps-learning", "mlps-time", "mlps-confusion"]
    assert "B confuses none." in figure(found, "mlps-confusion").alt


# What has not run ----------------------------------------------------------------------------------------------


def test_nothing_has_run():
    found = mlps.findings(SETTINGS, (0, 1), {})
    assert found.tables[0].rows == tuple(
        (n, s, *[None] * 6) for n, s in (("A", "20 × 2"), ("B", "30, 10"), ("C", "none"))
    )
    assert (found.statements, found.seeds) == ((), 0)
    assert all(figure.missing for figure in found.figures)
    assert found.warnings == ("6 of 6 trials have not finished: what needs them is left out, or rests on fewer seeds.",)
    assert found.model_dump_json()
    found = cnns.findings(CNNS, (0, 1), {})
    assert [table.id for table in found.tables] == ["cnns-accuracy"]
    assert (found.statements, found.seeds) == ((), 0)
    assert all(figure.missing for figure in found.figures)


def test_one_net_has_not_run(fitted):
    records = mlp_records(fitted)
    for trial in mlps.trials(SETTINGS, (0, 1, 2)):
        if trial.label == "B":
            del records[trial.id]
    found = mlps.findings(SETTINGS, (0, 1, 2), records)
    assert found.tables[0].rows[1] == ("B", "30, 10", *[None] * 6)
    assert texts(found)[0].startswith("A has the highest mean test accuracy, 0.9100 ")
    assert not any("rank correlation" in text for text in texts(found)), "two nets have no rank correlation"
    assert "chosen after" not in said(found, "On the test set, A leads C"), "there was nothing to choose"
    assert found.warnings[1].startswith("3 of 9 trials have not finished")


def test_one_net_alone(fitted):
    records = {id_: record for id_, record in mlp_records(fitted).items() if record.label == "A"}
    found = mlps.findings(SETTINGS, (0, 1, 2), records)
    assert texts(found)[0].startswith("A reaches a mean test accuracy of 0.9100 (95% interval ")
    assert texts(found)[1].startswith("The gap between training and test accuracy is 0.0900 (95% interval ")
    assert len(texts(found)) == 2


def test_differences_use_only_seeds_that_both_have(fitted):
    records = mlp_records(fitted)
    for trial in mlps.trials(SETTINGS, (0, 1, 2)):
        if (trial.label, trial.seed) in (("A", 0), ("B", 1)):
            del records[trial.id]
    found = mlps.findings(SETTINGS, (0, 1, 2), records)
    assert said(found, "On the test set, B leads A by 0.0500 (one run each: no interval)")
    assert found.tables[0].rows[0][4].values == (0.92, 0.91)
    assert found.warnings[1].startswith("2 of 9 trials have not finished")


def test_a_mean_that_leads_and_a_pair_that_trails(fitted):
    """B's mean is higher by a seed that A lacks; over the seed that both have, A is better."""
    accuracy = {"A": [0.95], "B": [0.94, 0.99], "C": [0.5]}
    records = mlp_records(fitted, (0,), accuracy=accuracy)
    for trial in mlps.trials(SETTINGS, (1,)):
        if trial.label == "B":
            records[trial.id] = fitted(trial, {"test_accuracy": [0.9, 0.9, 0.99]})
    found = mlps.findings(SETTINGS, (0, 1), records)
    assert texts(found)[0].startswith("B has the highest mean test accuracy, 0.9650")
    assert said(found, "On the test set, B trails A by 0.0100 (one run each: no interval)")


def test_no_seed_in_common_no_difference(fitted):
    records = mlp_records(fitted, (0, 1))
    for trial in mlps.trials(SETTINGS, (0, 1)):
        if trial.seed == (trial.label == "B"):
            del records[trial.id]
    assert not any("leads" in text or "trails" in text for text in texts(mlps.findings(SETTINGS, (0, 1), records)))


def test_cnns_alone(fitted):
    for settings in (CNNS, CNNS.model_copy(update={"against": None})):
        found = cnns.findings(settings, (0, 1, 2), cnn_records(fitted))
        assert [table.id for table in found.tables] == ["cnns-accuracy", "cnns-classes"]
        own = ["cnns-learning", "cnns-time", "cnns-confusion", "cnns-wrong"]
        against = ["cnns-against-mlps-figure"] if settings.against else []
        assert names(found) == own + against
        assert [figure.id for figure in found.figures if figure.missing] == against
        assert not any("MLP" in text for text in texts(found))
        assert [row[:3] for row in found.tables[0].rows] == [("K", "2-3", 500), ("L", "4", 100)]


# Purity --------------------------------------------------------------------------------------------------------


def test_same_records_same_findings(fitted):
    records = {**mlp_records(fitted), **cnn_records(fitted)}
    backwards = dict(reversed(records.items()))
    for chapter, settings in ((mlps, SETTINGS), (cnns, CNNS)):
        first = chapter.findings(settings, (0, 1, 2), records).model_dump_json()
        assert first == chapter.findings(settings, (0, 1, 2), backwards).model_dump_json()
        json.loads(first, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


def test_ids_are_unique_and_panels_consistent(fitted):
    for chapter, settings in ((mlps, SETTINGS), (cnns, CNNS)):
        found = chapter.findings(settings, (0, 1, 2), {**mlp_records(fitted), **cnn_records(fitted)})
        assert len({f.id for f in found.figures}) == len(found.figures)
        assert len({t.id for t in found.tables}) == len(found.tables)
        assert all(len(row) == len(table.columns) for table in found.tables for row in table.rows)
        known = {t.id for t in (*mlps.trials(SETTINGS, (0, 1, 2)), *cnns.trials(CNNS, (0, 1, 2)))}
        assert all(set(s.trials) <= known and s.trials for s in found.statements)


# Training that ends by itself, and one look at the test images -------------------------------------------------


def test_training_until_the_loss_is_small(fitted):
    settings = SETTINGS.model_copy(update={"fit": SETTINGS.fit.model_copy(update={"stop_loss": 0.01})})
    records = mlp_records(fitted, settings=settings)
    for record in records.values():
        record.summary["epochs"] = {"A": 2.0, "B": 4.0, "C": 1.0}[record.label]
    found = mlps.findings(settings, (0, 1, 2), records)
    assert "for at most 4 epochs, until the mean training loss of one was below 0.01 nats, with Adam" in found.method[0]
    table = next(table for table in found.tables if table.id == "mlps-accuracy")
    column = [column.key for column in table.columns].index("epochs")
    assert [row[column].mean for row in table.rows] == [2, 4, 1]
    measured = {(m.metric, m.model, m.seed): m.value for m in mlps.measured(settings, (0, 1, 2), records)}
    assert measured["epoch_s", "A", 1] == pytest.approx(5 / 2), "the epochs that it took, not those it might have"
    assert measured["epochs", "B", 0] == 4


def test_one_look_at_the_test_images_makes_no_curve(fitted):
    settings = SETTINGS.model_copy(update={"fit": SETTINGS.fit.model_copy(update={"evaluate": "end"})})
    records = mlp_records(fitted, settings=settings)
    for record in records.values():
        record.history.update({key: record.history[key][-1:] for key in ("test_loss", "test_accuracy")})
    found = mlps.findings(settings, (0, 1, 2), records)
    titles = [panel.title for panel in figure(found, "mlps-learning").panels]
    assert titles == ["Training loss (nats)", "Training accuracy"]
    assert "unsteadiness" not in mlps.metrics(settings)
    assert not any("from one epoch to the next" in text for text in texts(found))


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ({"epochs": 1}, "for 1 epoch with Adam at a constant learning rate of 0.001, in batches of 64"),
        ({"epochs": 2, "optimiser": "sgd", "momentum": 0.9}, "for 2 epochs with SGD with momentum 0.9 at a constant"),
        ({"epochs": 2, "optimiser": "rmsprop"}, "for 2 epochs with RMSprop at a constant"),
        ({"epochs": 2, "optimiser": "adagrad", "momentum": 0.9}, "for 2 epochs with Adagrad at a constant"),
    ],
)
def test_a_recipe_in_words(fit, words):
    assert recipe_in_words(Recipe(**fit)).startswith(words)


# Recipes of our own --------------------------------------------------------------------------------------------

OWN = cnns.Settings(
    data=DATA,
    fit={
        "epochs": 2,
        "batch": 128,
        "optimiser": "muon",
        "rate": 0.05,
        "momentum": 0.9,
        "schedule": "one-cycle",
        "label_smoothing": 0.1,
        "augment": {"shift": 2, "flip": True},
        "evaluate": "end",
        "test_views": "mirror",
    },
    nets={"R": {"stem": 3, "filters": [4, 6], "blocks": [0, 1]}},
)


def test_a_recipe_of_our_own_is_reported_whole():
    assert recipe_in_words(OWN.fit) == (
        "for 2 epochs with Muon with momentum 0.9 at a learning rate that rises to 0.05 over the first fifth of the "
        "steps and falls to 0, in batches of 128, Adam at 0.008 moving the first layer, the last and all vectors, "
        "labels smoothed by 0.1, images changed at random (shifts of up to 2 pixels, mirroring)"
    )


def test_accuracy_from_several_views_is_kept_apart(fitted):
    (trial,) = cnns.trials(OWN, (0,))
    record = fitted(trial, {"test_accuracy": [0.9]}, parameters=10, time_s=2.0)
    record.summary["views_accuracy"] = 0.95
    findings = cnns.findings(OWN, (0,), {trial.id: record})
    table = findings.tables[0]
    keys = [column.key for column in table.columns]
    (row,) = table.rows
    assert row[1] == "3-4-6+1"
    assert row[keys.index("test_accuracy")].mean == 0.9
    assert row[keys.index("views_accuracy")].mean == 0.95
    assert "Told apart is what the net says of two views of each, itself and its mirror image" in findings.method[0]
    assert "views_accuracy" in cnns.metrics(OWN)
    assert [m.value for m in cnns.measured(OWN, (0,), {trial.id: record}) if m.metric == "views_accuracy"] == [0.95]


def test_an_ensemble_is_reported_by_its_number_of_members():
    nets = {"E": {"stem": 3, "filters": [4, 6], "blocks": [0, 1], "members": 5}}
    settings = cnns.Settings(data=DATA, fit=OWN.fit, nets=nets)
    findings = cnns.findings(settings, (0,), {})
    (row,) = findings.tables[0].rows
    assert row[1] == "5 of 3-4-6+1"
    assert findings.method[-1].startswith("E is an ensemble of 5 nets")
    assert len(cnns.findings(OWN, (0,), {}).method) == len(findings.method) - 1


def test_what_a_net_does_not_look_at_is_reported():
    nets = {"N": {"stem": 3, "filters": [4], "blocks": [1], "crop": 2}, "W": {"stem": 3, "filters": [4], "blocks": [1]}}
    method = cnns.findings(cnns.Settings(data=DATA, fit=OWN.fit, nets=nets), (0,), {}).method
    assert method[-1] == "N does not look at 2 pixels along each edge of an image."
    assert not any(said.startswith("W") for said in method)


def test_without_views_there_is_no_such_column(fitted):
    keys = [column.key for column in mlps.findings(SETTINGS, (0,), mlp_records(fitted, (0,))).tables[0].columns]
    assert "views_accuracy" not in keys
    assert "views_accuracy" not in mlps.metrics(SETTINGS)


@pytest.mark.parametrize(
    ("net", "says"),
    [
        ({"filters": [4], "kernal": 3}, "kernal"),
        ({"filters": [4, 6], "blocks": [1]}, "one number, 0 or more, for each of the 2 stages"),
        ({"stem": 3, "filters": [4]}, "blocks\n  Field required"),
        ({"family": "mlp", "hidden": [3]}, "a net of this chapter is of the family 'cnn' or 'residual'"),
        (3, "valid dictionary or instance of CnnSettings"),
    ],
)
def test_a_wrong_net_is_reported_by_its_own_family_alone(net, says):
    with pytest.raises(ValidationError, match=says) as fault:
        cnns.Settings(data=DATA, fit=FIT, nets={"K": net})
    assert fault.value.error_count() == 1
