"""Every chapter hands on the names of `rungwise.chapters.chapter.Chapter`, and they fit together."""

import inspect
import subprocess
import sys

import pytest

from rungwise.chapters import audit, chapter_kinds, load_chapter
from rungwise.chapters.chapter import Chapter, ChapterSettings
from rungwise.data.settings import Data
from rungwise.findings import Findings
from rungwise.study.reading import read_study
from rungwise.trial import Trial

KINDS = (
    *("audit", "projection", "perceptrons", "mlps", "capacity", "cnns", "leak", "seeing", "multitask", "transfer"),
)
NAMES = ("Settings", "findings", "measured", "metrics", "trials")
STUDIES = ("quick", "reference", "capacity", "multitask")
SETTINGS = {chapter.kind: chapter for study in STUDIES for chapter in read_study(study).chapters} | {
    "audit": audit.Settings(data=Data(source="digits"))
}


def test_the_kinds_are_these():
    assert tuple(kind for kind in chapter_kinds() if chapter_kinds()[kind].startswith("rungwise.")) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_chapter_hands_on_its_interface(kind):
    chapter = load_chapter(kind)
    assert chapter.__name__ == f"rungwise.chapters.{kind}"
    assert sorted(chapter.__all__) == sorted((*NAMES, "cautions") if kind == "audit" else NAMES)
    assert issubclass(chapter.Settings, ChapterSettings)
    assert chapter.Settings.model_fields["kind"].default == kind
    for name in ("findings", "measured", "metrics", "trials"):
        wanted = inspect.signature(getattr(Chapter, name)).parameters
        assert list(inspect.signature(getattr(chapter, name)).parameters) == list(wanted), name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "leak"])  # which digits have no groups for
def test_the_interface_works_before_anything_has_run(kind):
    chapter, settings = load_chapter(kind), SETTINGS[kind]
    assert isinstance(settings, chapter.Settings)
    trials = chapter.trials(settings, (0, 1))
    assert trials
    assert all(isinstance(trial, Trial) for trial in trials)
    assert {trial.seed for trial in trials} == {0, 1}
    assert all(metric.says and metric.models for metric in chapter.metrics(settings).values())
    assert list(chapter.measured(settings, (0, 1), {})) == []
    found = chapter.findings(settings, (0, 1), {})
    assert isinstance(found, Findings)
    assert (found.kind, found.name, found.seeds) == (kind, settings.name, 0)
    assert found.title
    assert found.method
    assert found.warnings == (
        f"{len(trials)} of {len(trials)} trials have not finished: what needs them is left out, or rests on fewer "
        "seeds.",
    )
    assert found.statements == ()
    assert all(figure.missing for figure in found.figures)
    assert all(table.id.startswith(f"{settings.name}-") for table in found.tables)


def test_chapters_without_nets_load_no_torch():
    code = "import sys, rungwise.chapters.projection, rungwise.chapters.perceptrons; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
