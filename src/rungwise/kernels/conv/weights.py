"""A convolution's weights and biases as products read them, and their gradients as products leave them."""

import numpy as np
import torch
from torch import Tensor

from rungwise.kernels.conv.layout import Layer, Numbers
from rungwise.kernels.conv.passes import pack, turn, update
from rungwise.kernels.descent import Numbers as Constants
from rungwise.kernels.llvm.conv_tiles import WIDTH
from rungwise.kernels.llvm.vectors import LANES

Held = tuple[Numbers, Numbers, Numbers, Numbers, Numbers, Numbers]
"""Weights (filters, rows) with the optimiser's first and second memory of them, and biases with theirs."""


class Weights:
    """Of one layer; `threads`: how many there are to work on them."""

    def __init__(self, layer: Layer, dtype: torch.dtype, threads: int) -> None:
        self.kernels, self.threads = layer.kernels, threads
        room, pair = layer.slopes.channels, 4 // dtype.itemsize
        self.bias = torch.zeros(room)
        lying = torch.zeros(room, layer.kernel[0] * layer.run, dtype=dtype)
        """Channels last, with zeros for channels and filters that are not there."""
        forward = torch.zeros(lying.numel(), dtype=dtype)
        """As the product forward takes them: blocks of WIDTH columns, units, columns;"""
        starts = np.concatenate([np.zeros((0, pair), np.int64), *(part.starts for part in layer.backward)])
        backward = torch.zeros(starts.size * WIDTH, dtype=dtype)
        """and as those backward do, one after the other."""
        self.forward, self.backward = forward, backward
        self.forms = (
            *(self.bias.numpy(), bits(lying), units(lying), units(forward).reshape(room // WIDTH, -1, WIDTH)),
            *(starts, units(backward).reshape(-1, WIDTH)),
        )
        self.lies = layer.lies
        self.parameters = self.kernels.parameters
        self.places = 0, 0
        """Where the parameters lie."""

        rows = max(len(layer.gradient_rows), -(-layer.kernels.size // LANES) * LANES)
        self.gradient, self.bias_gradient = torch.zeros(rows, room), torch.zeros(room)
        """Of the weights (what is summed over in a product forward; filters), with rows that fill the last tile."""
        self.gradients = self.gradient.numpy(), self.bias_gradient.numpy()

    def pack(self) -> None:
        """Round the parameters to the precision and put them in order."""
        weight, bias = self.parameters
        places = weight.data_ptr(), bias.data_ptr()
        if places != self.places:  # what is asked of torch takes longer than the work
            self.places, self.arrays = places, (self.kernels.matrix(weight).numpy(), bias.detach().numpy())
        pack(*self.arrays, self.lies, *self.forms, self.threads)

    def take_gradients(self) -> tuple[Tensor, Tensor]:
        """The parameters' gradients, which are then begun anew."""
        weight, bias = self.parameters
        found = torch.empty_like(weight)
        into = self.kernels.matrix(found)
        turn(self.gradient[: into.shape[1]].numpy(), into[None].numpy(), self.threads)
        found_bias = self.bias_gradient[: len(bias)].clone()
        self.gradient.zero_()
        self.bias_gradient.zero_()
        return found, found_bias

    def descend(self, numbers: Constants, held: Held) -> None:
        """Move the parameters by their gradients, which are then begun anew."""
        update(*self.gradients, held, numbers, self.threads)


def bits(numbers: Tensor) -> Numbers:
    """As compiled code takes single numbers: float32, or of bfloat16 the bits."""
    return (numbers.view(torch.uint16) if numbers.dtype == torch.bfloat16 else numbers).numpy()


def units(numbers: Tensor) -> Numbers:
    """As it takes units: float32, or uint32 with two bfloat16."""
    return (numbers if numbers.dtype == torch.float32 else numbers.view(torch.uint32)).numpy()
