"""The table of the chapter."""

from collections.abc import Iterable

from rungwise.chapters.by_class import CLASSES_ALIKE
from rungwise.chapters.sentences import accuracy_title
from rungwise.chapters.transfer.names import WAYS, model_name, percent
from rungwise.chapters.transfer.results import Results
from rungwise.chapters.transfer.settings import steps
from rungwise.findings import Cell, Column, Table


def tables(results: Results) -> tuple[Table, ...]:
    counts = results.counts
    alike = CLASSES_ALIKE if counts is not None and counts.uneven else {}
    columns = (
        Column(key="way", label="Net"),
        Column(key="share", label="Labels"),
        Column(key="images", label="Images"),
        Column(key="epochs", label="Epochs"),
        Column(key="steps", label="Steps"),
        Column(key="test_accuracy", label=accuracy_title(results.task), digits=4),
        *(Column(key=key, label=label, digits=4) for key, label in alike.items()),
        Column(key="parameters_learnt", label="Parameters learnt"),
        Column(key="time_s", label="Training time (s)", digits=1),
    )
    table = Table(
        id=f"{results.settings.name}-accuracy",
        caption=f"Test accuracy on {results.task} after the last epoch."
        + (f" {counts.always()}" if counts else "")
        + " Times are without the trunk's.",
        columns=columns,
        rows=tuple(_row(results, way, share, alike) for share in results.shares for way in WAYS),
    )
    return (table,)


def _row(results: Results, way: str, share: float, alike: Iterable[str]) -> tuple[Cell, ...]:
    model = model_name(way, share)
    trial = results.trials[model]
    images, epochs = trial.data.size, trial.epochs
    learnt = next(map(int, results.values("parameters_learnt", model).values()), None)
    shares = (results.estimate(key, model) for key in ("test_accuracy", *alike))
    time_s = results.estimate("time_s", model)
    return way, percent(share), images, epochs, steps(trial.fit, images), *shares, learnt, time_s
