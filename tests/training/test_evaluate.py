"""Evaluation by hand."""

import math
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rungwise.data.images import scale
from rungwise.models.pixels import scaled
from rungwise.training.evaluate import loss_and_accuracy, most_wrong, predict, predict_views, score, together


def test_pixels_are_scaled_to_minus_one_to_one() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    torch.testing.assert_close(scaled(torch.from_numpy(pixels)), torch.from_numpy(scale(pixels)))
    assert scale(pixels).min() == -1
    assert scale(pixels).max() == 1


def test_loss_and_accuracy_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    loss, accuracy = loss_and_accuracy(logits, torch.tensor([1, 1]))
    assert loss == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert accuracy == 0.0


def test_the_surest_mistakes_come_first() -> None:
    logits = np.array([[5.0, 0.0], [0.0, 1.0], [0.0, 9.0], [3.0, 0.0]], np.float32)
    labels = np.array([1, 0, 1, 1])  # 2 is right; 0 is wrong by 5, 3 by 3, 1 by 1
    assert most_wrong(logits, labels).tolist() == [0, 3, 1]
    assert most_wrong(logits, labels, count=1).tolist() == [0]
    assert most_wrong(logits, logits.argmax(1)).tolist() == []


def test_mistakes_of_many_batches_are_compared_with_each_other() -> None:
    margins = np.random.default_rng(0).permutation(2500).astype(np.float32) / 100
    logits = np.stack([margins, np.zeros(2500, np.float32)], 1)
    assert most_wrong(logits, np.ones(2500, np.int64), 3).tolist() == np.argsort(-margins)[:3].tolist()


class Sum(nn.Module):
    """Two "tasks" whose logits are the sum of the pixels and its negative."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        total = x.flatten(1).sum(1, keepdim=True)
        return torch.cat([total, -total], 1), -total


def test_predictions_over_several_batches_keep_the_order() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2500, 1, 3, 3), np.uint8))
    two, one = predict(Sum(), images, "float32")
    expected = scaled(images).flatten(1).sum(1)
    torch.testing.assert_close(two[:, 0], expected)
    torch.testing.assert_close(one[:, 0], -expected)


@pytest.mark.parametrize("classes", [2, 47, 1000])
@pytest.mark.parametrize("count", [1, 999, 2500])
def test_losses_batch_by_batch_are_those_of_all_at_once_to_the_bit(classes: int, count: int) -> None:
    random = torch.Generator().manual_seed(classes)
    logits, labels = 9 * torch.randn(count, classes, generator=random), torch.randint(classes, (count,))
    loss, accuracy = loss_and_accuracy(logits, labels)
    assert loss == F.cross_entropy(logits, labels).item()
    assert accuracy == (logits.argmax(1) == labels).double().mean().item()


def test_a_score_is_the_loss_and_the_accuracy_of_what_is_predicted() -> None:
    random = np.random.default_rng(0)
    images = torch.from_numpy(random.integers(0, 256, (2500, 3, 3, 2), np.uint8))
    labels = torch.from_numpy(np.stack([random.integers(0, 2, 2500), np.zeros(2500, np.int64)]))
    found = score(Sum(), images, labels, "float32")
    assert found == [loss_and_accuracy(*pair) for pair in zip(predict(Sum(), images, "float32"), labels, strict=True)]
    assert 0.3 < found[0][1] < 0.7
    assert found[1] == (0, 1)  # of one class


def test_of_large_images_fewer_are_looked_at_together() -> None:
    assert [together((3, side, side)) for side in (8, 28, 32, 64, 2000)] == [1000, 1000, 1000, 250, 1]
    assert together((1, 16, 128)) == 500


class Corner(nn.Module):
    """The value of the top left pixel."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (x[:, 0, 0, :1],)


def test_views_are_those_that_are_told() -> None:
    image = torch.arange(12, dtype=torch.uint8).reshape(1, 1, 3, 4) * 20
    corners = {"mirror": [0, 60], "shifts": [0, 0, 20, 0, 80]}  # as it is; moved right, left, down and up
    for views, pixels in corners.items():
        (told,) = predict_views(Corner(), image, "float32", views)
        assert told.item() == pytest.approx(sum(pixel / 127.5 - 1 for pixel in pixels))
        many = predict_views(Corner(), image.expand(1500, 1, 3, 4), "float32", views)[0]
        assert torch.equal(many, told.expand(1500, 1))  # batch by batch


class Watched(nn.Module):
    """Notes at each batch whether what it said of the last one is still kept."""

    def __init__(self) -> None:
        super().__init__()
        self.last: weakref.ref[torch.Tensor] | None = None
        self.kept: list[bool] = []

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.kept.append(self.last is not None and self.last() is not None)
        logits = x.flatten(1)[:, :2] * 1
        self.last = weakref.ref(logits)
        return (logits,)


def test_nothing_of_a_batch_is_kept() -> None:
    """It would lie between large maps of this batch and the next, and memory would grow with each."""
    net = Watched()
    predict(net, torch.zeros(3500, 1, 2, 2, dtype=torch.uint8), "float32")
    assert net.kept == [False] * 4
