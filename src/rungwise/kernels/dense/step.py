"""Large dense layers of nets that learn by autograd, without gradients of their weights: what came in and the slopes in
what went out are kept, and of them machine code (`dense_kernels`) makes a tile of the gradient at a time, by which the
optimiser moves the weights. Products forward and back are PyTorch's.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.kernels.conv.weights import bits, units
from rungwise.kernels.dense.passes import learn, move
from rungwise.kernels.descent import Descent, Numbers, threads
from rungwise.kernels.llvm.vectors import COLUMNS, ROWS
from rungwise.kernels.mlp.passes import LAYER
from rungwise.models import linear
from rungwise.models.multitask import Shared

HELD = "weights", "first", "second", "bias", "bias_first", "bias_second"
"""Names in `LAYER` of the parameters, each with the optimiser's first and second memory of it."""


def can_compile(module: nn.Module) -> bool:
    """Whether it is a layer that is large, all of which learns on a CPU, and whose rows are whole tiles."""
    return (
        isinstance(module, nn.Linear)
        and module.weight.numel() >= linear.LARGE
        and module.in_features % COLUMNS == 0
        and all(p.requires_grad and p.device.type == "cpu" and p.is_contiguous() for p in module.parameters())
    )


class DenseLayer(nn.Module):
    """What a module that `can_compile` does in training."""

    def __init__(self, module: nn.Linear, precision: str) -> None:
        super().__init__()
        self.module, self.dtype = module, torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.known: tuple[int, int] | None = None
        """Where the weight is, and which version of it, that its rounded copy was made of."""
        self.copy = torch.zeros(0)
        self.lesson: tuple[Tensor, Tensor] | None = None
        """What came in last, (N, inputs), and the slopes in what went out, (N, outputs)."""

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = _Passes.apply(x, self.module.weight, self)  # type: ignore[no-untyped-call]
        return found

    def rounded(self) -> Tensor:
        """The weight in the precision's numbers."""
        weight = self.module.weight.detach()
        if self.dtype == torch.float32:
            return weight
        known = weight.data_ptr(), weight._version
        if known != self.known:
            self.known = known
            self.copy = weight.new_zeros(len(weight) + ROWS, weight.shape[1], dtype=self.dtype)  # for whole tiles
            self.copy[: len(weight)] = weight
        return self.copy[: len(weight)]

    def learn(self, numbers: Numbers, held: Sequence[Tensor]) -> None:
        """Take the optimiser's step by what was kept last; `held`: see `HELD`."""
        assert self.lesson is not None
        x, slopes = (bits(each.to(self.dtype).contiguous()) for each in self.lesson)
        pair, (outputs, inputs) = 4 // self.dtype.itemsize, self.module.weight.shape
        across = -(-len(x) // COLUMNS) * COLUMNS // pair
        layer = np.zeros(1, LAYER)
        for name, tensor in zip(HELD, held, strict=False):
            layer[name] = tensor.data_ptr()
        layer["has_bias"] = len(held) == len(HELD)
        layer["inputs"], layer["outputs"], layer["units"], layer["by_rows_distance"] = inputs, outputs, across, inputs
        if pair == 2:
            layer["by_columns"] = self.copy.data_ptr()
        layer["slope_wide"] = inputs * across
        space = units(torch.empty((inputs + outputs) * across * pair, dtype=self.dtype))
        nothing = np.zeros(max(inputs, outputs), x.dtype)
        learn(layer, space, x, slopes, nothing, pair, numbers, threads())
        self.lesson = None


class _Passes(torch.autograd.Function):
    """Both passes of a layer; its gradient is not among what comes back."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, layer: DenseLayer) -> Tensor:
        context.layer, bias = layer, layer.module.bias
        x = x.detach().to(layer.dtype)
        context.save_for_backward(x)
        return _product(x, layer.rounded(), None if bias is None else bias.detach().to(layer.dtype))

    @staticmethod
    def backward(context: Any, *slopes: Tensor) -> Any:
        layer, (x,) = context.layer, context.saved_tensors
        slope = slopes[0].to(layer.dtype)
        layer.lesson = x, slope
        return _product(slope, layer.rounded().T, None) if context.needs_input_grad[0] else None, None, None


def _product(a: Tensor, b: Tensor, bias: Tensor | None) -> Tensor:
    """a (M, K) times the transpose of b (N, K), plus bias (N,)."""
    if linear.pays(b, a.dtype):
        return linear.times(a, b, bias)
    return nn.functional.linear(a, b, bias)


class DenseLayers(nn.Module):
    """What a net adds to its trunk's maps: (N, C, H, W) to each task's logits, with large layers as `DenseLayer`."""

    def __init__(self, net: Shared, precision: str) -> None:
        super().__init__()
        self.precision = precision
        self.large: list[DenseLayer] = []
        self.shared, self.heads = self._taught(net.shared), nn.ModuleList(self._taught(head) for head in net.heads)

    def _taught(self, module: nn.Module) -> nn.Module:
        if isinstance(module, nn.Sequential):
            return nn.Sequential(*(self._taught(each) for each in module))
        if not isinstance(module, nn.Linear) or not can_compile(module):
            return module
        self.large.append(DenseLayer(module, self.precision))
        return self.large[-1]

    def forward(self, maps: Tensor) -> tuple[Tensor, ...]:
        shared = self.shared(maps.flatten(1))
        return tuple(head(shared) for head in self.heads)


class DenseDescent:
    """Steps of an optimiser (`machine_code.can_descend`) down a loss, with some layers that learn by themselves."""

    def __init__(self, optimiser: torch.optim.Optimizer, layers: Sequence[DenseLayer]) -> None:
        self.descent = Descent(optimiser)
        self.parameters: list[nn.Parameter] = optimiser.param_groups[0]["params"]
        number = {id(parameter): n for n, parameter in enumerate(self.parameters)}
        self.layers = [(layer, [number.pop(id(p)) for p in layer.module.parameters()]) for layer in layers]
        self.others = list(number.values())

    def __call__(self, loss: Tensor) -> None:
        self.descent.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        numbers, memory = self.descent.begin()
        held = list(zip(self.parameters, *memory, strict=True))
        for layer, places in self.layers:
            layer.learn(numbers, [tensor for n in places for tensor in held[n]])
        for n in self.others:
            if (gradient := self.parameters[n].grad) is None:
                continue
            if gradient.stride() != self.parameters[n].stride():
                gradient = torch.empty_like(self.parameters[n]).copy_(gradient)
            parameter, first, second = map(_in_line, held[n])
            move(parameter, first, second, _in_line(gradient), numbers, threads())


def _in_line(tensor: Tensor) -> np.ndarray:
    """All its numbers, in the order in which they lie."""
    return tensor.detach().as_strided((tensor.numel(),), (1,)).numpy()
