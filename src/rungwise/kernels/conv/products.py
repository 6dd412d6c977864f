"""Memory for a batch's maps and gradients, and the records (`PRODUCT`) of the products that read and write them.

Maps have up to two forms (n images, `size` numbers of an image with padding):

    plain    n x size numbers       one image after the other: factors of products over channels
    paired   n / 2 x size words     bfloat16 only: a word holds the same place of two images. Weights' gradients are
                                    sums over places, two images at a step

Products write both forms where both are read. Plain gradients of the first convolution's output are read by nobody in
bfloat16: no gradient of the images is computed.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rungwise.kernels.conv.layout import Layer, Maps, MapsProduct, pair_table, row_table
from rungwise.kernels.conv.records import BACKWARD, FORWARD, GRADIENT, GROUP, PRODUCT
from rungwise.kernels.conv.weights import Weights
from rungwise.kernels.llvm.conv_tiles import TILE_COLUMNS

SPARE = 64
"""Numbers after the last map, up to which the last run may be read: tiles prefetch and round runs up to words."""


class Products:
    """Of all layers, for so many images, an even number. Everything that records have addresses of is kept here or in
    `weights`."""

    def __init__(
        self, layers: Sequence[Layer], weights: Sequence[Weights], out: Maps, images: int, dtype: torch.dtype
    ) -> None:
        self.layers, self.weights, self.out, self.bytes = layers, weights, out, dtype.itemsize

        def plain(maps: Maps) -> Tensor:
            return torch.zeros(images * maps.size + SPARE, dtype=dtype)

        def paired(maps: Maps) -> Tensor:
            return torch.zeros(images // 2 * maps.size + SPARE, dtype=torch.int32)

        inputs, gradients = [layer.inputs for layer in layers], [layer.gradients for layer in layers]
        self.maps = [plain(maps) for maps in (*inputs, out)]
        """What comes into each layer; what comes out of the last. Padding is 0 and stays so."""
        self.gradients = [plain(maps) for maps in gradients]
        """Of the loss in what goes out of each layer, before its ReLU."""
        self.paired, self.paired_gradients = self.maps, self.gradients
        if self.bytes == 2:
            self.paired, self.paired_gradients = [paired(maps) for maps in inputs], [paired(maps) for maps in gradients]
        self.tables: list[np.ndarray] = []
        numbers = range(len(layers))
        self.forward = _in_turn([[self._forward(number)] for number in numbers])
        """Records, and where those of each convolution end; so is the next."""
        self.backward = _in_turn([[self._gradient(number), *self._backward(number)] for number in numbers[::-1]])
        """Of each convolution: its weights' gradient, and the gradient in what comes in."""

    def _forward(self, number: int) -> np.ndarray:
        layer, last = self.layers[number], number + 1 == len(self.layers)
        after = self.out if last else self.layers[number + 1].inputs
        one = self._record(FORWARD, layer.forward, layer.gradients.channels)
        self._factors(one, self.maps[number], layer.inputs, self.weights[number].forward)
        self._outputs(one, layer.forward, after, self.maps[number + 1], None if last else self.paired[number + 1])
        one["bias"], one["relu"] = self.weights[number].bias.data_ptr(), layer.filters.relu
        return one

    def _backward(self, number: int) -> list[np.ndarray]:
        layer, found, begin = self.layers[number], [], 0
        for part in layer.backward:
            one = self._record(BACKWARD, part, layer.inputs.channels)
            packed = self.weights[number].backward[begin * TILE_COLUMNS :]
            self._factors(one, self.gradients[number], layer.gradients, packed)
            plain = None if number == 1 and self.bytes == 2 else self.gradients[number - 1]
            self._outputs(one, part, self.layers[number - 1].gradients, plain, self.paired_gradients[number - 1])
            one["active"] = self.maps[number].data_ptr()
            one["active_rows"] = self._keep(row_table(layer.inputs, *part.places, self.bytes))
            one["active_group"] = GROUP * layer.inputs.size * self.bytes
            found.append(one)
            begin += part.starts.size
        return found

    def _gradient(self, number: int) -> np.ndarray:
        layer, weights, one = self.layers[number], self.weights[number], np.zeros(1, PRODUCT)
        one["kind"], one["blocks"] = GRADIENT, layer.gradients.channels // TILE_COLUMNS
        one["rows"], one["row_count"] = self._keep(layer.gradient_rows), len(layer.gradient_rows)
        one["steps"], one["depth"] = self._keep(layer.gradient_steps), len(layer.places[0])
        one["a"], one["b"] = self.paired[number].data_ptr(), self.paired_gradients[number].data_ptr()
        for name, maps in (("a", layer.inputs), ("b", layer.gradients)):
            one[f"{name}_chunk"] = 4 * layer.chunk * maps.size
            one[f"{name}_group"] = 4 * maps.size * (GROUP // 2 if self.bytes == 2 else GROUP)
        one["chunk"], one["places"] = layer.chunk, layer.gradients.height * layer.gradients.width
        one["out"], one["bias"] = weights.gradient.data_ptr(), weights.bias_gradient.data_ptr()
        return one

    def _record(self, kind: int, part: MapsProduct, columns: int) -> np.ndarray:
        one = np.zeros(1, PRODUCT)
        one["kind"], one["blocks"] = kind, columns // TILE_COLUMNS
        one["rows"], one["row_count"] = self._keep(part.rows), 2 * len(part.places[0])
        one["steps"], one["depth"] = self._keep(part.steps), len(part.steps)
        return one

    def _factors(self, one: np.ndarray, source: Tensor, maps: Maps, packed: Tensor) -> None:
        one["a"], one["a_group"] = source.data_ptr(), GROUP * maps.size * self.bytes
        one["b"], one["b_block"] = packed.data_ptr(), 4 * one["depth"] * TILE_COLUMNS

    def _outputs(
        self, one: np.ndarray, part: MapsProduct, maps: Maps, plain: Tensor | None, paired: Tensor | None
    ) -> None:
        if plain is not None:
            one["out"], one["out_group"] = plain.data_ptr(), GROUP * maps.size * self.bytes
            one["out_rows"] = self._keep(row_table(maps, *part.places, self.bytes))
        if paired is not None and self.bytes == 2:
            one["pairs"], one["pairs_group"] = paired.data_ptr(), GROUP // 2 * maps.size * 4
            one["pairs_rows"] = self._keep(pair_table(maps, *part.places))

    def _keep(self, table: np.ndarray) -> int:
        """The address of a table, which then stays alive."""
        self.tables.append(table)
        return table.ctypes.data


def _in_turn(works: Sequence[Sequence[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Products of one convolution after the other, and where those of each end."""
    return np.concatenate([one for some in works for one in some]), np.cumsum([len(some) for some in works])
