"""Maps, dark and dead filters, sparsity and selectivity of a net whose every activation is known."""

import numpy as np
import pytest
import torch
from torch import nn

from rungwise.insight.activations import activity, dark, maps, mosaic, selectivity
from rungwise.training.evaluate import BATCH

BRIGHT, BLACK = 255, 0


class Known(nn.Module):
    """Layer "convolution 1": filter 0 shows x where it is above 0, filter 1 where it is below, filter 2 nothing."""

    def features(self, x):
        shown = torch.cat([x.clamp(min=0), (-x).clamp(min=0), torch.zeros_like(x)], dim=1)
        return {"convolution 1": shown, "logits": shown.flatten(1)[:, :2]}


def half_bright():
    """(1, 2, 2): the upper row is bright (1 once scaled), the lower black (-1)."""
    return np.array([[[BRIGHT, BRIGHT], [BLACK, BLACK]]], np.uint8)


def test_maps_are_the_stages_that_are_maps():
    found = maps(Known(), torch.from_numpy(half_bright()))
    assert list(found) == ["convolution 1"]  # the logits are none
    upper, lower = [[1, 1], [0, 0]], [[0, 0], [1, 1]]
    np.testing.assert_array_equal(found["convolution 1"], [upper, lower, np.zeros((2, 2))])


def test_a_filter_is_dark_where_its_whole_map_is_zero():
    assert dark(maps(Known(), torch.from_numpy(half_bright()))["convolution 1"]).tolist() == [False, False, True]
    bright = np.full((1, 2, 2), BRIGHT, np.uint8)
    assert dark(maps(Known(), torch.from_numpy(bright))["convolution 1"]).tolist() == [False, True, True]


def test_activity_by_hand():
    # Class 0: half bright, half black. Class 1: one all bright, one all black. Class 2 has no image.
    images = np.stack([half_bright(), half_bright(), np.full((1, 2, 2), BRIGHT), np.full((1, 2, 2), BLACK)])
    seen = activity(Known(), torch.from_numpy(images.astype(np.uint8)), np.array([0, 0, 1, 1]), 3)["convolution 1"]
    np.testing.assert_array_equal(seen.zero_share, [0.5, 0.5, 1])
    np.testing.assert_array_equal(seen.class_means, [[0.5, 0.5, 0], [0.5, 0.5, 0], [np.nan] * 3])
    assert seen.sparsity == pytest.approx(2 / 3)
    assert seen.dead == 1
    assert seen.selectivity == 0  # the two live filters answer to both classes alike


def test_a_filter_that_answers_once_is_not_dead():
    images = np.full((2 * BATCH + 1, 1, 2, 2), BLACK, np.uint8)
    images[-1, 0, 0, 0] = BRIGHT  # in the last of three batches
    seen = activity(Known(), torch.from_numpy(images), np.zeros(len(images), int), 1)["convolution 1"]
    assert seen.dead == 1
    assert seen.zero_share[0] == 1 - 1 / (4 * len(images))
    np.testing.assert_allclose(seen.class_means[0], [0.25 / len(images), 1 - 0.25 / len(images), 0], rtol=1e-12)


def test_activity_does_not_depend_on_how_images_fall_into_batches():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (BATCH + 7, 1, 3, 3), np.uint8)
    labels = random.integers(0, 4, len(images))
    seen = activity(Known(), torch.from_numpy(images), labels, 4)["convolution 1"]
    x = images[:, 0].astype(np.float64) / 127.5 - 1
    means = [np.maximum(x, 0)[labels == k].mean() for k in range(4)]
    np.testing.assert_allclose(seen.class_means[:, 0], means, rtol=1e-6)
    assert seen.zero_share[0] == (x <= 0).mean()


def test_selectivity_by_hand():
    means = np.array([[3.0, 1, 2, 0], [1, 1, 0, 0], [0, 1, 0, 0]])  # (classes, filters)
    # Filter 0: 3 against a mean of .5 for the rest, 2.5 / 3.5; 1: all alike; 2: one class alone; 3: silent.
    np.testing.assert_allclose(selectivity(means), [2.5 / 3.5, 0, 1, np.nan])


def test_selectivity_leaves_out_classes_without_images():
    means = np.array([[2.0, 1], [1, 1], [np.nan, np.nan]])
    np.testing.assert_allclose(selectivity(means), [1 / 3, 0])
    assert np.isnan(selectivity(means[[0, 2]])).all()  # a single class has no rest


def test_mosaic_sets_slices_in_reading_order():
    slices = np.arange(3 * 2 * 2, dtype=np.float32).reshape(3, 2, 2)
    gap = np.nan
    expected = [
        [0, 1, gap, 4, 5],
        [2, 3, gap, 6, 7],
        [gap] * 5,
        [8, 9, gap, gap, gap],
        [10, 11, gap, gap, gap],
    ]
    np.testing.assert_array_equal(mosaic(slices), expected)
    np.testing.assert_array_equal(mosaic(slices[:1]), slices[0])
