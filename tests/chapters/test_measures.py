"""What the chapters measure: the numbers of their own tables, by name, model and seed."""

import itertools

import numpy as np
import pytest
import torch

from rungwise.bench import Bench
from rungwise.chapters import load_chapter, multitask, perceptrons, projection, seeing
from rungwise.chapters.seeing.results import NetView
from rungwise.data.load import load
from rungwise.data.split import split
from rungwise.evidence.estimate import Estimate
from rungwise.judging.judge import measurements
from rungwise.records.record import Environment, Record
from rungwise.study.reading import parse_study, read_study
from rungwise.study.study import study_trials
from rungwise.training.settings import Fit
from rungwise.works import find_work

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip

SMALL = """
title = "Six small chapters"
seeds = 2
[[chapter]]
kind = "projection"
data = { source = "digits", train_images = 300 }
[[chapter]]
kind = "perceptrons"
data = { source = "digits", train_images = 400 }
pairs = [[8, 3], [1, 0]]
iterations = 60
tolerance = 0.01
[[chapter]]
kind = "mlps"
data = { source = "digits" }
fit = { epochs = 4, rate = 2e-3 }
nets = { A = { hidden = [12, 12] }, B = { hidden = [] } }
[[chapter]]
kind = "cnns"
seeds = 1
data = { source = "digits" }
fit = { epochs = 2, rate = 3e-3 }
nets = { K = { filters = [2, 3] }, L = { filters = [3] } }
[[chapter]]
kind = "seeing"
data = { source = "digits" }
fit = { epochs = 2, rate = 3e-3 }
net = { filters = [2, 3] }
classes = [2, 9]
dream = { steps = 2, scales = [8] }
[[chapter]]
kind = "multitask"
data = { source = "digits" }
fit = { epochs = 1, rate = 3e-3 }
net = { filters = [2], shared = [8] }
weights = [0.25, 1]
[chapter.tasks]
item = "labels"
loops = { none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }
"""
STUDY = parse_study(SMALL, "small.toml")
CHAPTERS = {chapter.kind: chapter for chapter in STUDY.chapters}


