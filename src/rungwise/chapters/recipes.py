"""How nets were trained, in words."""

from rungwise.data.settings import Data
from rungwise.training.pruning import Pruning
from rungwise.training.settings import Recipe
from rungwise.words import counted, listed

OPTIMISERS = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad", "muon": "Muon"}
LOOKED_AT = {"validation_accuracy": "accuracy", "validation_loss": "loss"}
"""By `Stop.metric`."""


def recipe_in_words(recipe: Recipe) -> str:
    """How a net was fitted, as "for 20 epochs with Adam at ..."."""
    optimiser = "AdamW" if recipe.optimiser == "adam" and recipe.weight_decay else OPTIMISERS[recipe.optimiser]
    momentum = f" with momentum {recipe.momentum:g}" if recipe.optimiser in ("sgd", "muon") else ""
    how = f"with {optimiser}{momentum} {_rate(recipe)}"
    return f"for {_epochs(recipe)} {how}, in batches of {recipe.batch}{_extras(recipe)}"


def _epochs(recipe: Recipe) -> str:
    epochs, ends = counted(recipe.epochs, "epoch"), []
    if recipe.stop_loss is not None:
        ends.append(f"until the mean training loss of one was below {recipe.stop_loss:g} nats")
    if recipe.stop is not None:
        ends.append(
            f"until the {LOOKED_AT[recipe.stop.metric]} on the images set aside had not got better for "
            f"{counted(recipe.stop.patience, 'epoch')}"
        )
    return f"at most {epochs}, {' or '.join(ends)}," if ends else epochs


def _rate(recipe: Recipe) -> str:
    rate = f"{recipe.rate:g}"
    match recipe.schedule:
        case "one-cycle":
            return f"at a learning rate that rises to {rate} over the first fifth of the steps and falls to 0"
        case "cosine":
            return f"at a learning rate that falls from {rate} to 0 along half a cosine"
        case "step":
            every = counted(recipe.step_epochs or 0, "epoch")
            return f"at a learning rate of {rate} that is multiplied by {recipe.step_factor:g} after every {every}"
        case _:
            return f"at a constant learning rate of {rate}"


def _extras(recipe: Recipe) -> str:
    """What a recipe has beyond the optimiser, each after a comma."""
    extras = (
        (recipe.optimiser == "muon", f"Adam at {recipe.adam_rate:g} moving the first layer, the last and all vectors"),
        (recipe.weight_decay, f"weights decaying by {recipe.weight_decay:g}"),
        (recipe.clip_norm, f"gradients clipped to a norm of {recipe.clip_norm or 0:g}"),
        (recipe.class_weights, _weighted(recipe)),
        (recipe.label_smoothing, f"labels smoothed by {recipe.label_smoothing:g}"),
        (recipe.augment, f"images changed at random ({recipe.augment.says if recipe.augment else ''})"),
        (recipe.pruning, _pruned(recipe.pruning)),
        (recipe.stacked, "seeds trained together where that was faster (a time is then a net's share)"),
    )
    return "".join(f", {says}" for has, says in extras if has)


def _weighted(recipe: Recipe) -> str:
    if isinstance(recipe.class_weights, dict):
        told = listed([f"{name} {weight:g}" for name, weight in recipe.class_weights.items()])
        return f"classes weighted in the loss ({told}, all others 1)"
    return "classes weighted in the loss by one over their number of images"


def _pruned(pruning: Pruning | None) -> str:
    if pruning is None:
        return ""
    return (
        f"epochs leaving out images of less than the mean loss with a chance of {pruning.share:g} (the last "
        f"{pruning.whole:.0%} of them none)"
    )


def kept_in_words(recipe: Recipe, data: Data) -> str:
    """Of which epoch test numbers are, as "the last epoch: no epoch was selected on the test set"."""
    if recipe.stop is None:
        return "the last epoch: no epoch was selected on the test set"
    return (
        f"the epoch with the best {LOOKED_AT[recipe.stop.metric]} on the {data.aside:,} images set aside, whose "
        "weights were kept: the test images had no part in the choice"
    )


def kept_caption(recipe: Recipe) -> str:
    """The same in a caption, as "after the last epoch"."""
    return "after the last epoch" if recipe.stop is None else "of the epoch that was best on the images set aside"
