"""Components, ellipses and pairs against hand-derived cases and scikit-learn-free oracles."""

import math

import numpy as np
import pytest

from rungwise.chapters.projection.figures import confidence_ellipse
from rungwise.insight.projection import moments, pair_accuracies, principal_components


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