@pytest.fixture(scope="module")
def records():
    """The small study, run."""
    torch.set_num_threads(1)
    digits = load("digits", offline=True)
    found = {}
    for _, trial in study_trials(STUDY):
        bench = Bench("cpu", lambda data, seed: split(digits, data, seed), found)
        outcome = find_work(trial.work)(trial, bench)
        found[trial.id] = Record(
            id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=outcome.summary,
            history=outcome.history, timings=outcome.timings, environment=HERE, arrays=outcome.arrays,
            weights={name: value.numpy() for name, value in outcome.weights.items()},
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def rows_of(records):
    """Of a kind of chapter: a table's rows as dicts by the first column."""

    def rows(kind, name):
        chapter = CHAPTERS[kind]
        found = load_chapter(kind).findings(chapter, STUDY.seeds_of(chapter), records)
        (table,) = (table for table in found.tables if table.id == f"{kind}-{name}")
        return [dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows]

    return rows


@pytest.fixture(scope="module")
def values(records):
    """Of a kind of chapter, a metric and a model: the values in the order of the seeds."""
    every = measurements(STUDY, records)

    def pick(kind, metric, model):
        return tuple(m.value for m in every if (m.chapter, m.metric, m.model) == (kind, metric, model))

    return pick


def measured(settings, seeds, records):
    """By metric, model and seed."""
    found = list(load_chapter(settings.kind).measured(settings, seeds, records))
    assert all(m.chapter == settings.name for m in found)
    by = {(m.metric, m.model, m.seed): m.value for m in found}
    assert len(by) == len(found), "each number once"
    return by


def hand_made(fitted, settings, seeds=(0, 1)):
    """Records of a chapter's fits, with accuracies that differ by trial and seed."""
    found = {}
    for number, trial in enumerate(load_chapter(settings.kind).trials(settings, seeds)):
        curve = np.linspace(0.1, 0.5 + number / 1000, trial.epochs).tolist()
        found[trial.id] = fitted(trial, *[{"test_accuracy": curve}] * len(trial.tasks))
    return found


# Names ---------------------------------------------------------------------------------------------------------


def things(chapter):
    """Everything that a chapter's settings give a name to."""
    names = chapter.data.classes
    pairs = {f"{a} v {b}" for a, b in itertools.combinations(names, 2)}
    return {
        "projection": lambda: {*names, *pairs, "all pairs", "PC1", "PC2", "PC1 + PC2"},
        "perceptrons": lambda: {f"{names[a]} v {names[b]}" for a, b in chapter.label_pairs},
        "mlps": lambda: set(chapter.nets),
        "cnns": lambda: set(chapter.nets),
        "seeing": lambda: (
            {f"convolution {i}" for i in range(1, 1 + len(chapter.net.filters))}
            | {"dreams from noise", "dreams from the image"}
        ),
        "multitask": lambda: (
            {f"single: {task}" for task in chapter.tasks}
            | {f"multi: λ = {w[0]:g}" for w in chapter.weights}
            | {"single-task nets together"}
        ),
    }[chapter.kind]()


@pytest.mark.parametrize("preset", ["quick", "reference"])
def test_metrics_are_of_things_that_exist(preset):
    for chapter in read_study(preset).chapters:
        found = load_chapter(chapter.kind).metrics(chapter)
        named = [model for metric in found.values() for model in metric.models]
        assert set(named) == things(chapter)
        for metric in found.values():
            assert len(set(metric.models)) == len(metric.models) > 0
            assert not (metric.exact and metric.timing)
            assert metric.says


@pytest.mark.parametrize("preset", ["quick", "reference"])
def test_every_metric_of_fitted_nets_is_measured(preset, fitted):
    for chapter in read_study(preset).chapters:
        if chapter.kind in ("mlps", "cnns", "multitask"):
            found = measured(chapter, (0, 1), hand_made(fitted, chapter))
            # The test images of `fitted` are of three classes: what is of another one is undefined.
            metrics = {
                key: metric
                for key, metric in load_chapter(chapter.kind).metrics(chapter).items()
                if not metric.of_class or metric.answers.label < 3
            }
            assert set(found) == {(k, m, s) for k, metric in metrics.items() for m in metric.models for s in (0, 1)}


def test_every_metric_is_measured(records):
    """All of them, but for how the last iterate moves of runs that converged, and what is undefined."""
    for chapter in STUDY.chapters:
        seeds = STUDY.seeds_of(chapter)
        metrics = load_chapter(chapter.kind).metrics(chapter)
        declared = {(k, m, s) for k, metric in metrics.items() for m in metric.models for s in seeds}
        found = set(measured(chapter, seeds, records))
        assert found <= declared
        undefined = {key[0] for key in declared - found if not key[0].startswith("test_precision_")}
        assert undefined <= {"range", "selectivity"}, "and the precision of a class that a net never predicts"


def test_each_number_names_the_trials_it_comes_from(records):
    trials = {trial.id: trial for _, trial in study_trials(STUDY)}
    for m in measurements(STUDY, records):
        assert m.trials
        assert {trials[trial].seed for trial in m.trials} == {m.seed}
    own = [m.trials for m in measurements(STUDY.only(["multitask"]), records) if m.metric == "time_saved"]
    assert [[trials[trial].label for trial in ids] for ids in own[::2]] == [
        ["multi: λ = 0.25", "single: item", "single: loops"],
        ["multi: λ = 1", "single: item", "single: loops"],
    ]


@pytest.mark.parametrize("kind", CHAPTERS)
def test_nothing_is_measured_without_records(kind):
    assert measured(CHAPTERS[kind], (0, 1), {}) == {}


def test_steadiness_is_no_metric_of_two_epochs():
    metrics = {kind: load_chapter(kind).metrics(CHAPTERS[kind]) for kind in ("mlps", "cnns")}
    assert "unsteadiness" in metrics["mlps"]
    assert "unsteadiness" not in metrics["cnns"]


# The tables' numbers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlps", "cnns"])
def test_numbers_of_nets_are_the_tables(kind, rows_of, values):
    rows = rows_of(kind, "accuracy")
    for row in rows:
        for key in ("train_accuracy", "test_accuracy", "train_loss", "test_loss", "time_s"):
            assert values(kind, key, row["net"]) == row[key].values
        assert set(values(kind, "parameters", row["net"])) == {row["parameters"]}
    assert {row["test_accuracy"].n for row in rows} == {2 if kind == "mlps" else 1}


def test_numbers_per_parameter_are_those_of_the_comparison(rows_of, values):
    rows = rows_of("cnns", "against-mlps")
    assert [row["net"] for row in rows] == ["A", "B", "K", "L"]
    columns = {
        "accuracy_per_m": "accuracy_per_million",
        "epoch_s": "epoch_s",
        "epoch_s_per_m": "epoch_s_per_million",
        "image_us": "image_us",
    }
    for row in rows:
        for column, metric in columns.items():
            assert row[column].values == values(row["family"].lower(), metric, row["net"])
    assert rows[0]["test_accuracy"].n == 2, "the MLPs have both their seeds, the CNNs one"


def test_numbers_of_the_projection_are_the_tables(rows_of, values):
    for row in rows_of("projection", "pairs"):
        assert values("projection", "pair_accuracy", row["pair"]) == row["accuracy"].values
    for row in rows_of("projection", "classes"):
        pc1, pc2 = row["var_pc1"].values, row["var_pc2"].values
        assert values("projection", "cluster_variance_pc1", row["class"]) == pc1
        assert values("projection", "cluster_variance", row["class"]) == pytest.approx(np.add(pc1, pc2))
    for row, model in zip(rows_of("projection", "variance"), ("PC1", "PC2", "PC1 + PC2"), strict=True):
        assert values("projection", "kept_variance", model) == row["variance_share"].values
    every = np.array([row["accuracy"].values for row in rows_of("projection", "pairs")])
    assert values("projection", "mean_pair_accuracy", "all pairs") == pytest.approx(every.mean(0))


def test_numbers_of_perceptrons_are_the_tables(rows_of, values):
    for row in rows_of("perceptrons", "accuracy"):
        for key in ("train_accuracy", "test_accuracy", "gap", "iterations", "range", "fit_s"):
            cell = row[key] or Estimate(values=())
            assert values("perceptrons", key, row["pair"]) == cell.values
        converged = values("perceptrons", "converged", row["pair"])
        assert row["converged"] == f"{sum(converged):.0f} of {len(converged)}"


def test_numbers_of_layers_and_dreams_are_the_tables(rows_of, values, records):
    for row in rows_of("seeing", "layers"):
        numbers = {key: np.array(row[key].values) for key in ("dark_2", "dark_9", "dead", "sparsity")}
        assert values("seeing", "sparsity", row["layer"]) == row["sparsity"].values
        assert values("seeing", "selectivity", row["layer"]) == (row["selectivity"] or Estimate(values=())).values
        assert values("seeing", "dead_share", row["layer"]) == pytest.approx(numbers["dead"] / row["filters"])
        dark = (numbers["dark_2"] + numbers["dark_9"]) / 2 / row["filters"]
        assert values("seeing", "dark_share", row["layer"]) == pytest.approx(dark)
    own = [records[trial.id].summary for trial in seeing.trials(CHAPTERS["seeing"], (0, 1))]
    for origin, model, start in (("noise", "dreams from noise", "noise"), ("the 2", "dreams from the image", "image")):
        for viewer in ("net", "judge"):
            trust = np.mean(
                [row[viewer].values for row in rows_of("seeing", "dreams") if row["start"] == origin], axis=0
            )
            assert values("seeing", f"{viewer}_probability", model) == pytest.approx(trust)
            assert values("seeing", f"{viewer}_share", model) == tuple(s[f"{viewer}_as_aimed_{start}"] for s in own)


def test_numbers_of_tasks_are_the_table(rows_of, values):
    names = ["single: item", "single: loops", "multi: λ = 0.25", "multi: λ = 1"]
    for row, name in zip(rows_of("multitask", "accuracy"), names, strict=True):
        for task in ("item", "loops"):
            cell = row[f"{task}_accuracy"] or Estimate(values=())
            assert values("multitask", f"test_accuracy_{task}", name) == cell.values
        assert set(values("multitask", "parameters", name)) == {row["parameters"]}
        assert values("multitask", "time_s", name) == row["time_s"].values


# Derived numbers, by hand --------------------------------------------------------------------------------------


def test_derived_numbers_of_nets_by_hand(fitted):
    settings = CHAPTERS["mlps"].model_copy(update={"nets": {"A": CHAPTERS["mlps"].nets["A"]}})
    (trial,) = load_chapter("mlps").trials(settings, (3,))
    numbers = {"train_accuracy": 0.95, "test_accuracy": [0.1, 0.5, 0.92, 0.9]}
    found = measured(settings, (3,), {trial.id: fitted(trial, numbers, parameters=200_000, time_s=12.0)})
    assert found["gap", "A", 3] == pytest.approx(0.05)
    assert found["epoch_s", "A", 3] == 3
    assert found["epoch_s_per_million", "A", 3] == pytest.approx(15)
    assert found["image_us", "A", 3] == pytest.approx(3e6 / 1348)
    assert found["parameters", "A", 3] == 200_000
    assert found["accuracy_per_million", "A", 3] == pytest.approx(4.5)
    assert found["unsteadiness", "A", 3] == pytest.approx(0.02)


def test_ranks_of_pairs_by_hand():
    pairs = np.full((10, 10), np.nan)
    for (a, b), accuracy in {(3, 5): 0.8, (3, 8): 0.6, (5, 8): 0.8, (0, 1): 0.9}.items():
        pairs[a, b] = pairs[b, a] = accuracy
    settings = projection.Settings(data={"source": "digits"})
    (trial,) = projection.trials(settings, (0,))
    record = Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", environment=HERE,
        summary={"variance_pc1": 0.3, "variance_pc2": 0.1, "unconverged_svms": 0},
        arrays={
            "components": np.ones((2, 1, 2, 2)), "pair_accuracies": pairs,
            "points": np.array([[0.0, 0.0], [2.0, 1.0], [5.0, 5.0]]), "labels": np.array([3, 3, 5]),
        },
    )  # fmt: skip
    found = measured(settings, (0,), {trial.id: record})
    ranks = {model: value for (metric, model, _), value in found.items() if metric == "pair_rank"}
    assert ranks == {"3 v 8": 1, "3 v 5": 2.5, "5 v 8": 2.5, "0 v 1": 4}  # equals share ranks; the rest have none
    assert found["mean_pair_accuracy", "all pairs", 0] == pytest.approx(0.775)
    assert found["kept_variance", "PC1 + PC2", 0] == pytest.approx(0.4)
    # Points 0, 2 and 0, 1: variances 2 and 1/2; of one point, or none, there is none.
    assert found["cluster_variance", "3", 0] == pytest.approx(2.5)
    assert found["cluster_variance_pc1", "3", 0] == pytest.approx(2)
    assert {model for metric, model, _ in found if metric.startswith("cluster")} == {"3"}


