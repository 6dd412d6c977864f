"""How often looking after each seed errs where the seeds split one pool of images: that is why it is refused.

The differences of n splits of one pool are correlated by n_test / (n_test + n_train) (Nadeau and Bengio 2003): all
share what this pool does to the difference. Its truth over new pools is 0, on the bound of the claim. Nothing is
promised.
"""

import math

import numpy as np

from rungwise.evidence import pool
from simulations.settle import ABOVE, SEEDS, settled
from simulations.table import Row, share

SHORT, FULL = 4_000, 20_000
TESTED = (0.1, 0.2, 0.25, 0.5)
"""The share of the pool that each seed tests on."""


def rates(studies: int, seed: int) -> list[Row]:
    """False verdicts within 60 looks at the 5% level, in so many studies of each."""
    random = np.random.default_rng(seed)
    return [
        share(
            f"{tested:g} of the pool tested: settled", SEEDS, settled(differences(random, studies, tested), ABOVE) > 0
        )
        for tested in TESTED
    ]


def differences(random: np.random.Generator, studies: int, tested: float) -> np.ndarray:
    """(studies, SEEDS): what the pool does to all splits of a study, and what the split does; normal, of variance 1."""
    ratio = pool.ratio(round(1000 * tested), round(1000 * (1 - tested)))
    correlation = ratio / (1 + ratio)
    shared, own = random.standard_normal((studies, 1)), random.standard_normal((studies, SEEDS))
    return math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
