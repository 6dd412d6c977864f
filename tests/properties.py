"""What tests with hypothesis have in common: they try the same cases each time, and leave no files in the tree."""

import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, configuration, settings
from hypothesis import strategies as st

configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir(), "rungwise-hypothesis"))
settings.register_profile(
    "rungwise", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rungwise")

SCALARS = [
    True, False, None, "", " ", "1", "0.1", "1e-3", "all", "a/b", "\ud800", "\x00", "\x1b[2J", "x" * 300, "é" * 90,
    0, -1, 1, 2, 100, 10**6, 10**30, -(10**30), 10**400, 0.0, 1.0, 0.5, -0.5, 1e300, -1e300, 1e-320,
    math.nan, math.inf, -math.inf,
]  # fmt: skip
"""Values that are wrong in most places, and right in some."""
odd_scalars = st.one_of(st.sampled_from(SCALARS), st.integers(), st.floats(), st.text(max_size=20))
odd_values = st.one_of(
    odd_scalars,
    st.recursive(
        odd_scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    ),
    st.sampled_from([[], {}, [[]], {"": 1}, [1, 1], ["A", "A"], ["A", True], [0.5, 0.5], [[1, 1]], {"A": {}}]),
)


def alike(one: object, other: object) -> bool:
    """Whether two values are equal and of one type; an integer may stand for a number with a fraction."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    numbers = type(one) in (int, float) and type(other) in (int, float)
    return (numbers or type(one) is type(other)) and one == other
