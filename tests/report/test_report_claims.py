"""Claims in words, tables, the page and Markdown."""

import csv
import io
import re
from html.parser import HTMLParser
from typing import get_args
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from rungwise.evidence.estimate import Estimate
from rungwise.evidence.judgement import Judgement, Number, Verdict
from rungwise.findings import Findings
from rungwise.report.cells import table_csv
from rungwise.report.claims import (
    anchors,
    centre_and_interval,
    claims_table,
    facts,
    mcnemar_table,
    numbers_table,
    told_counts,
    told_extent,
    told_multiplicity,
    told_p,
)
from rungwise.report.document import Document
from rungwise.report.figures.drawing import drawn
from rungwise.report.html.claim_views import mark, whole_names
from rungwise.report.html.page import html
from rungwise.report.markdown import markdown


def claim(verdict: Verdict, name: str = "c") -> Judgement:
    return Judgement(id=name, says="s", verdict=verdict, why="w", test="", n=0)


def page_of(document: Document) -> str:
    figures = [figure for chapter in document.chapters for figure in chapter.figures]
    return html(document, [drawn(figure, f"figure-{n}") for n, figure in enumerate(figures, 1)])


@pytest.fixture(scope="module")
def page(judged: Document) -> str:
    return page_of(judged)


@pytest.fixture(scope="module")
def text(judged: Document) -> str:
    return markdown(judged, ["figure.svg"] * sum(len(chapter.figures) for chapter in judged.chapters))


# Words ---------------------------------------------------------------------------------------------------------


def test_verdicts_are_counted_in_one_sentence() -> None:
    many = [claim("supported")] * 12 + [claim("refuted")] * 3 + [claim("not run")] * 4
    assert told_counts(many) == "Of 19 claims 12 are supported, 3 refuted and 4 not run."
    assert told_counts(many[11:13]) == "Of 2 claims 1 is supported and 1 refuted."
    assert told_counts(many[:2]) == "Of 2 claims all are supported."
    assert told_counts([claim("not distinguishable")]) == "The one claim is not distinguishable."
    assert told_counts([]) == ""


def test_the_expected_number_of_errors_counts_what_was_tested() -> None:
    claims = [claim("supported")] * 20 + [claim("not distinguishable")] * 3 + [claim("not run")] * 9
    assert "of the 23 claims that were tested" in told_multiplicity(claims)
    assert "at most 0.05 × 23 = 1.15" in told_multiplicity(claims)
    assert "1 of 20" in told_multiplicity(claims[:1])
    assert told_multiplicity(claims[23:]) == ""


@pytest.mark.parametrize(
    ("p", "says"), [(0.03125, "p = 0.0312"), (0.0009999, "p < 0.001"), (0.001, "p = 0.001"), (1.0, "p = 1")]
)
def test_p_values_read_as_in_print(p: float, says: str) -> None:
    assert told_p(p) == says


@pytest.mark.parametrize(
    ("values", "mean", "interval"),
    [
        ((0.97, 0.98, 0.99), "0.980", "0.955–1.005"),  # half width .0248: two digits of it
        ((100.0, 300.0), "200", "−1,071 to 1,471"),  # t(.975, 1) = 12.7062 times 100
        ((0.1, 0.1, 0.1), "0.1", ""),
        ((2807274.0,), "2,807,274", ""),
    ],
)
def test_a_mean_has_the_decimals_of_its_interval(values: tuple[float, ...], mean: str, interval: str) -> None:
    number = Number(says="x", low=0, verdict="supported", estimate=Estimate(values=values))
    assert centre_and_interval(number) == (mean, interval)


def test_a_fold_tells_what_it_holds(judged: Document) -> None:
    assert [told_extent(each) for each in judged.claims][:3] == [
        "2 numbers, 1 warning, 1 note, 10 trials",
        "1 number",
        "",
    ]


def test_facts_leave_out_what_is_undefined() -> None:
    bare = Number(says="x", low=0, verdict="not distinguishable", estimate=Estimate(values=(2.0,)))
    assert facts(bare) == ("claimed above 0", "mean 2, n = 1")
    nan = bare.model_copy(update={"estimate": None, "p": float("nan"), "p_wilcoxon": 0.25, "seeds_needed": 1240})
    assert facts(nan) == ("claimed above 0", "Wilcoxon p = 0.25", "1,240 seeds to settle it")


# Tables --------------------------------------------------------------------------------------------------------


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_tables_keep_every_digit(judged: Document) -> None:
    first = judged.claims[0]
    overview = rows(table_csv(claims_table(judged)))
    assert [(row["claim"], row["verdict"]) for row in overview] == [(c.id, c.verdict) for c in judged.claims]
    ahead, small = rows(table_csv(numbers_table(first)))
    estimate = first.numbers[0].estimate
    assert estimate is not None
    assert (float(ahead["value_low"]), float(ahead["value_high"])) == estimate.interval
    assert (ahead["p"], ahead["p_holm"], ahead["effect_low"]) == ("4e-05", "", "1.55")
    assert (small["value_mean"], small["value_low"], small["p"]) == ("2807274.0", "", "")
    assert [row["second_only"] for row in rows(table_csv(mcnemar_table(first)))] == ["1000", "1001"]


def test_each_claim_has_a_place_of_its_own() -> None:
    chapter = Findings(
        kind="k",
        title="t",
        question="q",
        method=(),
        seeds=0,
        claims=tuple(claim("not run", name) for name in ("a b", "a-b", "ä")),
    )
    places = anchors(Document(title="t", created="2026-01-02", chapters=(chapter, chapter)))
    assert len(set(places.values())) == 6
    assert places[0, 0] == "claim-a-b"
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", place) for place in places.values())


