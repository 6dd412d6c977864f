"""The batch rule for many starts against a plain loop over all rows, set by set and bit by bit."""

import os

import numpy as np
import pytest
from sklearn.datasets import load_digits

from rungwise.data.load import load
from rungwise.models import batch_rule
from rungwise.models.batch_rule import Mistakes, Rows, grid_start, learn_batch, learn_batch_many
from rungwise.models.perceptron import signed


def plain(Z, start, rate, iterations, tol=-1.0):
    """The sets, the error curve and the weights of a loop over all rows in float64."""
    Z = Z.astype(np.float64)
    total, sets = np.zeros(Z.shape[1]), []
    for _ in range(iterations):
        wrong = Z @ start + rate * (Z @ total) <= 0
        sets.append(wrong)
        if wrong.mean() <= tol:
            break
        total = total + Z[wrong].sum(axis=0)
    return sets, [wrong.mean() for wrong in sets], start + rate * total


def watched(Z, start, rate, iterations):
    """The sets that the quick way finds, how often it looked at all rows, and in how many iterations two took turns."""
    mistakes, total = Mistakes(Rows(Z), start, rate), np.zeros(Z.shape[1])
    sets, looks, turns, exact = [], 0, 0, Z.astype(np.float64)
    for _ in range(iterations):
        mistakes.find(total)
        looks, turns = looks + (mistakes.age == 0), turns + (mistakes.between is not None)
        flags = mistakes.flags.copy()
        assert mistakes.count == flags.sum()
        assert mistakes.sum.tolist() == exact[flags].sum(axis=0).tolist()
        sets.append(flags)
        total = total + mistakes.sum
        mistakes = mistakes.next()
    return sets, looks, turns


def same(Z, starts, rate, iterations):
    """Fail unless all is equal; the looks and the sizes of the sets."""
    looks, sizes = 0, []
    for start, fit in zip(starts, learn_batch_many(Z, starts, rate, iterations, -1.0), strict=True):
        sets, curve, weights = plain(Z, start, rate, iterations)
        found, looked, _ = watched(Z, start, rate, iterations)
        for t, (mine, theirs) in enumerate(zip(found, sets, strict=True)):
            assert np.array_equal(mine, theirs), f"iteration {t}"
        assert fit.errors == curve
        assert fit.weights.tobytes() == weights.tobytes()
        looks, sizes = looks + looked, sizes + [wrong.sum() for wrong in sets]
    return looks, sizes


def starts(count, size):
    return [grid_start(np.random.RandomState(seed), size) for seed in range(count)]


