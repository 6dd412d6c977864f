"""Test parts that are drawn: what each class and each group keeps."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rungwise.data.own.division import test_part as drawn

drawn.__test__ = False  # pytest takes it for a test by its name


def draw(labels: list[int], groups: list[int] | None = None, share: float = 0.25, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return drawn(np.array(labels), None if groups is None else np.array(groups), share, random)


def test_a_share_of_each_class_is_drawn() -> None:
    labels = [0] * 100 + [1] * 8 + [2] * 3 + [3] * 2 + [4]
    chosen = draw(labels)
    assert np.bincount(labels, chosen).tolist() == [25, 2, 1, 1, 0], "one at least, and one is left at least"


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.floats(0.01, 0.99), st.integers(0, 9))
def test_each_class_keeps_an_image_to_train_on(labels: list[int], share: float, seed: int) -> None:
    chosen = draw(labels, None, share, seed)
    whole, tested = np.bincount(labels), np.bincount(labels, chosen)
    assert (tested[whole > 0] < whole[whole > 0]).all()
    assert (tested[whole > 1] >= 1).all()
    inner = (whole > 1) & (share * whole >= 1) & (share * whole <= whole - 1)
    assert (np.abs(tested - share * whole)[inner] <= 0.5 + 1e-9).all()


def test_the_generator_decides() -> None:
    labels = [number % 3 for number in range(90)]
    assert draw(labels, seed=1).tolist() == draw(labels, seed=1).tolist() != draw(labels, seed=2).tolist()


def fits(labels: list[int], groups: list[int], group: int) -> bool:
    """Whether all classes are left where a group is taken away."""
    return {label for label, own in zip(labels, groups, strict=True) if own != group} == set(labels)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=2, max_size=80), st.integers(0, 9))
def test_no_group_is_on_both_sides(images: list[tuple[int, int]], seed: int) -> None:
    labels, groups = map(list, zip(*images, strict=True))
    if len(set(groups)) < 2:
        with pytest.raises(ValueError, match="two groups or more, got one"):
            draw(labels, groups, 0.25, seed)
        return
    assume(any(fits(labels, groups, group) for group in set(groups)))
    chosen = draw(labels, groups, 0.25, seed)
    assert not set(np.array(groups)[chosen]) & set(np.array(groups)[~chosen])
    assert 0 < chosen.sum() < len(labels)
    assert set(np.array(labels)[~chosen]) == set(labels), "each class is trained on"


def test_groups_come_near_the_share_of_each_class() -> None:
    """200 students with ten photographs, one of each digit, as the sign-language digits have."""
    labels = [number % 10 for number in range(2000)]
    groups = [number // 10 * 7 for number in range(2000)]
    chosen = draw(labels, groups)
    assert np.bincount(labels, chosen).tolist() == [50] * 10


def test_large_groups_are_taken_where_there_are_no_others() -> None:
    chosen = draw([0, 1] * 20, [0] * 18 + [1] * 22)
    assert chosen.tolist() == [True] * 18 + [False] * 22, "the smaller of two halves"


def test_groups_that_are_classes_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="each group holds all of a class"):
        draw([0, 0, 1, 1], [5, 5, 6, 6])


def test_numbers_of_groups_mean_nothing() -> None:
    labels = [number % 4 for number in range(80)]
    groups = [number // 4 for number in range(80)]
    assert draw(labels, groups).tolist() == draw(labels, [1000 + 3 * group for group in groups]).tolist()


def test_many_groups_and_classes_take_little_memory() -> None:
    """A table of 20,000 groups by 1,000 classes would be 160 MB."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 1000, 60_000)
    groups = np.repeat(np.arange(20_000), 3)
    tracemalloc.start()
    chosen = drawn(labels, groups, 0.25, random)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40 * 2**20
    assert abs(chosen.mean() - 0.25) < 0.01
