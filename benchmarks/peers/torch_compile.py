"""PyTorch with torch.compile, which writes and compiles C++ for a processor, Triton for a GPU."""

import os
import shutil

import torch

from benchmarks.peers.torch_parts import Resident, build, predict, train
from benchmarks.work import Pace, Result, Unavailable, Work


def fit(work: Work, pace: Pace) -> Result:
    compiler = os.environ.get("CXX", "g++")
    if work.device == "cpu" and shutil.which(compiler) is None:
        raise Unavailable(f"not available: torch.compile needs the C++ compiler {compiler}, as `apt install g++`")
    torch.compiler.reset()
    net = build(work)
    optimiser = torch.optim.Adam(net.parameters(), lr=work.rate)
    train(work, pace, torch.compile(net), optimiser, Resident(work))  # type: ignore[arg-type]
    return Result(predict(net, work))  # not compiled: another shape would be compiled for one use
