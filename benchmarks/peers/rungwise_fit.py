"""rungwise itself: a whole trial by its public door, the same that a study's workers go through."""

import pickle
from collections.abc import Mapping

from benchmarks.work import Pace, Result, Work
from rungwise.bench import Bench
from rungwise.data.images import ImageSet, Split
from rungwise.engine.allocator import keep_freed_memory
from rungwise.training.fit import carry_out
from rungwise.training.precision import keep_float32
from rungwise.training.settings import Fit


def fit(work: Work, pace: Pace) -> Result:
    keep_freed_memory()  # as a worker does
    keep_float32()
    trial: Fit = pickle.loads(work.trial)
    assert work.epochs == trial.epochs
    assert next(iter(trial.tasks.values())) == "labels"
    test = ImageSet(work.test_images, work.test_labels[0])
    split = Split(trial.data.classes, ImageSet(work.images, work.labels[0]), test, {})

    def progress(values: Mapping[str, float]) -> None:
        if isinstance(values.get("epoch"), int):  # within an epoch it is a fraction, and a float
            pace.epoch(values["loss"])
            if values["epoch"] == trial.epochs:
                pace.stop()  # the test predictions are made before this; accuracies on the training images follow

    out = carry_out(trial, Bench(work.device, lambda data, seed: split, {}, progress))
    predictions = tuple(out.arrays[trial.key("test_predictions", task)] for task in trial.tasks)
    return Result(predictions, out.choices["precision"])
