"""Which weights a run's folder keeps, and what happens where some are needed that are gone."""

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from rungwise import open_run, parse_study, run_study, study_trials
from rungwise.runs.kept_weights import fetch_back, leave_out, weights_path
from rungwise.runs.run import Run
from rungwise.study.study import Study, StudyError

NETS = """
[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 200 }
fit = { epochs = 1, rate = 3e-3 }
nets = { A = { hidden = [16] }, B = { hidden = [] } }
"""
CNNS = """
[[chapter]]
kind = "cnns"
data = { source = "digits", train_images = 200 }
fit = { epochs = 1, rate = 3e-3 }
nets = { K = { filters = [2] }, L = { filters = [3] } }
"""
LOOK = """
[[chapter]]
kind = "seeing"
data = { source = "digits", train_images = 200 }
fit = { epochs = 1, rate = 3e-3 }
net = { filters = [2] }
classes = [2, 9]
dream = { steps = 1, scales = [8] }
"""


def study(*chapters: str, keep: str = "", seeds: int = 2) -> Study:
    """`keep` stands before the chapters; a chapter's own setting is in its text."""
    return parse_study(f'title = "Kept"\nseeds = {seeds}\n{keep}\n' + "".join(chapters), "kept.toml")


def of(chapter: str, keep: str) -> str:
    """A chapter with a setting of its own."""
    return chapter.replace("\ndata", f'\nkeep_weights = "{keep}"\ndata', 1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_study(study(NETS, CNNS, LOOK), tmp_path_factory.mktemp("kept") / "out", device="cpu", workers=1)


@pytest.fixture
def folder(whole: Run, tmp_path: Path) -> Path:
    """A copy of the records, with all weights."""
    shutil.copytree(whole.store.root, tmp_path / "out")
    return tmp_path / "out"


def after(study: Study, folder: Path) -> set[tuple[str, int]]:
    """Whose weights are there once the study's rule was applied: labels and seeds."""
    run = Run(study, open_run(folder).store)
    leave_out(study, run.store)
    assert run.records.keys() == {trial.id for _, trial in study_trials(study)}, "records stay"
    return {(t.label, t.seed) for _, t in study_trials(study) if weights_path(run.store, t.id).is_file()}


def both(*labels: str) -> set[tuple[str, int]]:
    return {(label, seed) for label in labels for seed in (0, 1)}


def best_of(run: Run, chapter: str) -> str:
    accuracies: dict[str, list[float]] = {}
    for number in run.measurements:
        if (number.chapter, number.metric) == (chapter, "test_accuracy"):
            accuracies.setdefault(number.model, []).append(number.value)
    return max(accuracies, key=lambda model: sum(accuracies[model]))


def test_all_are_kept_unless_the_study_says_otherwise(folder: Path) -> None:
    assert after(study(NETS, CNNS, LOOK), folder) == both("A", "B", "K", "L")


def test_none_are_kept(folder: Path) -> None:
    assert after(study(NETS, CNNS, LOOK, keep='keep_weights = "none"'), folder) == set()


def test_those_of_the_best_model_of_each_chapter_are_kept(whole: Run, folder: Path) -> None:
    best = both(best_of(whole, "mlps"), best_of(whole, "cnns"))
    assert after(study(NETS, CNNS, keep='keep_weights = "best"'), folder) == best


def test_what_was_looked_into_is_the_best_of_seeing(folder: Path) -> None:
    chapters = (of(NETS, "none"), of(CNNS, "none"), of(LOOK, "best"))
    assert after(study(*chapters), folder) == both("K")


def test_a_trial_that_chapters_share_is_kept_for_any_of_them(folder: Path) -> None:
    chapters = (NETS, of(CNNS, "none"), LOOK)
    assert after(study(*chapters), folder) == both("A", "B", "K")


def test_a_chapter_decides_over_the_study(folder: Path) -> None:
    chapters = (of(NETS, "all"), CNNS, LOOK)
    assert after(study(*chapters, keep='keep_weights = "none"'), folder) == both("A", "B")


def test_the_best_is_not_chosen_before_all_have_run(folder: Path) -> None:
    asked = study(NETS, keep='keep_weights = "best"')
    ids = {trial.id: trial for _, trial in study_trials(asked)}
    gone = next(iter(ids))
    shutil.rmtree(folder / "trials" / gone)
    leave_out(asked, open_run(folder).store)
    assert all((folder / "trials" / id / "weights.safetensors").is_file() for id in ids if id != gone)


def test_labels_are_held_against_nets_that_another_chapter_keeps_or_not(tmp_path: Path) -> None:
    audit = '[[chapter]]\nkind = "audit"\ndata = { source = "digits" }\n'
    done = run_study(study(audit, of(NETS, "none"), keep='keep_weights = "best"'), tmp_path / "out", workers=1)
    assert any(trial.needs for _, trial in study_trials(done.study))
    assert not list((done.store.root / "trials").glob("*/weights.safetensors"))


def test_weights_that_a_pending_trial_needs_are_kept(folder: Path) -> None:
    asked = study(CNNS, LOOK, keep='keep_weights = "none"')
    look = next(trial for _, trial in study_trials(asked) if trial.needs)
    shutil.rmtree(folder / "trials" / look.id)
    store = open_run(folder).store
    leave_out(asked, store)
    left = {trial.id for _, trial in study_trials(asked) if weights_path(store, trial.id).is_file()}
    assert left == {need.id for need in look.needs}


def test_the_report_is_the_same_without_weights(folder: Path) -> None:
    names = ("report.html", "report.md", "findings.json")
    before = [(folder / name).read_bytes() for name in names]
    run = open_run(folder)
    leave_out(study(NETS, CNNS, LOOK, keep='keep_weights = "none"'), run.store)
    run.write_report()
    assert [(folder / name).read_bytes() for name in names] == before


def test_a_run_keeps_no_weights_and_computes_them_anew_where_they_are_needed(tmp_path: Path) -> None:
    screen = Console(file=io.StringIO(), width=200)
    run = run_study(
        study(CNNS, keep='keep_weights = "none"'), tmp_path, device="cpu", workers=1, console=screen, quiet=False
    )
    assert "The weights of 4 trials were left out, as the study asks" in screen.file.getvalue()  # type: ignore[attr-defined]
    assert not list(tmp_path.rglob("*.safetensors"))
    first = run.records

    screen = Console(file=io.StringIO(), width=200)
    run = run_study(study(CNNS, LOOK), tmp_path, device="cpu", workers=1, console=screen, quiet=False)
    assert "2 trials will be computed anew for the weights" in screen.file.getvalue()  # type: ignore[attr-defined]
    assert not run.failures
    assert len(run.records) == 6
    old = {path.name for path in (tmp_path / "replaced").iterdir()}
    assert old == {trial.id for _, trial in study_trials(study(LOOK)) if not trial.needs}
    assert all(run.records[id].summary["test_loss"] == first[id].summary["test_loss"] for id in old)
    assert {path.parent.name for path in (tmp_path / "trials").rglob("*.safetensors")} == old


def test_nothing_is_computed_anew_that_is_not_needed(folder: Path) -> None:
    asked = study(NETS, CNNS, LOOK)
    store = open_run(folder).store
    leave_out(study(NETS, CNNS, LOOK, keep='keep_weights = "none"'), store)
    fetch_back([trial for _, trial in study_trials(asked)], store)
    assert not (folder / "replaced").exists()
    assert store.load_all({trial.id for _, trial in study_trials(asked)}).keys() == open_run(folder).records.keys()


def test_no_trial_depends_on_what_is_kept_and_a_default_is_not_written() -> None:
    usual, other = study(NETS, LOOK), study(of(NETS, "best"), LOOK, keep='keep_weights = "none"')
    assert [trial.id for _, trial in study_trials(usual)] == [trial.id for _, trial in study_trials(other)]
    assert "keep_weights" not in usual.as_json()
    assert parse_study(other.as_json(), "study.json") == other
    assert other.as_json().count("keep_weights") == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [(('keep_weights = "some"', NETS), 3), (("", of(NETS, "some")), 7), (("keep_weights = true", NETS), 3)],
)
def test_a_wrong_word_is_told_once_with_the_known_ones(text: tuple[str, str], line: int) -> None:
    keep, chapter = text
    with pytest.raises(StudyError) as caught:
        study(chapter, keep=keep)
    (message,) = str(caught.value).splitlines()
    assert message.startswith(f"kept.toml, line {line}: ")
    assert "keep_weights" in message
    assert all(word in message for word in ("all", "best", "none"))
