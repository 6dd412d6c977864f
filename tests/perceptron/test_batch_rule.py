"""The batch rule for many starts against a plain loop over all rows, set by set and bit by bit."""

import os
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits

from rungwise.data.load import load
from rungwise.perceptron import batch_loop, batch_rule
from rungwise.perceptron.batch_loop import BLOCK
from rungwise.perceptron.batch_rule import Columns, grid_start, learn_batch, learn_batch_many, look_at
from rungwise.perceptron.estimator import signed


def plain(Z, start, rate, iterations, tol=-1.0):
    """The sets and the weights after each iteration of a loop over all rows in float64."""
    Z = Z.astype(np.float64)
    total, sets, weights = np.zeros(Z.shape[1]), [], []
    for _ in range(iterations):
        wrong = Z @ start + rate * (Z @ total) <= 0
        sets.append(wrong)
        if wrong.mean() <= tol:
            break
        total = total + Z[wrong].sum(axis=0)
        weights.append(start + rate * total)
    return sets, weights


def same(Z, starts, rate, iterations, change=lambda rows: rows):
    """Fail unless sets are of the same sizes and sums after each iteration; what share of margins was computed, and
    the sizes of the sets.

    `change` makes other rows of what `look_at` finds.
    """
    columns, share, sizes = Columns(Z), [], []
    rows = change(look_at(columns.kept(Z)))
    for start in starts:
        sets, weights = plain(Z, start, rate, iterations)
        for t in range(1, iterations + 1):
            fit, computed = columns.fit(rows, start, rate, t, -1.0)
            assert fit.errors == [wrong.mean() for wrong in sets[:t]], f"iteration {t}"
            assert fit.weights.tobytes() == weights[t - 1].tobytes(), f"iteration {t}"
        share.append(computed / (iterations * len(Z)))
        sizes += [wrong.sum() for wrong in sets]
    return max(share), sizes


def starts(count, size):
    return [grid_start(np.random.RandomState(seed), size) for seed in range(count)]


