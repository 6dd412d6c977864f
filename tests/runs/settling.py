"""Small studies to settle, on images of noise, and a run of them that computes nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rungwise.records.environment import environment_here
from rungwise.runs import session as session_module
from rungwise.runs.opened import Run
from rungwise.runs.session import Session
from rungwise.study.study import Study
from rungwise.trial import Outcome, Trial

CLASSES = ("cat", "dog", "owl")
TESTED = 20
"""Test images of each class."""


def write_noise(folder: Path, train: int = 20) -> Path:
    """Images of 8 x 8 pixels whose brightness tells a little of their class, with a test part."""
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("test", TESTED)):
        for number, name in enumerate(CLASSES):
            (folder / part / name).mkdir(parents=True)
            for i in range(count):
                grey = np.clip(random.normal(110 + 15 * number, 45, (8, 8)), 0, 255).astype(np.uint8)
                Image.fromarray(grey).save(folder / part / name / f"{i}.png")
    return folder


Right = Callable[[Trial], int | None]
"""How many of the test images a net classifies right; None: the trial fails."""
LABELS = np.repeat(np.arange(len(CLASSES), dtype=np.uint8), TESTED)


def outcome(right: int) -> Outcome:
    """Of a net that classifies so many of the test images right; it took a second."""
    said = np.where(np.arange(len(LABELS)) < right, LABELS, (LABELS + 1) % len(CLASSES)).astype(np.uint8)
    accuracy = right / len(LABELS)
    counts = dict.fromkeys(("parameters", "time_s", "steps", "step_bytes"), 1.0)
    numbers = {"train_accuracy": 1.0, "test_accuracy": accuracy, "train_loss": 0.1, "test_loss": 1.5 - accuracy}
    return Outcome(
        summary=counts | numbers,
        history={name: [value] for name, value in numbers.items()},
        arrays={
            "test_predictions": said,
            "test_labels": LABELS,
            "test_logits": np.eye(len(CLASSES), dtype=np.float16)[said],
            "wrong_index": np.flatnonzero(said != LABELS).astype(np.int32),
            "wrong_images": np.zeros((int((said != LABELS).sum()), 3, 8, 8), np.uint8),
        },
        timings={"train_s": 1.0},
    )


def without_computing(patch: pytest.MonkeyPatch, right: Right, *, report: bool = False) -> list[tuple[str, int]]:
    """Have records written that say what `right` says; the label and the seed of each trial that was asked for.

    Without `report` no report is written, which takes a second.
    """
    asked: list[tuple[str, int]] = []

    def compute(session: Session, study: Study, trials: list[Trial]) -> dict[str, str]:
        here = environment_here(device="cpu", threads=1, workers=1)
        for trial in trials:
            if session.store.has(trial.id):
                continue
            asked.append((trial.label, trial.seed))
            count = right(trial)
            if count is None:
                session.store.fail(trial, "the loss became nan at step 3", here)
            else:
                session.store.save(trial, outcome(count), here, {})
        return {}

    patch.setattr(Session, "compute", compute)
    patch.setattr(session_module, "product_rates", lambda _: lambda _: 1e10)
    if not report:
        patch.setattr(Run, "write_report", lambda run: run.store.root / "report.html")
    return asked
