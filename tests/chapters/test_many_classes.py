"""What chapters show of two classes, of many, and of images in colour: by hand, from records with known numbers."""

import itertools
import math

import numpy as np
import pytest
from pydantic import ValidationError

from rungwise.bench import Bench
from rungwise.chapters import cnns, mlps, multitask, perceptrons, projection, seeing, transfer
from rungwise.chapters.projection.planes import coloured
from rungwise.chapters.projection.work import project
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.records.record import Environment, Record
from rungwise.trial import TrialFailed
from tests.material.made import made, make_known

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip


@pytest.fixture
def data(monkeypatch):
    """A function that gives the settings of images with so many classes, 100 of them to train on."""

    def known(classes, image=(1, 6, 5)):
        make_known(monkeypatch, made(image, classes, train_images=100, test_images=50))
        return Data(source="made")

    return known


def record(trial, **parts):
    return Record(id=trial.id, label=trial.label, spec=trial.spec, status="done", environment=HERE, **parts)


def table(found, name):
    return next(table for table in found.tables if table.id == f"{found.name}-{name}")


def figure(found, name):
    return next((figure for figure in found.figures if figure.id == f"{found.name}-{name}"), None)


# Projection ----------------------------------------------------------------------------------------------------


def projected(settings, accuracies, image=(1, 6, 5), seeds=(0,)):
    """Findings from records in which class k has two points at (k, 0) and (k, 1)."""
    classes = len(settings.data.classes)
    points = np.array([(k, y) for k in range(classes) for y in (0.0, 1.0)])
    arrays = {
        "points": points,
        "labels": np.repeat(np.arange(classes), 2),
        "components": np.ones((2, *image)),
        "pair_accuracies": accuracies,
    }
    summary = {"variance_pc1": 0.3, "variance_pc2": 0.1, "unconverged_svms": 0.0}
    trials = projection.trials(settings, seeds)
    records = {trial.id: record(trial, summary=summary, arrays=arrays) for trial in trials}
    return projection.findings(settings, seeds, records), list(projection.measured(settings, seeds, records))


def accuracies_of(classes, known):
    """(K, K), NaN but for the pairs known."""
    found = np.full((classes, classes), np.nan)
    for (a, b), accuracy in known.items():
        found[a, b] = found[b, a] = accuracy
    return found


def test_of_many_classes_only_the_pairs_that_were_fitted_are_told(data):
    settings = projection.Settings(data=data(60))
    known = {(k, k + 1): 0.5 + k / 200 for k in range(59)}
    found, measured = projected(settings, accuracies_of(60, known))
    pairs = table(found, "pairs")
    assert [row[0] for row in pairs.rows] == [f"kind {k + 1} v kind {k + 2}" for k in range(59)]
    assert pairs.shown == 20
    assert "nearest centroids" in pairs.caption
    classes = table(found, "classes")
    assert [row[0] for row in classes.rows] == [f"kind {k + 1}" for k in range(60)], "those of the hardest pairs first"
    assert classes.shown == 20
    texts = [statement.text for statement in found.statements]
    assert any(f"accuracy of {np.mean(list(known.values())):.3f}, on average over the 59 pairs." in t for t in texts)
    assert "1,000 pairs of classes whose centroids are nearest (of 1,770 pairs" in found.method[1]
    assert figure(found, "pair-heatmap") is None, "few of its cells would hold a number"
    ranks = {m.model: m.value for m in measured if m.metric == "pair_rank"}
    assert ranks == {row[0]: rank for rank, row in enumerate(pairs.rows, 1)}
    assert len(projection.metrics(settings)["pair_accuracy"].models) == 1770


