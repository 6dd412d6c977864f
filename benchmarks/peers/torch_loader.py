"""Plain PyTorch with a Dataset and a DataLoader, as in its tutorials."""

import torch

from benchmarks.peers.torch_parts import build, loader, predict, train
from benchmarks.work import Pace, Result, Work


def fit(work: Work, pace: Pace) -> Result:
    net = build(work)
    train(work, pace, net, torch.optim.Adam(net.parameters(), lr=work.rate), loader(work))
    return Result(predict(net, work))
