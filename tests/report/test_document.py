import base64
import json
import math

import numpy as np
import pytest

from rungwise.findings import Column, Figure, Findings, Heatmap, Table
from rungwise.report.document import Document, TrialRow, duration, findings_json


def row(number: int, seed: int = 0, status: str = "done") -> TrialRow:
    return TrialRow(id=str(number), label="x", chapter="c", seed=seed, status=status, time_s=30.0)


def test_json_is_strict_and_holds_tables_figures_and_statements(document: Document) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    content = json.loads(findings_json(document), parse_constant=refuse)
    assert content["schema"] == 2
    assert [chapter["kind"] for chapter in content["chapters"]][:2] == ["projection", "perceptrons"]
    table = content["chapters"][2]["tables"][0]
    assert [column["key"] for column in table["columns"]][:2] == ["net", "parameters"]
    assert table["rows"][0][2]["n"] == 3
    assert len(table["rows"][0][2]["interval"]) == 2
    assert table["rows"][-1] == ["CNN-6", None, None, None, None]
    assert content["chapters"][0]["statements"][1]["trials"] == ["ff"]
    assert content["chapters"][2]["figures"][0]["panels"][0]["series"][0]["name"] == "MLP-1"


def test_json_carries_the_claims(judged: Document) -> None:
    chapters = json.loads(findings_json(judged))["chapters"]
    assert [len(chapter["claims"]) for chapter in chapters] == [0, 0, 3, 0, 3]
    claim = chapters[2]["claims"][0]
    assert {key: claim[key] for key in ("id", "verdict", "n", "test", "seeds_needed")} == {
        "id": "N1",
        "verdict": "supported",
        "n": 5,
        "test": "paired t",
        "seeds_needed": None,
    }
    assert claim["says"].startswith("CNN-5")
    assert claim["trials"][-1] == "0000000000000009"
    number = claim["numbers"][0]
    assert (number["claimed"], number["p"], number["estimate"]["n"]) == ("above 0", 0.00004, 5)
    assert number["mcnemar"][1] == {"seed": 1, "first_only": 151, "second_only": 1001, "p": 1e-9}
    assert chapters[4]["claims"][2]["numbers"][0]["estimate"] is None


def test_json_carries_nan_as_null_and_pixels_as_base64() -> None:
    values = np.array([[1.0, np.nan]])
    heat_map = Heatmap(rows=("r",), columns=("a", "b"), values=values)
    findings = Findings(
        kind="k",
        title="t",
        question="q",
        method=(),
        tables=(Table(id="t", caption="", columns=(Column(key="a", label="A"),), rows=((math.inf,),)),),
        figures=(Figure(id="f", caption="", alt="", panels=(heat_map,)),),
        seeds=0,
    )
    content = json.loads(findings_json(Document(title="t", created="2026-01-01", chapters=(findings,))))
    assert content["chapters"][0]["tables"][0]["rows"] == [[None]]
    pixels = content["chapters"][0]["figures"][0]["panels"][0]["values"]
    decoded = np.frombuffer(base64.b64decode(pixels["base64"]), dtype="<f2").reshape(pixels["shape"])
    np.testing.assert_array_equal(decoded, values)


def test_the_summary_counts_a_shared_trial_once() -> None:
    trials = (row(1), row(1), row(2, seed=1), row(3, status="failed"), row(4, status="not run"))
    document = Document(title="t", created="2026-01-01", chapters=(), trials=trials)
    assert "4 trials: 2 finished, 1 failed and 1 not run." in document.summary
    assert "2 min of computing" in document.summary


def told_with(seeds: int) -> str:
    """The summary of a document whose one chapter rests on so many seeds, with a second seed's net as a judge."""
    chapter = Findings(kind="k", title="t", question="q", method=(), seeds=seeds)
    return Document(title="t", created="2026-01-01", chapters=(chapter,), trials=(row(1), row(2, seed=1))).summary


def test_the_summary_tells_the_seeds_that_numbers_rest_on() -> None:
    assert "Numbers rest on up to 3 seeds." in told_with(3)
    assert "Every number rests on one seed" in told_with(1)
    assert "nothing is known of noise" in told_with(1)
    assert "seed" not in told_with(0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.26, "8.3 s"), (720, "12 min"), (12000, "3 h 20 min"), (3599, "60 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
