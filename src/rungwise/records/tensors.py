"""The arrays and weights of a record, each read when it is asked for."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
from safetensors import SafetensorError, safe_open

UNREADABLE = (OSError, ValueError, EOFError, BadZipFile, ZlibError, SafetensorError, NotImplementedError)
"""What the libraries raise of files that are not what they should be."""


class MissingArrayError(KeyError):
    """A record has no array or tensor of that name, or its file is gone."""


class Arrays(Mapping[str, np.ndarray]):
    """The arrays of one NPZ file, (...) of any dtype but objects."""

    def __init__(self, path: Path, damage: Callable[[str], Exception]) -> None:
        """`damage`: makes the error to raise, of what is wrong with the file."""
        self.path, self._damage = path, damage

    def __getitem__(self, key: str) -> np.ndarray:
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                if key not in arrays.files:
                    raise MissingArrayError(key)
                return np.asarray(arrays[key])
        except UNREADABLE as error:
            raise self._damage(f"{self.path.name} cannot be read ({_short(error)})") from None

    def __iter__(self) -> Iterator[str]:
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                return iter(list(arrays.files))
        except UNREADABLE as error:
            raise self._damage(f"{self.path.name} cannot be read ({_short(error)})") from None

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Weights(Mapping[str, np.ndarray]):
    """The tensors of one safetensors file; empty where the record was kept or copied without its weights."""

    def __init__(self, path: Path, damage: Callable[[str], Exception], check: Callable[[], None]) -> None:
        """`check`: is called before the file is first opened; it raises what `damage` makes."""
        self.path, self._damage, self._check = path, damage, check
        self._checked = False

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in list(self):
            raise MissingArrayError(key)
        try:
            with safe_open(self.path, framework="np") as tensors:
                return np.asarray(tensors.get_tensor(key))
        except UNREADABLE as error:
            raise self._damage(f"{self.path.name} cannot be read ({_short(error)})") from None

    def __iter__(self) -> Iterator[str]:
        if not self.path.is_file():
            return iter(())
        if not self._checked:
            self._check()
            self._checked = True
        try:
            with safe_open(self.path, framework="np") as tensors:
                return iter(list(tensors.keys()))
        except UNREADABLE as error:
            raise self._damage(f"{self.path.name} cannot be read ({_short(error)})") from None

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:100] if str(error) else type(error).__name__
