"""What happened in one trial, as it is kept."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rungwise.shown import Shown

CHOICES = {
    "precision": "number format of training",
    "step": "whole training steps as",
    "convolutions": "convolutions in training as",
    "dense": "gradients of large dense layers, with the optimiser, as",
}
"""How a record's net was trained, of its `choices`, in words."""


class Environment(BaseModel):
    """Where and with what a trial ran."""

    model_config = ConfigDict(frozen=True)

    rungwise: str
    """Version."""
    commit: str | None
    """Git commit of the source tree, with ``+changes`` where it had uncommitted ones; None outside a checkout."""
    python: str
    libraries: dict[str, str]
    """Version by distribution."""
    platform: str
    processor: str
    cores: int
    memory_bytes: int
    threads: int
    """Threads that this trial's process used."""
    workers: int
    """Trials that ran side by side on the machine, this one included."""
    device: str
    accelerator: str | None = None
    """The GPU's name; None where there was none."""
    code: dict[str, str] = {}
    """A digest of the source code that the result depends on, by package (`records.code`); empty in records that do not
    know."""
    others: float | None = None
    """The share of the machine's processor time that other processes took while the trial ran, other trials among
    them; None in records that do not know."""
    finished_at: str
    """UTC, ISO 8601."""

    @property
    def hardware(self) -> str:
        """The device, with the GPU's name."""
        return f"{self.device} ({self.accelerator})" if self.accelerator else self.device


class Record(BaseModel, Shown):
    """A finished or failed trial. `arrays` reads from disk when asked, so that a record is cheap to hold."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    version: Literal[1, 2] = 2
    """Of the layout. Records of version 1 have no digests: they are unsealed."""
    id: str
    label: str
    spec: dict[str, object]
    status: Literal["done", "failed"]
    error: str | None = None
    """Why the trial failed: one line for people."""
    traceback: str | None = None
    """Where in the code it failed, if that was not foreseen."""
    summary: dict[str, float] = {}
    history: dict[str, list[float]] = {}
    timings: dict[str, float] = {}
    choices: dict[str, str] = {}
    data_sha256: dict[str, str] = {}
    images: dict[str, object] = {}
    """What a net must know of images to answer without the data: their ``name``, ``image`` shape (C, H, W), the names
    of ``classes`` and of ``columns``, and how own images were prepared; empty in records that do not know."""
    environment: Environment
    files: dict[str, str] = {}
    """SHA-256 of each other file of the record, by name."""
    sealed_later: bool = False
    """Whether it was computed and kept without digests, and got them afterwards: what was changed before is unknown."""
    sha256: str = ""
    """Of the canonical JSON of all of this but `sha256` itself; empty: unsealed."""
    arrays: Mapping[str, np.ndarray] = Field(default_factory=dict, exclude=True)
    weights: Mapping[str, np.ndarray] = Field(default_factory=dict, exclude=True)
