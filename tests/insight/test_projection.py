"""Components, ellipses and pairs against hand-derived cases and scikit-learn-free oracles."""

import math

import numpy as np
import pytest

from rungwise.chapters.projection.planes import confidence_ellipse
from rungwise.data.images import scale
from rungwise.insight import projection as insight
from rungwise.insight.projection import (
    chosen_pairs,
    components_of_images,
    moments,
    pair_accuracies,
    principal_components,
)


def inside(ellipse, points):
    """Which points (N, 2) lie in the ellipse, from its axes and angle alone."""
    turn = math.radians(ellipse.angle)
    x, y = (points - [ellipse.x, ellipse.y]).T
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    return (along / (ellipse.width / 2)) ** 2 + (across / (ellipse.height / 2)) ** 2 <= 1


@pytest.mark.parametrize("covariance", [[[4, 1.5], [1.5, 1]], [[1, -0.8], [-0.8, 3]], [[0.2, 0], [0, 5]]])
def test_ellipse_covers_95_percent_of_a_gaussian(covariance):
    points = np.random.default_rng(0).multivariate_normal([3, -2], covariance, size=200_000)
    covered = inside(confidence_ellipse(np.array([3, -2]), np.array(covariance)), points).mean()
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 200_000))


def test_axis_aligned_ellipse_by_hand():
    # Chi-square with 2 degrees of freedom: .95 quantile 5.991. Standard deviations 3 (x) and 1 (y).
    ellipse = confidence_ellipse(np.array([1, 2]), np.diag([9.0, 1.0]))
    assert (ellipse.x, ellipse.y, ellipse.angle) == (1, 2, 0)
    assert ellipse.width == pytest.approx(2 * 3 * math.sqrt(5.991465))
    assert ellipse.height == pytest.approx(2 * math.sqrt(5.991465))


def test_angle_is_that_of_the_major_axis():
    # x and y with covariance as large as their variances lie on the diagonal; negative: on the other one.
    assert confidence_ellipse(np.zeros(2), np.array([[2.0, 1], [1, 2]])).angle == pytest.approx(45)
    assert confidence_ellipse(np.zeros(2), np.array([[2.0, -1], [-1, 2]])).angle == pytest.approx(135)


def test_components_are_the_eigenvectors_of_the_covariance():
    random = np.random.default_rng(2)
    pixels = random.standard_normal((400, 6)) @ random.standard_normal((6, 6)) + 5
    points, components, ratio = principal_components(pixels)
    centred = pixels - pixels.mean(axis=0)
    variances, vectors = np.linalg.eigh(centred.T @ centred / 399)
    np.testing.assert_allclose(np.abs((components * vectors.T[[-1, -2]]).sum(axis=1)), 1)
    np.testing.assert_allclose(ratio, variances[[-1, -2]] / variances.sum())
    np.testing.assert_allclose(points.var(axis=0, ddof=1), variances[[-1, -2]])
    np.testing.assert_allclose(points, centred @ components.T, atol=1e-12)


def test_sign_of_components_is_settled_whatever_the_sign_of_the_data():
    pixels = np.random.default_rng(4).standard_normal((50, 5)) * [5, 3, 1, 1, 1]
    for data in (pixels, -pixels):
        components = principal_components(data)[1]
        assert (components[[0, 1], np.abs(components).argmax(axis=1)] > 0).all()


def test_pair_accuracies_by_hand():
    # Class 0 far from the others; classes 1 and 2 on the same points, so that any line is right for half of
    # them; class 3 has no point.
    base = np.random.default_rng(0).standard_normal((20, 2))
    points = np.concatenate([base + np.array([40, 0]), base, base])
    accuracies, unconverged = pair_accuracies(points, np.repeat([0, 1, 2], 20), 4, 1000)
    expected = [[np.nan, 1, 1], [1, np.nan, 0.5], [1, 0.5, np.nan]]
    np.testing.assert_array_equal(accuracies[:3, :3], expected)
    assert np.isnan(accuracies[3]).all()
    assert np.isnan(accuracies[:, 3]).all()
    assert unconverged == 0


def test_svms_that_run_out_of_iterations_are_counted_not_warned_of():
    points = np.random.default_rng(0).standard_normal((60, 2))
    _, unconverged = pair_accuracies(points, np.repeat([0, 1, 2], 20), 3, 1)
    assert unconverged == 3


