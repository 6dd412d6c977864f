"""Macro F1, against scikit-learn, and its linear part, against finite differences."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from rungwise.evidence.f1 import linear_f1, macro_f1


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray]:
    """Labels (300,) of 5 classes, one of them rare, and predictions (2, 3, 300)."""
    draws = np.random.default_rng(0)
    labels = draws.choice(5, size=300, p=[0.3, 0.3, 0.2, 0.18, 0.02])
    return labels, np.where(draws.random((2, 3, 300)) < 0.2, draws.integers(5, size=(2, 3, 300)), labels)


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_that_of_scikit_learn(case: tuple[np.ndarray, np.ndarray], weighted: bool) -> None:
    labels, predictions = case
    weights = np.random.default_rng(1).integers(4, size=300).astype(float) if weighted else None
    found = macro_f1(predictions, labels, 5, weights)
    for place in np.ndindex(2, 3):
        expected = f1_score(labels, predictions[place], average="macro", sample_weight=weights)
        assert found[place] == pytest.approx(expected, rel=1e-12)


def test_a_class_that_nobody_names_is_left_out() -> None:
    labels = np.array([0, 0, 2, 2])
    predictions = np.array([[0, 2, 2, 2]])  # F1 of 0 is 2/3, of 2 it is 4/5
    assert macro_f1(predictions, labels, 4)[0] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert np.isnan(macro_f1(predictions, labels, 4, np.zeros(4))[0])


def test_the_linear_part_has_the_mean_and_the_gradient(case: tuple[np.ndarray, np.ndarray]) -> None:
    """Its value for an image less the mean is m times the derivative in the image's weight."""
    labels, predictions = case
    values = linear_f1(predictions, labels, 5).astype(float)
    assert values.mean(axis=-1) == pytest.approx(macro_f1(predictions, labels, 5), abs=1e-7)
    for image in (0, 1, int(np.flatnonzero(labels == 4)[0])):
        more, less = np.ones(300), np.ones(300)
        more[image] += 1e-5
        less[image] -= 1e-5
        slope = (macro_f1(predictions, labels, 5, more) - macro_f1(predictions, labels, 5, less)) / 2e-5
        assert values[..., image] == pytest.approx(macro_f1(predictions, labels, 5) + 300 * slope, abs=1e-4)
