"""Tiles against NumPy. Products and sums of small whole numbers are exact, of bfloat16, too: all must be equal."""

import numpy as np
import pytest
import torch
from numba import njit

from rungwise.kernels.llvm import dense_tiles, transpose, update_tiles, vectors
from rungwise.kernels.llvm.dense_tiles import Backward, Forward
from rungwise.kernels.llvm.transpose import Transpose
from rungwise.kernels.llvm.update_tiles import (
    AdamConstants,
    MomentumConstants,
    RoundRow,
    Update,
    UpdateOne,
    UpdateRow,
)
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS, shape
from rungwise.kernels.llvm.words import high, low, word

KINDS = [pytest.param(1, id="float32")]
KINDS += [
    pytest.param(
        2,
        id="bfloat16",
        marks=pytest.mark.skipif(not vectors.can("bfloat16"), reason="this processor has no bfloat16 products"),
    )
]
F = np.float32


def called(tile):
    @njit
    def call(like, operands):
        tile(like, operands)

    return call


def called_with_constants(tile):
    @njit
    def call(like, operands, constants):
        tile(like, operands, constants)

    return call


call_forward, call_backward, call_round_row, call_transpose = map(
    called, (dense_tiles.forward, dense_tiles.backward, update_tiles.round_row, transpose.transpose)
)
call_update, call_update_one, call_update_row = map(
    called_with_constants, (update_tiles.update, update_tiles.update_one, update_tiles.update_row)
)


@njit
def call_word(like, one, other):
    made = word(like, one, other)
    return made, low(like, made), high(like, made)


def like(pair):
    return np.zeros(1, F if pair == 1 else np.uint32)


def halves(values):
    return (
        torch.from_numpy(np.ascontiguousarray(values, F)).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    )


def words(values, pair):
    """The words (rows, columns / 1 or 2) of a matrix along its columns, with a 0 where one is missing."""
    if pair == 1:
        return np.ascontiguousarray(values, F)
    odd = np.zeros((len(values), values.shape[1] % 2))
    return np.ascontiguousarray(halves(np.concatenate([values, odd], 1)).view(np.uint32))


def numbers_of(found, pair):
    """The matrix that words along its columns hold."""
    if pair == 1:
        return found
    return torch.from_numpy(found.view(np.int16)).view(torch.bfloat16).float().numpy()


def whole_numbers(random, *size):
    return random.integers(-4, 5, size).astype(F)


def address(array, *place):
    return array.ctypes.data + sum(i * s for i, s in zip(place, array.strides, strict=False))


def factors(a, b, pair):
    """Of a (rows, K) and b (K, COLUMNS): what a call begins with, and what must stay alive."""
    left, right = words(a, pair), np.ascontiguousarray(words(b.T, pair).T)
    return (address(left), left.shape[1], 1, len(a), address(right), right.shape[1], left.shape[1]), (left, right)


