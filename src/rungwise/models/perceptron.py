"""Where the perceptron was: it is in `rungwise.perceptron.estimator` now."""

from rungwise.deprecation import moved

__getattr__ = moved(__name__, "rungwise.perceptron.estimator", until="0.3")
