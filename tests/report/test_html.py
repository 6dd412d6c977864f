import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from rungwise.findings import Column, Findings, Formula, Statement, Table
from rungwise.report.document import Document, TrialRow
from rungwise.report.figures.drawing import drawn
from rungwise.report.html.page import day, html

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags close in order, and gathers attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, name: str) -> list[str]:
        return [value for _, found, value in self.attributes if found == name]


def page_of(document: Document) -> str:
    figures = [figure for chapter in document.chapters for figure in chapter.figures]
    return html(document, [drawn(figure, f"figure-{n}") for n, figure in enumerate(figures, 1)])


@pytest.fixture(scope="module")
def text(document: Document) -> str:
    return page_of(document)


@pytest.fixture(scope="module")
def judged_page(judged: Document) -> Page:
    return Page(page_of(judged))


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nothing_is_fetched(page: Page, text: str) -> None:
    links = page.all("href") + page.all("xlink:href") + page.all("src")
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not {"script", "iframe"} & {tag for tag, _, _ in page.attributes}
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_ids_are_unique_and_every_reference_has_its_target(page: Page, judged_page: Page) -> None:
    for each in (page, judged_page):
        ids = each.all("id")
        assert len(ids) == len(set(ids))
        targets = {link[1:] for link in each.all("href") + each.all("xlink:href") if link.startswith("#")}
        targets |= {name for value in each.all("aria-labelledby") for name in value.split()}
        assert targets <= set(ids)


def test_figures_and_tables_are_numbered_through_the_document(text: str, document: Document) -> None:
    for word, count in (("Figure", sum(len(c.figures) for c in document.chapters)), ("Table", 5)):
        assert re.findall(rf"<b>{word} (\d+)\.</b>", text) == [str(n) for n in range(1, count + 1)]


def test_every_figure_has_its_alt_text(page: Page, document: Document) -> None:
    labels = page.all("aria-label")
    for chapter in document.chapters:
        for figure in chapter.figures:
            assert figure.alt in labels


def test_every_table_downloads_as_csv(page: Page) -> None:
    downloads = [unquote(link) for link in page.all("href") if link.startswith("data:text/csv")]
    assert len(downloads) == 6  # five tables and the trials
    assert "net,parameters,test_accuracy_mean,test_accuracy_low,test_accuracy_high,test_accuracy_n" in downloads[2]
    assert page.all("download")[2] == "nets-accuracy.csv"


def test_a_statement_names_its_trials_and_links_those_it_knows(text: str) -> None:
    assert '<a href="#trial-0000000000000002">0000000000000002</a>' in text
    assert "<span>ff</span>" in text


def test_intervals_are_told_with_their_n(text: str) -> None:
    assert "Mean over seeds (n = 3)" in text
    assert re.search(r'0\.0197<span class="interval">[^<]*, n = 3</span>', text)
    assert re.search(r'−0\.0005<span class="interval">−[^<]* to [^<]*, n = 2</span>', text)
    assert re.search(r">−0\.0040</td>", text)


def test_an_empty_table_and_a_chapter_without_results_say_so(text: str) -> None:
    assert "No rows: nothing that belongs here has run." in text
    assert "No result yet." in text


def test_everything_is_escaped() -> None:
    bad = "<script>alert('x')</script>\" & $<b>$"
    findings = Findings(
        kind=bad,
        title=bad,
        question=bad,
        method=(bad,),
        formulas=(Formula(latex=bad, says=bad),),
        statements=(Statement(text=bad, trials=(bad,)),),
        tables=(Table(id=bad, caption=bad, columns=(Column(key=bad, label=bad),), rows=((bad,),)),),
        warnings=(bad,),
        seeds=1,
    )
    trial = TrialRow(id=bad, label=bad, chapter=bad, seed=0, status=bad, error=bad)
    document = Document(
        title=bad,
        created=bad,
        chapters=(findings,),
        environment=((bad, bad),),
        study=bad,
        trials=(trial,),
        command=bad,
    )
    text = page_of(document)
    Page(text)
    assert "<script" not in text
    assert "<b>$" not in text


def test_a_trial_that_two_chapters_share_is_one_target() -> None:
    row = TrialRow(id="a1", label="x", chapter="c", seed=0, status="done")
    text = page_of(Document(title="t", created="2026-01-02", chapters=(), trials=(row, row)))
    assert text.count('id="trial-a1"') == 1
    assert "All 1 trial<" in text


def test_dates_read_as_in_print() -> None:
    assert day("2026-03-07") == "7 March 2026"
    assert day("2026-03-07T10:00:00Z") == "7 March 2026"
    assert day("spring") == "spring"


def test_a_long_table_shows_its_first_rows_and_downloads_all() -> None:
    columns = (Column(key="pair", label="Pair"),)
    table = Table(id="t", caption="c", columns=columns, rows=tuple((f"pair {k}",) for k in range(1081)), shown=2)
    text = page_of(small(tables=(table,)))
    assert re.findall(r"<th scope=\"row\">(pair \d+)</th>", text) == ["pair 0", "pair 1"]
    assert "the first 2 of 1,081 rows; the CSV has all" in text
    (address,) = (a for a in Page(text).all("href") if a.startswith("data:text/csv") and "pair" in a)
    assert len(unquote(address.partition(",")[2]).splitlines()) == 1082


def test_many_trials_are_not_all_listed() -> None:
    trials = [TrialRow(id=f"t{k}", label="a", chapter="c", seed=0, status="done") for k in range(2499)]
    trials.append(TrialRow(id="t2499", label="a", chapter="c", seed=0, status="failed", error="a reason"))
    statement = Statement(text="It rests on much.", trials=tuple(trial.id for trial in trials))
    text = page_of(small(statements=(statement,), trials=tuple(trials)))
    assert "The first 1,000 of 2,500 trials; the CSV has all" in text
    assert text.count('<tr id="trial-') == 1000
    assert "a reason" in text, "what has not finished comes first"
    assert "2500 trials</summary>" in text
    assert text.count("t1000") == 1, "in the CSV of the trials alone"
    assert "and 1,500 others, which findings.json lists" in text
    page = Page(text)
    assert {address[1:] for address in page.all("href") if address.startswith("#")} <= set(page.all("id"))


def small(trials: tuple[TrialRow, ...] = (), **parts: object) -> Document:
    """A document of one chapter."""
    chapter = Findings.model_validate(
        {"kind": "k", "title": "Chapter", "question": "Why?", "method": ("So.",), "seeds": 1, **parts}
    )
    return Document(title="Small", created="2026-01-02", chapters=(chapter,), trials=trials)