@pytest.fixture
def few_directions(monkeypatch):
    """So few that they leave something of small rows; one more would be the last."""
    monkeypatch.setattr(batch_rule, "DIRECTIONS", 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rate", "most"), [(0.01, 0.7), (1e-5, 0.1)])
@pytest.mark.parametrize("seed", range(2))
def test_sets_on_random_whole_numbers(seed, rate, most, dtype, few_directions):
    random = np.random.default_rng(seed)
    X = random.integers(-255, 256, size=(600, 20))
    assert len(X) % BLOCK != 0  # a block that is not full
    y = np.where(X @ random.standard_normal(20) + 400 * random.standard_normal(600) > 0, 1, -1)
    share, sizes = same(signed(X, y, one=255).astype(dtype), starts(3, 21), rate / 255, 300)
    assert share < most
    assert len(set(sizes)) > 5


@pytest.mark.parametrize("seed", range(3))
def test_sets_with_pixels_that_are_the_same_everywhere(seed, few_directions):
    random = np.random.default_rng(seed)
    X = random.integers(-255, 256, size=(400, 14))
    y = np.where(X @ random.standard_normal(14) + 300 * random.standard_normal(400) > 0, 1, -1)
    X[:, [1, 2, 7]], X[:, [5, 13]], X[:, 9], X[:, 3] = -255, 255, 0, 37  # black, white, gray, and one not merged
    Z = signed(X, y, one=255).astype(np.float32)
    columns = Columns(Z)
    assert columns.chosen.tolist() == [0, 3, 4, 6, 8, 10, 11, 12, 14]
    assert columns.signs.tolist() == [0, -1, -1, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 1, 0]
    same(Z, starts(3, 15), 0.01 / 255, 200)


def test_rows_whose_last_column_is_nothing_are_taken_as_they_are():
    Z = np.array([[1, 0, 0], [-1, 0, 0], [2, 3, 0]], np.float32)
    assert Columns(Z).chosen.tolist() == [0, 1, 2]
    same(Z, starts(2, 3), 1.0, 5)


@pytest.mark.parametrize("seed", range(4))
def test_sets_with_margins_of_exactly_0(seed, few_directions):
    # A small grid, with each image twice and some of them in both classes; whole starts and a rate of 1.
    random = np.random.default_rng(seed)
    X = np.repeat(random.integers(-1, 2, size=(150, 5)), 2, axis=0)
    y = np.where(X[:, 0] + X[:, 1] > 0, 1, -1)
    y[random.permutation(300)[:6]] *= -1
    Z = signed(X, y).astype(np.float32)
    whole = [random.integers(-2, 3, size=6).astype(float) for _ in range(3)] + [np.zeros(6)]
    ties = 0
    for start in whole:
        for weights in [start, *plain(Z, start, 1.0, 150)[1]]:
            ties += np.count_nonzero(Z @ weights == 0)
    assert ties > 100
    same(Z, whole, 1.0, 150)


def test_sets_of_margins_closer_than_float32_can_tell(few_directions):
    # Thirty pairs of rows a and -a, one coordinate apart by 1: margins of about 1e-7 of their terms.
    random = np.random.default_rng(0)
    A = random.integers(-255, 256, size=(30, 12))
    B = -A
    B[:, 3] += 1
    Z = np.vstack([A, B, random.integers(-255, 256, size=(300, 12))]).astype(np.float32)
    same(Z, [1000 * start for start in starts(3, 12)], 1e-3 / 255, 200)


def test_a_bound_too_low_would_be_found(few_directions):
    random = np.random.default_rng(1)
    X = random.integers(-255, 256, size=(600, 20))
    y = np.where(X @ random.standard_normal(20) + 400 * random.standard_normal(600) > 0, 1, -1)

    def tight(rows):
        return rows._replace(beside=rows.beside * 0.0025, spare=rows.spare * 0.0025, norms=rows.norms * 0.05)

    with pytest.raises(AssertionError):
        same(signed(X, y, one=255).astype(np.float32), starts(3, 21), 0.01 / 255, 400, tight)


def test_weights_that_swing_cost_few_margins(few_directions):
    # Bright images of two classes that overlap: a step moves all margins alike, and the next moves them back.
    random = np.random.default_rng(0)
    X = 200 + random.integers(-40, 41, size=(400, 12))
    Z = signed(X, np.where(X[:, 0] + 30 * random.standard_normal(400) > 200, 1, -1), one=255).astype(np.float32)
    (start,) = starts(1, 13)
    sets = plain(Z, start, 0.01 / 255, 300)[0]
    assert np.median([(a != b).sum() for a, b in pairwise(sets)]) > 100
    share, _ = same(Z, [start], 0.01 / 255, 300)
    assert share < 0.5


@pytest.mark.parametrize(("a", "b"), [(1, 8), (3, 9), (0, 1)])
def test_sets_on_the_digits_of_scikit_learn(a, b, few_directions):
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
    share, _ = same(Z, starts(2, 785), 0.01 / 255, 150)
    assert share < 0.2


@pytest.mark.parametrize("whole", [True, False])
def test_all_starts_at_once_are_each_alone_to_the_bit(whole, few_directions):
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


def test_the_order_of_the_rows_changes_no_bit(few_directions):
    random = np.random.default_rng(4)
    X = random.integers(0, 256, size=(500, 30)).astype(np.float32)
    Z = signed(X, np.where(X[:, 0] > X[:, 1] + 40 * random.standard_normal(500), 1, -1).astype(np.float32))
    order = random.permutation(500)
    start = grid_start(np.random.RandomState(0), 31)
    one, other = learn_batch(Z, start, 1e-4, 200, 0.0), learn_batch(Z[order], start, 1e-4, 200, 0.0)
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.errors == other.errors


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_real_numbers_of_any_size_follow_the_plain_loop(scale, few_directions):
    random = np.random.default_rng(5)
    X = random.standard_normal((300, 8))
    Z = signed(X, np.where(X[:, 0] + 0.3 * random.standard_normal(300) > 0, 1, -1)) * scale
    start = random.standard_normal(9)
    sets, weights = plain(Z, start, 0.01 / scale**2, 40)
    fit = learn_batch(Z, start, 0.01 / scale**2, 40, -1.0)
    assert fit.errors == [wrong.mean() for wrong in sets]
    np.testing.assert_allclose(fit.weights, weights[-1], rtol=1e-9)


def test_stops_where_the_plain_loop_stops(few_directions):
    random = np.random.default_rng(6)
    X = random.integers(-9, 10, size=(300, 6))
    Z = signed(X, np.where(X[:, 0] * 3 + X[:, 1] > 0, 1, -1)).astype(np.float32)
    start = grid_start(np.random.RandomState(1), 7)
    sets, weights = plain(Z, start, 0.05, 500, tol=0.01)
    fit = learn_batch(Z, start, 0.05, 500, 0.01)
    assert 1 < len(sets) < 500
    assert fit.errors == [wrong.mean() for wrong in sets]
    assert fit.weights.tobytes() == weights[-1].tobytes()  # those that the last iteration found good enough


def test_rows_of_whole_numbers_are_read_as_int16_and_others_as_they_are():
    whole = np.array([[3, -255, 1], [0, 255, -1]], np.float32)
    assert look_at(whole).Z.dtype == np.int16
    assert look_at(whole / 2).Z.dtype == np.float32
    assert look_at(whole.astype(np.float64) * 1e5).Z.dtype == np.float64


def test_the_bound_holds_for_what_is_known_of_rows():
    random = np.random.default_rng(7)
    Z = random.standard_normal((700, 30)).astype(np.float32)
    rows, exact = look_at(Z), Z.astype(np.float64)
    inner = rows.V[:-1]
    np.testing.assert_allclose(inner @ inner.T, np.eye(len(inner)), atol=1e-14)
    left = np.linalg.norm(exact - exact @ inner.T @ inner, axis=1)
    apart = np.sqrt(np.maximum(rows.beside, 0) + rows.spare)
    assert (left <= apart).all()
    assert (apart <= left + 0.02).all()
    assert (np.linalg.norm(exact, axis=1) <= rows.norms[:700]).all()
    known = rows.P.transpose(0, 2, 1).reshape(-1, len(rows.V))
    np.testing.assert_allclose(known[:700, :-1], exact @ inner.T, atol=1e-5)
    assert not known[700:].any()


def test_the_last_direction_is_that_of_the_change_beside_the_others():
    V = np.zeros((3, 4))
    V[0, 0] = V[1, 1] = 1
    batch_loop._turn(V, np.array([5.0, 7.0, 3.0, -4.0]))
    np.testing.assert_allclose(V[2], [0, 0, 0.6, -0.8], atol=1e-15)
    batch_loop._turn(V, np.array([5.0, 7.0, 0.0, 0.0]))
    assert V[2].tolist() == [0, 0, 0, 0]
    batch_loop._turn(V, np.zeros(4))
    assert V[2].tolist() == [0, 0, 0, 0]


def test_what_directions_leave_of_a_change_is_never_too_small():
    random = np.random.default_rng(8)
    V = np.linalg.qr(random.standard_normal((40, 8)))[0].T
    for inside in (0.0, 1.0, 1e3, 1e5):
        change = inside * (random.standard_normal(8) @ V) + random.standard_normal(40)
        along = np.zeros(8, np.float32)
        rest, moved = batch_loop._project(V, change, along)
        left = np.linalg.norm(change - V.T @ (V @ change))
        assert left <= rest <= 1.001 * left + 2e-6 * moved
        assert moved == pytest.approx(np.linalg.norm(change))
        np.testing.assert_allclose(along, V @ change, rtol=1e-6)