def test_numbers_of_perceptrons_by_hand():
    settings = CHAPTERS["perceptrons"]
    eight, one = perceptrons.trials(settings, (0,))

    def record(trial, errors, converged):
        return Record(
            id=trial.id, label=trial.label, spec=trial.spec, status="done", environment=HERE,
            summary={"train_accuracy": 0.99, "test_accuracy": 0.9, "iterations": len(errors), "converged": converged},
            history={"error": errors}, timings={"fit_s": 0.5},
        )  # fmt: skip

    errors = [0.9, *[0.2] * 49, 0.3]  # the first is not among the last 50
    found = measured(settings, (0,), {eight.id: record(eight, errors, 0.0), one.id: record(one, [0.4, 0.0], 1.0)})
    assert found["range", "8 v 3", 0] == pytest.approx(0.1)
    assert ("range", "1 v 0", 0) not in found, "a run that converged has settled"
    assert (found["converged", "8 v 3", 0], found["converged", "1 v 0", 0]) == (0, 1)
    assert found["gap", "8 v 3", 0] == pytest.approx(0.09)
    assert (found["iterations", "8 v 3", 0], found["fit_s", "8 v 3", 0]) == (51, 0.5)


def test_savings_by_hand(fitted):
    settings = CHAPTERS["multitask"]
    records = {}
    for trial in multitask.trials(settings, (0, 1)):
        alone = len(trial.tasks) == 1
        size, seconds = (1000, 10.0 + trial.seed) if alone else (1200, 15.0)
        records[trial.id] = fitted(trial, *[{"test_accuracy": 0.5}] * len(trial.tasks), parameters=size, time_s=seconds)
    found = measured(settings, (0, 1), records)
    assert found["parameters", "single-task nets together", 0] == 2000
    assert [found["time_s", "single-task nets together", seed] for seed in (0, 1)] == [20, 22]
    assert found["parameters_saved", "multi: λ = 1", 1] == pytest.approx(0.4)
    assert found["time_saved", "multi: λ = 0.25", 0] == pytest.approx(0.25)
    assert found["time_saved", "multi: λ = 0.25", 1] == pytest.approx(1 - 15 / 22)
    assert {model for metric, model, _ in found if metric == "test_accuracy_loops"} == {
        "single: loops", "multi: λ = 0.25", "multi: λ = 1",
    }  # fmt: skip


