"""The mean cross-entropy of a batch with its slopes, in machine code."""

import numpy as np

from rungwise.kernels.compiled import compiled


@compiled()
def descend(z: np.ndarray, labels: np.ndarray, classes: int, smoothing: float) -> tuple[float, int]:
    """Of logits (B or more, classes or more) in float32, which become its slopes in them, with smoothed labels (B,);
    and how many are right."""
    count = len(labels)
    loss, right = np.float32(0), 0
    for b in range(count):
        row = z[b]
        best = 0
        for k in range(1, classes):
            if row[k] > row[best]:
                best = k
        right += best == labels[b]
        highest, total, sum_of_all = row[best], np.float32(0), np.float32(0)
        for k in range(classes):
            total += np.exp(row[k] - highest)
            sum_of_all += row[k] - highest
        own = row[labels[b]] - highest
        loss += np.float32(np.log(total) - (1 - smoothing) * own)
        if smoothing:  # 0 times what is infinite would be no number
            loss -= np.float32(smoothing * sum_of_all / classes)
        for k in range(classes):
            wished = (1 - smoothing) * (k == labels[b]) + smoothing / classes
            row[k] = (np.exp(row[k] - highest) / total - wished) / count
    return float(loss) / count, right
