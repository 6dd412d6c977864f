"""What passes of convolutions are told of a product: a record of addresses, counts and distances."""

import numpy as np

PRODUCT = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",  # FORWARD, BACKWARD or GRADIENT
            "blocks",  # tiles side by side: padded channels that go out / TILE_COLUMNS
            # Tables of int64, distances in bytes (`llvm.conv_tiles`)
            "rows",  # address
            "row_count",  # how many: forward and backward of two images, else weights of a filter, whole tiles
            "steps",  # address
            "depth",  # how many: of a gradient, those of one image or pair
            # Both factors. Addresses and distances in bytes
            *("a", "a_group"),  # of maps; distance from a group of images to the next
            "b",  # of packed weights, or of the output's gradient
            "b_block",  # distance between blocks of columns; 0 for gradients, whose columns are contiguous
            "b_group",  # gradients only
            "bias",  # address of float32: read forward, added to by GRADIENT
            "relu",  # forward: 1 for ReLU
            *("active", "active_rows", "active_group"),  # backward: activations, whose 0 stop the gradient
            *("out", "out_rows", "out_group"),  # address, or 0: not wanted; GRADIENT: float32 that are added to
            *("pairs", "pairs_rows", "pairs_group"),  # the same in words that two images share, bfloat16 only
            # Of gradients, which go through some images at a time, by all tiles, before the next ones
            "chunk",  # images, or pairs of them
            *("a_chunk", "b_chunk"),  # bytes between chunks
            "places",  # rows of an image in b, padding included, for the sum of biases
        )
    ]
)
FORWARD, BACKWARD, GRADIENT = range(3)
"""Kinds of products."""
GROUP = 64
"""Images that go through all convolutions before the next: what one writes the next finds in the caches. Of 20, 32 and
64, 64 was best on CNN-1 by a tenth of a millisecond; on CNN-3 they were equal."""
