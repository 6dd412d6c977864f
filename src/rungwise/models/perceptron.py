"""The perceptron (Rosenblatt 1958), from scratch: sign(w·x + b), learnt from its mistakes alone."""

from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

Rule = Literal["batch", "online"]

NEAR = 0.15
"""Share of the images in the near set of `Margins`; 0.1 to 0.2 were the fastest on pairs of MNIST digits."""

AHEAD = 32
"""Images whose margins the online rule computes at once; mistakes on MNIST pairs are about as far apart."""


class Fit(NamedTuple):
    """What a rule returns."""

    weights: np.ndarray
    """(D + 1,); the bias is last."""
    errors: list[float]
    """Share of the images found misclassified in each iteration (batch) or epoch (online)."""


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
        start = random.standard_normal(X.shape[1] + 1).astype(X.dtype)
        Z = signed(X, sign)
        if self.rule == "batch":
            weights, errors = learn_batch(Z, start, self.learning_rate, self.max_iter, self.tol)
        else:
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


def signed(X: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Rows y (x, 1), (N, D + 1), of images X (N, D), signs y (N,): times (w, b) they give the margins."""
    return np.hstack([X * sign[:, None], sign[:, None]])


class Margins:
    """Finds the misclassified rows of Z for weights that move little by little, without a product with all Z.

    A row whose margin was m for weights r keeps its sign while ||w - r|| < |m| / ||z|| (Cauchy-Schwarz). So
    only the rows nearest to the boundary are looked at, until the weights have moved further than the nearest
    of the others can bear. The rows found, and so the iterates, are those of the plain rule, up to the
    rounding of sums.
    """

    def __init__(self, Z: np.ndarray) -> None:
        self.Z = Z
        self.norms = np.linalg.norm(Z, axis=1)  # at least 1: each row ends in y
        self.size = max(1, int(NEAR * len(Z)))
        self.radius = -1.0

    def mistakes(self, weights: np.ndarray) -> tuple[int, np.ndarray]:
        """The number of rows with margin <= 0, and their sum (D + 1,)."""
        if self.radius < 0 or np.linalg.norm(weights - self.reference) >= self.radius:
            self._look_at_all(weights)
        wrong = self.near @ weights <= 0
        return int(wrong.sum()) + self.far_count, self.near[wrong].sum(axis=0) + self.far_sum

    def _look_at_all(self, weights: np.ndarray) -> None:
        margins = self.Z @ weights
        distances = np.abs(margins) / self.norms
        cut = np.partition(distances, self.size - 1)[self.size - 1]
        near = distances <= cut
        wrong = ~near & (margins <= 0)
        self.reference = weights
        self.near = self.Z[near]
        self.far_count, self.far_sum = int(wrong.sum()), self.Z[wrong].sum(axis=0)
        self.radius = float(cut) * 0.999  # room for the rounding of margins and norms


def learn_batch(Z: np.ndarray, weights: np.ndarray, rate: float, max_iter: int, tol: float) -> Fit:
    """The full-batch rule on signed rows Z (N, D + 1), from `weights` (D + 1,)."""
    step = Z.dtype.type(rate)
    margins = Margins(Z)
    errors: list[float] = []
    for _ in range(max_iter):
        count, total = margins.mistakes(weights)
        errors.append(count / len(Z))
        if errors[-1] <= tol:
            break
        weights = weights + step * total
    return Fit(weights, errors)


def learn_online(
    Z: np.ndarray, weights: np.ndarray, rate: float, epochs: int, tol: float, random: np.random.RandomState
) -> Fit:
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
    return Fit(weights, errors)
