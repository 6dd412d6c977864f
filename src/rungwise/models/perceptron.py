"""The former address of `rungwise.perceptron.estimator.Perceptron`, kept for a version."""

import importlib
import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    if name != "Perceptron":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "rungwise.models.perceptron.Perceptron is now rungwise.perceptron.estimator.Perceptron",
        DeprecationWarning,
        stacklevel=2,
    )
    return importlib.import_module("rungwise.perceptron.estimator").Perceptron
