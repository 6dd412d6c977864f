"""The perceptrons chapter: from images through records to findings, on synthetic and on real data."""

import os

import numpy as np
import pytest
from pydantic import ValidationError

from rungwise.bench import Bench
from rungwise.chapters import perceptrons
from rungwise.chapters.perceptrons.work import learn, learn_many
from rungwise.data.images import ImageSet, Split, scale
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.records.record import Environment, Record
from rungwise.trial import TrialFailed

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip

DATA = Data(source="digits", train_images=300)
SETTINGS = perceptrons.Settings(data=DATA, pairs=[[8, 3], [4, 9]], iterations=60)
CENTRES = np.random.default_rng(0).integers(60, 190, size=(10, 1, 4, 4))


def images(data, seed):
    """Ten classes of noisy 4x4 images: 30 each to train on, 10 each to test on."""
    random = np.random.default_rng(seed)

    def part(each):
        labels = np.repeat(np.arange(10), each)
        noisy = CENTRES[labels] + random.normal(0, 40, size=(10 * each, 1, 4, 4))
        return ImageSet(noisy.clip(0, 255).astype(np.uint8), labels)

    return Split(data.classes, part(30), part(10), {})


def records_of(trials, images=images):
    """The records that an engine would have made."""
    records = {}
    for trial in trials:
        outcome = learn(trial, Bench("cpu", images, {}))
        records[trial.id] = Record(
            id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=outcome.summary,
            history=outcome.history, timings=outcome.timings, environment=HERE, arrays=outcome.arrays,
        )  # fmt: skip
    return records


def rows(findings):
    return {row[0]: row[1:] for row in findings.tables[0].rows}


def test_record_can_be_recomputed_from_its_weights():
    trial = perceptrons.trials(SETTINGS, (0,))[0]
    outcome = learn(trial, Bench("cpu", images, {}))
    test = images(DATA, 0).test
    pair = test.take(np.flatnonzero(np.isin(test.labels, [8, 3])))
    scores = scale(pair.images).reshape(20, -1) @ outcome.arrays["weights"].ravel() + outcome.arrays["bias"]
    np.testing.assert_allclose(outcome.arrays["test_scores"], scores, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(outcome.arrays["test_labels"], pair.labels)
    accuracy = ((scores > 0) == (pair.labels == 8)).mean()
    assert outcome.summary["test_accuracy"] == accuracy > 0.6
    assert outcome.summary["iterations"] == len(outcome.history["error"])
    assert outcome.arrays["positive_samples"].shape == (8, 1, 4, 4)
    assert outcome.arrays["positive_samples"].dtype == np.uint8


@pytest.mark.parametrize("rule", ["batch", "online"])
def test_findings_are_those_of_the_records(rule):
    settings = SETTINGS.model_copy(update={"rule": rule})
    trials = perceptrons.trials(settings, (0, 1, 2))
    records = records_of(trials)
    found = perceptrons.findings(settings, (0, 1, 2), records)
    eights = [records[trial.id] for trial in trials if trial.label == "8 v 3"]
    train, test, gap, iterations, spread, _, converged = rows(found)["8 v 3"]
    assert train.values == tuple(r.summary["train_accuracy"] for r in eights)
    assert test.values == tuple(r.summary["test_accuracy"] for r in eights)
    np.testing.assert_allclose(gap.values, np.subtract(train.values, test.values))
    assert iterations.n == 3
    assert spread.values[0] == max(eights[0].history["error"][-50:]) - min(eights[0].history["error"][-50:])
    assert converged == f"{sum(r.summary['converged'] for r in eights):.0f} of 3"
    means = {name: row[1].mean for name, row in rows(found).items()}
    hardest = next(s.text for s in found.statements if s.text.startswith("The hardest pair"))
    assert hardest.startswith(f"The hardest pair is {min(means, key=means.get)}")
    kinds = [panel.kind for figure in found.figures for panel in figure.panels]
    assert kinds == ["images", "images", "lines", "lines", "images", "bars"]
    assert len(found.figures[1].panels[0].series[0].runs) == 3
    assert found.seeds == 3
    assert found.model_dump_json()


def record(trial, train, test, errors, tolerance=0.001):
    """A record written by hand."""
    arrays = {"weights": np.zeros((1, 2, 2), np.float32)}
    arrays |= {f"{sign}_samples": np.zeros((1, 1, 2, 2), np.uint8) for sign in ("positive", "negative")}
    summary = {"train_accuracy": train, "test_accuracy": test, "iterations": len(errors)}
    summary["converged"] = float(errors[-1] <= tolerance)
    return Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=summary,
        history={"error": errors}, timings={"fit_s": 1.0}, environment=HERE, arrays=arrays,
    )  # fmt: skip


def test_statements_by_hand():
    eight, four = perceptrons.trials(SETTINGS, (0,))
    records = {
        eight.id: record(eight, 0.99, 0.92, [0.5, 0.2, 0.3]),
        four.id: record(four, 1.0, 0.97, [0.1, 0.0]),
    }
    texts = [s.text for s in perceptrons.findings(SETTINGS, (0,), records).statements]
    assert texts[0] == "Converged, to a training error of at most 0.001, in every run: 1 of 2 pairs (4 v 9)."
    assert texts[1] == "Not converged to 0.001 in any run of 60 iterations: 1 of 2 pairs (8 v 3)."
    assert "The hardest pair is 8 v 3, with a test accuracy of 0.920; the easiest 4 v 9, with 0.970." in texts
    assert (
        "The largest gap between training and test accuracy is 0.070, for 8 v 3: above the threshold of 0.05." in texts
    )
    assert any("of 8 v 3 ranged over 0.300" in text for text in texts)
    assert any("still rose to 0.300 at worst (8 v 3)" in text for text in texts)  # of 0.2, 0.3


