"""The unit of work, and what the work may use and must return."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from rungwise.data.settings import IDENTITY, Data
from rungwise.digests import canonical, digest_of
from rungwise.settings import Settings

if TYPE_CHECKING:
    import torch


MOST_EARLIER = 100
"""Combinations of earlier versions under which a record is looked for."""
MOST_TOGETHER = 64
"""Of trials that one worker carries out together: their records come all at once, so an interrupt loses all of them."""


class Trial(Settings):
    """One unit of work: frozen, serialisable, complete. A subclass adds what its work needs to know.

    Two trials with the same content are the same trial, whatever their labels, and are computed once.
    """

    work: ClassVar[str]
    """The name of the function that carries the trial out (`works`); part of the id, so it stays when files move.
    The function is imported only where it runs. It takes ``(trial, bench)`` and returns an `Outcome`."""

    together: ClassVar[str] = ""
    """The name of the function that carries out several trials that are alike but for their seeds; "": there is none.
    It is no part of the id. The function takes ``(trials, bench)`` and returns, in their order, an `Outcome` or a
    `TrialFailed` of each; None where one by one is better."""

    on_gpu: ClassVar[bool] = False
    """Whether its work is done on a GPU where there is one; else it is done by processors, beside those on the GPU."""

    label: str = Field(exclude=True)
    """The name people read, as "CNN-1"; no part of the identity."""
    data: Data
    seed: int

    @property
    def needs(self) -> "tuple[Trial, ...]":
        """Trials whose records this one reads; they run first."""
        return ()

    @property
    def epochs(self) -> int:
        """Passes over the training images; 0 where nothing is trained by epochs."""
        return 0

    @property
    def flops(self) -> int:
        """Rough number of floating-point operations, for the plan; 0 where it takes no time worth planning for."""
        return 0

    @property
    def compiled(self) -> str:
        """The name of the code that it may run and that is compiled at its first use on a machine; "": none."""
        return ""

    @property
    def most_together(self) -> int:
        """How many trials of this one's kind may be carried out together; 1: each by itself."""
        return MOST_TOGETHER if self.together else 1

    @property
    def kind(self) -> str:
        """What trials that may be carried out together have in common: everything but the seed."""
        return canonical({name: value for name, value in self.spec.items() if name != "seed"})

    @property
    def versions(self) -> dict[str, int]:
        """The versions above the first of the results of its work, its data's source, its net and other settings."""
        parts = {name: part.result_version for name, part in self if isinstance(part, Settings) and name != "data"}
        nested = {name for name, part in self if isinstance(part, Trial)}  # they are among its needs
        own = {"work": self.result_version, "source": self.data.facts.result_version}
        own |= {name: version for name, version in parts.items() if name not in nested}
        return {name: version for name, version in own.items() if version > 1}

    @property
    def spec(self) -> dict[str, object]:
        """Everything that decides the result, as JSON types. Versions of results are in it from 2 on."""
        return self._spec([trial.id for trial in self.needs], self.versions)

    def _spec(self, needs: list[str], versions: Mapping[str, int]) -> dict[str, object]:
        above = {name: version for name, version in versions.items() if version > 1}
        return {
            "work": self.work,
            **self.model_dump(mode="json", context=IDENTITY),
            **({"needs": needs} if needs else {}),
            **({"versions": above} if above else {}),
        }

    @property
    def earlier_ids(self) -> tuple[str, ...]:
        """The ids that the trial had in earlier versions of its results, the newest first."""
        versions = self.versions
        needs = [(need.id, *need.earlier_ids) for need in self.needs]
        if not versions and all(len(ids) == 1 for ids in needs):
            return ()
        lowered = [range(version, 0, -1) for version in versions.values()]
        every = itertools.product(itertools.product(*lowered), itertools.product(*needs))
        made = (id_of(self._spec(list(ids), dict(zip(versions, each, strict=True)))) for each, ids in every)
        return tuple(itertools.islice(made, 1, MOST_EARLIER))

    @property
    def id(self) -> str:
        """That of `spec`."""
        return id_of(self.spec)


def id_of(spec: Mapping[str, object]) -> str:
    """16 hexadecimal digits of the SHA-256 of a spec in its canonical form."""
    return digest_of(spec)[:16]


@dataclass
class Outcome:
    """What a trial found. Plain numbers and arrays: it is written as JSON, NPZ and safetensors."""

    summary: dict[str, float] = field(default_factory=dict)
    """Single numbers at the end of the trial. Accuracies are fractions; times are seconds (``*_s``)."""
    history: dict[str, list[float]] = field(default_factory=dict)
    """Curves: one value per epoch or iteration."""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    """Predictions, maps, images."""
    weights: "dict[str, torch.Tensor]" = field(default_factory=dict)
    """The trained parameters, by their names in ``state_dict``."""
    timings: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by phase, warm-up apart."""
    choices: dict[str, str] = field(default_factory=dict)
    """What "auto" settings turned out to be here, as the number format. ``together``, which the engine adds: how many
    trials were carried out as one, and why it was one where that is not as it was meant."""


class TrialFailed(Exception):
    """The trial ended without a result, for a reason that belongs in the report, as a loss that is not finite."""
