"""A convolution's weights and biases as products read them, and their gradients as products leave them.

`conv.weight_passes` draws the forms. Gradients are transposed against the weights, (weights of a filter, filters), so
that filters are the columns of a tile; PyTorch gets a transposed copy, the optimiser transposes strips in registers.
"""

import numpy as np
import torch
from torch import Tensor

from rungwise.kernels.arrays import as_numbers, as_words
from rungwise.kernels.conv.layout import Layer
from rungwise.kernels.conv.parameters import ParameterArrays
from rungwise.kernels.conv.weight_passes import pack_weights, transpose, update_weights
from rungwise.kernels.descent import Constants
from rungwise.kernels.llvm.conv_tiles import TILE_COLUMNS
from rungwise.kernels.llvm.vectors import LANES


class Weights:
    """Of one layer; `threads`: how many there are to work on them."""

    def __init__(self, layer: Layer, dtype: torch.dtype, threads: int) -> None:
        self.filters, self.threads = layer.filters, threads
        padded_filters, per_word = layer.gradients.channels, 4 // dtype.itemsize
        self.bias = torch.zeros(padded_filters)
        padded = torch.zeros(padded_filters, layer.kernel[0] * layer.run, dtype=dtype)
        """Channels last, with zeros for channels and filters that are not there."""
        forward = torch.zeros(padded.numel(), dtype=dtype)
        """As the product forward reads them: blocks of TILE_COLUMNS filters, words, filters;"""
        starts = np.concatenate([np.zeros((0, per_word), np.int64), *(part.starts for part in layer.backward)])
        backward = torch.zeros(starts.size * TILE_COLUMNS, dtype=dtype)
        """and as those backward do, one after the other."""
        self.forward, self.backward = forward, backward
        blocks = padded_filters // TILE_COLUMNS
        self.forms = (
            *(
                self.bias.numpy(),
                as_numbers(padded),
                as_words(padded),
                as_words(forward).reshape(blocks, -1, TILE_COLUMNS),
            ),
            *(starts, as_words(backward).reshape(-1, TILE_COLUMNS)),
        )
        """As `pack_weights` takes them."""
        self.weight_at = layer.weight_at
        self.parameters = self.filters.parameters
        self.places = 0, 0
        """The parameters' addresses when they were packed last."""

        rows = max(len(layer.gradient_rows), -(-layer.filters.size // LANES) * LANES)
        self.gradient, self.bias_gradient = torch.zeros(rows, padded_filters), torch.zeros(padded_filters)
        """(weights of a filter, filters), with rows that fill the last tile and the last square of LANES."""
        self.gradients = self.gradient.numpy(), self.bias_gradient.numpy()

    def pack(self) -> None:
        """Round the parameters to the precision and put them in order. Raises RuntimeError as `Filters.matrix` does."""
        weight, bias = self.parameters
        places = weight.data_ptr(), bias.data_ptr()
        if places != self.places:  # to ask torch for arrays takes longer than to pack
            self.places, self.arrays = places, (self.filters.matrix(weight).numpy(), bias.detach().numpy())
        pack_weights(*self.arrays, self.weight_at, *self.forms, self.threads)

    def take_gradients(self) -> tuple[Tensor, Tensor]:
        """The parameters' gradients, which are then begun anew."""
        weight, bias = self.parameters
        found = torch.empty_like(weight)
        out = self.filters.matrix(found)
        transpose(self.gradient[: out.shape[1]].numpy(), out[None].numpy(), self.threads)
        found_bias = self.bias_gradient[: len(bias)].clone()
        self.gradient.zero_()
        self.bias_gradient.zero_()
        return found, found_bias

    def update(self, constants: Constants, arrays: ParameterArrays) -> None:
        """Move the parameters by their gradients, which are then begun anew."""
        update_weights(*self.gradients, arrays, constants, self.threads)
