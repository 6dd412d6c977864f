"""The mean cross-entropy of a batch with its gradient, in machine code."""

import numpy as np

from rungwise.kernels.compiled import compiled


@compiled()
def loss_and_gradient(z: np.ndarray, labels: np.ndarray, classes: int, smoothing: float) -> tuple[float, int]:
    """The mean loss of logits z (B or more, classes or more), float32, with smoothed labels (B,), and how many answers
    are correct. The logits are overwritten by the gradient of the mean loss in them; rows and columns beyond B and
    `classes` are left as they are."""
    count = len(labels)
    loss, correct = np.float32(0), 0
    for b in range(count):
        row = z[b]
        best = 0
        for k in range(1, classes):
            if row[k] > row[best]:
                best = k
        correct += best == labels[b]
        # Logits relative to the highest: no exponential is above 1.
        highest, total, sum_of_all = row[best], np.float32(0), np.float32(0)
        for k in range(classes):
            total += np.exp(row[k] - highest)
            sum_of_all += row[k] - highest
        own = row[labels[b]] - highest
        loss += np.float32(np.log(total) - (1 - smoothing) * own)
        if smoothing:  # 0 times infinity would be NaN
            loss -= np.float32(smoothing * sum_of_all / classes)
        for k in range(classes):
            target = (1 - smoothing) * (k == labels[b]) + smoothing / classes
            row[k] = (np.exp(row[k] - highest) / total - target) / count
    return float(loss) / count, correct
