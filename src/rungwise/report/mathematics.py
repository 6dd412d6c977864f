"""LaTeX to MathML, alone and in running text."""

import re
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup, escape

_IN_TEXT = re.compile(r"\$([^$\n]+)\$")
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
    tree.set("alttext", latex)
    return Markup(ElementTree.tostring(tree, encoding="unicode", short_empty_elements=False))


def prose(text: str) -> Markup:
    """Running text, escaped, with what stands in $...$ as MathML."""
    parts = _IN_TEXT.split(text)
    return Markup("").join(formula(part) if i % 2 else escape(part) for i, part in enumerate(parts))