@pytest.fixture
def few_watched(monkeypatch):
    """Limits so low that small data goes all ways."""
    for name, value in {"DIRECTIONS": 6, "VAGUE": 12, "WATCHED": 24, "RESTLESS": 8, "ALIKE": 2}.items():
        monkeypatch.setattr(batch_rule, name, value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rate", "most"), [(0.01, 1.0), (1e-5, 0.7)])
@pytest.mark.parametrize("seed", range(2))
def test_sets_on_random_whole_numbers(seed, rate, most, dtype, few_watched):
    random = np.random.default_rng(seed)
    X = random.integers(-255, 256, size=(600, 20))
    y = np.where(X @ random.standard_normal(20) + 400 * random.standard_normal(600) > 0, 1, -1)
    looks, sizes = same(signed(X, y, one=255).astype(dtype), starts(3, 21), rate / 255, 300)
    assert looks <= most * len(sizes)  # small steps leave most rows out
    assert len(set(sizes)) > 5


@pytest.mark.parametrize("seed", range(3))
def test_sets_with_pixels_that_are_the_same_everywhere(seed, few_watched):
    random = np.random.default_rng(seed)
    X = random.integers(-255, 256, size=(400, 14))
    y = np.where(X @ random.standard_normal(14) + 300 * random.standard_normal(400) > 0, 1, -1)
    X[:, [1, 2, 7]], X[:, [5, 13]], X[:, 9], X[:, 3] = -255, 255, 0, 37  # black, white, gray, and one not merged
    Z = signed(X, y, one=255).astype(np.float32)
    columns = batch_rule.Columns(Z)
    assert columns.chosen.tolist() == [0, 3, 4, 6, 8, 10, 11, 12, 14]
    assert columns.signs.tolist() == [0, -1, -1, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 1, 0]
    same(Z, starts(3, 15), 0.01 / 255, 200)


def test_rows_whose_last_column_is_nothing_are_taken_as_they_are():
    Z = np.array([[1, 0, 0], [-1, 0, 0], [2, 3, 0]], np.float32)
    assert batch_rule.Columns(Z).chosen.tolist() == [0, 1, 2]
    same(Z, starts(2, 3), 1.0, 5)


@pytest.mark.parametrize("seed", range(4))
def test_sets_with_margins_of_exactly_0(seed, few_watched):
    # A small grid, with each image twice and some of them in both classes; whole starts and a rate of 1.
    random = np.random.default_rng(seed)
    X = np.repeat(random.integers(-1, 2, size=(150, 5)), 2, axis=0)
    y = np.where(X[:, 0] + X[:, 1] > 0, 1, -1)
    y[random.permutation(300)[:6]] *= -1
    Z = signed(X, y).astype(np.float32)
    whole = [random.integers(-2, 3, size=6).astype(float) for _ in range(3)] + [np.zeros(6)]
    ties = 0
    for start in whole:
        total = np.zeros(6)
        for wrong in plain(Z, start, 1.0, 150)[0]:
            ties += np.count_nonzero(Z @ (start + total) == 0)
            total = total + Z[wrong].sum(axis=0)
    assert ties > 100
    same(Z, whole, 1.0, 150)


def test_sets_of_margins_closer_than_float32_can_tell(few_watched):
    # Thirty pairs of rows a and -a, one coordinate apart by 1: margins of about 1e-7 of their terms.
    random = np.random.default_rng(0)
    A = random.integers(-255, 256, size=(30, 12))
    B = -A
    B[:, 3] += 1
    Z = np.vstack([A, B, random.integers(-255, 256, size=(300, 12))]).astype(np.float32)
    same(Z, [1000 * start for start in starts(3, 12)], 1e-3 / 255, 200)


def test_a_bound_too_low_would_be_found(monkeypatch, few_watched):
    random = np.random.default_rng(1)
    X = random.integers(-255, 256, size=(600, 20))
    y = np.where(X @ random.standard_normal(20) + 400 * random.standard_normal(600) > 0, 1, -1)
    init = Rows.__init__

    def tight(self, Z):
        init(self, Z)
        self.beside, self.norms = self.beside * 0.05, self.norms * 0.05

    monkeypatch.setattr(Rows, "__init__", tight)
    with pytest.raises(AssertionError):
        same(signed(X, y, one=255).astype(np.float32), starts(3, 21), 0.01 / 255, 400)


def test_two_take_turns_where_the_weights_swing(few_watched):
    # Bright images of two classes that overlap: a step moves all margins alike, and the next moves them back.
    random = np.random.default_rng(0)
    X = 200 + random.integers(-40, 41, size=(400, 12))
    Z = signed(X, np.where(X[:, 0] + 30 * random.standard_normal(400) > 200, 1, -1), one=255).astype(np.float32)
    (start,) = starts(1, 13)
    _, looks, turns = watched(Z, start, 0.01 / 255, 300)
    assert looks < 60  # one alone would look at all rows in each iteration
    assert turns > 200
    same(Z, [start], 0.01 / 255, 300)


@pytest.mark.parametrize(("a", "b"), [(1, 8), (3, 9), (0, 1)])
def test_sets_on_the_digits_of_scikit_learn(a, b, few_watched):
    digits = load_digits()
    chosen = (digits.target == a) | (digits.target == b)
    Z = signed(2 * digits.data[chosen] - 16, np.where(digits.target[chosen] == a, 1, -1), one=16)
    same(Z, starts(4, 65), 0.01 / 16, 300)


@pytest.mark.skipif("RUNGWISE_DATA" not in os.environ, reason="needs MNIST in RUNGWISE_DATA")
@pytest.mark.parametrize(("a", "b"), [(3, 5)])
def test_sets_on_mnist(a, b):
    train = load("mnist").train
    chosen = (train.labels == a) | (train.labels == b)
    pixels = 2 * train.images[chosen].reshape(chosen.sum(), -1).astype(np.float32) - 255
    Z = signed(pixels, np.where(train.labels[chosen] == a, 1, -1).astype(np.float32), one=255)
    same(Z, starts(3, 785), 0.01 / 255, 200)


@pytest.mark.parametrize("whole", [True, False])
def test_all_starts_at_once_are_each_alone_to_the_bit(whole, few_watched):
    random = np.random.default_rng(3)
    X = random.standard_normal((400, 15)).astype(np.float32)
    X = np.round(100 * X) if whole else X
    y = np.where(X[:, 0] + X[:, 1] ** 3 > 0, 1, -1).astype(np.float32)
    Z = signed(X, y)
    many = starts(5, 16)
    for start, fit in zip(many, learn_batch_many(Z, many, 0.01, 150, 0.004), strict=True):
        alone = learn_batch(Z, start, 0.01, 150, 0.004)
        assert fit.weights.tobytes() == alone.weights.tobytes()
        assert fit.errors == alone.errors
    assert len({fit.weights.tobytes() for fit in learn_batch_many(Z, many, 0.01, 150, 0.004)}) == 5


def test_the_order_of_the_rows_changes_no_bit(few_watched):
    random = np.random.default_rng(4)
    X = random.integers(0, 256, size=(500, 30)).astype(np.float32)
    Z = signed(X, np.where(X[:, 0] > X[:, 1] + 40 * random.standard_normal(500), 1, -1).astype(np.float32))
    order = random.permutation(500)
    start = grid_start(np.random.RandomState(0), 31)
    one, other = learn_batch(Z, start, 1e-4, 200, 0.0), learn_batch(Z[order], start, 1e-4, 200, 0.0)
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.errors == other.errors


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_real_numbers_of_any_size_follow_the_plain_loop(scale, few_watched):
    random = np.random.default_rng(5)
    X = random.standard_normal((300, 8))
    Z = signed(X, np.where(X[:, 0] + 0.3 * random.standard_normal(300) > 0, 1, -1)) * scale
    start = random.standard_normal(9)
    _, curve, weights = plain(Z, start, 0.01 / scale**2, 40)
    fit = learn_batch(Z, start, 0.01 / scale**2, 40, -1.0)
    assert fit.errors == curve
    np.testing.assert_allclose(fit.weights, weights, rtol=1e-9)


def test_stops_where_the_plain_loop_stops(few_watched):
    random = np.random.default_rng(6)
    X = random.integers(-9, 10, size=(300, 6))
    Z = signed(X, np.where(X[:, 0] * 3 + X[:, 1] > 0, 1, -1)).astype(np.float32)
    start = grid_start(np.random.RandomState(1), 7)
    _, curve, weights = plain(Z, start, 0.05, 500, tol=0.01)
    fit = learn_batch(Z, start, 0.05, 500, 0.01)
    assert 1 < len(curve) < 500
    assert fit.errors == curve
    assert fit.weights.tobytes() == weights.tobytes()
