"""Adam (Kingma and Ba 2015) with little around its kernel: a step of a small net is mostly what is around it."""

from collections.abc import Callable

import torch
from torch import Tensor


class Adam(torch.optim.Adam):
    """`torch.optim.Adam`, fused, bit for bit. On a CPU, where all parameters have gradients, a step is one call of the
    kernel, without the checks, the sorting by device and the count for each parameter that go with it there."""

    _ready: tuple[list[Tensor], list[Tensor], list[Tensor], Tensor] | None = None
    """Parameters, first and second moments, and the count of steps that all share; none before the first step."""
    _counted: tuple[Tensor, memoryview] | None = None
    """That count, and its one number."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        gradients = [p.grad for group in self.param_groups for p in group["params"]]
        whole = all(gradient is not None and gradient.device.type == "cpu" for gradient in gradients)
        if self._ready is None or not whole:
            self._part()
            super().step()
            if whole:
                self._share()
            return
        parameters, firsts, seconds, count = self._ready
        group = self.param_groups[0]
        count += 1
        torch._fused_adam_(
            parameters,
            gradients,
            firsts,
            seconds,
            [],
            [count] * len(parameters),
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=group["amsgrad"],
            maximize=group["maximize"],
        )

    def count(self) -> tuple[list[Tensor], list[Tensor], int]:
        """Count a step that is taken elsewhere, of all parameters, which are of one group: the first and second moments
        that it is to change, in the parameters' order, and how many steps there were with it."""
        if self._ready is None:
            for p in self.param_groups[0]["params"]:
                if not self.state[p]:
                    zeros = (torch.zeros_like(p, memory_format=torch.preserve_format) for _ in range(2))
                    self.state[p] = dict(zip(("step", "exp_avg", "exp_avg_sq"), (torch.zeros(()), *zeros), strict=True))
            self._share()
        assert self._ready is not None
        _, firsts, seconds, count = self._ready
        if self._counted is None or self._counted[0] is not count:
            self._counted = count, count.view(1).numpy().data
        number = self._counted[1]  # an operator of torch or NumPy takes 40 µs where others have filled the caches
        number[0] += 1
        return firsts, seconds, int(number[0])

    def _share(self) -> None:
        """Let all parameters count their steps together, if there is one group and they have had as many."""
        (group, *others) = self.param_groups
        states = [self.state[p] for p in group["params"]]
        if others or group["amsgrad"] or len({float(state["step"]) for state in states}) > 1:
            return
        for state in states:
            state["step"] = states[0]["step"]
        firsts, seconds = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
        self._ready = group["params"], firsts, seconds, states[0]["step"]

    def _part(self) -> None:
        """Let each parameter count its own steps."""
        if self._ready is not None:
            for parameter in self._ready[0]:
                self.state[parameter]["step"] = self._ready[3].clone()
        self._ready = None
