"""The bases of plain data: what a study file sets, and what is computed and kept."""

import unicodedata
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

LONGEST_TEXT = 10_000
"""Characters of any text in a study: a claim or a note is read by people."""
LONGEST_NAME = 100
"""Bytes of a name in UTF-8. Names are parts of file names, of which most systems take 255 bytes."""


def checked_text(text: str) -> str:
    """The text itself. Raises ValueError where it cannot be written as UTF-8, would move a terminal's cursor, or is too
    long to be read."""
    for character in text:
        if (kind := unicodedata.category(character)) == "Cs":
            raise ValueError(f"expected text that can be written as UTF-8, got {_cut(text)}, half of a character")
        if kind == "Cc" and character not in "\t\n\r":
            raise ValueError(f"expected text without control characters, got {character!r} in {_cut(text)}")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"expected a text of at most {LONGEST_TEXT:,} characters, got {len(text):,}")
    return text


def checked_name(name: str) -> str:
    """The name itself. Raises ValueError where claims, tables or file names could not tell it from others."""
    if not name or name != name.strip():
        raise ValueError(f"expected a name without spaces at its ends, got {_cut(name)}")
    if hidden := [one for one in name if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")]:
        raise ValueError(f"expected a name of characters that can be seen, got {hidden[0]!r} in {_cut(name)}")
    if (size := len(name.encode())) > LONGEST_NAME:
        raise ValueError(
            f"expected a name of at most {LONGEST_NAME} bytes, as it becomes part of file names; got {size:,}: "
            f"{_cut(name)}"
        )
    if name == "all":
        raise ValueError("claims mean every model by the name 'all': choose another name")
    if "/" in name:
        raise ValueError(
            f"expected a name without '/', as claims write a model of another chapter as CHAPTER/NAME; got {_cut(name)}"
        )
    return name


def _cut(text: str, longest: int = 40) -> str:
    return repr(text) if len(text) <= longest else f"{text[:longest]!r} ..."


Name = Annotated[str, AfterValidator(checked_name)]
"""Of a net, a method, a task or a claim, as a study file gives it."""


def _strict(schema: Any) -> Any:
    """The same schema with every scalar in it strict.

    pydantic's own strict mode would refuse lists for tuples, which neither TOML nor JSON has.
    """
    if isinstance(schema, list):
        return [_strict(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    kept = ("metadata", "default", "expected")  # values, which may look like schemas
    schema = {key: value if key in kept else _strict(value) for key, value in schema.items()}
    if schema.get("type") in ("int", "float", "bool", "str"):
        schema.setdefault("strict", True)
    if schema.get("type") == "str":
        return core_schema.no_info_after_validator_function(checked_text, schema)
    return schema


class Settings(BaseModel):
    """Immutable settings; an unknown key is an error, so that no typo is ever ignored.

    Numbers, words and truth values are taken as they are written and never converted: true is no integer, "0.1" and 1.0
    are none either. An integer may stand for a number with a fraction, and a list for a tuple. This holds for the
    settings of other packages, too. Text must be fit to be written as UTF-8 and shown on a terminal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    result_version: ClassVar[int] = 1
    """Of the results that the code behind these settings has: raised when they change by more than rounding. From 2 on
    it is part of the id of every trial with such settings, so that changed code computes anew."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _strict(handler(source))
        return schema


class Chosen(ABC):
    """A mark in a type, as ``Annotated[NetSettings, ANet(...)]``: what is written chooses the class of the settings."""

    @abstractmethod
    def settings_for(self, raw: Any) -> type[Settings]:
        """The class whose settings were meant, for what is said of a wrong one. It raises nothing."""


class PlainData(BaseModel):
    """Immutable results. In JSON a number that is not finite is null."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
