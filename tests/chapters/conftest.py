"""Records with known numbers, as an engine would have written them."""

import numpy as np
import pytest

from rungwise.records.record import Environment, Record

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip


@pytest.fixture(scope="session")
def fitted():
    """A function that makes the record of a `Fit` from the numbers given for each task."""
    return _fitted


def _fitted(trial, *numbers, parameters=1000, time_s=10.0, wrong=True):
    """`numbers`: one dict per task; `test_accuracy` may be a list over the epochs, and the last is the final one.

    The predictions are of six test images of classes 0 0 1 1 2 2; one 0 is taken for a 2, with probability .75 (the
    logits are ln 3, -40, ..., 0), and one 1 for a 0 with less, unless `wrong` is False.
    """
    summary = {"parameters": parameters, "time_s": time_s, "steps": 10.0, "step_bytes": 1e6}
    several = trial.tasks if len(trial.tasks) > 1 else ()
    history, arrays = {f"dominance_{task}": [1.0] for task in several}, {}
    labels = np.array([0, 0, 1, 1, 2, 2], np.uint8)
    said = np.array([0, 2, 1, 0, 2, 2], np.uint8) if wrong else labels
    for task, own, classes in zip(trial.tasks, numbers, trial.outputs, strict=True):
        values = {"train_accuracy": 1.0, "train_loss": 0.1, "test_loss": 0.2, **own}
        curve = values["test_accuracy"] if isinstance(values["test_accuracy"], list) else [values["test_accuracy"]]
        values["test_accuracy"] = curve[-1]
        summary |= {trial.key(name, task): value for name, value in values.items()}
        history |= {trial.key(name, task): [value] * len(curve) for name, value in values.items()}
        history[trial.key("test_accuracy", task)] = curve
        logits = np.full((6, max(3, classes)), -40.0, np.float16)
        logits[np.arange(6), labels] = 0
        logits[np.arange(6), said] = [1, np.log(3), 1, 0.5, 1, 1]
        index = np.flatnonzero(said != labels).astype(np.int32)
        arrays |= {
            trial.key("test_logits", task): logits,
            trial.key("test_predictions", task): said,
            trial.key("test_labels", task): labels,
            trial.key("wrong_index", task): index,
            trial.key("wrong_images", task): np.stack([np.full((1, 4, 4), 10 * i, np.uint8) for i in range(6)])[index],
        }
    return Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=summary, history=history,
        environment=HERE, arrays=arrays,
    )  # fmt: skip
