"""The chapter on capacity, from records with known numbers: powers of h with a little noise by seed."""

import math

import numpy as np
import pytest

from rungwise.chapters import capacity
from rungwise.chapters.capacity.results import first_fitted, of_labels, read_results, slope
from rungwise.findings import Lines
from rungwise.judging.judge import judged
from rungwise.records.record import Environment, Record
from rungwise.study.reading import parse_study
from rungwise.study.study import StudyError

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip
TEXT = """
title = "Capacity"
seeds = 3
[[chapter]]
kind = "capacity"
data = { source = "mnist", train_images = 1000 }
fit = { epochs = 200, optimiser = "sgd", rate = 0.01, momentum = 0.9, stop_loss = 0.01, evaluate = "end" }
widths = [64, 256, 1024]
[[chapter.claim]]
id = "error"
says = "More hidden units: lower test error"
[chapter.claim.test]
metric = "test_error"
trend = "falls"
over = ["true labels: h = 64", "true labels: h = 256", "true labels: h = 1024"]
"""
STUDY = parse_study(TEXT, "capacity.toml")
(SETTINGS,) = STUDY.chapters
SEEDS = (0, 1, 2)


def record(trial, **changes) -> Record:
    """Unit capacity falls as h^-0.7, impact as h^-0.5, the bound grows as the root of h; random labels cost more."""
    (h,), seed = trial.net.hidden, trial.seed
    random = trial.data.labels == "random"
    cost, noise = (3.0 if random else 1.0), 1 + 0.001 * (seed - 1)
    reached = not (random and h == 64)
    epochs = 200 if not reached else (150 if random else 50) + seed
    values = {
        "train_accuracy": 1.0 if reached else 0.8,
        "test_accuracy": 0.1 if random else 0.9 + 0.005 * noise * math.log2(h / 64) + 0.0001 * seed,
        "train_loss": 0.009 if reached else 0.5,
        "test_loss": 0.3,
        "epochs": epochs,
        "time_s": 1.0,
        "parameters": h * 794,
        "unit_capacity": cost * noise * h**-0.7,
        "unit_impact": cost * h**-0.5,
        "measure": cost * noise * 100 * h**-0.1,
        "gamma": 3.0 if reached else -1.0,
        "bound": cost * noise * 1e6 * h**0.5,
        **{f"measure_{name}": 5.0 * h for name in ("l1", "frobenius", "spectral", "pac_bayes")},
        **changes,
    }
    if values["gamma"] <= 0:
        del values["bound"]
    losses = np.geomspace(2.3, values["train_loss"], epochs).tolist()
    return Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", environment=HERE, summary=values,
        history={
            "train_loss": losses, "train_accuracy": np.linspace(0.1, 1, epochs).tolist(),
            "test_loss": [0.3], "test_accuracy": [values["test_accuracy"]],
        },
    )  # fmt: skip


def made(settings=SETTINGS, seeds=SEEDS, **changes):
    return {trial.id: record(trial, **changes) for trial in capacity.trials(settings, seeds)}


@pytest.fixture(scope="module")
def records():
    return made()


@pytest.fixture(scope="module")
def found(records):
    return capacity.findings(SETTINGS, SEEDS, records)


def texts(findings) -> list[str]:
    return [statement.text for statement in findings.statements]


def saying(findings, *words) -> str:
    (text,) = (text for text in texts(findings) if all(word in text for word in words))
    return text


# Settings and trials -------------------------------------------------------------------------------------------


