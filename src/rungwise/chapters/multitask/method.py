"""What was asked and done, in paragraphs and formulas."""

from collections.abc import Mapping

from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.multitask.weights import MOST_TOLD
from rungwise.chapters.recipes import recipe_in_words
from rungwise.chapters.sentences import group_members
from rungwise.data.settings import Data
from rungwise.data.tasks import Task, task_classes
from rungwise.findings import Formula
from rungwise.words import listed


def question(settings: Settings) -> str:
    if settings.methods:
        return "How should several tasks share one net, and does weighing them adaptively beat weights that stay?"
    return "Can one net learn several tasks at once as well as one net for each, and at what weights?"


def formulas(settings: Settings) -> tuple[Formula, ...]:
    order = "Weights are written in the order of the tasks."
    pair = r"For two tasks $w = (\lambda, 1 - \lambda)$."
    loss = Formula(
        latex=r"L = \sum_{k=1}^{K} w_k L_k, \qquad w_k \ge 0, \quad \sum_k w_k = 1",
        says=(
            "The loss of $K$ tasks: $L_k$ is the cross-entropy of task $k$. "
            f"{pair if len(settings.tasks) == 2 else order}"
        ),
    )
    gain = Formula(
        latex=r"\Delta = \frac{100}{K} \sum_{k=1}^{K} \frac{a_k - b_k}{b_k}",
        says=(
            "The gain of a net with test accuracies $a_k$ on one with $b_k$, in percent, averaged over the tasks. It "
            "is taken by seed, so that each difference is of two nets with the same images and the same order of them."
        ),
    )
    dominance = Formula(
        latex=r"\mathrm{AU}_k \leftarrow \beta\, \mathrm{AU}_k + (1 - \beta)\, \frac{\| \Delta\theta_k \|^2}{P}",
        says=(
            r"Which task dominates (Yang et al. 2022): $\Delta\theta_k$ is task $k$'s part of a step of the $P$ shared "
            r"parameters, weights and the optimiser's scaling included, looked at every 20 steps; $\beta = 0.9$."
        ),
    )
    return (loss, gain, dominance) if settings.methods or settings.sharing else (loss,)


def method(settings: Settings) -> tuple[str, ...]:
    data = settings.data
    tasks = "; ".join(tasks_in_words(settings.tasks, data))
    aside = (
        f"{data.aside:,} other training images were set aside to choose the weights by."
        if data.aside
        else "No other images were set aside to choose the weights by."
    )
    found = [
        f"The tasks: {tasks}.",
        f"{settings.net.in_words()} A single-task net is the same net with one task.",
        f"Every net was fitted on {data.size:,} training images of {data.facts.name}, {recipe_in_words(settings.fit)}. "
        f"Accuracies are those of {_kept(settings)} on the test images. {aside}",
    ]
    if settings.methods:
        found.append(
            "Every other way to balance the tasks had the same net, initial weights, images, order, batches, epochs "
            "and learning rate. It started from equal weights, and was not tuned: its own settings are the defaults, "
            "its authors' where they name any, or the study's, where the table of methods says so."
        )
    if settings.sharing:
        nets = " ".join(f"{name}: {net.in_words()}" for name, net in settings.sharing.items())
        found.append(f"Other ways to share, all at equal weights. {nets}")
    return tuple(found)


def tasks_in_words(tasks: Mapping[str, Task], data: Data) -> list[str]:
    """Each task; of more than `MOST_TOLD` the columns of as many classes together."""
    if len(tasks) <= MOST_TOLD:
        return [_task_in_words(name, task, data) for name, task in tasks.items()]
    told, columns = [], dict[int, list[str]]()
    for name, task in tasks.items():
        if isinstance(task, str) and task != "labels":
            columns.setdefault(len(task_classes(task, data)), []).append(name)
        else:
            told.append(_task_in_words(name, task, data))
    each = (f"{listed(names)}, columns of {classes} classes each" for classes, names in columns.items())
    return [*told, *each]


def _kept(settings: Settings) -> str:
    return "the last epoch" if settings.fit.stop is None else "the epoch that was best on the images set aside"


def _task_in_words(name: str, task: Task, data: Data) -> str:
    if task == "labels":
        return f"{name}, the {len(data.classes)} classes"
    if isinstance(task, str):
        return f"{name}, the column {task} of {len(task_classes(task, data))} classes"
    groups = ", ".join(f"{group} ({members})" for group, members in group_members(task, data).items())
    return f"{name}, {len(task)} groups: {groups}"