def forms(pair):
    along_rows = np.full((ROWS // pair, COLUMNS), 7).astype(like(pair).dtype)
    along_columns = np.full((ROWS, COLUMNS // pair), 7).astype(like(pair).dtype)
    given = address(along_rows), COLUMNS, address(along_columns), COLUMNS // pair
    return along_rows, along_columns, given


@pytest.mark.parametrize("pair", KINDS)
@pytest.mark.parametrize("rows", range(1, ROWS + 1))
@pytest.mark.parametrize("count", [1, 2, 5, 64])
@pytest.mark.parametrize("least", [0.0, -np.inf])
def test_a_product_with_biases_and_its_two_forms(pair, rows, count, least):
    random = np.random.default_rng(count)
    a, b = whole_numbers(random, rows, count), whole_numbers(random, count, COLUMNS)
    bias = whole_numbers(random, rows)
    given, kept = factors(a, b, pair)
    along_rows, along_columns, places = forms(pair)
    ahead = address(bias), address(a), address(b), 3  # what is fetched changes nothing
    call_forward(like(pair), Forward(*given, address(bias), *ahead, *places, F(least)))
    expected = np.maximum(a @ b + bias[:, None], least).astype(F)
    if pair == 2:  # sums may have more digits than bfloat16
        expected = numbers_of(words(expected, pair), pair)
        np.testing.assert_array_equal(numbers_of(along_columns[:rows], pair), expected)
    np.testing.assert_array_equal(along_rows[: -(-rows // pair)], np.ascontiguousarray(words(expected.T, pair).T))
    assert kept


@pytest.mark.parametrize("pair", KINDS)
@pytest.mark.parametrize("rows", [1, 4, ROWS])
def test_a_gradient_is_0_where_the_activation_was(pair, rows):
    random = np.random.default_rng(rows)
    a, b = whole_numbers(random, rows, 9), whole_numbers(random, 9, COLUMNS)
    was = np.maximum(whole_numbers(random, ROWS, COLUMNS), 0)
    active = words(was, pair)
    given, kept = factors(a, b, pair)
    along_rows, _, places = forms(pair)
    call_backward(like(pair), Backward(*given, address(active), active.shape[1], *places))
    expected = np.where(was[:rows] > 0, a @ b, 0)
    np.testing.assert_array_equal(
        along_rows[: -(-rows // pair)], np.ascontiguousarray(words(expected.T, pair).T).view(along_rows.dtype)
    )
    assert kept


@pytest.mark.skipif(not vectors.can("bfloat16"), reason="this processor has no bfloat16 products")
@pytest.mark.parametrize("left", [1, LANES - 1, LANES, LANES + 5])
def test_a_row_is_rounded_and_what_is_beyond_it_is_0(left):
    values = np.random.default_rng(left).normal(size=LANES).astype(F)
    into = np.full(LANES, 7, np.uint16)
    call_round_row(like(2), RoundRow(address(values), address(into), left))
    np.testing.assert_array_equal(into, np.where(np.arange(LANES) < left, halves(values), 0))


ADAM = {"beta": 0.9, "other": 0.99, "rate": 0.05, "least": 1e-3}


def adam(weight, first, second, gradient, steps):
    """Kingma and Ba 2015, algorithm 1, in float64."""
    weight, first, second, gradient = (x.astype(np.float64) for x in (weight, first, second, gradient))
    first = ADAM["beta"] * first + (1 - ADAM["beta"]) * gradient
    second = ADAM["other"] * second + (1 - ADAM["other"]) * gradient**2
    unbiased = first / (1 - ADAM["beta"] ** steps), second / (1 - ADAM["other"] ** steps)
    return weight - ADAM["rate"] * unbiased[0] / (np.sqrt(unbiased[1]) + ADAM["least"]), first, second


def adam_numbers(steps):
    rate, root = ADAM["rate"] / (1 - ADAM["beta"] ** steps), 1 / np.sqrt(1 - ADAM["other"] ** steps)
    return AdamConstants(*map(F, (1 - ADAM["beta"], ADAM["other"], 1 - ADAM["other"], rate, root, ADAM["least"])))


def descend(weight, first, second, gradient, steps):
    first = 0.5 * first + gradient
    return weight - 0.25 * first, first, second


@pytest.mark.parametrize("pair", KINDS)
@pytest.mark.parametrize("rows", [1, 3, ROWS])
@pytest.mark.parametrize("left", [1, LANES, LANES + 3, COLUMNS])
@pytest.mark.parametrize("rule", [adam, descend])
def test_weights_move_by_their_gradient_and_nothing_else_does(pair, rows, left, rule):
    random = np.random.default_rng(left)
    a, b = whole_numbers(random, rows, 8), whole_numbers(random, 8, COLUMNS)
    given, kept = factors(a, b, pair)
    wide = COLUMNS + 9
    held = [random.normal(size=(rows + 2, wide)).astype(F) for _ in range(3)]
    held[2] **= 2
    before = [x.copy() for x in held]
    along_rows, along_columns, places = forms(pair)
    constants = adam_numbers(7) if rule is adam else MomentumConstants(F(0.5), F(0.25))
    operands = Update(*given, *(address(x, 1, 2) for x in held), wide, left, 0, *places)
    call_update(like(pair), operands, constants)
    inside = np.s_[1 : rows + 1, 2 : left + 2]
    expected = [x.copy() for x in before]
    after = rule(*(x[inside] for x in before), (a @ b)[:, :left], 7)
    for one, value in zip(expected, after, strict=True):
        one[inside] = value
    for found, wanted in zip(held, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-6, atol=1e-6)
    outside = np.ones_like(held[0], bool)
    outside[inside] = False
    for found, old in zip(held, before, strict=True):
        np.testing.assert_array_equal(found[outside], old[outside])
    if pair == 2:
        copy = np.zeros((ROWS, COLUMNS), F)
        copy[:rows, :left] = held[0][inside]
        np.testing.assert_array_equal(along_columns[:rows], words(copy, 2)[:rows])
        np.testing.assert_array_equal(along_rows[: -(-rows // 2)], words(copy[:rows].T, 2).T)
    assert kept


@pytest.mark.parametrize("rule", [adam, descend])
def test_one_number_moves_as_a_weight_does(rule):
    held = [np.array([value], F) for value in (0.3, -0.2, 0.04)]
    expected = rule(*held, np.array([0.7], F), 3)
    constants = adam_numbers(3) if rule is adam else MomentumConstants(F(0.5), F(0.25))
    call_update_one(like(1), UpdateOne(*(address(x) for x in held), F(0.7)), constants)
    for found, wanted in zip(held, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("rule", [adam, descend])
@pytest.mark.parametrize("left", [1, LANES - 1, LANES, LANES + 5])
def test_a_row_moves_by_its_gradients_and_nothing_beyond_it_does(rule, left):
    random = np.random.default_rng(left)
    held = [np.abs(random.normal(size=LANES + 2)).astype(F) for _ in range(3)]
    gradient, before = random.normal(size=LANES).astype(F), [x.copy() for x in held]
    constants = adam_numbers(3) if rule is adam else MomentumConstants(F(0.5), F(0.25))
    call_update_row(like(1), UpdateRow(address(gradient), *(address(x) for x in held), left), constants)
    inside = min(left, LANES)
    after = rule(*(x[:inside] for x in before), gradient[:inside], 3)
    for found, old, wanted in zip(held, before, after, strict=True):
        np.testing.assert_allclose(found[:inside], wanted, rtol=2e-6, atol=1e-6)
        np.testing.assert_array_equal(found[inside:], old[inside:])


def test_a_block_is_transposed():
    source = np.arange(LANES * (LANES + 3), dtype=F).reshape(LANES, LANES + 3)
    into = np.full((LANES, LANES + 5), -1, F)
    call_transpose(like(1), Transpose(address(source, 0, 1), LANES + 3, address(into), LANES + 5))
    np.testing.assert_array_equal(into[:, :LANES], source[:, 1 : LANES + 1].T)
    assert (into[:, LANES:] == -1).all()


def test_a_word_holds_one_float32_or_two_rounded_numbers():
    assert call_word(like(1), F(1.1), F(2)) == (F(1.1), F(1.1), 0)


@pytest.mark.parametrize("pair", KINDS[1:])
def test_numbers_are_rounded_as_pytorch_does(pair):
    # Between two neighbours, of which the even one is right; an overflow; what is no number.
    for one in (0.0, -0.0, 1.0, 1 + 2**-8, 1 + 3 * 2**-8, -1.00390626, 3.4e38, np.inf, np.nan):
        made, first, second = call_word(like(pair), F(one), F(-one))
        assert int(made) == int(words(np.array([[one, -one]]), 2)[0, 0]) or np.isnan(one)
        np.testing.assert_array_equal(np.array([first, second]), numbers_of(words(np.array([[one, -one]]), 2), 2)[0])


@pytest.mark.parametrize(
    ("known", "registers"), [({"avx512f": True, "avx": True}, 32), ({"avx": True}, 16), ({"neon": True}, 32)]
)
def test_sums_fit_in_the_registers(known, registers):
    lanes, rows, vectors = shape(known)
    assert rows * vectors + vectors + 1 <= registers
    assert rows % 2 == 0, "pairs of rows share words"
    assert lanes % 2 == 0


def test_processors_without_such_instructions_cannot(monkeypatch):
    for known, expected in (
        ({"fma": True, "avx512bf16": True}, {"float32": True, "bfloat16": True}),
        ({"fma": True, "avx512bf16": False}, {"float32": True, "bfloat16": False}),
        ({"sse2": True}, {"float32": False, "bfloat16": False}),
    ):
        monkeypatch.setattr(vectors, "features", lambda known=known: known)
        assert {name: vectors.can(name) for name in expected} == expected
