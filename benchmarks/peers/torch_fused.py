"""Plain PyTorch with its images in one tensor, and all of Adam's step in one kernel."""

import torch

from benchmarks.peers.torch_parts import Resident, build, predict, train
from benchmarks.work import Pace, Result, Work


def fit(work: Work, pace: Pace) -> Result:
    net = build(work)
    train(work, pace, net, torch.optim.Adam(net.parameters(), lr=work.rate, fused=True), Resident(work))
    return Result(predict(net, work))