def test_one_trial_per_labels_width_and_seed():
    trials = capacity.trials(SETTINGS, SEEDS)
    assert len(trials) == len({trial.id for trial in trials}) == 2 * 3 * 3
    names = list(dict.fromkeys(trial.label for trial in trials))
    assert names[:2] == ["true labels: h = 64", "true labels: h = 256"]
    assert names[-1] == "random labels: h = 1024"
    assert all(trial.net.bias is False and len(trial.net.hidden) == 1 for trial in trials)
    assert {trial.label.split(":")[0]: trial.data.labels for trial in trials} == {
        "true labels": "true",
        "random labels": "random",
    }
    assert all(trial.epochs == 200 for trial in trials), "an upper limit"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("widths = [64, 256, 1024]", "widths = [64, 64]", "expected widths in rising order, each once"),
        ("widths = [64, 256, 1024]", "widths = []", "widths"),
        ("widths = [64, 256, 1024]", 'widths = [8]\nlabels = ["true", "true"]', "listed twice"),
        ("widths = [64, 256, 1024]", 'widths = [8]\nlabels = ["noisy"]', "labels"),
        (", stop_loss = 0.01", "", "set stop_loss in fit"),
        (", stop_loss = 0.01", ", stop_loss = 0.01, stop = { patience = 2 }", "leave stop out"),
        ("train_images = 1000", 'labels = "random"', r'set labels = \["random"\] in the chapter itself'),
    ],
)
def test_mistakes_are_found_when_the_study_is_read(old, new, message):
    assert old in TEXT
    with pytest.raises(StudyError, match=message):
        parse_study(TEXT.replace(old, new).split("[[chapter.claim]]")[0], "capacity.toml")


def test_a_study_may_want_one_kind_of_labels():
    text = TEXT.replace("widths", 'labels = ["random"]\nwidths').split("[[chapter.claim]]")[0]
    (settings,) = parse_study(text, "capacity.toml").chapters
    assert {trial.data.labels for trial in capacity.trials(settings, SEEDS)} == {"random"}
    alone = capacity.findings(settings, SEEDS, made(settings))
    assert "true labels" not in " ".join(texts(alone))
    assert capacity.findings(settings, SEEDS, {}).seeds == 0


# Numbers -------------------------------------------------------------------------------------------------------


def test_every_metric_is_measured_but_for_bounds_that_do_not_exist(records):
    by = {(m.metric, m.model, m.seed): m.value for m in capacity.measured(SETTINGS, SEEDS, records)}
    metrics = capacity.metrics(SETTINGS)
    declared = {(k, model, seed) for k, metric in metrics.items() for model in metric.models for seed in SEEDS}
    assert declared - set(by) == {("bound", "random labels: h = 64", seed) for seed in SEEDS}
    assert set(by) <= declared
    assert by["train_error", "random labels: h = 64", 0] == pytest.approx(0.2)
    assert by["test_error", "true labels: h = 256", 1] == pytest.approx(0.0899)
    assert by["epochs", "random labels: h = 1024", 2] == 152
    assert by["unit_impact", "true labels: h = 1024", 0] == pytest.approx(1 / 32)


def test_slopes_of_powers_are_their_exponents(records):
    results = of_labels(read_results(SETTINGS, SEEDS, records), "true")
    fitted = slope(results, "unit_capacity")
    assert fitted.values == pytest.approx((-0.7,) * 3)
    assert slope(results, "unit_impact").mean == pytest.approx(-0.5)
    assert slope(results[:1], "unit_impact") is None
    assert slope(results, "gamma").mean == pytest.approx(0, abs=1e-12)


def test_a_slope_needs_all_widths_of_a_seed(records):
    missing = {k: r for k, r in records.items() if not (r.label == "true labels: h = 256" and r.spec["seed"] == 1)}
    results = of_labels(read_results(SETTINGS, SEEDS, missing), "true")
    assert slope(results, "unit_capacity").n == 2


def test_where_all_images_are_fitted_first(records):
    results = read_results(SETTINGS, SEEDS, records)
    assert first_fitted(of_labels(results, "true")).width == 64
    assert first_fitted(of_labels(results, "random")).width == 256
    assert first_fitted([]) is None


# Sentences -----------------------------------------------------------------------------------------------------


