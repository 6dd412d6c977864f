"""The metrics that say how nets do on each class, and on all classes alike: computed from their test predictions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rungwise.data.settings import Data
from rungwise.data.tasks import Task, task_classes
from rungwise.evidence.measure import Answers, Metric

MACRO_F1, BALANCED = "test_macro_f1", "test_balanced_accuracy"
RECALL, PRECISION = "test_recall", "test_precision"

CLASSES_ALIKE = {MACRO_F1: "Macro F1", BALANCED: "Balanced accuracy"}
"""The metrics in which each class counts the same, with their headings: shown of every net where classes are uneven."""


def class_metrics(classes: Sequence[str], models: tuple[str, ...], task: str = "") -> dict[str, Metric]:
    """Macro F1, balanced accuracy, and each class's recall and precision.

    `classes`: their names, in the order of labels. `task`: its name, which the metrics then bear; "" for nets of one.
    """
    return dict(_class_metrics(classes, models, task))


def _class_metrics(classes: Sequence[str], models: tuple[str, ...], task: str) -> Iterator[tuple[str, Metric]]:
    suffix, on = (f"_{task}", f" on {task}") if task else ("", "")

    def share(says: str, answers: Answers) -> Metric:
        return Metric(says, models, "higher", answers=answers)

    f1, recall = Answers((task,), statistic="macro_f1"), Answers((task,), statistic="balanced_accuracy")
    yield f"{MACRO_F1}{suffix}", share(f"F1 on the test images{on}, the mean over the classes", f1)
    yield f"{BALANCED}{suffix}", share(f"recall on the test images{on}, the mean over the classes", recall)
    for label, name in enumerate(classes):
        of, taken = (Answers((task,), statistic=statistic, label=label) for statistic in ("recall", "precision"))
        yield f"{RECALL}{suffix}_{name}", share(f"share of the test images of {name} that are classified right{on}", of)
        says = f"share of the test images classified as {name}{on} that are of {name}"
        yield f"{PRECISION}{suffix}_{name}", share(says, taken)


def task_metrics(tasks: Mapping[str, Task], models: Mapping[str, tuple[str, ...]], data: Data) -> dict[str, Metric]:
    """`class_metrics` of several tasks; `tasks` and `models` by their names.

    Left out are names that two metrics would share, as of the class "b_c" of a task "a" and "c" of a task "a_b".
    """
    found = [each for name, task in tasks.items()
             for each in _class_metrics(task_classes(task, data), models[name], name)]  # fmt: skip
    times = Counter(name for name, _ in found)
    return {name: metric for name, metric in found if times[name] == 1}
