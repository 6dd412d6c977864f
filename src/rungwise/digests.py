"""Digests by which content is known again: SHA-256, of files and of JSON in its canonical form."""

import hashlib
import json
from pathlib import Path


def canonical(value: object) -> str:
    """The one JSON text of a value: keys sorted, no blanks, ASCII. ValueError where a number is not finite."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(value: object) -> str:
    """The SHA-256 of a JSON value's canonical text, in 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in 64 hexadecimal digits. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
