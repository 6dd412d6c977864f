"""What a person reads while a study runs."""

import io

import pytest
from rich.console import Console

from rungwise.data.settings import Data
from rungwise.engine.engine import Event
from rungwise.models.mlp import MlpSettings
from rungwise.runs.display import Display, print_plan
from rungwise.study.plan import plan
from rungwise.study.reading import parse_study
from rungwise.training.settings import Fit, Recipe


def fit(seed: int) -> Fit:
    return Fit(label="MLP-1", data=Data(source="digits"), seed=seed, net=MlpSettings(hidden=(8,)), fit=Recipe(epochs=4))


A, B, C = fit(0), fit(1), fit(2)
COST = {A.id: 10.0, B.id: 10.0, C.id: 40.0}


def shown(*events: Event, terminal: bool = False, quiet: bool = False) -> tuple[Display, str]:
    out = io.StringIO()
    display = Display(COST, Console(file=out, force_terminal=terminal, width=120), quiet)
    with display:
        for event in events:
            display(event)
        display.progress.refresh()
        if terminal:
            display.console.print(display.progress.get_renderable())
    return display, out.getvalue()


def test_off_a_terminal_each_finished_trial_is_a_plain_line() -> None:
    _, text = shown(
        Event("found", C),
        Event("started", A),
        Event("progress", A, {"epoch": 2.0, "loss": 0.5, "accuracy": 0.75}),
        Event("finished", A, {"test_accuracy": 0.9876, "time_s": 1.25, "parameters": 9.0}),
        Event("failed", B, error="the loss became nan at step 7"),
    )
    first, second = text.splitlines()
    assert first.startswith("[1/2] MLP-1 · seed 0: test accuracy 0.9876, 1.2 s · ")
    assert second == "[2/2] MLP-1 · seed 1: failed: the loss became nan at step 7"
    assert "\x1b" not in text


def test_on_a_terminal_it_shows_epoch_loss_and_accuracy() -> None:
    _, text = shown(
        Event("started", A), Event("progress", A, {"epoch": 2.25, "loss": 0.5, "accuracy": 0.75}), terminal=True
    )
    assert "MLP-1 · seed 0" in text
    assert "epoch 3/4 · loss 0.5000 · accuracy 0.7500" in text
    assert "0 of 3 trials" in text


def test_trials_that_are_carried_out_together_have_one_line() -> None:
    _, text = shown(Event("started", A, {"beside": 2}), Event("progress", A, {"epoch": 1.0}), terminal=True)
    assert "MLP-1 · seed 0 and 2 more" in text
    assert "more" not in shown(Event("started", A, {"beside": 0}), terminal=True)[1]


def test_a_trial_that_begins_again_by_itself_has_one_line() -> None:
    display, _ = shown(Event("started", A, {"beside": 1}), Event("started", A), Event("started", B))
    assert [task.description for task in display.progress.tasks[1:]] == ["MLP-1 · seed 0", "MLP-1 · seed 1"]


def test_no_number_is_impossible_whatever_comes() -> None:
    """An epoch beyond the last, an end and progress that are told late, a trial that another run has done."""
    running = Event("started", A), Event("progress", A, {"epoch": 9.5, "loss": 0.1, "accuracy": 1.0})
    display, text = shown(*running, terminal=True)
    assert "epoch 4/4" in text
    assert all(task.completed <= task.total for task in display.progress.tasks if task.total)
    late = Event("finished", A), Event("finished", A), Event("progress", A, {"epoch": 1.0})
    display, text = shown(*running, *late, Event("failed", B, error="no"), Event("found", C), terminal=True)
    assert "2 of 2 trials · done · 1 failed" in text
    assert display.left_s == 0
    assert all(task.completed <= task.total for task in display.progress.tasks if task.total)


@pytest.mark.parametrize("width", [40, 80, 100, 120])
def test_a_terminal_of_any_width_shows_all_of_it(width: int) -> None:
    display = Display(COST, Console(file=io.StringIO(), force_terminal=True, width=width))
    display(Event("started", A, {"beside": 2}))
    display(Event("progress", A, {"epoch": 2.0, "loss": 0.5, "accuracy": 0.75}))
    out = io.StringIO()
    Console(file=out, width=width).print(display.progress.get_renderable())
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    words = " ".join(" ".join(lines).split())
    assert "…" not in words
    for word in ("MLP-1", "seed 0", "and 2 more", "epoch 3/4", "loss 0.5000", "accuracy 0.7500", "0 of 3 trials"):
        assert word in words


def test_quiet_says_nothing() -> None:
    assert shown(Event("started", A), Event("finished", A, {"time_s": 1.0}), quiet=True)[1] == ""


def test_time_left_is_the_estimate_at_the_pace_so_far() -> None:
    display, _ = shown(Event("found", C))
    assert display.left_s == pytest.approx(20.0)
    display(Event("finished", A))
    display.started -= 30  # ten estimated seconds took thirty, so the ten that are left take thirty
    assert display._time_left() == "30 s left"
    display(Event("finished", B))
    assert display._time_left() == "done"


def test_a_plan_says_which_costs_are_the_most_that_it_can_take(capsys: pytest.CaptureFixture[str]) -> None:
    study = """
title = "T"
[[chapter]]
kind = "mlps"
data = {{ source = "digits" }}
fit = {{ epochs = 7{} }}
nets = {{ A = {{ hidden = [8] }} }}
"""
    print_plan(plan(parse_study(study.format(""), "t.toml"), rate=lambda _: 1e9))
    told = capsys.readouterr().out
    assert "≤" not in told
    assert "TFLOP, about" in told
    print_plan(plan(parse_study(study.format(", stop_loss = 0.1"), "t.toml"), rate=lambda _: 1e9))
    told = capsys.readouterr().out
    assert "≤ 7" in told
    assert "TFLOP, at most" in told
    print_plan(plan(parse_study(study.format(', pruning = {}, optimiser = "adam"'), "t.toml"), rate=lambda _: 1e9))
    told = capsys.readouterr().out
    assert "≤" not in told, "there are as many epochs as are asked for"
    assert "TFLOP, at most" in told


def test_a_plan_counts_the_passes_of_each_method() -> None:
    """Of a step, a forward pass is a third and a backward pass two: 3 of 3, 9 of 3 and 10 of 3."""
    study = """
title = "T"
[[chapter]]
kind = "multitask"
data = { source = "digits", train_images = 1000, validation_images = 100 }
fit = { epochs = 9, evaluate = "end" }
net = { family = "compact", filters = [4] }
weights = [0.5]
tasks = { digit = "labels", half = { low = [0, 1, 2, 3, 4], high = [5, 6, 7, 8, 9] } }
methods = { DWA = "dwa", AdaTask = "adatask", Auto = "auto-lambda" }
"""
    flops = {row.label: row.flops for row in plan(parse_study(study, "t.toml"), rate=lambda _: 1e9)}
    tested = flops["DWA"] / (3 * 9 * 1000 + 449 + 1000) * (449 + 1000)
    training = {name: flops[name] - tested for name in ("DWA", "AdaTask", "Auto")}
    assert training["AdaTask"] / training["DWA"] == pytest.approx(5 / 3, rel=1e-6)
    assert training["Auto"] / training["DWA"] == pytest.approx(10 / 3, rel=1e-6)
    assert flops["multi: λ = 0.5"] == flops["DWA"]
