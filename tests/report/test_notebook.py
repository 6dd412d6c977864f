"""What a notebook shows, the tidy tables, and the example notebook run for real."""

import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from rungwise.evidence.estimate import Estimate
from rungwise.evidence.judgement import Judgement
from rungwise.findings import Column, Figure, Findings, Statement, Table
from rungwise.records.record import Environment, Record
from rungwise.records.store import Store
from rungwise.report.document import Document, TrialRow
from rungwise.runs.run import Run
from rungwise.study.reading import parse_study
from rungwise.study.study import study_trials
from rungwise.trial import Outcome

EXAMPLE = Path(__file__).parents[2] / "docs" / "example.ipynb"
BAD = "<script>alert('x')</script>\"&"
STUDY = """
title = "T <b>& U"
seeds = 2
[[chapter]]
kind = "mlps"
name = "small"
data = { source = "digits", train_images = 1000 }
fit = { epochs = 2 }
nets = { A = { hidden = [4] }, B = { hidden = [4, 4] } }
claim = [
    { id = "one", says = "A <i> is better", test = { metric = "test_accuracy", better = "A", than = "B" } },
    { id = "two", says = "A is small", test = { metric = "parameters", model = "A", below = 1000 } },
]
"""
CURVES = ("test_loss", "train_accuracy", "train_loss")


class Page(HTMLParser):
    """The words of some HTML, and what it links to; its tags must close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


ENVIRONMENT = Environment(
    rungwise="0",
    commit=None,
    python="3",
    libraries={"torch": "2.0"},
    platform="p",
    processor="q",
    cores=2,
    memory_bytes=2**30,
    threads=1,
    workers=2,
    device="cpu",
    finished_at="2026-01-02T03:04:05+00:00",
)


def finished(path: Path) -> Run:
    """A run of STUDY with made-up results: A is .1 more accurate, give or take."""
    study, store = parse_study(STUDY, "s"), Store(path).create()
    for _, trial in study_trials(study):
        a = trial.label == "A"
        accuracy = 0.8 + (0.1 + 0.001 * trial.seed) * a
        summary = dict.fromkeys(("train_loss", "test_loss", "train_accuracy", "time_s"), 1.0) | {"epochs": 2.0}
        none, labels = np.zeros(0, dtype=int), np.arange(10)
        outcome = Outcome(
            summary={**summary, "test_accuracy": accuracy, "parameters": 300.0 if a else 320.0},
            history={"test_accuracy": [0.5, accuracy], **{name: [1.0, 0.5] for name in CURVES}},
            arrays={"test_labels": labels, "test_predictions": labels, "wrong_index": none, "wrong_images": none},
        )
        store.save(trial, outcome, ENVIRONMENT, {})
    return Run(study, store)


# What is shown ---------------------------------------------------------------------------------------------------


def test_a_study_shows_its_chapters_and_its_extent() -> None:
    page = Page(parse_study(STUDY, "s")._repr_html_())
    assert "T <b>& U" in page.text
    assert "1 chapter, 4 trials, 2 claims." in page.text
    assert "small mlps digits, 1,000 training images 2 2" in page.text
    assert "b" not in page.tags


def test_a_record_shows_its_numbers_and_folds_the_rest() -> None:
    many = {f"number_{i}": float(i) for i in range(11)}
    record = Record(
        id="00",
        label="A",
        spec={"seed": 3},
        status="failed",
        summary=many,
        timings={"train_s": 1.5, "test_s": 0.25},
        error=BAD,
        environment=ENVIRONMENT,
    )
    shown = record._repr_html_()
    page = Page(shown)
    assert "Trial 00 , seed 3, failed, 1.8 s." in page.text  # halves are rounded to even: 1.75
    assert (
        shown.index("number_7") < shown.index("3 more numbers") < shown.index("number_8") < shown.index("Environment")
    )
    assert "torch 2.0" in page.text
    assert BAD in page.text
    assert "commit" not in page.text
    assert "script" not in page.tags


def findings(text: str, verdict: str = "refuted") -> Findings:
    claim = Judgement(id=text, says=text, verdict=verdict, why=text, test="", n=2)
    table = Table(
        id="t",
        caption=text,
        columns=(Column(key="a", label=text), Column(key="b", label="B", digits=2)),
        rows=((text, Estimate(values=(0.97, 0.98, 0.99))), (text, 2.0)),
    )
    return Findings(
        kind="k",
        title=text,
        question=text,
        method=(text,),
        claims=(claim,),
        statements=(Statement(text=text, trials=()),),
        tables=(table, table.model_copy(update={"rows": ((text, 2.0),) * 30})),
        figures=(Figure(id="f", caption="", alt="", panels=()),),
        warnings=(text,),
        seeds=3,
    )


def test_findings_show_statements_claims_and_tables() -> None:
    page = Page(findings("words")._repr_html_())
    assert "refuted" in page.text
    assert "0.98 0.96–1.00, n = 3" in page.text.replace("\N{NO-BREAK SPACE}", " ")  # .98 ± 4.302653 * .01 / sqrt(3)
    assert "words (30 rows)" in page.text
    assert "The report adds 1 figure." in page.text


def test_a_document_shows_its_summary_and_claims() -> None:
    row = TrialRow(id="1", label="x", chapter="k", seed=0, status="done")
    document = Document(title="Title", created="2026-01-01", chapters=(findings("words"),), trials=(row,))
    page = Page(document._repr_html_())
    assert "rests on 1 trial: 1 finished." in page.text
    assert "The one claim is refuted." in page.text
    assert "1 of 20 studies" in page.text
    assert page.links == []


def test_everything_is_escaped_and_nothing_is_fetched() -> None:
    bad = findings(BAD)
    document = Document(title=BAD, created="2026-01-01", chapters=(bad,))
    for shown in (bad, document):
        html = shown._repr_html_()
        page = Page(html)
        assert "alert(’x’)" in page.text or "alert('x')" in page.text
        assert not {"script", "link", "img", "iframe"} & page.tags
        assert "@import" not in html
        assert "url(" not in html


def test_a_run_shows_its_claims_and_links_to_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(tmp_path / "runs" / "a")
    assert Page(run._repr_html_()).links == []
    run.write_report()
    page = Page(run._repr_html_())
    assert page.links == [(tmp_path / "runs" / "a" / "report.html").as_uri()]
    assert "Of 2 claims all are supported" in page.text
    assert "4 trials: 4 finished." in page.text
    monkeypatch.chdir(tmp_path)
    assert Page(run._repr_html_()).links == ["runs/a/report.html"]


def test_a_run_without_records_shows_itself(tmp_path: Path) -> None:
    run = Run(parse_study(STUDY, "s"), Store(tmp_path).create())
    assert "4 not run" in Page(run._repr_html_()).text
    assert (run.measurements, run.curves) == ([], [])


# Tidy tables -----------------------------------------------------------------------------------------------------


def test_curves_have_a_row_for_each_value(tmp_path: Path) -> None:
    run = finished(tmp_path)
    points = run.curves
    assert len(points) == 4 * 4 * 2
    ids = {(trial.label, trial.seed): trial.id for _, trial in study_trials(run.study)}
    own = [point for point in points if point.trial == ids["A", 1]]
    assert own == [
        ("small", "A", 1, "test_accuracy", 1, 0.5, ids["A", 1]),
        ("small", "A", 1, "test_accuracy", 2, 0.901, ids["A", 1]),
        *(("small", "A", 1, name, step, value, ids["A", 1]) for name in CURVES for step, value in ((1, 1.0), (2, 0.5))),
    ]
    assert points[0]._fields == ("chapter", "label", "seed", "metric", "step", "value", "trial")


def test_measurements_have_a_row_for_each_model_metric_and_seed(tmp_path: Path) -> None:
    rows = [row for row in finished(tmp_path).measurements if row.metric == "test_accuracy"]
    assert [(row.chapter, row.model, row.seed, row.value) for row in rows] == [
        ("small", "A", 0, 0.9),
        ("small", "A", 1, 0.901),
        ("small", "B", 0, 0.8),
        ("small", "B", 1, 0.8),
    ]
    assert all(len(row.trials) == 1 for row in rows)


# The example -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The cells of the example with their outputs."""
    folder = tmp_path_factory.mktemp("notebook")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # of Jupyter's own, which are not ours to mend
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "TMPDIR"):
            patch.setenv(name, str(folder / name.lower()))
        (folder / "tmpdir").mkdir()
        patch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(EXAMPLE, as_version=4)
        nbformat.validate(notebook)
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook.cells


