import pytest

from rungwise.evidence.estimate import Estimate
from rungwise.findings import Column, Table
from rungwise.report.document import Document, TrialRow
from rungwise.report.markdown import escaped, markdown, markdown_table


@pytest.fixture(scope="module")
def text(document: Document) -> str:
    count = sum(len(chapter.figures) for chapter in document.chapters)
    return markdown(document, [f"figures/{n}.svg" for n in range(1, count + 1)])


def test_a_table_aligns_numbers_right_and_tells_n() -> None:
    table = Table(
        id="t",
        caption="",
        columns=(Column(key="net", label="Net|s"), Column(key="a", label="Accuracy", digits=2)),
        rows=(("a_b", Estimate(values=(0.4, 0.5, 0.6), new=(0.1, 0.9))), ("c", Estimate(values=(0.25,))), ("d", None)),
    )
    assert markdown_table(table).splitlines() == [
        r"| Net\|s | Accuracy |",
        "| :--- | ---: |",
        r"| a\_b | 0.50 (0.25–0.75; new images 0.10–0.90) |",
        "| c | 0.25 |",
        "| d |  |",
    ]


def test_markup_is_escaped_and_formulas_are_kept() -> None:
    assert escaped("<b> *x* $a_1$ y_2\nz") == r"\<b\> \*x\* $a_1$ y\_2 z"


def test_figures_follow_in_order_with_their_alt_text(text: str, document: Document) -> None:
    number = 0
    for chapter in document.chapters:
        for figure in chapter.figures:
            number += 1
            assert f"![{escaped(figure.alt)}](figures/{number}.svg)\n\n**Figure {number}.**" in text


def test_formulas_tables_and_the_study_are_there(text: str) -> None:
    assert "$$\n\\mathcal{L} = \\lambda" in text
    assert "**Table 5.** Nothing has run." in text
    assert '```\ntitle = "From principal components' in text
    assert "failed: the loss was not finite at step 40" in text


def test_a_study_with_fences_does_not_break_out(document: Document) -> None:
    odd = document.model_copy(update={"chapters": (), "study": "a = '```'"})
    assert "````\na = '```'\n````" in markdown(odd, [])


def test_a_long_table_shows_its_first_rows_and_says_where_the_others_are() -> None:
    columns = (Column(key="pair", label="Pair"),)
    table = Table(id="t", caption="", columns=columns, rows=tuple((f"{k}",) for k in range(1081)), shown=2)
    assert markdown_table(table).splitlines() == [
        "| Pair |",
        "| :--- |",
        "| 0 |",
        "| 1 |",
        "",
        "The first 2 of 1,081 rows; report.html has all of them as CSV.",
    ]


def test_many_trials_are_not_all_listed(document: Document) -> None:
    text = markdown(many_trials(document), [""] * 99)
    assert "<summary>The first 1,000 of 2,500 trials</summary>" in text
    assert text.count("| `t") == 1000
    assert "failed: a reason" in text


def many_trials(document: Document) -> Document:
    """2,500 trials, the last of which failed."""
    trials = [TrialRow(id=f"t{k}", label="a", chapter="c", seed=0, status="done") for k in range(2499)]
    trials.append(TrialRow(id="t2499", label="a", chapter="c", seed=0, status="failed", error="a reason"))
    return document.model_copy(update={"trials": tuple(trials)})


def test_prices_are_no_formula() -> None:
    assert escaped("$5_a v $10_b") == r"$5\_a v $10\_b"