def test_a_pair_that_is_fitted_in_one_seed_alone_rests_on_that(data):
    settings = projection.Settings(data=data(60))
    trials = projection.trials(settings, (0, 1))
    points = {"points": np.random.default_rng(0).normal(size=(120, 2)), "labels": np.repeat(np.arange(60), 2)}
    records = {}
    for trial, known in zip(trials, ({(0, 1): 0.6, (3, 4): 0.7}, {(0, 1): 0.8, (5, 6): 0.9}), strict=True):
        arrays = {**points, "components": np.ones((2, 1, 6, 5)), "pair_accuracies": accuracies_of(60, known)}
        summary = {"variance_pc1": 0.3, "variance_pc2": 0.1, "unconverged_svms": 0.0}
        records[trial.id] = record(trial, summary=summary, arrays=arrays)
    found = projection.findings(settings, (0, 1), records)
    assert {row[0]: row[1].values for row in table(found, "pairs").rows} == {
        "kind 1 v kind 2": (0.6, 0.8),
        "kind 4 v kind 5": (0.7,),
        "kind 6 v kind 7": (0.9,),
    }
    seeds = {(m.model, m.seed) for m in projection.measured(settings, (0, 1), records) if m.metric == "pair_accuracy"}
    assert len(seeds) == 4


def test_of_two_classes_there_is_one_pair_and_no_figure_of_pairs(data):
    settings = projection.Settings(data=data(("cat", "dog")))
    found, _ = projected(settings, accuracies_of(2, {(0, 1): 0.75}))
    assert [f.id for f in found.figures] == ["projection-scatter", "projection-ellipses", "projection-components"]
    missing = projection.findings(settings, (0,), {}).figures
    assert [f.id for f in missing] == [f.id for f in found.figures]
    texts = [statement.text for statement in found.statements]
    assert sum("0.750" in text for text in texts) == 1, "said once, not of the hardest and of the easiest pair, too"
    assert "tells the two classes apart with an accuracy of 0.750." in texts[1]
    assert found.method[1].startswith("For the two classes, a linear support vector machine")


def test_colours_go_to_the_classes_farthest_apart():
    # Eleven on a line at 0, 1, ..., 9 and 100: first the farthest from the mean (100), then 0, 9, the middle (4), ...
    line = np.array([[k, 0.0] for k in range(10)] + [[100.0, 0.0], [math.nan, math.nan]])
    assert coloured(line[:10]) == list(range(10))
    chosen = coloured(line)
    assert len(chosen) == 9
    assert {0, 9, 10} < set(chosen)
    assert 11 not in chosen, "a class without points"


def test_many_classes_are_the_ground_behind_those_that_have_colours(data):
    settings = projection.Settings(data=data(12))
    known = dict.fromkeys(itertools.combinations(range(12), 2), 0.5)
    found, _ = projected(settings, accuracies_of(12, known))
    (scatter,), (ellipses,) = (figure(found, name).panels for name in ("scatter", "ellipses"))
    assert [cloud.muted for cloud in scatter.clouds] == [True] + [False] * 9
    assert len(scatter.clouds[0].x) == 2 * 3
    assert sum(len(cloud.x) for cloud in scatter.clouds) == 24
    assert ellipses.clouds[0].y == (0.5, 0.5, 0.5), "the centroids of the three others"
    assert [cloud.ellipse is None for cloud in ellipses.clouds] == [True] + [False] * 9
    assert "Of 12 classes, 9 have a colour" in figure(found, "scatter").caption
    heat = figure(found, "pair-heatmap").panels[0]
    assert heat.rows == settings.data.classes, "twelve of twelve"


def test_points_beyond_what_a_figure_holds_are_left_out_evenly(data, monkeypatch):
    monkeypatch.setattr("rungwise.chapters.projection.planes.MOST_POINTS", 3)
    settings = projection.Settings(data=data(2))
    found, _ = projected(settings, accuracies_of(2, {(0, 1): 0.75}))
    assert [cloud.x for cloud in figure(found, "scatter").panels[0].clouds] == [(0.0, 0.0), (1.0,)]
    assert figure(found, "scatter").caption.startswith("Each of 3 of 4 images as a point")


