"""Labels in doubt, by hand."""

import numpy as np

from rungwise.insight.doubts import LEAST_MARGIN, Answers, Doubt, doubted


def answers(tested: list[int], wrong: dict[int, tuple[int, int, float]]) -> Answers:
    """`wrong`: of images by key their label, what the net says, and the margin."""
    places = np.array([tested.index(key) for key in wrong], int)
    given, said, margin = (np.array([each[i] for each in wrong.values()]) for i in range(3))
    return Answers(np.array(tested, np.uint64), places, given, said, margin.astype(float))


def test_all_nets_that_tested_an_image_must_agree() -> None:
    first = answers([1, 2, 3, 4], {1: (0, 5, 4.0), 2: (0, 5, 9.0), 3: (1, 2, 8.0)})
    second = answers([1, 2, 3, 4], {3: (1, 2, 6.0), 1: (0, 5, 3.0), 2: (0, 6, 9.0), 4: (0, 1, 9.0)})
    found = doubted([first, second])
    assert found.looked == 4
    assert found.found == (Doubt(0, 2, 1, 2, 2, 7.0), Doubt(0, 0, 0, 5, 2, 3.5))


def test_they_must_be_sure_on_average() -> None:
    nets = [answers([1], {1: (0, 5, LEAST_MARGIN + by)}) for by in (-1.0, 0.9)]
    assert doubted(nets).found == ()
    assert len(doubted([nets[1], nets[1]]).found) == 1


def test_where_each_seed_splits_anew_an_image_counts_that_two_nets_tested() -> None:
    nets = [answers([1, 2], {1: (0, 1, 5.0)}), answers([2, 3], {}), answers([1, 4], {1: (0, 1, 5.0), 4: (0, 1, 9.0)})]
    found = doubted(nets)
    assert found.looked == 2  # images 1 and 2
    assert found.found == (Doubt(0, 0, 0, 1, 2, 5.0),)


def test_one_net_says_nothing() -> None:
    assert doubted([answers([1], {1: (0, 5, 9.0)})]) == ((), 0)
    assert doubted([]) == ((), 0)
