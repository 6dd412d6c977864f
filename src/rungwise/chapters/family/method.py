"""What was done, in a paragraph."""

from itertools import chain, zip_longest

from rungwise.chapters.family.settings import VIEWS, FamilySettings
from rungwise.chapters.recipes import kept_in_words, recipe_in_words
from rungwise.training.settings import Recipe
from rungwise.words import counted


def method(settings: FamilySettings) -> tuple[str, ...]:
    data, nets = settings.data, len(settings.nets)
    return (
        f"{counted(nets, 'net')} {'was' if nets == 1 else 'were'} fitted on {data.size:,} training images of "
        f"{data.facts.name}, pixels scaled to [-1, 1], {recipe_in_words(settings.fit)}. Weights start "
        "uniform after Glorot and Bengio (2010), biases at 0. For one seed, all nets see the same "
        "images in the same order. The training curves are means over the batches of an epoch while the weights "
        "moved; the table's training numbers are of the final weights on all training images. Test numbers are of "
        f"{kept_in_words(settings.fit, data)}. Time is of the training steps alone, without "
        f"warm-up and evaluation.{_views(settings.fit)}",
    )


def remarks(settings: FamilySettings) -> tuple[str, ...]:
    """What the nets say of themselves, place by place (`NetSettings.remarks`)."""
    told = zip_longest(*(net.remarks(name) for name, net in settings.nets.items()), fillvalue="")
    return tuple(filter(None, chain.from_iterable(told)))


def _views(fit: Recipe) -> str:
    """What the nets say of several views of each test image, where they were asked."""
    return f" Told apart is what the net says of {VIEWS[fit.test_views]}." if fit.test_views != "one" else ""