def test_components_in_colour_are_pictures_in_colour(data):
    settings = projection.Settings(data=data(2, (3, 6, 5)))
    found, _ = projected(settings, accuracies_of(2, {(0, 1): 0.75}), image=(3, 6, 5))
    assert {tile.pixels.shape for tile in figure(found, "components").panels[0].tiles} == {(6, 5, 3)}
    assert "grey is 0" in figure(found, "components").caption


def test_images_of_one_class_alone_fail_the_trial(data):
    settings = projection.Settings(data=data(3))
    part = ImageSet(np.random.default_rng(0).integers(0, 256, (9, 1, 6, 5), dtype=np.uint8), np.zeros(9, np.int64))
    bench = Bench("cpu", lambda data, seed: Split(data.classes, part, part, {}), {})
    with pytest.raises(TrialFailed, match="all training images are of one class"):
        project(projection.trials(settings, (0,))[0], bench)


# Perceptrons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("classes", "pairs"), [(2, [(0, 1)]), (3, [(0, 1), (0, 2), (1, 2)])])
def test_pairs_left_out_are_all_of_few_classes(data, classes, pairs):
    settings = perceptrons.Settings(data=data(classes))
    assert list(settings.label_pairs) == pairs


def test_pairs_left_out_are_the_same_five_of_ten_classes_and_of_more(data):
    five = perceptrons.Settings(data=Data(source="digits")).pairs
    assert five == ((1, 0), (8, 3), (4, 9), (8, 7), (2, 9))
    assert perceptrons.Settings(data=data(200)).pairs == five


def test_all_pairs_of_too_many_classes_are_refused_at_once(data):
    assert len(perceptrons.Settings(data=data(200), pairs="all").label_pairs) == 19_900
    with pytest.raises(ValidationError, match=r"1,000 classes of made are 499,500, .* expected at most 20,000: list"):
        perceptrons.Settings(data=data(1000), pairs="all")


def test_a_message_lists_some_of_many_labels(data):
    with pytest.raises(ValidationError, match=r"\[3, 1000\]; its labels: 0 \(kind 1\), ") as fault:
        perceptrons.Settings(data=data(1000), pairs=[[3, 1000]])
    assert " and 990 others" in str(fault.value)
    assert "kind 11)" not in str(fault.value)


def learnt(settings, accuracy, image=(1, 6, 5)):
    """Findings of perceptrons with those test accuracies, by pair of labels."""
    records = {}
    for trial in perceptrons.trials(settings, (0,)):
        arrays = {"weights": np.full(image, 0.5, np.float32)}
        arrays |= {f"{sign}_samples": np.zeros((2, *image), np.uint8) for sign in ("positive", "negative")}
        summary = {"train_accuracy": 1.0, "test_accuracy": accuracy(trial.positive, trial.negative)}
        summary |= {"iterations": 2.0, "converged": 1.0}
        parts = {"summary": summary, "history": {"error": [0.5, 0.0]}, "timings": {"fit_s": 1.0}, "arrays": arrays}
        records[trial.id] = record(trial, **parts)
    return perceptrons.findings(settings, (0,), records)


def test_of_many_pairs_the_hardest_are_shown(data):
    settings = perceptrons.Settings(data=data(25), pairs="all")
    found = learnt(settings, lambda a, b: 0.5 if b - a == 12 else 0.6 + (a + b) / 1000)  # 13 hardest pairs
    rows = table(found, "accuracy")
    assert (len(rows.rows), rows.shown) == (300, 20)
    assert [row[0] for row in rows.rows[:13]] == [f"kind {k + 1} v kind {k + 13}" for k in range(13)]
    assert rows.rows[13][0] == "kind 1 v kind 2"
    heat = figure(found, "heatmap").panels[0]
    ten = [f"kind {k + 1}" for k in (*range(10), *range(12, 22))]  # ten of those pairs make twenty classes
    assert list(heat.rows) == list(heat.columns) == ten
    assert heat.values[0, 10] == heat.values[10, 0] == 0.5
    assert "Of 25 classes, 20 are shown: those of the hardest pairs." in figure(found, "heatmap").caption


