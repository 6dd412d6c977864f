"""Where in the text of a study file each setting stands, so that a fault can be told with its line."""

import json
import re

SettingPath = tuple[str | int, ...]
"""Where in a study something stands: ("chapter", 2, "nets", "MLP-1", "hidden", 0)."""

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*)|(?P<newline>\n)|(?P<mark>\[\[|\]\]|[\[\]{},=:.])"""
    r'''|(?P<string>"""(?:\\.|[^\\])*?"""+|\'\'\'.*?\'\'\'+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')'''
    r"""|(?P<bare>[^\s\[\]{},=:."'#]+)""",
    re.DOTALL,
)


class Lines:
    """The lines (from 1) of a TOML or JSON text that has been parsed already."""

    def __init__(self, text: str) -> None:
        reader = _Reader(text)
        self.lines = reader.lines
        self.repeated = reader.repeated
        """Of JSON: where a key stands that its table has already."""

    def of(self, place: SettingPath) -> int:
        """The line on which a place stands, or else what encloses it.

        Steps that the text does not have are passed over: pydantic puts the branches of a union among them.
        """
        found: SettingPath = ()
        for step in place:
            if (*found, step) in self.lines:
                found = (*found, step)
        return self.lines.get(found, 1)


class _Reader:
    """One pass over a text that has been parsed already: it knows the structure, and no values."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []  # kind, text, line
        line, position = 1, 0
        while match := _TOKEN.match(text, position):
            position = match.end()
            if match.lastgroup != "blank":
                self.tokens.append((str(match.lastgroup), match[0], line))
            line += match[0].count("\n")
        self.next = 0
        self.lines: dict[SettingPath, int] = {}
        self.repeated: dict[SettingPath, int] = {}
        self.lengths: dict[SettingPath, int] = {}
        """Tables read so far in each array of tables."""
        if text.lstrip().startswith("{"):
            self._skip_newlines()
            self._value(())
        else:
            self._statements()

    def _statements(self) -> None:
        table: SettingPath = ()
        while self.next < len(self.tokens):
            kind, token, _ = self.tokens[self.next]
            if kind == "newline":
                self.next += 1
            elif token in ("[", "[["):
                self.next += 1
                table = self._key((), element=token == "[[")
                self.next += 1  # its closing bracket
            else:
                place = self._key(table)
                self.next += 1  # the equals sign
                self._value(place)

    def _key(self, place: SettingPath, element: bool = False) -> SettingPath:
        """Read a.b.c below `place`. `element`: the key of one more table in an array of tables."""
        while self.next < len(self.tokens):
            _, token, line = self.tokens[self.next]
            place = (*place, _name(token))
            if place in self.lines:
                self.repeated.setdefault(place, line)
            self.lines.setdefault(place, line)
            self.next += 1
            last = self._peek() != "."
            if element and last:
                self.lengths[place] = self.lengths.get(place, 0) + 1
            if place in self.lengths:
                place = (*place, self.lengths[place] - 1)
                self.lines.setdefault(place, line)
            if last:
                break
            self.next += 1
        return place

    def _value(self, place: SettingPath) -> None:
        opening = self._peek()
        if opening in ("[", "[["):
            self._array(place)
        elif opening == "{":
            self.next += 1
            while self._skip_newlines() != "}":
                inner = self._key(place)
                self._skip_newlines()
                self.next += 1  # the equals sign, or the colon of JSON
                self._skip_newlines()
                self._value(inner)
                self._pass(",")
            self.next += 1
        else:
            while self._peek() not in ("\n", ",", "]", "]]", "}", ""):
                self.next += 1

    def _array(self, place: SettingPath) -> None:
        self._pass_bracket()
        number = 0
        while self._skip_newlines() not in ("]", "]]", ""):
            self.lines[*place, number] = self.tokens[self.next][2]
            self._value((*place, number))
            self._pass(",")
            number += 1
        self._pass_bracket()

    def _pass_bracket(self) -> None:
        """Two brackets in a value are two arrays: leave one of them for the next look."""
        if self.next < len(self.tokens) and len(self._peek()) == 2:
            kind, token, line = self.tokens[self.next]
            self.tokens[self.next] = (kind, token[0], line)
        else:
            self.next += 1

    def _peek(self) -> str:
        return self.tokens[self.next][1] if self.next < len(self.tokens) else ""

    def _skip_newlines(self) -> str:
        while self._peek() == "\n":
            self.next += 1
        return self._peek()

    def _pass(self, mark: str) -> None:
        if self._skip_newlines() == mark:
            self.next += 1


def _name(token: str) -> str:
    """A key without its quotes and escapes."""
    if token[0] == '"' and "\\" in token:
        try:
            return str(json.loads(token))
        except ValueError:  # an escape that TOML alone has
            pass
    return token[1:-1] if token[0] in "\"'" else token
