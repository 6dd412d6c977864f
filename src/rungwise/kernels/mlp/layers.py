"""Where the numbers of a multilayer perceptron's step are stored.

Activations, and gradients of the loss in them, are stored in up to three forms, one for each product that reads them.
F features, B images of the batch padded to whole tiles of COLUMNS, p numbers per word (1 float32, 2 bfloat16):

    by_features  (F / p, B)   words hold p features of an image     read as b, forward and backward
    by_batch     (F, B / p)   words hold p images of a feature      read as a, for gradients of weights
    panels       by_batch transposed, COLUMNS features after COLUMNS features: read as b, for gradients of weights

                 by_batch                      panels
                 B / p                          COLUMNS           COLUMNS
               +-------+                      +---------+       +---------+
      COLUMNS  |   1   |               B / p  |   1^T   |  then |   2^T   |  ...
               +-------+     becomes          +---------+       +---------+
      COLUMNS  |   2   |
               +-------+                      each stored contiguously: a tile reads its panel from start to end

In float32 by_features and by_batch are the same numbers in the same order, and stored once. All rows are padded as
`mlp.step` says, so that a last tile may read and write ROWS rows and COLUMNS columns.
"""

import numpy as np

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "inputs",  # features that come in
            "outputs",  # features that go out
            "batch_words",  # words of a row by_batch: B / p
            # Addresses in bytes, float32, contiguous: (outputs, inputs), and (outputs,) of the bias
            *("weights", "first", "second"),  # first, second: the optimiser's moments, laid out as the weights
            *("bias", "bias_first", "bias_second"),
            "has_bias",  # 0: the bias is zeros that no step moves
            "by_outputs",  # address of the rounded weights (outputs / p, inputs): words hold p outputs
            "by_outputs_row",  # words between its rows; in float32 this is the weights themselves
            "by_inputs",  # 0, or the address of rounded weights (outputs, inputs / p), kept instead of by_outputs
            # Places in the workspace, counted in words:
            "by_features",  # of what comes in
            "by_batch",  # of what comes in; of the first layer the images row by row: (B, pixels / p)
            "panels",  # of what comes in
            "panels_before",  # of what came in with the batch before
            "gradient_by_features",  # of the loss in what goes out
            "gradient_by_batch",
            "images_row",  # words between images in the first layer's by_batch
        )
    ]
)