def test_few_of_the_pairs_of_many_classes_make_no_heat_map(data):
    settings = perceptrons.Settings(data=data(25), pairs=[[k, k + 1] for k in range(24)])
    assert figure(learnt(settings, lambda a, b: 0.9), "heatmap") is None
    few = perceptrons.Settings(data=data(12), pairs=[[k, k + 1] for k in range(11)])
    assert figure(learnt(few, lambda a, b: 0.9), "heatmap") is not None


def test_the_only_pair_is_not_one_of_one_pairs(data):
    found = learnt(perceptrons.Settings(data=data(("cat", "dog"))), lambda a, b: 0.9)
    assert found.statements[0].text == "Converged, to a training error of at most 0.001, in every run: cat v dog."
    assert found.method[0].startswith("A perceptron for one pair of classes (")


def test_weights_of_colour_images_are_in_colour(data):
    settings = perceptrons.Settings(data=data(2, (3, 6, 5)))
    found = learnt(settings, lambda a, b: 0.9, image=(3, 6, 5))
    assert figure(found, "weights").panels[0].tiles[0].pixels.shape == (6, 5, 3)
    assert figure(found, "samples").panels[0].tiles[0].pixels.shape == (6, 5, 3)
    assert "light of the opposite colour for the second" in figure(found, "weights").caption


def test_long_names_are_whole_in_tables_and_short_above_pictures(data):
    names = ("a tench, which is a freshwater fish", "dog")
    found = learnt(perceptrons.Settings(data=data(names)), lambda a, b: 0.9)
    assert table(found, "accuracy").rows[0][0] == "a tench, which is a freshwater fish v dog"
    assert figure(found, "weights").panels[0].tiles[0].title == "a tench, which is a fre… v dog"


# Families of nets ----------------------------------------------------------------------------------------------


def nets(data, fitted, seeds=(0,), wrong=True):
    """Two MLPs; of six test images of classes 0, 1 and 2 a 0 is taken for a 2, and a 1 for a 0."""
    settings = mlps.Settings(data=data, fit={"epochs": 1}, nets={"A": {"hidden": [3]}, "B": {"hidden": []}})
    trials = mlps.trials(settings, seeds)
    records = {trial.id: fitted(trial, {"test_accuracy": 0.5}, wrong=wrong) for trial in trials}
    return mlps.findings(settings, seeds, records)


def test_every_confusion_is_in_a_table_where_the_figure_shows_some(data, fitted):
    found = nets(data(25), fitted)
    (heat, _) = figure(found, "confusion").panels
    assert heat.rows == heat.columns == tuple(f"kind {k + 1}" for k in range(20))
    assert heat.values[0, 2] == heat.values[1, 0] == 1
    rows = table(found, "confused")
    assert [column.key for column in rows.columns] == ["true", "predicted", "A", "B"]
    assert rows.rows == (
        ("kind 1", "kind 3", 1.0, 1.0),
        ("kind 2", "kind 1", 1.0, 1.0),
        ("kind 1", "kind 1", 1.0, 1.0),
        ("kind 2", "kind 2", 1.0, 1.0),
        ("kind 3", "kind 3", 2.0, 2.0),
    )
    assert rows.shown == 20
    assert figure(found, "confusion").caption.endswith(
        "Of 25 classes, 20 are shown: those of the pairs that all nets together confuse most often."
    )


def test_a_net_that_is_right_alone_has_zeros_in_the_table_of_confusions(data, fitted):
    settings = mlps.Settings(data=data(25), fit={"epochs": 1}, nets={"A": {"hidden": [3]}, "B": {"hidden": []}})
    first, second = mlps.trials(settings, (0,))
    records = {t.id: fitted(t, {"test_accuracy": 0.5}, wrong=t is first) for t in (first, second)}
    rows = table(mlps.findings(settings, (0,), records), "confused").rows
    assert rows[:2] == (("kind 1", "kind 3", 1.0, 0.0), ("kind 2", "kind 1", 1.0, 0.0))
    assert rows[2:] == (
        ("kind 1", "kind 1", 1.0, 2.0), ("kind 2", "kind 2", 1.0, 2.0), ("kind 3", "kind 3", 2.0, 2.0),
    )  # fmt: skip


