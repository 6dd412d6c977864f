"""What was done, in paragraphs."""

from rungwise.chapters.sentences import told_fit
from rungwise.chapters.transfer.names import percent, steps
from rungwise.chapters.transfer.settings import Settings, images, recipe
from rungwise.data.settings import Data
from rungwise.data.tasks import Task, task_classes
from rungwise.words import counted, listed


def method(settings: Settings) -> tuple[str, ...]:
    data, net = settings.data, settings.net
    tasks = [_told_task(name, task, data) for name, task in (settings.tasks | settings.task).items()]
    shares = listed([_told_share(settings, share) for share in settings.shares])
    norm = ", statistics of BatchNorm included" if net.batch_norm else ""
    return (
        f"A net learnt {listed(tasks[:-1])} together, at loss weights {listed([f'{w:g}' for w in settings.weights])}, "
        f"on {data.size:,} training images of {data.source}, {told_fit(settings.fit)}. The tasks share its trunk: "
        f"{net.trunk_in_words()}. Each adds {net.head_in_words()}.",
        f"The further task is {tasks[-1]}. Frozen: the trunk stays as it is{norm}, and only a new head learns. "
        "Fine-tuned: the trunk learns on, with a new head. New: the same net, all of it from a fresh start. For one "
        "seed, the three start with the same head and see the same images in the same order.",
        f"Each learnt from {shares} of the training images, drawn at random; for one seed, a smaller draw is "
        "part of a larger one. The trunk has seen all the images, with the labels of its own tasks. Optimiser, rate "
        f"and batches were the trunk's, and so was the number of steps: {steps(settings.fit, data.size):,}, to within "
        "half an epoch. Accuracies are those of the last epoch on the test images: no epoch was selected on them.",
    )


def _told_share(settings: Settings, share: float) -> str:
    epochs = counted(recipe(settings, share).epochs, "epoch")
    return f"{percent(share)} ({images(settings.data, share):,} images, {epochs})"


def _told_task(name: str, task: Task, data: Data) -> str:
    classes = task_classes(task, data)
    if isinstance(task, str):
        return f"{name} ({', '.join(classes)})"
    groups = (f"{group}: {', '.join(data.classes[label] for label in task[group])}" for group in classes)
    return f"{name} ({'; '.join(groups)})"
