"""How the nets were fitted, as a paragraph."""

from rungwise.chapters.family.settings import VIEWS, FamilySettings
from rungwise.chapters.sentences import told_fit
from rungwise.training.settings import Recipe
from rungwise.words import counted


def told_recipe(settings: FamilySettings) -> str:
    """The settings of the fits as a paragraph."""
    data, nets = settings.data, len(settings.nets)
    return (
        f"{counted(nets, 'net')} {'was' if nets == 1 else 'were'} fitted on {data.size:,} training images of "
        f"{data.source}, pixels scaled to [-1, 1], {told_fit(settings.fit)}. Weights start "
        "uniform after Glorot and Bengio (2010), biases at 0. For one seed, all nets see the same "
        "images in the same order. The training curves are means over the batches of an epoch while the weights "
        "moved; the table's training numbers are of the final weights on all training images. Test numbers are of the "
        "last epoch: no epoch was selected on the test set. Time is of the training steps alone, without "
        f"warm-up and evaluation.{_told_views(settings.fit)}"
    )


def _told_views(fit: Recipe) -> str:
    return f" Told apart is what the net says of {VIEWS[fit.test_views]}." if fit.test_views != "one" else ""