def all_outputs(cells: list[dict]) -> list[dict]:
    return [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]


def outputs(cells: list[dict], kind: str) -> list[str]:
    return [output["data"][kind] for output in all_outputs(cells) if kind in output.get("data", {})]


def test_the_example_is_kept_without_outputs() -> None:
    import nbformat

    notebook = nbformat.read(EXAMPLE, as_version=4)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_example_shows_study_run_and_record(executed: list[dict]) -> None:
    study, run, trial = (Page(html) for html in outputs(executed, "text/html"))
    assert "1 chapter, 10 trials, 2 claims." in study.text
    assert "10 trials: 10 finished." in run.text
    assert "Of 2 claims" in run.text
    assert "test_accuracy" in trial.text


def test_the_example_plots_and_prints_its_numbers(executed: list[dict]) -> None:
    assert len(outputs(executed, "image/png")) == 1
    said = [o for cell in executed if cell["cell_type"] == "code" for o in cell["outputs"]]
    streams = [o for o in said if o.get("name") == "stdout"]
    warned = [o["text"] for o in said if o.get("name") == "stderr"]
    assert all("TqdmWarning: IProgress not found" in text for text in warned), "tqdm's alone, where it is installed"
    grouped, judged = (stream["text"] for stream in streams)
    means = {net: float(mean) for net, mean in re.findall(r"(\w+) +mean ([\d.]+) .* n 5", grouped)}
    assert means.keys() == {"narrow", "wide"}
    assert means["wide"] > means["narrow"] + 0.01
    assert re.findall(r"^(\w+): ([a-z ]+)\.", judged, flags=re.MULTILINE) == [
        ("wide", "supported"),
        ("cheap", "supported"),
        ("gap", "supported"),
    ]
