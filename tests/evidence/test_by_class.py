"""Recall, precision, balanced accuracy and macro F1: against scikit-learn, by hand, and where they are undefined."""

import math
import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_score, recall_score

from rungwise.evidence.by_class import by_image, images_behind, tally, value

CASES = {
    "every class in both": (4, [0.4, 0.3, 0.2, 0.1], [0, 1, 2, 3]),
    "a class never predicted": (4, [0.4, 0.3, 0.2, 0.1], [0, 1, 2]),
    "a class without images": (4, [0.5, 0.0, 0.3, 0.2], [0, 1, 2, 3]),
    "a class in neither": (4, [0.5, 0.0, 0.3, 0.2], [0, 2, 3]),
    "one class, always predicted": (1, [1.0], [0]),
}
"""Classes, their shares of the images, and those that are predicted."""
MEANS = ("accuracy", "balanced_accuracy", "macro_f1")


def drawn(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and labels, (200,) each."""
    classes, shares, named = CASES[name]
    draws = np.random.default_rng(len(name))
    labels = draws.choice(classes, size=200, p=shares)
    keep = (draws.random(200) < 0.7) & np.isin(labels, named)
    return np.where(keep, labels, draws.choice(named, size=200)), labels


@pytest.mark.parametrize("name", CASES)
def test_they_are_those_of_scikit_learn(name: str) -> None:
    said, labels = drawn(name)
    counts = tally(said, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are predicted and have no images
        expected = {
            "accuracy": accuracy_score(labels, said),
            "balanced_accuracy": balanced_accuracy_score(labels, said),
            "macro_f1": f1_score(labels, said, average="macro"),
        }
    assert {each: value(each, counts) for each in MEANS} == pytest.approx(expected, rel=1e-12)
    for label in range(CASES[name][0]):
        one = {"labels": [label], "average": None, "zero_division": np.nan}
        for statistic, score in (("recall", recall_score), ("precision", precision_score)):
            found = value(statistic, counts, label)
            assert found == pytest.approx(score(labels, said, **one)[0], rel=1e-12, nan_ok=True), (statistic, label)


def test_by_hand() -> None:
    """Labels 0 0 0 1 1 2; predictions 0 0 1 1 0 0: of 0 are 2 of 3 right and 2 of 4 said so, of 1 1 of 2 and 1 of 2,
    of 2 none of 1 and none said so."""
    counts = tally(np.array([0, 0, 1, 1, 0, 0]), np.array([0, 0, 0, 1, 1, 2]))
    assert [value("recall", counts, label) for label in range(3)] == [2 / 3, 1 / 2, 0]
    assert [value("precision", counts, label) for label in range(2)] == [1 / 2, 1 / 2]
    assert math.isnan(value("precision", counts, 2)), "nothing was said to be of it"
    assert math.isnan(value("recall", counts, 3)), "there is no such class here"
    assert value("balanced_accuracy", counts) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert value("macro_f1", counts) == pytest.approx((4 / 7 + 1 / 2 + 0) / 3), "an F1 of 0 is defined, and counts"
    assert [images_behind(each, counts) for each in MEANS] == [6, 3, 3], "three classes, one with a single image"
    assert [images_behind("recall", counts, label) for label in range(4)] == [3, 2, 1, 0]
    assert [images_behind("precision", counts, label) for label in range(4)] == [4, 2, 0, 0]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("statistic", ["accuracy", "balanced_accuracy", "macro_f1", "recall", "precision"])
def test_the_linear_part_has_the_mean_and_the_gradient(name: str, statistic: str) -> None:
    """The value of an image less the mean is m times the derivative in its weight: here by one more copy of an image
    among 200 copies of all of them."""
    said, labels = drawn(name)
    found = by_image(statistic, said, labels, 0).astype(float)
    mean = value(statistic, tally(said, labels), 0)
    assert found.mean() == pytest.approx(mean, abs=1e-6)
    many = 2000
    for image in (0, 1, int(np.argmax(labels))):
        extra = [np.append(np.repeat(each, many), each[image]) for each in (said, labels)]
        slope = (value(statistic, tally(*extra), 0) - mean) * many
        assert found[image] == pytest.approx(mean + 200 * slope, abs=0.02), image


def test_what_is_right_of_an_even_test_part_counts_all_of_it() -> None:
    labels = np.repeat([0, 1, 2], 20)
    assert [images_behind(each, tally(labels, labels)) for each in MEANS] == [60, 60, 60]