def test_error_and_fitting_are_reported(found):
    assert "training error is 0 in every run from the smallest width on, h = 64." in saying(found, "On true", "is 0 in")
    assert saying(found, "On random", "every run at") == (
        "On random labels, training error first is 0 in every run at h = 256."
    )
    fall = saying(found, "test error is")
    assert "0.0999 at the smallest width, h = 64, and 0.0799 at the largest, h = 1,024: lower by 0.0200" in fall
    assert "paired by seed, n = 3" in fall


def test_epochs_are_compared_where_both_were_fitted(found):
    text = saying(found, "Both kinds of labels were fitted")
    assert "at 2 of 3 widths" in text
    assert "151 against 51 at h = 256 (+100 in each of 3 seeds)" in text
    assert "at h = 64" not in text


def test_slopes_are_reported_against_the_root(found):
    text = saying(found, "On true", "mean unit capacity")
    assert "to the power -0.700" in text
    assert "it falls faster than 1/√h" in text
    assert "h = 64 to 1,024" in text
    assert "h = 256 to 1,024" in saying(found, "On random", "mean unit capacity"), "64 units have not fitted them"
    noisy = made()
    for key, each in noisy.items():
        factor = 1 + 0.2 * (each.spec["seed"] - 1) * (each.spec["net"]["hidden"][0] > 64)
        summary = {**each.summary, "unit_impact": factor * each.summary["unit_impact"]}
        noisy[key] = each.model_copy(update={"summary": summary})
    assert "the interval contains -0.5" in saying(
        capacity.findings(SETTINGS, SEEDS, noisy), "On true", "mean unit impact"
    )
    slow = made(unit_impact=1.0)
    assert "it falls more slowly than 1/√h" in saying(
        capacity.findings(SETTINGS, SEEDS, slow), "On true", "unit impact"
    )


def test_measure_and_bound_are_reported(found):
    text = saying(found, "On true", "the bound is")
    assert "the measure is 66 at h = 64 and 50 at h = 1,024, 0.76 times as much, and least at h = 1,024" in text
    assert (
        "the bound is 8,000,000 at h = 64 and 32,000,000 at h = 1,024, 4.00 times as much, and least at h = 64" in text
    )
    both = saying(found, "larger on random")
    assert "The mean measure is larger on random than on true labels at 3 of 3 widths" in both
    assert "the mean bound is larger on random than on true labels at 2 of 2 widths" in both
    assert "√(C/m) = 89.4" in saying(found, "smallest bound")  # sqrt(.999 * 8e6 / 1000)
    useful = capacity.findings(SETTINGS, SEEDS, made(bound=90.0))
    assert "√(C/m) = 0.3: less than 1" in saying(useful, "smallest bound")


def test_trials_that_were_stopped_at_the_limit_are_reported(found):
    (late,) = (text for text in found.warnings if "did not reach" in text)
    assert "3 of 18 trials did not reach the stopping criterion within the limit" in late
    assert "(random labels: h = 64, 3 of 3 runs)" in late
    fine = {key: each for key, each in made().items() if each.label != "random labels: h = 64"}
    assert not any("did not reach" in text for text in capacity.findings(SETTINGS, SEEDS, fine).warnings)


def test_tables_have_a_row_for_each_net(found):
    fits, measures = ([dict(zip([c.key for c in t.columns], row, strict=True)) for row in t.rows] for t in found.tables)
    assert [row["net"] for row in fits] == list(capacity.metrics(SETTINGS)["epochs"].models)
    assert fits[3]["reached"] == "0 of 3"
    assert fits[4]["reached"] == "3 of 3"
    assert fits[0]["parameters"] == 64 * 794
    assert measures[3]["bound"] is None
    assert measures[0]["bound"].n == 3


