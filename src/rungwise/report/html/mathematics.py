"""LaTeX to MathML, alone and in running text."""

import itertools
import re
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup, escape

IN_TEXT = re.compile(r"\$((?! )[^$\n]+(?<! ))\$(?!\d)")
"""A formula in running text, without the spaces or the digit that the prices of "$5 or $10" would have."""
_HARMLESS = frozenset(
    [
        "display",
        "mathvariant",
        "stretchy",
        "fence",
        "form",
        "separator",
        "accent",
        "accentunder",
        "movablelimits",
        "largeop",
        "symmetric",
        "lspace",
        "rspace",
        "minsize",
        "maxsize",
        "width",
        "height",
        "depth",
        "columnalign",
        "rowspacing",
        "columnspacing",
        "linethickness",
        "displaystyle",
        "scriptlevel",
    ]
)
"""Attributes that only lay a formula out. latex2mathml passes others through from its input, unescaped."""


def formula(latex: str, *, block: bool = False) -> Markup:
    """A formula as MathML; as code where it isn't LaTeX that can be converted."""
    # latex2mathml leaves < and & as they are inside \text{...}; these commands mean the same outside it.
    source = latex.replace("<", r"\lt ").replace(">", r"\gt ")
    try:
        tree = ElementTree.fromstring(convert(source, display="block" if block else "inline"))
    except Exception:  # latex2mathml raises IndexError, KeyError and a dozen of its own on bad input
        return Markup("<code>{}</code>").format(latex)
    for element in tree.iter():
        element.tag = element.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")
        element.attrib = {name: value for name, value in element.attrib.items() if name in _HARMLESS}
    for parent in list(tree.iter()):
        _set_well(parent, block)
    tree.set("alttext", latex)
    return Markup(ElementTree.tostring(tree, encoding="unicode", short_empty_elements=False))


def _set_well(parent: ElementTree.Element, block: bool) -> None:
    """Mends what latex2mathml leaves to chance among the children of an element."""
    if parent.tag == "msub" and block and parent[0].text in ("min", "max"):
        parent.tag = "munder"
    for here, after in itertools.zip_longest(list(parent), list(parent)[1:]):
        if here.tag == "mo" and here.text in ("‖", "∥", "|") and "stretchy" not in here.attrib:
            here.set("stretchy", "false")  # else a norm's bars grow with the whole formula
        if after is None or here.tag != "mi" or parent.tag not in ("mrow", "math"):
            continue
        if _upright(here) and _upright(after):  # \mathrm gives a word letter by letter
            after.text = f"{here.text}{after.text}"
            parent.remove(here)
        elif len(here.text or "") > 1 and (here.text or "").isalpha() and after.tag != "mo":
            space = ElementTree.Element("mspace", width="0.17em")  # as TeX does between log and x
            parent.insert(list(parent).index(here) + 1, space)


def _upright(element: ElementTree.Element) -> bool:
    return element.tag == "mi" and element.get("mathvariant") == "normal" and (element.text or "").isalpha()


def prose(text: str) -> Markup:
    """Running text, escaped, with what stands in $...$ as MathML."""
    parts = IN_TEXT.split(text)
    return Markup("").join(formula(part) if i % 2 else escape(typeset(part)) for i, part in enumerate(parts))


def typeset(text: str) -> str:
    """Plain text with a true minus before numbers, apostrophes, and no line break within ``n = 3`` or ``4 v 9``."""
    text = re.sub(r"(?<![\w.\-–])-(?=\.?\d)", "−", text)
    text = re.sub(r"(?<=\w)'", "’", text)
    return re.sub(r"(?<=\w) (=|v) (?=[\d−])", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