def test_nothing_is_saved_against_nets_that_are_missing(fitted):
    settings = CHAPTERS["multitask"]
    records = hand_made(fitted, settings)
    gone = next(t for t in multitask.trials(settings, (0, 1)) if t.label == "single: loops" and t.seed == 1)
    del records[gone.id]
    found = measured(settings, (0, 1), records)
    assert {seed for metric, _, seed in found if metric.endswith("_saved")} == {0}
    assert ("time_s", "single-task nets together", 1) not in found
    assert ("time_s", "multi: λ = 1", 1) in found


def test_an_undefined_selectivity_is_no_measurement(records):
    settings = CHAPTERS["seeing"]
    trial = seeing.trials(settings, (0, 1))[0]
    summary = {k: v for k, v in records[trial.id].summary.items() if k != "selectivity_convolution_2"}
    changed = {**records, trial.id: records[trial.id].model_copy(update={"summary": summary})}
    found = measured(settings, (0, 1), changed)
    assert ("selectivity", "convolution 2", 0) not in found
    assert ("sparsity", "convolution 2", 0) in found


def test_shares_of_filters_by_hand():
    summary = {"filters": [4, 8], "dark_2": [1, 4], "dark_9": [3, 8], "dead": [1, 2], "sparsity": [0.5, 0.75]}
    flat = {f"{name}_convolution_{i}": value for name, values in summary.items() for i, value in enumerate(values, 1)}
    trial = seeing.trials(CHAPTERS["seeing"], (0,))[0]
    record = Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", environment=HERE,
        summary={**flat, "selectivity_convolution_1": 0.3},
    )  # fmt: skip
    view = NetView(trial, record, 2)
    assert view.depth("dark_share").tolist() == [0.5, 0.75]  # (1 + 3) / 2 of 4, (4 + 8) / 2 of 8
    assert view.depth("dead_share").tolist() == [0.25, 0.25]
    np.testing.assert_array_equal(view.depth("selectivity"), [0.3, np.nan])


