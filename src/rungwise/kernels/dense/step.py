"""Large dense layers of nets that are trained by autograd, without gradients of their weights.

    forward    y = x W^T + b            PyTorch; x is kept
    backward   gradient in x            PyTorch; the gradient in y is kept, W gets no gradient
    update     W by the optimiser       machine code: a tile of the gradient at a time (`dense.passes`)

In bfloat16 a rounded copy of W is multiplied with, and the update writes it, too: 30 bytes per weight and step go to
and from memory, where a gradient in memory and a copy rounded anew made it some 54.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.kernels.arrays import as_numbers, as_words
from rungwise.kernels.dense.passes import update_by_gradient, update_layer
from rungwise.kernels.descent import Constants, Descent, threads
from rungwise.kernels.llvm.vectors import COLUMNS, ROWS
from rungwise.kernels.mlp.layers import LAYER
from rungwise.models import linear
from rungwise.models.multitask import Shared

PARAMETERS = "weights", "first", "second", "bias", "bias_first", "bias_second"
"""Names in `LAYER` of the parameters, each with the optimiser's first and second moment of it."""


def can_compile(module: nn.Module) -> bool:
    """Whether it is a large layer on a CPU, all of which is trained, and whose rows are whole tiles."""
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
        self.version: tuple[int, int] | None = None
        """The weight's address and version when its rounded copy was made."""
        self.copy = torch.zeros(0)
        self.pending: tuple[Tensor, Tensor] | None = None
        """What came in last, (N, inputs), and the gradient in what went out, (N, outputs)."""

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = _DenseFunction.apply(x, self.module.weight, self)  # type: ignore[no-untyped-call]
        return found

    def rounded(self) -> Tensor:
        """The weight in the precision's numbers."""
        weight = self.module.weight.detach()
        if self.dtype == torch.float32:
            return weight
        version = weight.data_ptr(), weight._version  # updates in machine code keep the copy, and the version
        if version != self.version:
            self.version = version
            self.copy = weight.new_zeros(len(weight) + ROWS, weight.shape[1], dtype=self.dtype)  # whole tiles
            self.copy[: len(weight)] = weight
        return self.copy[: len(weight)]

    def update(self, constants: Constants, parameters: Sequence[Tensor]) -> None:
        """Take the optimiser's step by what was kept last; `parameters`: see `PARAMETERS`, without the last three where
        there is no bias."""
        assert self.pending is not None
        x, gradient = (as_numbers(each.to(self.dtype).contiguous()) for each in self.pending)
        per_word, (outputs, inputs) = 4 // self.dtype.itemsize, self.module.weight.shape
        batch_words = -(-len(x) // COLUMNS) * COLUMNS // per_word
        layer = np.zeros(1, LAYER)
        for name, tensor in zip(PARAMETERS, parameters, strict=False):
            layer[name] = tensor.data_ptr()
        layer["has_bias"] = len(parameters) == len(PARAMETERS)
        layer["inputs"], layer["outputs"], layer["batch_words"] = inputs, outputs, batch_words
        layer["by_outputs_row"] = inputs
        if per_word == 2:
            layer["by_inputs"] = self.copy.data_ptr()
        layer["gradient_by_batch"] = inputs * batch_words  # after the panels, which begin at 0
        workspace = as_words(torch.empty((inputs + outputs) * batch_words * per_word, dtype=self.dtype))
        zeros = np.zeros(max(inputs, outputs), x.dtype)
        update_layer(layer, workspace, x, gradient, zeros, per_word, constants, threads())
        self.pending = None


class _DenseFunction(torch.autograd.Function):
    """Both passes of a layer; the weight's gradient is not computed."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, layer: DenseLayer) -> Tensor:
        context.layer, bias = layer, layer.module.bias
        x = x.detach().to(layer.dtype)
        context.save_for_backward(x)
        return _product(x, layer.rounded(), None if bias is None else bias.detach().to(layer.dtype))

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        layer, (x,) = context.layer, context.saved_tensors
        gradient = gradients[0].to(layer.dtype)
        layer.pending = x, gradient
        return _product(gradient, layer.rounded().T, None) if context.needs_input_grad[0] else None, None, None


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
        self.shared, self.heads = self._replaced(net.shared), nn.ModuleList(self._replaced(head) for head in net.heads)

    def _replaced(self, module: nn.Module) -> nn.Module:
        if isinstance(module, nn.Sequential):
            return nn.Sequential(*(self._replaced(each) for each in module))
        if not isinstance(module, nn.Linear) or not can_compile(module):
            return module
        self.large.append(DenseLayer(module, self.precision))
        return self.large[-1]

    def forward(self, maps: Tensor) -> tuple[Tensor, ...]:
        shared = self.shared(maps.flatten(1))
        return tuple(head(shared) for head in self.heads)


class DenseDescent:
    """Steps of an optimiser (`descent.can_descend`) down a loss, some layers of which have no gradients."""

    def __init__(self, optimiser: torch.optim.Optimizer, layers: Sequence[DenseLayer]) -> None:
        self.descent = Descent(optimiser)
        self.parameters: list[nn.Parameter] = optimiser.param_groups[0]["params"]
        number = {id(parameter): n for n, parameter in enumerate(self.parameters)}
        self.layers = [(layer, [number.pop(id(p)) for p in layer.module.parameters()]) for layer in layers]
        self.others = list(number.values())

    def __call__(self, loss: Tensor) -> None:
        self.descent.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        constants, moments = self.descent.begin()
        triples = list(zip(self.parameters, *moments, strict=True))
        for layer, numbers in self.layers:
            layer.update(constants, [tensor for n in numbers for tensor in triples[n]])
        for n in self.others:
            if (gradient := self.parameters[n].grad) is None:
                continue
            if gradient.stride() != self.parameters[n].stride():
                gradient = torch.empty_like(self.parameters[n]).copy_(gradient)
            parameter, first, second = map(_flat, triples[n])
            update_by_gradient(parameter, first, second, _flat(gradient), constants, threads())


def _flat(tensor: Tensor) -> np.ndarray:
    """All its numbers, in the order in which they are stored."""
    return tensor.detach().as_strided((tensor.numel(),), (1,)).numpy()
