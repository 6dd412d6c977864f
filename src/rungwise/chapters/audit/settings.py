"""What a study file sets for the chapter, and the trials that it calls for."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from rungwise.chapters.audit.trial import AuditTrial, DoubtTrial
from rungwise.chapters.chapter import ChapterSettings, Hardest
from rungwise.chapters.cnns import settings as cnns
from rungwise.chapters.family.settings import net_trial
from rungwise.chapters.mlps import settings as mlps
from rungwise.data.settings import Data
from rungwise.settings import Name
from rungwise.trial import Trial

OTHERS = (cnns.Settings, mlps.Settings)
"""The chapters whose nets are asked about labels, the first choice first."""


class Settings(ChapterSettings):
    kind: Literal["audit"] = "audit"
    model: Name | None = None
    """The net whose answers labels are held against. Left out: the first of `nets`."""
    nets: Annotated[cnns.Settings | mlps.Settings, Field(discriminator="kind")] | None = None
    """The chapter that the net is from. Left out: the study's chapter on CNNs on the same images or, without one, that
    on MLPs; of several, the first that has the `model`. Without any, labels are not looked at."""

    @classmethod
    def for_data(cls, raw: dict[str, Any], data: Data, hardest: Hardest) -> dict[str, Any]:
        kept = {key: value for key, value in raw.items() if key not in ("nets", "model")}
        drawn = ("train_images", "validation_images", "turned", "labels")
        return {**kept, "data": {key: value for key, value in kept["data"].items() if key not in drawn}}

    def beside(self, chapters: Sequence[ChapterSettings]) -> Self:
        if self.nets is not None:
            return self
        for kind in OTHERS:
            for other in chapters:
                if isinstance(other, kind) and self._fits(other):
                    bare = {"claims": (), "seeds": other.seeds} | ({"against": None} if kind is cnns.Settings else {})
                    seeds = self.seeds or other.seeds  # as many as have a net
                    return self.model_copy(update={"nets": other.model_copy(update=bare), "seeds": seeds})
        return self

    def _fits(self, other: "cnns.Settings | mlps.Settings") -> bool:
        alike = other.data.identity == self.data.identity and other.data.preparation == self.data.preparation
        alike = alike and other.data.split_by == self.data.split_by
        return alike and other.data.labels == "true" and (self.model is None or self.model in other.nets)

    @property
    def asked(self) -> str:
        """The net that is asked about labels; "": none is."""
        return "" if self.nets is None else self.model or next(iter(self.nets.nets))

    @property
    def whole(self) -> Data:
        """The data with all its images as they are, whatever part of them nets are trained on."""
        plain = {"train_images": None, "validation_images": None, "turned": False, "labels": "true"}
        return self.data.model_copy(update=plain)


def trials(settings: Settings, seeds: Sequence[int]) -> tuple[Trial, ...]:
    """One look at the images for each split that is drawn, and one at the labels for each seed of the net."""
    return (*audit_trials(settings, seeds), *doubt_trials(settings, seeds))


def audit_trials(settings: Settings, seeds: Sequence[int]) -> tuple[AuditTrial, ...]:
    """One, or where each seed splits the images anew one for each."""
    splits = seeds if settings.data.facts.test_by_seed else seeds[:1]
    return tuple(AuditTrial(label="images", data=settings.whole, seed=seed) for seed in splits)


def doubt_trials(settings: Settings, seeds: Sequence[int]) -> tuple[DoubtTrial, ...]:
    """None where no net is asked. Raises ValueError where the `model` is in none of the chapters."""
    nets, name = settings.nets, settings.asked
    if settings.model is not None and (nets is None or settings.model not in nets.nets):
        raise ValueError(
            f"model: no chapter on CNNs or MLPs on these images, split in the same way, has a net {settings.model!r}"
        )
    if nets is None:
        return ()
    return tuple(
        DoubtTrial(label=f"labels by {name}", data=nets.data, seed=seed, net=net_trial(nets, name, seed))
        for seed in seeds
    )