def test_shares_of_dreams_by_hand():
    judge = np.full((10, 10), 0.05)
    judge[:, 3] = 0.55  # everything looks like a 3
    (trial,) = seeing.trials(CHAPTERS["seeing"], (0,))
    view = NetView(trial, type("R", (), {"arrays": {"judge_dreams_noise": judge}}), 2)
    assert view.passed("judge", "noise").sum() == 1
    assert view.aimed("judge", "noise").mean() == pytest.approx((9 * 0.05 + 0.55) / 10)
    some = trial.model_copy(update={"dreamt": (3, 7)})  # of two classes: of a 3, and of a 7 that looks like a 3
    view = NetView(some, type("R", (), {"arrays": {"judge_dreams_noise": judge[[3, 7]]}}), 2)
    assert view.passed("judge", "noise").tolist() == [True, False]
    assert view.aimed("judge", "noise").tolist() == [0.55, 0.05]


# Several chapters of a kind ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHAPTERS)
def test_two_chapters_of_a_kind_are_kept_apart(kind, records):
    first = CHAPTERS[kind]
    second = first.model_copy(update={"name": "again"})
    third = first.model_copy(update={"name": "titled", "title": "A title of its own"})
    module, seeds = load_chapter(kind), STUDY.seeds_of(first)
    found = [module.findings(chapter, seeds, records) for chapter in (first, second, third)]
    assert [(each.kind, each.name) for each in found] == [(kind, kind), (kind, "again"), (kind, "titled")]
    assert len({each.title for each in found}) == 3
    assert found[1].title == f"{found[0].title}: again"
    assert found[2].title == "A title of its own"
    ids = [part.id for each in found for part in (*each.tables, *each.figures)]
    assert len(set(ids)) == len(ids) > 3
    assert all(part.id.startswith(f"{each.name}-") for each in found for part in (*each.tables, *each.figures))
    assert {m.chapter for m in module.measured(second, seeds, records)} == {"again"}


def test_a_title_that_ends_in_the_name_does_not_repeat_it():
    settings = CHAPTERS["seeing"].model_copy(update={"name": "CNN-1"})
    assert seeing.findings(settings, (0,), {}).title == "Seeing inside CNN-1"


def test_trials_of_a_named_chapter_are_the_same(records):
    for chapter in STUDY.chapters:
        module = load_chapter(chapter.kind)
        renamed = chapter.model_copy(update={"name": "again", "title": "Another"})
        assert [t.id for t in module.trials(renamed, (0, 1))] == [t.id for t in module.trials(chapter, (0, 1))]
    assert any(isinstance(trial, Fit) for _, trial in study_trials(STUDY))
