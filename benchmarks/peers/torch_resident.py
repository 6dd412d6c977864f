"""Plain PyTorch with its images in one tensor."""

import torch

from benchmarks.peers.torch_parts import Resident, build, predict, train
from benchmarks.work import Pace, Result, Work


def fit(work: Work, pace: Pace) -> Result:
    net = build(work)
    train(work, pace, net, torch.optim.Adam(net.parameters(), lr=work.rate), Resident(work))
    return Result(predict(net, work))