def test_figures_are_over_the_widths_on_a_logarithmic_axis(found):
    names = ["error", "epochs", "units", "measures", "learning"]
    assert [figure.id for figure in found.figures] == [f"capacity-{name}" for name in names]
    for figure in found.figures[:-1]:
        for panel in figure.panels:
            assert isinstance(panel, Lines)
            assert panel.log_x
            assert all(series.x == (64, 256, 1024) for series in panel.series)
    units = found.figures[2].panels[1]
    root = units.series[-1]
    assert root.name.startswith("1/√h")
    assert root.runs[0] == pytest.approx(list(units.series[0].runs[1])), "impact is h^-0.5 here"
    for panel in found.figures[3].panels:
        largest = max(y for series in panel.series for run in series.runs for y in run if math.isfinite(y))
        assert largest == pytest.approx(1)
    curves = found.figures[4].panels[0]
    assert [series.name for series in curves.series] == ["h = 64", "h = 256", "h = 1,024"]
    assert [max(map(len, series.runs)) for series in curves.series] == [200, 152, 152]


def test_what_is_missing_is_left_out(records):
    assert capacity.findings(SETTINGS, SEEDS, {}).statements == ()
    assert all(figure.missing for figure in capacity.findings(SETTINGS, SEEDS, {}).figures)
    one = dict(list(records.items())[:1])
    short = capacity.findings(SETTINGS, SEEDS, one)
    assert short.seeds == 1
    assert [bool(figure.missing) for figure in short.figures] == [False] * 4 + [True], "no net on random labels has run"
    assert "to the power" not in " ".join(texts(short))
    single = capacity.findings(SETTINGS, (0,), made(seeds=(0,)))
    assert "in one run, it falls faster than 1/√h" in saying(single, "On true", "mean unit capacity")


@pytest.mark.parametrize(
    ("powers", "says"),
    [
        ((-0.7, -0.71, -0.69), "it falls faster than 1/√h, whose power is -0.5 ("),
        ((-0.3, -0.31, -0.29), "it falls more slowly than 1/√h, whose power is -0.5 ("),
        ((-0.5, -0.51, -0.49), "the interval contains -0.5, the power of 1/√h ("),
        ((0.1, 0.11, 0.09), "it rises ("),
        ((0.0, 0.01, -0.01), "it falls more slowly than 1/√h, whose power is -0.5, if at all ("),
    ],
)
def test_powers_of_h_in_words(powers, says):
    records = made()
    for key, one in records.items():
        (h,) = one.spec["net"]["hidden"]
        changed = one.summary | {"unit_capacity": h ** powers[one.spec["seed"]]}
        records[key] = one.model_copy(update={"summary": changed})
    assert says in saying(capacity.findings(SETTINGS, SEEDS, records), "On true", "mean unit capacity")


def test_differences_are_reported_between_means_of_the_same_seeds(records):
    """The smallest width has but seed 2, the largest all: what is reported is of seed 2."""
    gone = {t.id for t in capacity.trials(SETTINGS, SEEDS) if t.label == "true labels: h = 64" and t.seed < 2}
    left = {key: one for key, one in records.items() if key not in gone}
    by = {t.label: 1 - left[t.id].summary["test_accuracy"] for t in capacity.trials(SETTINGS, (2,))}
    text = saying(capacity.findings(SETTINGS, SEEDS, left), "On true", "test error is", "smallest width")
    start, end = by["true labels: h = 64"], by["true labels: h = 1024"]
    assert f"test error is {start:.4f} at the smallest width, h = 64, and {end:.4f} at the largest" in text


def test_labels_without_a_seed_in_common_are_not_compared(records):
    trials = {t.id: t for t in capacity.trials(SETTINGS, SEEDS)}
    apart = {key: r for key, r in records.items() if (trials[key].data.labels == "true") == (trials[key].seed == 0)}
    assert not any("Epochs on random" in text for text in texts(capacity.findings(SETTINGS, SEEDS, apart)))


def test_statements_name_their_trials(found, records):
    for statement in found.statements:
        assert statement.trials
        assert set(statement.trials) <= set(records)


def test_claims_can_be_made_of_it(records):
    (judgement,) = judged(STUDY, records)["capacity"]
    assert judgement.verdict == "supported"
