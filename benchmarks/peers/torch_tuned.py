"""PyTorch as somebody would write it who knows what is fast."""

import torch

from benchmarks.peers.torch_parts import Resident, build, predict, train
from benchmarks.work import Pace, Result, Work


def fit(work: Work, pace: Pace) -> Result:
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    fast = work.device == "cuda" or capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    precision = "bfloat16" if fast and not work.equal else "float32"
    net = build(work).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(net.parameters(), lr=work.rate, fused=True)
    train(work, pace, net, optimiser, Resident(work, torch.channels_last), precision)
    return Result(predict(net, work, precision), precision)
