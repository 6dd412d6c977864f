"""What the chapter measures."""

from collections.abc import Iterator, Mapping

from rungwise.chapters.multitask.models import models
from rungwise.chapters.multitask.results import read_results
from rungwise.chapters.multitask.settings import Settings
from rungwise.chapters.multitask.weights import SINGLE_NETS, is_equal
from rungwise.chapters.results import measurements
from rungwise.evidence.measure import Measurement, Metric
from rungwise.records.record import Record


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of single-task nets, of all of them together, and of the nets of several tasks."""
    known = models(settings, (0,))
    single = {model.task: model.name for model in known if model.role == "single"}
    multi = tuple(model.name for model in known if model.role != "single")
    every = (*single.values(), *multi, SINGLE_NETS)
    parts = ("test", "validation") if settings.data.validation_images else ("test",)
    accuracies = {
        f"{part}_accuracy_{task}": Metric(
            f"share of the {part} images classified right on {task}", (name, *multi), "higher"
        )
        for part in parts
        for task, name in single.items()
    }
    less = f"share of the {{}} of the {SINGLE_NETS} that the multi-task net does without"
    equal = any(map(is_equal, settings.weights))
    gain = "by how many percent test accuracy is above that of {}, averaged over the tasks"
    plain = "times that of plain training, the mean over the fixed weights"
    return {
        **accuracies,
        "mean_test_accuracy": Metric("test accuracy, averaged over the tasks", (*multi, SINGLE_NETS), "higher"),
        "gain_on_single": Metric(gain.format("the single-task nets"), multi, "higher"),
        "gain_on_tuned": Metric(gain.format("the net with the tuned fixed weights"), multi, "higher"),
        **({"gain_on_equal": Metric(gain.format("the net with equal weights"), multi, "higher")} if equal else {}),
        "parameters": Metric("number of parameters", every, exact=True),
        "time_s": Metric("training time, in seconds", every, "lower", timing=True),
        "parameters_saved": Metric(less.format("parameters"), multi, "higher", exact=True),
        "time_saved": Metric(less.format("training time"), multi, "higher", timing=True),
        "step_ms": Metric("training time of one step, in milliseconds", multi, "lower", timing=True),
        "step_time_ratio": Metric(f"training time of one step, {plain}", multi, "lower", timing=True),
        "step_memory_mb": Metric("most memory that tensors take in a step, the net's left out, in MB", multi, "lower"),
        "memory_ratio": Metric(f"most memory that tensors take in a step, {plain}", multi, "lower"),
        **{
            f"dominance_{task}": Metric(f"AU of {task} after the last epoch (squared step per parameter)", multi)
            for task in settings.tasks
        },
    }


def measured(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(settings, seeds, records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            yield from measurements(settings.name, key, model, results.values(key, model), results.trials(key, model))
