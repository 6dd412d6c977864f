"""What the settings of the chapters on MLPs and on CNNs have in common, and the trials that they call for."""

from collections.abc import Mapping, Sequence

from rungwise.chapters.chapter import ChapterSettings
from rungwise.models.net import NetSettings
from rungwise.training.settings import Fit, Recipe

VIEWS = {
    "mirror": "two views of each, itself and its mirror image, whose logits are added",
    "shifts": "five views of each, itself and its shifts by one pixel, whose logits are added",
}
"""By `Recipe.test_views`."""


class FamilySettings(ChapterSettings):
    """What the settings of both chapters have."""

    fit: Recipe
    nets: Mapping[str, NetSettings]


def trials(settings: FamilySettings, seeds: Sequence[int]) -> tuple[Fit, ...]:
    """One fit per net and seed."""
    return tuple(net_trial(settings, name, seed) for name in settings.nets for seed in seeds)


def net_trial(settings: FamilySettings, name: str, seed: int) -> Fit:
    return Fit(label=name, data=settings.data, seed=seed, net=settings.nets[name], fit=settings.fit)