def test_same_seed_same_bits():
    trial = perceptrons.trials(SETTINGS, (3,))[0]
    first, again = (learn(trial, Bench("cpu", images, {})) for _ in range(2))
    assert first.summary == again.summary
    assert first.history == again.history
    assert all(first.arrays[name].tobytes() == again.arrays[name].tobytes() for name in first.arrays)


def test_all_pairs_stay_readable():
    settings = perceptrons.Settings(data=DATA, pairs="all", iterations=5)
    trials = perceptrons.trials(settings, (0,))
    assert len(trials) == 45
    found = perceptrons.findings(settings, (0,), records_of(trials))
    assert len(found.tables[0].rows) == 45
    assert max(len(figure.panels) for figure in found.figures) == 10
    assert "10 hardest of 45" in found.figures[0].caption
    shown = {panel.title for panel in found.figures[0].panels}
    tests = {name: row[1].mean for name, row in rows(found).items()}
    assert max(tests[name] for name in shown) <= min(tests[name] for name in tests if name not in shown)
    heat = found.figures[-1].panels[0].values
    assert heat[3, 8] == heat[8, 3] == tests["3 v 8"]


def test_missing_records_leave_empty_cells_and_a_warning():
    none = perceptrons.findings(SETTINGS, (0,), {})
    assert not none.statements
    assert all(figure.missing for figure in none.figures)
    assert rows(none)["4 v 9"] == (None,) * 7
    trials = perceptrons.trials(SETTINGS, (0, 1))
    part = perceptrons.findings(SETTINGS, (0, 1), records_of(trials[:1]))
    assert rows(part)["4 v 9"] == (None,) * 7
    assert rows(part)["8 v 3"][1].n == 1
    assert any("3 of 4 trials" in warning for warning in part.warnings)


def test_a_class_without_images_fails_the_trial():
    def no_threes(data, seed):
        whole = images(data, seed)
        return Split(data.classes, whole.train.take(np.flatnonzero(whole.train.labels != 3)), whole.test, {})

    with pytest.raises(TrialFailed, match="training part has no image of class '3'"):
        learn(perceptrons.trials(SETTINGS, (0,))[0], Bench("cpu", no_threes, {}))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("al", 'expected "all" or a list'),
        ([], "expected"),
        ([[8]], "expected"),
        ([["8", "x"]], "digits has no class 'x'"),
        ([[8.0, 3]], "expected"),
        ([[8, 10]], r"no such pair of labels as \[8, 10\]"),
        ([[-1, 3]], "no such pair"),
        ([[3, 3]], "one class twice"),
        ([[8, 3], [8, 3]], "listed twice"),
    ],
)
def test_senseless_pairs_are_refused_with_one_message(pairs, message):
    with pytest.raises(ValidationError, match=message) as fault:
        perceptrons.Settings(data=DATA, pairs=pairs)
    assert fault.value.error_count() == 1


def test_settings_survive_json():
    settings = perceptrons.Settings(data=DATA)
    assert perceptrons.Settings.model_validate_json(settings.model_dump_json(by_alias=True)) == settings
    assert [trial.label for trial in perceptrons.trials(settings, (0,))] == [
        "1 v 0", "8 v 3", "4 v 9", "8 v 7", "2 v 9",
    ]  # fmt: skip


STUDY = {"8 v 3": (0.970, 0.967), "4 v 9": (0.970, 0.969), "2 v 9": (0.990, 0.983)}
"""Train and test accuracy in the study's table 2."""


@pytest.mark.skipif("RUNGWISE_DATA" not in os.environ, reason="needs MNIST: set RUNGWISE_DATA to its folder")
def test_mnist_agrees_with_the_study():
    mnist = load("mnist", offline=True)
    settings = perceptrons.Settings(data=Data(source="mnist"), pairs=[[8, 3], [4, 9], [2, 9]])
    trials = perceptrons.trials(settings, (0,))
    found = perceptrons.findings(settings, (0,), records_of(trials, lambda data, seed: split(mnist, data, seed)))
    for pair, expected in STUDY.items():
        accuracies = [cell.mean for cell in rows(found)[pair][:2]]
        assert accuracies == pytest.approx(expected, abs=0.01), pair


@pytest.mark.parametrize("rule", ["batch", "online"])
@pytest.mark.parametrize("apart", [[0, 0, 0], [0, 1, 0]])
def test_seeds_learn_together_what_each_learns_alone(rule, apart):
    settings = perceptrons.Settings(data=DATA, pairs=[[8, 3]], iterations=20, rule=rule)
    trials = perceptrons.trials(settings, (0, 1, 2))
    bench = Bench("cpu", lambda data, seed: images(data, apart[seed]), {})
    for trial, outcome in zip(trials, learn_many(trials, bench), strict=True):
        alone = learn(trial, bench)
        assert outcome.summary == alone.summary
        assert outcome.history == alone.history
        assert all(outcome.arrays[key].tobytes() == alone.arrays[key].tobytes() for key in alone.arrays)


def test_only_seeds_learn_together():
    trials = perceptrons.trials(SETTINGS, (0,))
    with pytest.raises(ValueError, match="nothing but the seed"):
        learn_many(trials, Bench("cpu", None, {}))
