"""What the chapter measures."""

from rungwise.chapters.by_class import task_metrics
from rungwise.chapters.multitask.models import models
from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.multitask.weights import SINGLE_NETS, is_equal
from rungwise.evidence.measure import Answers, Metric


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of single-task nets, of all of them together, and of the nets of several tasks."""
    known = models(settings, (0,))
    single = {model.task: model.name for model in known if model.role == "single"}
    multi = tuple(model.name for model in known if model.role != "single")
    every = (*single.values(), *multi, SINGLE_NETS)
    parts = ("test", "validation") if settings.data.aside else ("test",)
    accuracies = {
        f"{part}_accuracy_{task}": Metric(
            f"share of the {part} images classified right on {task}",
            (name, *multi),
            "higher",
            answers=Answers((task,)) if part == "test" else None,
        )
        for part in parts
        for task, name in single.items()
    }
    less = f"share of the {{}} of the {SINGLE_NETS} that the multi-task net does without"
    plain = "times that of plain training, the mean over the fixed weights"
    step = "training time of one step"

    def gain(on: str, *, over_seeds: bool = False) -> Metric:
        says = f"by how many percent test accuracy is above that of {on}, averaged over the tasks"
        return Metric(says, multi, "higher", over_seeds=over_seeds)

    def clock(says: str, models: tuple[str, ...] = multi) -> Metric:
        return Metric(says, models, "lower", timing=True)

    def memory(says: str) -> Metric:
        return Metric(f"most memory that tensors take in a step, {says}", multi, "lower")

    return {
        **accuracies,
        "mean_test_accuracy": Metric(
            "test accuracy, averaged over the tasks",
            (*multi, SINGLE_NETS),
            "higher",
            answers=Answers(tuple(settings.tasks)),
        ),
        "gain_on_single": gain("the single-task nets"),
        "gain_on_tuned": gain("the net with the tuned fixed weights", over_seeds=True),
        **({"gain_on_equal": gain("the net with equal weights")} if any(map(is_equal, settings.weights)) else {}),
        "parameters": Metric("number of parameters", every, exact=True),
        "time_s": clock("training time, in seconds", every),
        "parameters_saved": Metric(less.format("parameters"), multi, "higher", exact=True),
        "time_saved": Metric(less.format("training time"), multi, "higher", timing=True),
        "step_ms": clock(f"{step}, in milliseconds"),
        "step_time_ratio": clock(f"{step}, {plain}"),
        "step_memory_mb": memory("the net's left out, in MB"),
        "memory_ratio": memory(plain),
        **task_metrics(settings.tasks, {task: (name, *multi) for task, name in single.items()}, settings.data),
        **{
            f"dominance_{task}": Metric(f"AU of {task} after the last epoch (squared step per parameter)", multi)
            for task in settings.tasks
        },
    }