@pytest.mark.parametrize("classes", [10, 20])
def test_the_figure_shows_whole_matrices_of_few_classes(data, fitted, classes):
    found = nets(data(classes), fitted)
    assert len(figure(found, "confusion").panels[0].rows) == classes
    assert figure(found, "confusion").columns == (2 if classes == 10 else 1)
    assert [t.id for t in found.tables] == ["mlps-accuracy", "mlps-classes"]


@pytest.mark.parametrize(("image", "words"), [((1, 8, 8), "its side, which halves"), ((3, 8, 6), "its sides, which")])
def test_parameters_of_cnns_are_told_for_the_shape_of_the_images(data, image, words):
    settings = cnns.Settings(data=data(3, image), fit={"epochs": 1}, nets={"K": {"filters": [2, 3]}})
    found = cnns.findings(settings, (0,), {})
    assert words in found.formulas[0].says
    assert ("t_D" in found.formulas[1].latex) == (image[1] != image[2])


# Seeing --------------------------------------------------------------------------------------------------------


def inside(data, **changes):
    return seeing.Settings(data=data, net={"filters": [2]}, fit={"epochs": 1}, **changes)


def test_all_of_few_classes_are_dreamt_of_and_their_trials_are_as_ever(data):
    settings = inside(data(20))
    (trial,) = seeing.trials(settings, (0,))
    assert trial.aims == tuple(range(20))
    assert "dreamt" not in trial.spec
    assert "dreams" not in settings.model_dump(mode="json")


def test_of_many_classes_the_two_shown_are_dreamt_of_and_others_evenly_spread(data):
    settings = inside(data(200), classes=[150, 7])
    (trial,) = seeing.trials(settings, (0,))
    assert len(trial.aims) == 20
    assert {7, 150} < set(trial.aims)
    gaps = np.diff(sorted(set(trial.aims) - {7, 150}))
    assert gaps.min() >= 198 // 18
    assert gaps.max() <= 198 // 18 + 2
    assert trial.spec["dreamt"] == list(trial.aims)
    paragraph = seeing.findings(settings, (0,), {}).method[1]
    assert "Each of 20 of the 200 classes (the two shown, and others evenly spread over the rest)" in paragraph


def test_a_study_chooses_what_is_dreamt_of(data):
    settings = inside(data(200), classes=[1, 0], dreams=[5, 3])
    (trial,) = seeing.trials(settings, (0,))
    assert trial.aims == (3, 5)
    every = inside(data(4), classes=[1, 0], dreams=[3, 2, 1, 0])
    assert seeing.trials(every, (0,))[0].id == seeing.trials(inside(data(4), classes=[1, 0]), (0,))[0].id
    for wrong in ([4], [1, 1], [-1]):
        with pytest.raises(ValidationError, match="dreams must be different labels from 0 to 3"):
            inside(data(4), classes=[1, 0], dreams=wrong)


