"""What was done, in paragraphs."""

from rungwise.chapters.multitask.weights import MOST_TOLD, is_equal
from rungwise.chapters.recipes import recipe_in_words
from rungwise.chapters.sentences import group_members
from rungwise.chapters.transfer.names import percent
from rungwise.chapters.transfer.settings import Settings, images, recipe, steps
from rungwise.data.settings import Data
from rungwise.data.tasks import Task, task_classes
from rungwise.models.net import has_running_statistics
from rungwise.words import counted, listed, some_of


def method(settings: Settings) -> tuple[str, ...]:
    data, net = settings.data, settings.net
    tasks = [_task_in_words(name, task, data) for name, task in settings.tasks.items()]
    trunk = listed(tasks) if len(tasks) <= MOST_TOLD else f"{len(tasks)} tasks ({listed(list(settings.tasks))})"
    ((name, task),) = settings.task.items()
    further = _task_in_words(name, task, data)
    shares = listed([_share_in_words(settings, share) for share in settings.shares])
    outputs = tuple(len(task_classes(task, data)) for task in settings.tasks.values())
    statistics = has_running_statistics(net, data.facts.image, outputs)
    norm = ", statistics of BatchNorm included" if statistics else ""
    return (
        f"A net learnt {trunk} together, {_weights(settings)}, "
        f"on {data.size:,} training images of {data.facts.name}, {recipe_in_words(settings.fit)}. The tasks share its "
        f"trunk: {net.trunk_in_words()}. Each adds {net.head_in_words()}.",
        f"The further task is {further}. Frozen: the trunk stays as it is{norm}, and only a new head learns. "
        "Fine-tuned: the trunk learns on, with a new head. New: the same net, all of it from a fresh start. For one "
        "seed, the three start with the same head and see the same images in the same order.",
        f"Each learnt from {shares} of the training images, drawn at random; for one seed, a smaller draw is "
        "part of a larger one. The trunk has seen all the images, with the labels of its own tasks. Optimiser, rate "
        f"and batches were the trunk's, and so was the number of steps: {steps(settings.fit, data.size):,}, to within "
        "half an epoch. Accuracies are those of the last epoch on the test images: no epoch was selected on them.",
    )


def _weights(settings: Settings) -> str:
    if len(settings.weights) > 2 and is_equal(settings.weights):
        return "at equal loss weights"
    return f"at loss weights {listed([f'{w:g}' for w in settings.weights])}"


def _share_in_words(settings: Settings, share: float) -> str:
    epochs = counted(recipe(settings, share).epochs, "epoch")
    return f"{percent(share)} ({images(settings.data, share):,} images, {epochs})"


def _task_in_words(name: str, task: Task, data: Data) -> str:
    if isinstance(task, str):
        return f"{name} ({some_of(task_classes(task, data))})"
    groups = (f"{group}: {members}" for group, members in group_members(task, data).items())
    return f"{name} ({'; '.join(groups)})"
