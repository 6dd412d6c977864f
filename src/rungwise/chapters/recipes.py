"""How nets were trained, in words."""

from rungwise.training.pruning import Pruning
from rungwise.training.settings import Recipe
from rungwise.words import counted

OPTIMISERS = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad", "muon": "Muon"}


def recipe_in_words(recipe: Recipe) -> str:
    """How a net was fitted, as "for 20 epochs with Adam at ..."."""
    momentum = f" with momentum {recipe.momentum:g}" if recipe.optimiser in ("sgd", "muon") else ""
    epochs = counted(recipe.epochs, "epoch")
    if recipe.stop_loss is not None:
        epochs = f"at most {epochs}, until the mean training loss of one was below {recipe.stop_loss:g} nats,"
    rate = {
        "constant": f"at a constant learning rate of {recipe.rate:g}",
        "one-cycle": (
            f"at a learning rate that rises to {recipe.rate:g} over the first fifth of the steps and falls to 0"
        ),
    }[recipe.schedule]
    how = f"with {OPTIMISERS[recipe.optimiser]}{momentum} {rate}"
    return f"for {epochs} {how}, in batches of {recipe.batch}{_extras(recipe)}"


def _extras(recipe: Recipe) -> str:
    """What a recipe has beyond the optimiser, each after a comma."""
    extras = (
        (recipe.optimiser == "muon", f"Adam at {recipe.adam_rate:g} moving the first layer, the last and all vectors"),
        (recipe.label_smoothing, f"labels smoothed by {recipe.label_smoothing:g}"),
        (recipe.augment, f"images changed at random ({recipe.augment.says if recipe.augment else ''})"),
        (recipe.pruning, _pruned(recipe.pruning)),
        (recipe.stacked, "seeds trained together where that was faster (a time is then a net's share)"),
    )
    return "".join(f", {says}" for has, says in extras if has)


def _pruned(pruning: Pruning | None) -> str:
    if pruning is None:
        return ""
    return (
        f"epochs leaving out images of less than the mean loss with a chance of {pruning.share:g} (the last "
        f"{pruning.whole:.0%} of them none)"
    )
