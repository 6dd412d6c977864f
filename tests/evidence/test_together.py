"""Control over all claims: statsmodels, e-BH by hand, and what each method promises."""

import math

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from rungwise.evidence.together import adjusted, survives

NAMES = {"holm": "holm", "benjamini-hochberg": "fdr_bh"}


@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("m", [1, 2, 5, 30])
def test_it_is_statsmodels(method: str, m: int) -> None:
    rng = np.random.default_rng(m)
    for ps in (rng.uniform(size=m), rng.beta(0.2, 2, size=m), np.round(rng.beta(0.3, 2, size=m), 2)):
        rejected, expected, *_ = multipletests(ps, 0.05, NAMES[method])
        assert adjusted(list(ps), method) == pytest.approx(list(expected), rel=1e-12)
        assert survives(list(ps), method) == tuple(rejected)


def test_benjamini_and_hochbergs_own_example() -> None:
    """Their section 3.2: 15 p-values of one study, of which the four least survive at 5%, by Bonferroni three."""
    ps = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    ps += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert sum(survives(ps, "benjamini-hochberg")) == 4
    assert sum(survives(ps, "holm")) == 3


def test_e_values_by_hand() -> None:
    """At 5% and m = 4, the k largest fall where k e(k) >= 80: e(1) = 70 doesn't by itself, e(2) = 41 does for two; of
    three, 3 x 20 doesn't."""
    assert survives([41.0, 1.0, 70.0, 20.0], "e-benjamini-hochberg") == (True, False, True, False)
    assert adjusted([41.0, 0.0, 70.0, 20.0], "e-benjamini-hochberg") == pytest.approx([4 / 82, 1, 4 / 82, 4 / 60])
    assert survives([20.0], "e-benjamini-hochberg") == (True,)
    assert survives([19.9], "e-benjamini-hochberg") == (False,)
    assert survives([math.inf, 0.0], "e-benjamini-hochberg") == (True, False)


def test_another_level_and_no_hypothesis() -> None:
    assert survives([0.03, 0.2], "holm", level=0.1) == (True, False)
    assert survives([0.03, 0.2], "holm") == (False, False)
    assert survives([], "benjamini-hochberg") == ()


def test_the_promises_by_simulation() -> None:
    """30 hypotheses, of which 20 are true: Holm errs in at most 5% of studies, e-BH keeps false shares under 5%."""
    rng = np.random.default_rng(0)
    effects = np.repeat([0.0, 3.0], [20, 10])
    wrong, shares = [], []
    for _ in range(1000):
        z = rng.standard_normal(30) + effects
        ps = [math.erfc(value / math.sqrt(2)) / 2 for value in z]
        wrong.append(any(survives(ps, "holm")[:20]))
        found = survives([math.exp(3 * value - 4.5) for value in z], "e-benjamini-hochberg")
        shares.append(sum(found[:20]) / max(1, sum(found)))
    assert 0.01 < np.mean(wrong) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 1000)
    assert np.mean(shares) < 0.05


@pytest.mark.parametrize(("method", "value"), [("holm", 1.2), ("benjamini-hochberg", math.nan)])
def test_what_is_no_p_is_refused(method: str, value: float) -> None:
    with pytest.raises(ValueError, match=r"a p-value lies between 0 and 1"):
        survives([0.1, value], method)


def test_what_is_no_e_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"an e-value lies between 0 and inf; got -1"):
        survives([5.0, -1.0], "e-benjamini-hochberg")