# The page ------------------------------------------------------------------------------------------------------


class Badges(HTMLParser):
    """The text of every element of the class `verdict`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (dict(attrs).get("class") or "").split()
        if "verdict" in names:
            self.inside = names[-1]

    def handle_data(self, data: str) -> None:
        if self.inside and data.strip():
            self.found.append((self.inside, data))
            self.inside = ""


def test_every_verdict_is_a_badge_with_its_word_and_class(page: str, judged: Document) -> None:
    found = Badges(page).found
    assert [word for _, word in found[:6]] == [each.verdict for each in judged.claims]
    assert len(found) == 2 * 6 + sum(len(each.numbers) for each in judged.claims)
    assert all(name == word.replace(" ", "-") for name, word in found)


def test_marks_differ_in_shape() -> None:
    marks = [mark(verdict) for verdict in get_args(Verdict)]
    assert len(set(marks)) == 6
    for each in marks:
        assert ElementTree.fromstring(each).get("aria-hidden") == "true"


def test_the_overview_links_to_each_claim(page: str) -> None:
    assert "Of 6 claims 1 is supported, 1 not supported, 1 refuted, 1 not distinguishable and 2 not run." in page
    assert '<a href="#claim-N-2">N 2</a>' in page
    assert '<li id="claim-N-2">' in page
    assert page.index('id="claims"') < page.index('id="chapter-1"')


def test_a_chapters_claims_follow_its_statements(page: str, judged: Document) -> None:
    chapter = page[page.index('id="chapter-3"') : page.index('id="chapter-4"')]
    assert chapter.index("has the highest test accuracy") < chapter.index("<h3>Claims") < chapter.index("<h3>Method")
    assert "<h3>Claims" not in page[page.index('id="chapter-1"') : page.index('id="chapter-3"')]


def test_the_fold_holds_the_numbers(page: str) -> None:
    item = page[page.index('<li id="claim-N1">') : page.index('<li id="claim-N-2">')]
    for told in (
        "p &lt; 0.001",
        "Wilcoxon p = 0.0625",
        "0.0115",
        "0.0097–0.0132",
        "n = 5",
        "4.96",
        "1.55–8.40",
        "and of CNN-4 in a table",
        "cannot go below",
        '<a href="#trial-0000000000000009">',
        "& by more than".replace("&", "&amp;"),
    ):
        assert told in re.sub(r"\s+", " ", item).replace("\N{NO-BREAK SPACE}", " "), told
    assert "Holm" not in item
    assert "to settle it" not in item
    assert "1,240 seeds to settle it" in page


def test_names_are_not_broken_and_are_escaped() -> None:
    assert whole_names("loss of CNN-1 less b/x-<i>") == ('loss of <span class="name">CNN-1</span> less b/x-&lt;i&gt;')
    assert whole_names("a <b>-c-d") == 'a <span class="name">&lt;b&gt;-c-d</span>'


def test_tables_of_claims_download_as_csv(page: str) -> None:
    links = dict(re.findall(r'href="(data:text/csv[^"]*)" download="([^"]*)"', page))
    names = {name: unquote(link) for link, name in links.items()}
    assert names["claims.csv"].count("\n") == 7
    assert "claim-N1-numbers.csv" in names
    assert "N1,test_accuracy of CNN-5 less CNN-1,1,151,1001,1e-09" in names["claim-N1-mcnemar.csv"]


def test_nothing_is_shown_where_a_study_declares_no_claims(document: Document, judged: Document) -> None:
    page = page_of(document)
    assert ">Claims<" not in page
    assert 'class="verdict' not in page
    bare = markdown(document, ["figure.svg"] * 30)
    assert "Claims" not in bare
    assert "\n## Claims" in markdown(judged, ["figure.svg"] * 30)


def test_what_a_claim_says_is_escaped(document: Document) -> None:
    bad = "<script>alert('x')</script>\"&"
    number = Number(says=bad, low=0, verdict="refuted", estimate=Estimate(values=(1.0, 2.0)))
    judgement = Judgement(
        id=bad,
        says=bad,
        note=bad,
        verdict="refuted",
        why=bad,
        test=bad,
        n=2,
        numbers=(number,),
        warnings=(bad,),
        trials=(bad,),
    )
    chapter = document.chapters[4].model_copy(update={"claims": (judgement,)})
    odd = document.model_copy(update={"chapters": (chapter,)})
    assert "<script" not in page_of(odd)
    assert "<script" not in markdown(odd, ["figure.svg"]).replace(r"\<script", "")


# Markdown ------------------------------------------------------------------------------------------------------


def test_markdown_has_the_table_and_the_lists(text: str) -> None:
    assert "| T-2 | Multi-task learning | Sharing saves time. | ? not distinguishable |" in text
    assert "| N 2 | More layers cost accuracy. | ✗ refuted |" in text
    assert r"mean 0.0115 (95% interval 0.0097–0.0132), n = 5; p \< 0.001; Wilcoxon p = 0.0625; effect size 4.96" in text
    assert "seed 1: 151 images right with the first net alone, 1,001 with the second" in text
    assert "- test\\_loss of try 4: ○ not run. Claimed below 0.4.\n" in text
    assert "<details><summary>N1: 2 numbers, 1 warning, 1 note, 10 trials</summary>" in text
