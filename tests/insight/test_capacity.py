"""Norms, measures and the bound of two-layer nets: worked by hand, against numpy, and by what must not change them."""

import math

import numpy as np
import pytest
import torch

from rungwise.insight.capacity import (
    CHUNK,
    Scale,
    TwoLayers,
    bound,
    margin_quantile,
    margins,
    measures,
    scale_of,
    spectral_norm,
    unit_capacity,
    unit_impact,
)

START = TwoLayers(torch.tensor([[1.0, 0.0], [0.0, 2.0]]).double(), torch.tensor([[1.0, 0.0], [0.0, 1.0]]).double())
END = TwoLayers(torch.tensor([[4.0, 4.0], [0.0, 2.0]]).double(), torch.tensor([[3.0, 0.0], [4.0, 2.0]]).double())
"""Two inputs, two hidden units, two classes: the first unit has moved by (3, 4), the second not at all."""


def random_net(seed: int, h: int = 7, d: int = 5, c: int = 3) -> TwoLayers:
    random = torch.Generator().manual_seed(seed)
    return TwoLayers(
        torch.randn(h, d, generator=random, dtype=torch.float64),
        torch.randn(c, h, generator=random, dtype=torch.float64),
    )


def permuted(net: TwoLayers, order: list[int]) -> TwoLayers:
    return TwoLayers(net.u[order], net.v[:, order])


def images(count: int, d: int = 5) -> torch.Tensor:
    return torch.randn(count, d, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


# By hand -------------------------------------------------------------------------------------------------------


def test_units_by_hand() -> None:
    assert unit_capacity(START, END).tolist() == [5.0, 0.0]
    assert unit_impact(END).tolist() == [5.0, 2.0]


def test_measures_by_hand() -> None:
    """U'U = [[16, 16], [16, 20]] and VV' = [[9, 12], [12, 20]]: eigenvalues 18 +- sqrt(260), 14.5 +- sqrt(174.25)."""
    u, v = math.sqrt(18 + math.sqrt(260)), math.sqrt(14.5 + math.sqrt(174.25))
    found = measures(START, END)
    assert found == pytest.approx(
        {
            "measure": 2 * math.sqrt(29) + 5 * math.sqrt(29) + math.sqrt(2),
            "measure_l1": 8 * 6,  # rows 4 + 4 and 0 + 2; 3 + 0 and 4 + 2
            "measure_frobenius": 6 * math.sqrt(29),
            "measure_spectral": u * (2 + math.sqrt(17)) + 5 * v,  # V moved by rows (2, 0) and (4, 1)
            "measure_pac_bayes": u * math.sqrt(21) + math.sqrt(2) * 5 * v,
        }
    )


def test_margins_by_hand() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, -1.0], [1.0, 1.0, 0.0], [-2.0, -1.0, -3.0]])
    labels = torch.tensor([0, 0, 1, 2])
    assert margins(logits, labels).tolist() == [1.0, -5.0, 0.0, -2.0]


def test_the_scale_of_images_by_hand() -> None:
    """relu(U0 x) is (3, 8) and (0, 0) for x = (3, 4) and (-1, -2)."""
    scale = scale_of(START, torch.tensor([[3.0, 4.0], [-1.0, -2.0]]).double())
    assert (scale.images, scale.input, scale.hidden) == (
        2,
        pytest.approx(math.sqrt(15)),
        pytest.approx(math.sqrt(36.5)),
    )


def test_the_bound_by_hand() -> None:
    """c = 2: sqrt(2c) + 1 = 3; gamma sqrt(m) = 2 * 10; h = 2."""
    r = 9 * math.sqrt(2) * (math.sqrt(29) + 1) * (6 + 5 * 4 + 1) / 2
    expected = r**2 + 6 * r * math.sqrt(10 + math.log(2000)) + 9 * (10 + math.log(2000))
    assert bound(START, END, Scale(100, 4.0, 6.0), 2.0) == pytest.approx(expected, rel=1e-12)
    # Below a margin of 1/sqrt(m) the logarithm stays at ln(1/delta).
    small = 9 * math.sqrt(2) * (math.sqrt(29) + 1) * 27 / 0.05
    rest = 3 * math.sqrt(10 + math.log(1 / 0.1))
    assert bound(START, END, Scale(100, 4.0, 6.0), 0.05, delta=0.1) == pytest.approx((small + rest) ** 2, rel=1e-12)


