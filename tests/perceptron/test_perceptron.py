"""The perceptron against hand-worked problems, naive loops, its theorem, and scikit-learn's checks."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from rungwise.perceptron.batch_rule import learn_batch
from rungwise.perceptron.estimator import Perceptron, learn_online, signed

CORNERS = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])


@parametrize_with_checks([Perceptron(rule="batch"), Perceptron(rule="online")])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_batch_rule_by_hand():
    # Signed rows (x1, x2, y): (1, 0, 1), (0, -1, -1), (1, 1, -1); rate .5; start at 0.
    Z = signed(CORNERS, np.array([1.0, -1.0, -1.0]))
    # 1: all margins are 0: all three wrong; sum (2, 0, -1) -> w = (1, 0, -.5).
    # 2: margins .5, .5, 1.5: none wrong.
    weights, errors = learn_batch(Z, np.zeros(3), 0.5, 10, 0.0)
    assert weights.tolist() == [1.0, 0.0, -0.5]
    assert errors == [1.0, 0.0]


def test_batch_rule_ends_after_the_update_of_its_last_iteration():
    Z = signed(CORNERS, np.array([1.0, -1.0, -1.0]))
    weights, errors = learn_batch(Z, np.zeros(3), 0.5, 1, 0.0)
    assert weights.tolist() == [1.0, 0.0, -0.5]
    assert errors == [1.0]


class InOrder(np.random.RandomState):
    """Visits the images in their own order."""

    def permutation(self, n):
        return np.arange(n)


def test_online_rule_by_hand():
    # x = 2 (positive), x = 1 (negative); signed rows (2, 1), (-1, -1); rate 1; start at 0.
    # Epoch 1: margin 0, wrong -> (2, 1); margin -3, wrong -> (1, 0).
    # Epoch 2: margin 2; margin -1, wrong -> (0, -1).
    # Epoch 3: margin -1, wrong -> (2, 0); margin -2, wrong -> (1, -1).
    # Epoch 4: margin 1; margin 0, wrong -> (0, -2).
    # Epoch 5: margin -2, wrong -> (2, -1); margin -1, wrong -> (1, -2).
    # Epoch 6: margin 0, wrong -> (3, -1); margin -2, wrong -> (2, -2).
    # Epoch 7: margin 2; margin 0, wrong -> (1, -3).
    # Epoch 8: margin -1, wrong -> (3, -2); margin -1, wrong -> (2, -3).
    # Epoch 9: margin 1; margin 1: none wrong.
    Z = signed(np.array([[2.0], [1.0]]), np.array([1.0, -1.0]))
    weights, errors = learn_online(Z, np.zeros(2), 1.0, 20, 0.0, InOrder())
    assert weights.tolist() == [2.0, -3.0]
    assert errors == [1, 0.5, 1, 0.5, 1, 1, 0.5, 1, 0]


def naive_batch(X, y, w, b, rate, iterations):
    """The rule as the study words it, one image at a time."""
    errors = []
    for _ in range(iterations):
        wrong = [i for i in range(len(X)) if y[i] * (sum(w * X[i]) + b) <= 0]
        errors.append(len(wrong) / len(X))
        w = w + rate * sum((y[i] * X[i] for i in wrong), np.zeros_like(w))
        b = b + rate * sum(y[i] for i in wrong)
    return w, b, errors


@pytest.mark.parametrize("seed", range(5))
def test_batch_iterates_equal_a_naive_loop_exactly(seed):
    # Small integers and a rate of 1/4: every sum is exact in float64, so the order of summation cannot
    # matter.
    random = np.random.default_rng(seed)
    X = random.integers(-4, 5, size=(60, 6)).astype(float)
    y = np.where(X @ random.standard_normal(6) + 2 * random.standard_normal(60) > 0, 1.0, -1.0)
    start = random.integers(-3, 4, size=7).astype(float)
    for iterations in (1, 2, 7, 40):
        w, b, errors = naive_batch(X, y, start[:-1], start[-1], 0.25, iterations)
        weights, curve = learn_batch(signed(X, y), start, 0.25, iterations, -1.0)
        assert weights.tolist() == [*w, b]
        assert curve == errors


@pytest.mark.parametrize("seed", range(4))
def test_online_mistakes_obey_the_convergence_theorem(seed):
    # Novikoff 1962: from weights 0 at most (R / gamma)^2 mistakes, for any order, with a separator of margin
    # gamma.
    random = np.random.default_rng(seed)
    direction = random.standard_normal(5)
    direction /= np.linalg.norm(direction)
    X = random.standard_normal((300, 5))
    X = X[np.abs(X @ direction) > 0.3]
    Z = signed(X, np.sign(X @ direction))
    gamma = (Z[:, :-1] @ direction).min()  # (direction, 0) is a unit vector that separates the rows
    _, errors = learn_online(Z, np.zeros(6), 0.1, 10_000, 0.0, np.random.RandomState(seed))
    mistakes = round(sum(errors) * len(Z))
    assert errors[-1] == 0
    assert 0 < mistakes <= (np.linalg.norm(Z, axis=1).max() / gamma) ** 2


def test_looking_ahead_leaves_the_online_rule_as_it_is():
    random = np.random.default_rng(8)
    X = random.integers(-4, 5, size=(150, 4)).astype(float)
    y = np.where(X[:, 0] + random.standard_normal(150) > 0, 1.0, -1.0)
    Z = signed(X, y)
    weights = start = np.array([1.0, -1.0, 0.0, 2.0, 1.0])
    order = np.random.RandomState(5)
    errors = []
    for _ in range(6):
        mistakes = 0
        for i in order.permutation(len(Z)):
            if Z[i] @ weights <= 0:
                weights = weights + 0.5 * Z[i]
                mistakes += 1
        errors.append(mistakes / len(Z))
    fast, curve = learn_online(Z, start, 0.5, 6, -1.0, np.random.RandomState(5))
    assert fast.tolist() == weights.tolist()
    assert curve == errors


@pytest.mark.parametrize("rule", ["batch", "online"])
def test_same_random_state_gives_the_same_bits_and_another_does_not(rule):
    random = np.random.default_rng(1)
    X = random.standard_normal((300, 40)).astype(np.float32)
    y = (X[:, 0] + 0.5 * random.standard_normal(300) > 0).astype(int)
    first, again, other = (Perceptron(rule=rule, max_iter=50, random_state=s).fit(X, y) for s in (7, 7, 8))
    assert first.coef_.dtype == np.float32
    assert first.coef_.tobytes() == again.coef_.tobytes()
    assert first.error_curve_.tobytes() == again.error_curve_.tobytes()
    assert first.coef_.tobytes() != other.coef_.tobytes()


@pytest.mark.parametrize("rule", ["batch", "online"])
def test_stops_at_the_tolerance(rule):
    X = np.linspace(-1, 1, 101)[:, None]
    y = (X[:, 0] > 0.2).astype(int)
    model = Perceptron(rule=rule, tol=0.05, random_state=0).fit(X, y)
    assert model.converged_
    assert model.n_iter_ == len(model.error_curve_)
    assert model.error_curve_[-1] <= 0.05 < model.error_curve_[:-1].min(initial=1)
    if rule == "batch":  # no update follows the last count
        assert model.error_curve_[-1] == pytest.approx(1 - model.score(X, y))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rule": "delta"}, "'batch' or 'online'"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"max_iter": 0}, "max_iter"),
        ({"tol": -1}, "tol"),
    ],
)
def test_refuses_senseless_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        Perceptron(**wrong).fit(CORNERS, [1, 0, 0])


def test_refuses_three_classes():
    with pytest.raises(ValueError, match="Only binary classification"):
        Perceptron().fit(CORNERS, [0, 1, 2])
