"""skorch: a PyTorch net with scikit-learn's interface."""

from collections.abc import Iterator
from typing import Any

import skorch
import torch
from skorch.callbacks import Callback
from torch import Tensor, nn

from benchmarks.peers.torch_parts import Resident, build, predict, weighted_loss
from benchmarks.work import Pace, Result, Work, scaled


class Loss(nn.Module):
    def __init__(self, weights: tuple[float, ...]) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, logits: tuple[Tensor, ...], labels: Tensor) -> Tensor:
        return weighted_loss(logits, labels, self.weights)


class Turns(Callback):  # type: ignore[misc]
    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        self.pace.epoch(net.history[-1, "train_loss"])


class Batches:
    """skorch's door to other ways of drawing batches: called with the data set, of which no use is made here."""

    def __init__(self, dataset: Any, batches: Resident, batch_size: int) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(self.batches)


def fit(work: Work, pace: Pace) -> Result:
    net = build(work)
    given: dict[str, Any] = {"iterator_train": Batches, "iterator_train__batches": Resident(work), "verbose": 0}
    fitted = skorch.NeuralNet(
        net,
        criterion=Loss,
        criterion__weights=work.loss_weights,
        optimizer=torch.optim.Adam,
        lr=work.rate,
        batch_size=work.batch,
        max_epochs=work.epochs,
        train_split=None,
        device=work.device,
        callbacks=[("turns", Turns(pace))],
        **(given if work.equal else {"iterator_train__shuffle": True}),
    )
    fitted.fit(work.images if work.equal else scaled(work.images), work.labels.T.copy())
    return Result(predict(net, work))
