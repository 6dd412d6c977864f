"""Lightning: a LightningModule and a Trainer."""

import tempfile
from typing import Any

import lightning
import torch
from torch import Tensor

from benchmarks.peers.torch_parts import Resident, build, loader, predict, weighted_loss
from benchmarks.work import Pace, Result, Work


class Module(lightning.LightningModule):
    def __init__(self, work: Work, pace: Pace) -> None:
        super().__init__()
        self.net, self.work, self.pace = build(work), work, pace

    def on_train_epoch_start(self) -> None:
        self.total = torch.zeros((), device=self.device)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        images, labels = batch
        loss = weighted_loss(self.net(images), labels, self.work.loss_weights)
        self.total += loss.detach() * len(images)
        if not self.work.equal:
            self.log("train_loss", loss)
        return loss

    def on_train_epoch_end(self) -> None:
        self.pace.epoch(self.total.item() / len(self.work.images))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.work.rate)


def fit(work: Work, pace: Pace) -> Result:
    module = Module(work, pace)
    off: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with tempfile.TemporaryDirectory() as folder:
        settings = {**off, "enable_model_summary": False} if work.equal else {"default_root_dir": folder}
        trainer = lightning.Trainer(
            max_epochs=work.epochs, accelerator="gpu" if work.device == "cuda" else "cpu", devices=1, **settings
        )
        trainer.fit(module, Resident(work) if work.equal else loader(work))
    return Result(predict(module.net.to(work.device), work))
