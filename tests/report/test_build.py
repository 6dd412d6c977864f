import json
from pathlib import Path

import pytest

from rungwise.findings import Bars, Figure
from rungwise.report import build
from rungwise.report.build import dated, write_report
from rungwise.report.document import Document


@pytest.fixture
def small(document: Document) -> Document:
    return document.model_copy(update={"chapters": document.chapters[4:]})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_document_gives_the_same_bytes(small: Document, tmp_path: Path) -> None:
    page = write_report(small, tmp_path / "a")
    write_report(small, tmp_path / "b")
    assert page == tmp_path / "a" / "report.html"
    files = contents(tmp_path / "a")
    assert set(files) == {"report.html", "report.md", "findings.json", "figures/01-multitask-sweep.svg"}
    assert files == contents(tmp_path / "b")
    assert b"(figures/01-multitask-sweep.svg)" in files["report.md"]


def test_figures_of_an_earlier_report_go_and_other_files_stay(small: Document, tmp_path: Path) -> None:
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "02-old.svg").touch()
    (figures / "mine.svg").touch()
    write_report(small, tmp_path)
    assert {path.name for path in figures.iterdir()} == {"01-multitask-sweep.svg", "mine.svg"}


def test_a_missing_figure_is_told_in_its_place_and_those_after_it_keep_their_numbers(
    document: Document, tmp_path: Path
) -> None:
    whole = document.model_copy(update={"chapters": document.chapters[3:]})
    write_report(whole, tmp_path)
    before = contents(tmp_path)
    first, *others = whole.chapters[0].figures
    why = "the weights <of> net 1 are gone. Run the study again"
    lost = Figure(id=first.id, caption=first.caption, alt=f"Not shown: {why}", panels=(), missing=why)
    chapter = whole.chapters[0].model_copy(update={"figures": (lost, *others)})
    write_report(whole.model_copy(update={"chapters": (chapter, *whole.chapters[1:])}), tmp_path)
    after = contents(tmp_path)

    drawn = sorted(name for name in before if name.endswith(".svg"))
    assert len(drawn) > 1
    assert sorted(name for name in after if name.endswith(".svg")) == drawn[1:]
    assert all(after[name] == before[name] for name in drawn[1:])
    text, page = (after[name].decode() for name in ("report.md", "report.html"))
    assert (
        f"**Figure 1.** {first.caption} *Not shown: the weights \\<of\\> net 1 are gone. Run the study again*" in text
    )
    assert all(f"({name})" in text for name in drawn[1:])
    assert '<p class="nothing">Not shown: the weights &lt;of&gt; net 1 are gone. Run the study again</p>' in page
    assert 'id="figure-1"' in page
    assert json.loads(after["findings.json"])["chapters"][0]["figures"][0]["missing"] == why
    assert b'"missing"' not in before["findings.json"]


def test_a_figure_has_panels_or_a_reason() -> None:
    with pytest.raises(ValueError, match="says why it is missing"):
        Figure(id="a", caption="", alt="", panels=(Bars(names=("x",), values=((1.0,),)),), missing="lost")


def test_a_write_that_fails_leaves_the_old_report_whole(
    small: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(small, tmp_path)
    before = contents(tmp_path)

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(build.Path, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_report(small, tmp_path)
    assert contents(tmp_path) == before


def test_source_date_epoch_sets_the_date(small: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert dated(small).created == "2026-03-07"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert dated(small).created == "1970-01-02"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ValueError, match="whole seconds"):
        dated(small)