def test_moments_of_each_class():
    points = np.array([[0.0, 0], [2, 0], [1, 3], [7, 7]])
    counts, centroids, covariances = moments(points, np.array([0, 0, 0, 2]), 3)
    assert counts.tolist() == [3, 0, 1]
    np.testing.assert_array_equal(centroids, [[1, 1], [np.nan, np.nan], [7, 7]])
    np.testing.assert_array_equal(covariances[0], [[1, 0], [0, 3]])
    assert np.isnan(covariances[1:]).all()


def test_many_pixels_have_the_components_of_the_whole_decomposition():
    random = np.random.default_rng(0)
    mixed = random.standard_normal((300, 8)) @ random.standard_normal((8, 3 * 20 * 20)) * 20
    images = (mixed + 127 + random.standard_normal(mixed.shape) * 10).clip(0, 255).astype(np.uint8)
    images = images.reshape(300, 3, 20, 20)  # 1,200 pixels: beyond what is decomposed as a whole
    points, components, ratio = components_of_images(images)
    flat = scale(images).reshape(300, -1).astype(np.float64)
    variances, vectors = np.linalg.eigh(np.cov(flat, rowvar=False))
    np.testing.assert_allclose(np.abs((components * vectors.T[[-1, -2]]).sum(axis=1)), 1)
    np.testing.assert_allclose(ratio, variances[[-1, -2]] / variances.sum(), rtol=1e-6)
    np.testing.assert_allclose(points, (flat - flat.mean(axis=0)) @ components.T, atol=1e-5)
    assert (components[[0, 1], np.abs(components).argmax(axis=1)] > 0).all()


def test_components_do_not_depend_on_the_size_of_the_chunks(monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (60, 3, 19, 20), dtype=np.uint8)
    whole = components_of_images(images)
    monkeypatch.setattr(insight, "HELD", 0)
    monkeypatch.setattr(insight, "CHUNK", 8 * 3 * 19 * 20 * 7)  # 7 images at a time, and 4 in the end
    for one, other in zip(whole, components_of_images(images), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)


def test_many_images_have_the_components_of_the_whole_decomposition(monkeypatch):
    random = np.random.default_rng(5)
    mixed = random.standard_normal((200, 3)) @ random.standard_normal((3, 30)) * 20 + 127
    images = mixed.clip(0, 255).astype(np.uint8).reshape(200, 1, 6, 5)
    whole = components_of_images(images)
    monkeypatch.setattr(insight, "MOST_BYTES", 8 * images.size - 1)
    for one, other in zip(whole, components_of_images(images), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_few_pixels_are_decomposed_as_ever():
    images = np.random.default_rng(3).integers(0, 256, (40, 1, 6, 5), dtype=np.uint8)
    for one, other in zip(
        components_of_images(images), principal_components(scale(images).reshape(40, -1)), strict=True
    ):
        assert one.tobytes() == other.tobytes()


def test_all_pairs_of_few_classes_are_chosen_but_for_those_without_points():
    points = np.zeros((6, 2))
    assert chosen_pairs(points, np.array([0, 1, 3, 0, 1, 3]), 4) == [(0, 1), (0, 3), (1, 3)]
    assert chosen_pairs(points, np.zeros(6, int), 2) == []


def test_of_many_classes_the_nearest_pairs_are_chosen(monkeypatch):
    # Centroids on a line at 0, 1, 3, 7, 15, ...: the nearest pairs are those of neighbours, from the left on.
    monkeypatch.setattr(insight, "NEAREST_PAIRS", 4)
    classes = 60
    places = np.array([2.0**k - 1 for k in range(classes)])
    points = np.stack([np.repeat(places, 2), np.tile([0.0, 0.5], classes)], axis=1)
    # Distances: 0-1 1, 1-2 2, 0-2 3, 2-3 4 (and 1-3 6).
    assert chosen_pairs(points, np.repeat(np.arange(classes), 2), classes) == [(0, 1), (0, 2), (1, 2), (2, 3)]
    accuracies, _ = pair_accuracies(points, np.repeat(np.arange(classes), 2), classes, 1000)
    assert np.argwhere(np.triu(np.isfinite(accuracies))).tolist() == [[0, 1], [0, 2], [1, 2], [2, 3]]
