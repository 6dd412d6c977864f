"""The table of the chapter."""

from rungwise.chapters.sentences import accuracy_title
from rungwise.chapters.transfer.names import WAYS, model_name, percent
from rungwise.chapters.transfer.results import Results
from rungwise.chapters.transfer.settings import steps
from rungwise.findings import Cell, Column, Table


def tables(results: Results) -> tuple[Table, ...]:
    columns = (
        Column(key="way", label="Net"),
        Column(key="share", label="Labels"),
        Column(key="images", label="Images"),
        Column(key="epochs", label="Epochs"),
        Column(key="steps", label="Steps"),
        Column(key="test_accuracy", label=accuracy_title(results.task), digits=4),
        Column(key="parameters_learnt", label="Parameters learnt"),
        Column(key="time_s", label="Training time (s)", digits=1),
    )
    table = Table(
        id=f"{results.settings.name}-accuracy",
        caption=f"Test accuracy on {results.task} after the last epoch. Times are without the trunk's.",
        columns=columns,
        rows=tuple(_row(results, way, share) for share in results.shares for way in WAYS),
    )
    return (table,)


def _row(results: Results, way: str, share: float) -> tuple[Cell, ...]:
    model = model_name(way, share)
    trial = results.trials[model]
    images, epochs = trial.data.size, trial.epochs
    learnt = next(map(int, results.values("parameters_learnt", model).values()), None)
    accuracy, time_s = (results.estimate(key, model) for key in ("test_accuracy", "time_s"))
    return way, percent(share), images, epochs, steps(trial.fit, images), accuracy, learnt, time_s
