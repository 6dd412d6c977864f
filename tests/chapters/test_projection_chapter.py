"""The projection chapter: from images through records to findings, on synthetic and on real data."""

import os

import numpy as np
import pytest
from pydantic import ValidationError

from rungwise.bench import Bench
from rungwise.chapters import projection
from rungwise.chapters.projection.work import project
from rungwise.data.images import ImageSet, Split, scale
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.insight.projection import moments
from rungwise.records.record import Environment, Record

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip

CENTRES = np.random.default_rng(0).integers(40, 200, size=(10, 1, 4, 4))


def images(data, seed):
    """Ten classes of 30 noisy 4x4 images, more apart the further their labels are."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10), 30)
    noisy = CENTRES[labels] + random.normal(0, 8, size=(300, 1, 4, 4))
    part = ImageSet(noisy.clip(0, 255).astype(np.uint8), labels)
    return Split(data.classes, part, part, {})


def records_of(trials, images=images):
    """The records that an engine would have made."""
    records = {}
    for trial in trials:
        outcome = project(trial, Bench("cpu", images, {}))
        records[trial.id] = Record(
            id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=outcome.summary,
            timings=outcome.timings, environment=HERE, arrays=outcome.arrays,
        )  # fmt: skip
    return records


SETTINGS = projection.Settings(data=Data(source="digits", train_images=300))


def table(findings, name):
    return next(table for table in findings.tables if table.id == name)


def test_tables_agree_with_the_recorded_points():
    records = records_of(projection.trials(SETTINGS, (0,)))
    found = projection.findings(SETTINGS, (0,), records)
    (record,) = records.values()
    points, labels = record.arrays["points"], record.arrays["labels"]
    for k, row in enumerate(table(found, "projection-classes").rows):
        own = points[labels == k]
        expected = [*own.mean(axis=0), *own.var(axis=0, ddof=1), 30]
        assert row[0] == str(k)
        np.testing.assert_allclose([cell.mean for cell in row[1:]], expected)
    accuracies = [row[1].mean for row in table(found, "projection-pairs").rows]
    assert accuracies == sorted(accuracies)
    assert len(accuracies) == 45
    mean = next(s.text for s in found.statements if "on average over the 45 pairs" in s.text)
    assert f"{np.mean(accuracies):.3f}" in mean
    assert {trial for statement in found.statements for trial in statement.trials} == {record.id}
    shares = [row[1].mean for row in table(found, "projection-variance").rows]
    assert shares[2] == pytest.approx(shares[0] + shares[1])


def test_figures_and_json():
    found = projection.findings(SETTINGS, (0,), records_of(projection.trials(SETTINGS, (0,))))
    kinds = [panel.kind for figure in found.figures for panel in figure.panels]
    assert kinds == ["points", "points", "images", "histogram", "heatmap"]
    plain, ellipses = found.figures[0].panels[0], found.figures[1].panels[0]
    assert all(cloud.ellipse is None for cloud in plain.clouds)
    assert all(cloud.ellipse is not None for cloud in ellipses.clouds)
    heat = found.figures[-1].panels[0].values
    np.testing.assert_array_equal(np.isnan(heat), np.eye(10, dtype=bool))
    assert found.model_dump_json()
    assert any("one seed" in warning for warning in found.warnings)


def test_same_seed_same_bits():
    (trial,) = projection.trials(SETTINGS, (3,))
    first, again = (project(trial, Bench("cpu", images, {})) for _ in range(2))
    assert first.summary == again.summary
    assert all(first.arrays[name].tobytes() == again.arrays[name].tobytes() for name in first.arrays)


def test_a_component_that_points_the_other_way_in_one_seed_changes_nothing():
    trials = projection.trials(SETTINGS, (0, 1))
    records = records_of(trials)
    found = projection.findings(SETTINGS, (0, 1), records)
    second = records[trials[1].id]
    turned = np.array([1, -1])
    arrays = {
        **second.arrays,
        "points": second.arrays["points"] * turned,
        "components": second.arrays["components"] * turned.reshape(2, 1, 1, 1),
    }
    flipped = records | {second.id: second.model_copy(update={"arrays": arrays})}
    assert projection.findings(SETTINGS, (0, 1), flipped).tables == found.tables
    cell = table(found, "projection-classes").rows[0][1]
    assert cell.n == 2
    assert cell.interval is not None
    assert found.seeds == 2
    assert "The first seed is shown" in found.figures[0].caption


def test_missing_records_leave_empty_cells_and_a_warning():
    found = projection.findings(SETTINGS, (0, 1), {})
    assert found.seeds == 0
    assert not found.statements
    assert all(figure.missing for figure in found.figures)
    assert all(cell is None for cell in table(found, "projection-classes").rows[4][1:])
    assert any("2 of 2 trials have not finished" in warning for warning in found.warnings)
    half = projection.findings(SETTINGS, (0, 1), records_of(projection.trials(SETTINGS, (0,))))
    assert half.seeds == 1
    assert any("1 of 2 trials" in warning for warning in half.warnings)


def test_a_class_without_images_is_left_empty():
    def without_nine(data, seed):
        whole = images(data, seed)
        return Split(data.classes, whole.train.take(np.flatnonzero(whole.train.labels != 9)), whole.test, {})

    found = projection.findings(SETTINGS, (0,), records_of(projection.trials(SETTINGS, (0,)), without_nine))
    assert table(found, "projection-classes").rows[9][1:5] == (None, None, None, None)
    assert len(table(found, "projection-pairs").rows) == 36
    assert found.model_dump_json()


def test_svms_out_of_iterations_are_reported():
    settings = projection.Settings(data=SETTINGS.data, svm_iterations=1)
    found = projection.findings(settings, (0,), records_of(projection.trials(settings, (0,))))
    assert any("45 of the linear SVMs stopped at 1 iteration" in warning for warning in found.warnings)


def test_unknown_settings_are_refused():
    with pytest.raises(ValidationError, match="svm_iteration"):
        projection.Settings(data=SETTINGS.data, svm_iteration=5)


# The study's table 1 (absolute centroids: its signs were lost): |PC1|, |PC2|, variance PC1, variance PC2, n.
STUDY = """\
0,7.77,1.75,13.70,3.17,958
1,6.71,3.38,1.32,3.60,1122
2,0.78,2.81,9.77,7.09,971
3,0.61,2.86,8.22,6.11,1012
4,0.33,4.37,8.33,4.61,960
5,0.83,0.77,11.14,5.43,967
6,1.29,0.68,11.03,4.18,1021
7,1.96,4.63,6.56,6.55,1024
8,0.04,1.29,8.95,5.08,931
9,1.09,4.63,7.99,5.44,1034
"""


def sampling_errors(train, images, draws=40):
    """Standard deviation (10, 4) of the table's entries over random subsets, the whole procedure repeated.

    The variance within a class alone is not enough: PC2 and PC3 carry almost the same share, so that the
    components turn with the sample and take the centroids along. Fifty leading components stand for all the
    pixels.
    """
    pixels = scale(train.images).reshape(len(train), -1)
    leading = np.linalg.eigh(np.cov(pixels, rowvar=False))[1][:, :-51:-1]
    pixels = (pixels - pixels.mean(axis=0)) @ leading
    random = np.random.default_rng(0)
    entries = []
    for _ in range(draws):
        subset = random.permutation(len(pixels))[:images]
        axes = np.linalg.eigh(np.cov(pixels[subset], rowvar=False))[1][:, [-1, -2]]
        points = pixels[subset] @ (axes * np.sign(axes[[0, 1], [0, 1]]))
        found = moments(points, train.labels[subset], 10)
        entries.append(np.hstack([found.centroids, np.diagonal(found.covariances, axis1=1, axis2=2)]))
    return np.std(entries, axis=0, ddof=1)


@pytest.mark.skipif("RUNGWISE_DATA" not in os.environ, reason="needs MNIST: set RUNGWISE_DATA to its folder")
def test_mnist_agrees_with_the_study():
    mnist = load("mnist", offline=True)
    settings = projection.Settings(data=Data(source="mnist", train_images=10_000))
    trials = projection.trials(settings, (0,))
    found = projection.findings(settings, (0,), records_of(trials, lambda data, seed: split(mnist, data, seed)))
    ours = np.array([[cell.mean for cell in row[1:5]] for row in table(found, "projection-classes").rows])
    study = np.loadtxt(STUDY.splitlines(), delimiter=",")[:, 1:5]
    error = sampling_errors(mnist.train, 10_000) * np.sqrt(2)  # of a difference: both are samples
    distance = np.abs(np.abs(ours) - study) / error
    assert distance.max() < 4
    accuracies = [row[1].mean for row in table(found, "projection-pairs").rows]
    assert 0.835 <= np.mean(accuracies) <= 0.855