@pytest.mark.parametrize("gamma", [0.0, -1.0, math.nan])
def test_there_is_no_bound_without_a_margin(gamma: float) -> None:
    assert math.isnan(bound(START, END, Scale(100, 4.0, 6.0), gamma))


# Against numpy and torch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 40), (40, 3), (12, 12), (1, 5)])
def test_the_spectral_norm_is_the_largest_singular_value(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).normal(size=shape)
    assert spectral_norm(torch.from_numpy(matrix)) == pytest.approx(np.linalg.svd(matrix)[1][0], rel=1e-12)
    assert spectral_norm(torch.zeros(shape, dtype=torch.float64)) == 0


def test_the_margin_quantile_is_numpys_percentile() -> None:
    random = torch.Generator().manual_seed(1)
    logits, labels = torch.randn(137, 10, generator=random), torch.randint(10, (137,), generator=random)
    expected = np.percentile(margins(logits, labels).numpy().astype(np.float64), 5)
    assert margin_quantile(logits, labels) == pytest.approx(expected, rel=1e-5)


def test_logits_and_scale_of_many_images_are_those_of_all_at_once() -> None:
    net, x = random_net(0), images(2 * CHUNK + 1)
    hidden = (x @ net.u.T).clamp(min=0)
    torch.testing.assert_close(net.logits(x), hidden @ net.v.T)
    scale = scale_of(net, x)
    assert scale.hidden == pytest.approx(float(hidden.norm()) / math.sqrt(len(x)))
    assert scale.input == pytest.approx(float(x.norm()) / math.sqrt(len(x)))


# What must hold of any net -------------------------------------------------------------------------------------


def test_the_order_of_hidden_units_does_not_matter() -> None:
    start, end, order = random_net(1), random_net(2), [3, 0, 6, 1, 5, 2, 4]
    x = images(50)
    assert measures(permuted(start, order), permuted(end, order)) == pytest.approx(measures(start, end))
    torch.testing.assert_close(
        unit_capacity(permuted(start, order), permuted(end, order)), unit_capacity(start, end)[order]
    )
    assert bound(
        permuted(start, order), permuted(end, order), scale_of(permuted(start, order), x), 1.0
    ) == pytest.approx(bound(start, end, scale_of(start, x), 1.0))


def test_unit_norms_add_up_to_those_of_the_layers() -> None:
    """sum_i ||u_i - u_i^0||^2 = ||U - U0||_F^2, and the same of V: what the paper's measure is made of."""
    start, end = random_net(1), random_net(2)
    assert float(unit_capacity(start, end).square().sum()) == pytest.approx(float((end.u - start.u).square().sum()))
    assert float(unit_impact(end).square().sum()) == pytest.approx(float(end.v.square().sum()))


def test_measures_scale_with_the_layers() -> None:
    """ReLU is homogeneous: a U and V / a are the same function. Products of norms of end weights do not see a."""
    start, end, a = random_net(1), random_net(2), 4.0
    scaled_start, scaled_end = (TwoLayers(a * net.u, net.v / a) for net in (start, end))
    torch.testing.assert_close(scaled_end.logits(images(20)), end.logits(images(20)))
    assert measures(scaled_start, scaled_end) == pytest.approx(measures(start, end))


def test_a_net_that_has_not_moved_keeps_what_its_start_costs() -> None:
    net = random_net(1)
    found = measures(net, net)
    assert unit_capacity(net, net).tolist() == [0.0] * 7
    assert found["measure_spectral"] == found["measure_pac_bayes"] == 0
    assert found["measure"] == pytest.approx(spectral_norm(net.u) * float(net.v.norm()) + math.sqrt(7))


def test_the_bound_falls_with_the_margin_and_grows_with_the_images() -> None:
    """Twice V is twice every logit: gamma = 2 is then the same margin, and (2 ||V|| + 1) / 2 is below ||V|| + 1."""
    start, end, x = random_net(1), random_net(2), images(50)
    doubled = TwoLayers(end.u, 2 * end.v)
    assert bound(start, doubled, scale_of(start, x), 2.0) < bound(start, end, scale_of(start, x), 1.0)
    assert bound(start, end, scale_of(start, x), 2.0) < bound(start, end, scale_of(start, x), 1.0)
    assert bound(start, end, scale_of(start, 3 * x), 1.0) > bound(start, end, scale_of(start, x), 1.0)


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must share h; got \(3, 2\) and \(2, 4\)"):
        TwoLayers(torch.zeros(3, 2), torch.zeros(2, 4))
