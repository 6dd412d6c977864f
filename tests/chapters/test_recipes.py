"""How nets were trained, in words, and what is told of nets that were stopped early."""

from pathlib import Path

import pytest

from rungwise.chapters.recipes import kept_caption, kept_in_words, recipe_in_words
from rungwise.data.settings import Data
from rungwise.runs.run import run_study
from rungwise.study.reading import parse_study
from rungwise.training.settings import Recipe, Stop

DATA = Data(source="digits", validation_images=200)


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (Recipe(epochs=1), "for 1 epoch with Adam at a constant learning rate of 0.001, in batches of 64"),
        (
            Recipe(epochs=9, weight_decay=0.1, schedule="cosine", clip_norm=2),
            "for 9 epochs with AdamW at a learning rate that falls from 0.001 to 0 along half a cosine, in batches of "
            "64, weights decaying by 0.1, gradients clipped to a norm of 2",
        ),
        (
            Recipe(epochs=9, optimiser="sgd", schedule="step", step_epochs=3, class_weights="balanced"),
            "for 9 epochs with SGD with momentum 0 at a learning rate of 0.001 that is multiplied by 0.1 after every 3 "
            "epochs, in batches of 64, classes weighted in the loss by one over their number of images",
        ),
        (
            Recipe(epochs=9, stop=Stop(patience=2), class_weights={"cat": 3}),
            "for at most 9 epochs, until the accuracy on the images set aside had not got better for 2 epochs, with "
            "Adam at a constant learning rate of 0.001, in batches of 64, classes weighted in the loss (cat 3, all "
            "others 1)",
        ),
    ],
)
def test_a_recipe_in_words(recipe: Recipe, says: str) -> None:
    assert recipe_in_words(recipe) == says


def test_which_epoch_is_told_of() -> None:
    plain, stopped = Recipe(epochs=3), Recipe(epochs=3, stop=Stop(patience=2, metric="validation_loss"))
    assert kept_in_words(plain, DATA) == "the last epoch: no epoch was selected on the test set"
    assert kept_in_words(stopped, DATA).startswith("the epoch with the best loss on the 200 images set aside")
    assert kept_caption(stopped) == "of the epoch that was best on the images set aside"


STUDY = """
title = "Stopped"
seeds = 2
[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 300, validation_images = 100 }
fit = { epochs = 30, rate = 0.01, stop = { patience = 2 } }
nets = { A = { hidden = [16] }, B = { hidden = [8] } }
[[chapter.claim]]
id = "size"
says = "A is better than B"
test = { metric = "test_accuracy", better = "A", than = "B" }
[[chapter.claim]]
id = "count"
says = "A has more parameters"
test = { metric = "parameters", higher = "A", than = "B" }
"""


def test_nets_that_were_stopped_and_tested_once_have_a_report(tmp_path: Path) -> None:
    text = STUDY.replace("epochs = 30", 'epochs = 6, evaluate = "end"')
    run = run_study(parse_study(text, "stopped.toml"), tmp_path, workers=1)
    assert all(len(record.history["test_accuracy"]) == 1 for record in run.records.values())


def test_a_claim_on_nets_that_were_stopped_says_on_what(tmp_path: Path) -> None:
    run = run_study(parse_study(STUDY, "x.toml"), tmp_path / "run")
    size, count = run.claims["mlps"]
    assert (
        "mlps/A and mlps/B were stopped early: their numbers are those of the epoch with the best accuracy on the "
        "images set aside. The test images had no part in the choice." in size.warnings
    )
    assert not any("stopped early" in warning for warning in count.warnings)
    page = (tmp_path / "run/report.md").read_text() if (tmp_path / "run/report.md").exists() else ""
    page += (tmp_path / "run/report.html").read_text()
    assert "Best epoch" in page
    assert "of the epoch that was best on the images set aside" in page
    values = {(one.model, one.metric, one.seed): one.value for one in run.measurements}
    assert values["A", "epochs", 0] == values["A", "best_epoch", 0] + 2 or values["A", "epochs", 0] == 30
