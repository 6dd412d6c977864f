"""How much room text takes in a figure, in Latin letters and in those that are twice as wide, as Chinese ones."""

import textwrap
import unicodedata
from collections.abc import Iterable

LONGEST_NAME = 24
"""Letters of a name at the edge of a heat map."""


def letters(text: str) -> int:
    """The room of a text, in Latin letters."""
    return len(text) + wide(text)


def wide(text: str) -> int:
    """How many of its letters are twice as wide as Latin ones (Unicode Standard Annex 11)."""
    return sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def wrapped(text: str, most: int) -> list[str]:
    """Lines of at most so many letters; wide ones, which are written without spaces, may be parted anywhere."""
    if not wide(text):
        return textwrap.wrap(text, most)
    lines = [""]
    for word in _pieces(text):
        if lines[-1] and letters(lines[-1] + word.rstrip()) > most:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [line.rstrip() for line in lines]


def _pieces(text: str) -> Iterable[str]:
    """Words with the space after them, and wide letters one by one."""
    piece = ""
    for letter in text:
        if piece and (wide(letter) or wide(piece[-1]) or (piece[-1] == " " and letter != " ")):
            yield piece
            piece = ""
        piece += letter
    yield piece


def shortened(text: str, most: int) -> str:
    """The text, or of more than so many letters its beginning and three dots in one."""
    if letters(text) <= most:
        return text
    while letters(text) > most - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"
