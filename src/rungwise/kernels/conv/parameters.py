"""A layer's parameters with the optimiser's moments, as machine code takes them."""

from typing import NamedTuple

import numpy as np


class ParameterArrays(NamedTuple):
    """All float32 and contiguous; under momentum, first and second moment are one array."""

    weight: np.ndarray
    """(filters, weights of a filter), in the net's own order of them."""
    first: np.ndarray
    """The first moment, as the weight; so are the others."""
    second: np.ndarray
    bias: np.ndarray
    """(filters,)."""
    bias_first: np.ndarray
    bias_second: np.ndarray
