"""Looking at seeds that split one pool errs far more often than the level says."""

import numpy as np
import pytest

from simulations.settle_pool import TESTED, differences, rates


def test_it_errs_in_a_quarter_of_studies_or_more():
    found = rates(1500, 0)
    assert len(found) == len(TESTED)
    for row in found:
        assert row.rate > 0.25
    assert found[-1].rate > found[0].rate, "the more is tested, the more the splits have in common"


def test_the_splits_of_a_study_are_correlated_by_the_share_that_is_tested():
    """n_test / (n_test + n_train) is that share; 60 values of each of 20,000 studies."""
    values = differences(np.random.default_rng(1), 20_000, 0.25)
    among = values.mean(axis=1).var() - values.var(axis=1, ddof=1).mean() / values.shape[1]
    assert among == pytest.approx(0.25, abs=0.015)
    assert values.var() == pytest.approx(1, abs=0.02)
