"""What a person reads at the end of a run, and what its parts are made of."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from rungwise import TrialsFailedWarning, parse_study, run_study
from rungwise.cli.outcome_listing import print_outcome
from rungwise.evidence.design import Design
from rungwise.evidence.estimate import Estimate
from rungwise.evidence.measure import Measurement, Metric, leading
from rungwise.evidence.measures import Measures
from rungwise.records.environment import environment_here
from rungwise.records.record import Record
from rungwise.runs.outcome import Best, Failure, Found, best, failures, found
from rungwise.runs.run import Run

STUDY = """
title = "Small"
[[chapter]]
kind = "mlps"
data = { source = "digits" }
fit = { epochs = 1, optimiser = "sgd", rate = 1e30, batch = 16 }
nets = { bad = { hidden = [8] } }
[[chapter]]
kind = "projection"
data = { source = "digits" }
[[chapter.claim]]
id = "plane"
says = "Two axes are enough"
test = { metric = "mean_pair_accuracy", model = "all pairs", above = 0.9 }
"""
NAN = "the loss became nan at step 3 (epoch 1): try a learning rate below 1e+30"
HIGHER, LOWER, NEITHER = (Metric("m", ("A", "B", "C"), better) for better in ("higher", "lower", None))


def measured(metric: str, **values: tuple[float, ...]) -> list[Measurement]:
    return [
        Measurement("nets", model, metric, seed, value, (f"{model}{seed}",))
        for model, found in values.items()
        for seed, value in enumerate(found)
    ]


def test_the_best_is_that_of_the_better_mean() -> None:
    numbers = measured("test_accuracy", A=(0.5, 0.7), B=(0.9, 0.7), C=(0.8, 0.8))
    assert best("nets", Measures({"test_accuracy": HIGHER}, Design()), numbers) == Best(
        "nets", "test_accuracy", "B", Estimate(values=(0.9, 0.7), scale="share"), 3
    )
    lowest = best("nets", Measures({"test_accuracy": LOWER}, Design()), numbers)
    assert lowest is not None
    assert lowest.model == "A"
    assert best("others", Measures({"test_accuracy": HIGHER}, Design()), numbers) is None
    assert best("nets", Measures({"test_accuracy": NEITHER}, Design()), numbers) is None


def test_models_are_ranked_on_test_images_and_never_by_a_clock() -> None:
    clock, count = Metric("t", ("A",), "lower", timing=True), Metric("n", ("A",), "higher", exact=True)
    assert leading({"train_accuracy": HIGHER, "test_accuracy": HIGHER}) == "test_accuracy"
    assert leading({"test_accuracy_a": HIGHER, "mean_test_accuracy": HIGHER}) == "mean_test_accuracy"
    assert leading({"time_s": clock, "parameters": count, "test_error": LOWER, "share": HIGHER}) == "test_error"
    assert leading({"time_s": clock, "size": NEITHER, "share": HIGHER}) == "share"
    assert leading({"time_s": clock, "parameters": count, "size": NEITHER}) is None


def failed(label: str, seed: int, error: str) -> Record:
    here = environment_here(device="cpu", threads=1, workers=1)
    return Record(id=f"{label}{seed}", label=label, spec={"seed": seed}, status="failed", error=error, environment=here)


def test_each_reason_is_told_once() -> None:
    told = failures(
        [
            failed("B", 0, "no room"),
            failed("A", 10, NAN),
            failed("A", 9, "the loss became inf at step 12 (epoch 1): try a learning rate below 1e+30"),
        ]
    )
    assert told == (
        Failure(
            "the loss became nan at step 3 (epoch 1): try a learning rate below 1e+30", ("A (seeds 9, 10)",), 2, True
        ),
        Failure("no room", ("B (seed 0)",), 1),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, pytest.WarningsRecorder]]:
    """A run of two trials, one of which fails, and the warnings that it gave."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.warns(TrialsFailedWarning) as warned:
        yield run_study(parse_study(STUDY, "study.toml"), folder / "out", workers=1), warned


def test_a_run_says_what_it_is_and_warns_of_failures(run: tuple[Run, pytest.WarningsRecorder]) -> None:
    finished, warned = run
    says = f"Run of 'Small' in {finished.store.root}: 1 of 2 trials done, 1 failed, 0 not run"
    assert repr(finished) == str(finished) == says
    (warning,) = (each for each in warned if each.category is TrialsFailedWarning)
    assert "1 trial of 'Small' failed" in str(warning.message)
    assert warning.filename == __file__, "it points at the caller"


def test_what_was_found_is_what_the_report_has(run: tuple[Run, pytest.WarningsRecorder]) -> None:
    says = found(run[0])
    assert (says.planned, says.done, says.failed) == (2, 1, 1)
    assert says.best == ()
    assert says.claims == {"supported": ("plane",)} or list(says.claims.values()) == [("plane",)]
    (failure,) = says.failures
    assert failure.trials == ("bad (seed 0)",)
    assert failure.why.startswith("the loss became")


FOUND = Found(
    planned=12,
    done=9,
    best=(
        Best("mlps", "test_accuracy", "MLP-[3]", Estimate(values=(0.9, 0.92, 0.91)), 5, 0.7895),
        Best("one", "test_error", "a model with quite a long name", Estimate(values=(0.25,)), 1),
    ),
    claims={"supported": ("deep", "wide"), "not run": ("late",)},
    failures=(Failure("the loss became nan at step 3", ("A (seeds 0, 1)",), 2, differ=True),),
)


def printed(width: int, terminal: bool) -> str:
    out = io.StringIO()
    print_outcome(FOUND, 75.4, Console(file=out, width=width, force_terminal=terminal, highlight=False))
    return out.getvalue()


def test_off_a_terminal_lines_are_whole_and_plain() -> None:
    for width in (20, 80):
        assert printed(width, terminal=False).splitlines() == [
            "Best of each chapter",
            "  mlps: MLP-[3], test_accuracy 0.91 (95% interval 0.8852 to 0.9348, n = 3), the best of 5; "
            "always the most frequent class: 0.7895",
            "  one: a model with quite a long name, test_error 0.25 (n = 1), the only one",
            "Claims",
            "  2 supported: deep, wide",
            "  1 not run: late",
            "Failed",
            "  2 trials: the loss became nan at step 3 (the numbers differ)",
            "    A (seeds 0, 1)",
            "9 of 12 trials are done, 2 failed, 1 not run. It took 1 min 15 s.",
            "The report; open it in a browser:",
        ]


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_on_a_terminal_of_any_width_nothing_is_lost(width: int) -> None:
    import re

    text = re.sub(r"\x1b\[[0-9;]*m", "", printed(width, terminal=True))
    assert max(map(len, text.splitlines())) <= width
    assert "".join(text.split()) == "".join(printed(width, terminal=False).split())


def test_colour_is_left_out_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(80, terminal=True)
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[3" in printed(80, terminal=True)