def test_dreams_of_some_classes_by_hand(data):
    """The net is right of the dream of 3 and not of that of 5, the judge of neither."""
    settings = inside(data(200), classes=[3, 0], dreams=[3, 5])
    (trial,) = seeing.trials(settings, (0,))
    verdicts = {"net": np.zeros((2, 200)), "judge": np.full((2, 200), 0.005)}
    verdicts["net"][:, 3] = 1
    start = np.full(200, 0.001)
    start[5] = 0.8
    arrays = {f"{viewer}_dreams_{s}": said for viewer, said in verdicts.items() for s in ("noise", "image")}
    arrays |= {f"{viewer}_start_{s}": start for viewer in verdicts for s in ("noise", "image")}
    arrays |= {f"start_{s}": np.zeros((1, 6, 5)) for s in ("noise", "image")}
    arrays |= {f"dreams_{s}": np.zeros((2, 1, 6, 5)) for s in ("noise", "image")}
    arrays |= {f"image_{k}": np.zeros((1, 6, 5), np.uint8) for k in (3, 0)}
    arrays |= {f"maps_{k}_convolution_1": np.zeros((2, 6, 5)) for k in (3, 0)}
    arrays["kernels_convolution_1"] = np.zeros((2, 1, 4, 4))
    numbers = ("dark_3", "dark_0", "dead", "sparsity", "selectivity")
    summary = {f"{name}_convolution_1": 1.0 for name in numbers} | {"filters_convolution_1": 2.0}
    records = {trial.id: record(trial, arrays=arrays, summary=summary)}
    found = seeing.findings(settings, (0,), records)
    rows = table(found, "dreams").rows
    assert [row[:2] for row in rows] == [(s, f"kind {k}") for s in ("noise", "the kind 4") for k in (4, 6)]
    assert [row[2].mean for row in rows[:2]] == [1.0, 0.0]
    assert [row[5].mean for row in rows[:2]] == [0.001, 0.8]
    (text,) = (s.text for s in found.statements if s.text.startswith("Of 2 dreams from noise"))
    assert "classifies 1 as the class aimed at, and the judge, which had no part in them, 0;" in text
    assert "pass 1 and 1 times" in text  # the start looks like a 5, which is one of the two
    share = {m.metric: m.value for m in seeing.measured(settings, (0,), records) if m.model == "dreams from noise"}
    assert (share["net_share"], share["net_probability"], share["judge_share"]) == (0.5, 0.5, 0.0)
    titles = [tile.title for tile in figure(found, "dreams-noise").panels[0].tiles]
    assert titles == ["start", "kind 4: 1.00 / 0.01 (says kind 1)", "kind 6: 0.00 / 0.01 (says kind 1)"]
    assert figure(found, "dreams-noise").caption.startswith("Dreams of 2 of 200 classes from noise")


def test_classes_left_out_exist_in_few(data):
    assert inside(data(2)).classes == (0, 1)
    assert inside(data(10)).classes == inside(data(200)).classes == (2, 9)


@pytest.mark.parametrize(
    ("image", "scales"),
    [((1, 28, 28), (7, 14, 28)), ((3, 48, 64), (16, 32, 64)), ((3, 8, 8), (2, 4, 8)), ((1, 3, 3), (1, 3))],
)
def test_scales_left_out_lead_to_the_whole_image(data, image, scales):
    own = {"classes": [1, 0], "dream": {"steps": 3, "jitter": 1}}
    assert inside(data(2, image), **own).dream.scales == scales
    chosen = {"steps": 3, "jitter": 1, "scales": (2,)}
    assert inside(data(2, image), classes=[1, 0], dream=chosen).dream.scales == (2,)


# Tasks ---------------------------------------------------------------------------------------------------------


def test_tasks_of_many_classes_are_told_by_some(data):
    halves = {"first": tuple(range(100)), "second": tuple(range(100, 200))}
    own = {"data": data(200), "fit": {"epochs": 1}, "tasks": {"item": "labels", "half": halves}}
    settings = multitask.Settings(**own, net={"filters": [2]}, weights=[0.5])
    paragraph = multitask.findings(settings, (0,), {}).method[0]
    assert "item, the 200 classes" in paragraph
    assert "first (kind 1, kind 2, " in paragraph
    assert "kind 10 and 90 others), second (kind 101, " in paragraph
    further = {"parity": {"even": tuple(range(0, 200, 2)), "odd": tuple(range(1, 200, 2))}}
    net = {"family": "compact", "filters": [2]}
    settings = transfer.Settings(**own, net=net, weights=0.5, task=further, shares=[1.0])
    text = transfer.findings(settings, (0,), {}).method[0]
    assert "item (kind 1, kind 2, " in text
    assert "kind 10 and 190 others)" in text
    assert len(text) < 2000
