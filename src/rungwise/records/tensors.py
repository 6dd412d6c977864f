"""The arrays and weights of a record, each read when it is asked for."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
from safetensors import SafetensorError, safe_open

from rungwise.files import check_regular
from rungwise.records.errors import DamagedRecordError, MissingArrayError

UNREADABLE = (OSError, ValueError, EOFError, BadZipFile, ZlibError, SafetensorError, NotImplementedError)
"""What the libraries raise of files that are not what they should be."""


class Arrays(Mapping[str, np.ndarray]):
    """The arrays of one NPZ file, (...) of any dtype but objects."""

    def __init__(self, path: Path, trial_id: str) -> None:
        self.path, self.trial_id = path, trial_id

    def __getitem__(self, key: str) -> np.ndarray:
        try:
            check_regular(self.path)
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                if key not in arrays.files:
                    raise MissingArrayError(self.trial_id, self.path, f"it has no array {key!r}")
                return np.asarray(arrays[key])
        except UNREADABLE as error:
            raise _unreadable(self.trial_id, self.path, error) from None

    def __iter__(self) -> Iterator[str]:
        try:
            check_regular(self.path)
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return iter(list(arrays.files))
        except UNREADABLE as error:
            raise _unreadable(self.trial_id, self.path, error) from None

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Weights(Mapping[str, np.ndarray]):
    """The tensors of one safetensors file; empty where the record was kept or copied without its weights."""

    def __init__(self, path: Path, trial_id: str, check: Callable[[], None]) -> None:
        """`check`: is called before the file is first opened; it raises DamagedRecordError."""
        self.path, self.trial_id, self._check = path, trial_id, check
        self._checked = False

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in list(self):
            raise KeyError(key)
        try:
            with safe_open(self.path, framework="np") as tensors:
                return np.asarray(tensors.get_tensor(key))
        except UNREADABLE as error:
            raise _unreadable(self.trial_id, self.path, error) from None

    def __iter__(self) -> Iterator[str]:
        if not os.path.lexists(self.path):
            return iter(())
        if not self._checked:
            self._check()
            self._checked = True
        try:
            with safe_open(self.path, framework="np") as tensors:
                return iter(list(tensors.keys()))
        except UNREADABLE as error:
            raise _unreadable(self.trial_id, self.path, error) from None

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _unreadable(trial_id: str, path: Path, error: Exception) -> DamagedRecordError:
    why = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
    return DamagedRecordError(trial_id, path, f"it cannot be read ({why})")
