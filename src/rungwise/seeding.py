"""One independent stream of random numbers per seed and role.

Two models with the same seed draw the same split, subset and batch order, so their results can be paired.
"""

import zlib
from typing import Literal

import numpy as np

Role = Literal[
    "split",
    "subset",
    "turns",
    "labels",
    "initialisation",
    "order",
    "validation",
    "balancing",
    "augmentation",
    "dropout",
    "dream",
]


def stream_seed(seed: int, role: Role) -> int:
    """The 63-bit seed of one role's stream, for generators other than NumPy's (``torch.Generator``)."""
    return int(_sequence(seed, role).generate_state(1, np.uint64)[0] >> np.uint64(1))


def stream(seed: int, role: Role) -> np.random.Generator:
    """A NumPy generator for one role. Roles are independent (``SeedSequence`` spawn keys)."""
    return np.random.default_rng(_sequence(seed, role))


def _sequence(seed: int, role: Role) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(role.encode()),))
