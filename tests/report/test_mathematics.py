from xml.etree import ElementTree

import pytest

from rungwise.report.html.mathematics import formula, prose, typeset


def test_a_fraction_becomes_mathml() -> None:
    tree = ElementTree.fromstring(formula(r"\frac{a}{2}", block=True))
    assert tree.tag == "math"
    assert tree.get("display") == "block"
    fraction = tree.find(".//mfrac")
    assert fraction is not None
    assert ["".join(part.itertext()) for part in fraction] == ["a", "2"]


def test_text_is_escaped_and_formulas_in_it_are_not() -> None:
    shown = prose("a < b & $\\lambda$ <i>")
    assert shown.startswith("a &lt; b &amp; <math")
    assert "λ" in shown
    assert shown.endswith(" &lt;i&gt;")


@pytest.mark.parametrize(
    "latex",
    [r"\text{<script>alert(1)</script>}", r"\href{javascript:alert(1)}{x}", r"\color{red\" onclick=\"x}{y}", "a & b"],
)
def test_a_formula_cannot_carry_markup(latex: str) -> None:
    shown = formula(latex)
    assert "<script" not in shown
    tree = ElementTree.fromstring(shown)
    assert not {"href", "onclick", "style", "class"} & {name for element in tree.iter() for name in element.attrib}


def test_less_and_greater_stay_what_they_are() -> None:
    assert "".join(ElementTree.fromstring(formula("a < b > c")).itertext()) == "a<b>c"


def test_what_cannot_be_converted_is_shown_as_code() -> None:
    assert formula("a & <b>") == "<code>a &amp; &lt;b&gt;</code>"


def test_words_stand_whole_and_apart_from_what_follows() -> None:
    word, space, x = next(ElementTree.fromstring(formula(r"\log x")).iter("mrow"))
    assert (word.text, space.tag, x.text) == ("log", "mspace", "x")
    words = [mi.text for mi in ElementTree.fromstring(formula(r"\mathrm{sign}(x)")).iter("mi")]
    assert words == ["sign", "x"]


def test_limits_stand_below_only_in_a_formula_of_its_own() -> None:
    assert "<munder>" in formula(r"\min_{w} f", block=True)
    assert "<munder>" not in formula(r"\min_{w} f")


def test_bars_of_a_norm_do_not_stretch() -> None:
    bars = [mo for mo in ElementTree.fromstring(formula(r"\lVert w \rVert^2")).iter("mo") if mo.text in ("‖", "∥")]
    assert [bar.get("stretchy") for bar in bars] == ["false", "false"]


def test_a_lone_dollar_is_a_dollar() -> None:
    assert prose("costs $5") == "costs $5"


def test_plain_text_is_set_as_in_print() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert typeset("from -0.03 to -.5 (n = 3)") == f"from −0.03 to −.5 (n{space}={space}3)"
    assert typeset("[-1, 1], 2022-03-07, --seeds 5, CNN-1") == "[−1, 1], 2022-03-07, --seeds 5, CNN-1"
    assert typeset("the pixels' share, 4 v 9") == f"the pixels’ share, 4{space}v{space}9"


def test_prices_are_no_formula() -> None:
    assert prose("$5 v $10, and $3, $4") == "$5 v $10, and $3, $4"
    assert prose("5$ v 10$") == "5$ v 10$"
    assert prose("a $ b $ c") == "a $ b $ c"
    assert "<math" in prose("$5$ v $x_1$")
