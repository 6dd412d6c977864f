"""The perceptron (Rosenblatt 1958), from scratch: sign(w·x + b), learnt from its mistakes alone."""

from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from rungwise.perceptron.batch_rule import Fitted, grid_start, learn_batch

Rule = Literal["batch", "online"]

AHEAD = 32
"""Images whose margins the online rule computes at once; mistakes on MNIST pairs are about as far apart."""


class Perceptron(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A binary perceptron with random initial weights; the last iterate is the result, converged or not.

    Parameters
    ----------
    rule : "batch": each iteration adds `learning_rate` times the sum of y x over all misclassified images to
        the weights, and the sum of y to the bias. "online": Rosenblatt's rule, one image at a time, in a new
        random order in each epoch.
    max_iter : iterations (batch) or epochs (online), at most.
    tol : stop as soon as an iteration finds at most this share of the images misclassified.
    random_state : decides the initial weights (standard normal) and the order.

    Attributes
    ----------
    coef_ (1, D), intercept_ (1,) : in the dtype of X if that is float32 or float64.
    classes_ (2,) : the second is the positive one.
    error_curve_ (n_iter_,) : share of the images that each iteration found misclassified. The batch rule
        finds them before its update; the online rule meets each image with the weights as they are at that
        moment.
    n_iter_, converged_, n_features_in_.

    An image on the boundary counts as misclassified in training, and is predicted as the first class.
    """

    def __init__(
        self,
        rule: Rule = "batch",
        learning_rate: float = 0.01,
        max_iter: int = 1000,
        tol: float = 1e-3,
        random_state: "int | np.random.RandomState | None" = None,
    ) -> None:
        self.rule = rule
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Perceptron":
        """Learn from X (N, D), real, and y (N,) of two distinct values; ValueError for anything else."""
        if self.rule not in ("batch", "online"):
            raise ValueError(f"rule is 'batch' or 'online', not {self.rule!r}")
        if not (self.learning_rate > 0 and self.max_iter >= 1 and self.tol >= 0):
            raise ValueError(
                "learning_rate must be above 0, max_iter at least 1 and tol at least 0; got "
                f"{self.learning_rate}, {self.max_iter} and {self.tol}"
            )
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) != 2:
            what = "1 class" if len(self.classes_) == 1 else f"{len(self.classes_)} classes"
            raise ValueError(f"Only binary classification is supported: y needs two distinct values, but has {what}.")
        sign = np.where(y == self.classes_[1], 1, -1).astype(X.dtype)
        random = check_random_state(self.random_state)
        Z = signed(X, sign)
        if self.rule == "batch":
            start = grid_start(random, X.shape[1] + 1)
            weights, errors = learn_batch(Z, start, self.learning_rate, self.max_iter, self.tol)
            weights = weights.astype(X.dtype)
        else:
            start = random.standard_normal(X.shape[1] + 1).astype(X.dtype)
            weights, errors = learn_online(Z, start, self.learning_rate, self.max_iter, self.tol, random)
        self.coef_, self.intercept_ = weights[None, :-1], weights[-1:]
        self.error_curve_ = np.array(errors)
        self.n_iter_ = len(errors)
        self.converged_ = errors[-1] <= self.tol
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """w·x + b, (N,); positive for the second class."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        scores: np.ndarray = X @ self.coef_[0] + self.intercept_[0]
        return scores

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of each row of X, (N,)."""
        positive = self.decision_function(X) > 0
        predictions: np.ndarray = self.classes_[positive.astype(int)]
        return predictions

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def signed(X: np.ndarray, sign: np.ndarray, one: float = 1) -> np.ndarray:
    """Rows y (x, one), (N, D + 1), of images X (N, D), signs y (N,): times (w, b) they give the margins."""
    return np.hstack([X * sign[:, None], one * sign[:, None]])


def learn_online(
    Z: np.ndarray, weights: np.ndarray, rate: float, epochs: int, tol: float, random: np.random.RandomState
) -> Fitted:
    """Rosenblatt's rule on signed rows Z (N, D + 1), from `weights` (D + 1,).

    The margins of the next rows are computed together; those after a mistake are computed again.
    """
    step = Z.dtype.type(rate)
    errors: list[float] = []
    for _ in range(epochs):
        order = random.permutation(len(Z))
        mistakes = position = 0
        while position < len(Z):
            rows = Z[order[position : position + AHEAD]]
            wrong = np.flatnonzero(rows @ weights <= 0)
            if len(wrong) == 0:
                position += len(rows)
                continue
            weights = weights + step * rows[wrong[0]]
            mistakes += 1
            position += int(wrong[0]) + 1
        errors.append(mistakes / len(Z))
        if errors[-1] <= tol:
            break
    return Fitted(weights, errors)
