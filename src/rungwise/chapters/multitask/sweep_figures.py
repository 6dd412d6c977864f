"""The figures on fixed weights: the sweep, and test accuracy by epoch."""

from collections.abc import Iterable, Sequence

from rungwise.chapters.drawing import missing, over_epochs, over_values
from rungwise.chapters.multitask.models import PlannedModel
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.weights import short_weights, weights_in_words
from rungwise.chapters.sentences import accuracy_title
from rungwise.findings import Bars, Figure, Level, Lines, Panel

FEW = "fewer than two of the weights have a record"


def sweep_figures(results: Results) -> tuple[Figure, ...]:
    """Neither a sweep of a single point nor a curve of a single epoch."""
    fixed = results.of("fixed")
    return (*_sweeps(results, fixed), *_learning(results, fixed))


def _sweeps(results: Results, ran: Sequence[PlannedModel]) -> tuple[Figure, ...]:
    if len(ran) < 2:
        caption = {"sweep": "Test accuracy on each task by loss weight."}
        return missing(results.settings.name, caption, FEW) if len(results.settings.weights) > 1 else ()
    ends = "; ".join(
        f"{task}: "
        + ", ".join(
            f"{e.mean:.4f} at {weights_in_words(m.weights, results.tasks)}"
            for m in ran
            if (e := results.estimate(f"test_accuracy_{task}", m.name))
        )
        for task in results.shown
    )
    figure = Figure(
        id=f"{results.settings.name}-sweep",
        caption=(
            "Test accuracy on each task by loss weight; the line across is the single-task net. Nets in which a task "
            "has no weight are in the table: here they would hide all other differences."
            if any(min(m.weights) == 0 for m in ran)
            else "Test accuracy on each task by loss weight; the line across is the single-task net."
        )
        + results.of_shown,
        alt=f"Test accuracy by loss weight. {ends}.",
        panels=tuple(_sweep(results, task, ran) for task in results.shown),
        columns=2,
    )
    return (figure,)


def _sweep(results: Results, task: str, ran: Sequence[PlannedModel]) -> Panel:
    key, place = f"test_accuracy_{task}", results.tasks.index(task)
    ran = [m for m in ran if m.weights[place] > 0]
    level = Level(name="single-task", values=tuple(results.values(key, results.single[task]).values()))
    by_model = [results.values(key, m.name) for m in ran]
    levels = ((level,) if level.values else ()) + _always(results, task, (v for own in by_model for v in own.values()))
    if len(results.tasks) > 2:
        values = tuple(tuple(own.values()) for own in by_model)
        return Bars(
            title=accuracy_title(task),
            names=tuple(short_weights(m.weights, results.tasks) for m in ran),
            values=values,
            levels=levels,
        )
    ordered = sorted(ran, key=lambda m: m.weights)
    by_weight = [results.values(key, m.name) for m in ordered]
    return Lines(
        title=accuracy_title(task),
        x_label=f"λ (weight of {results.tasks[0]})",
        series=(over_values("multi-task", [m.weights[0] for m in ordered], by_weight),),
        levels=levels,
        markers=True,
        **results.measures.band("share"),
    )


def _always(results: Results, task: str, accuracies: Iterable[float]) -> tuple[Level, ...]:
    """The line of always answering the task's most frequent class, where it lies among the accuracies."""
    return results.counts[task].level(accuracies) if task in results.counts else ()


def _learning(results: Results, ran: Sequence[PlannedModel]) -> tuple[Figure, ...]:
    """Test accuracy by epoch, where it was looked at after each."""

    def curves(model: PlannedModel, task: str) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(r.history[f"test_accuracy_{task}"]) for (r,) in results.runs[model.name].values())

    if not ran and results.settings.fit.evaluate == "epochs" and results.settings.fit.epochs > 1:
        return missing(results.settings.name, {"learning": "Test accuracy by epoch at each weight."})
    if not ran or max(len(curve) for m in ran for curve in curves(m, results.tasks[0])) < 2:
        return ()

    panels = tuple(
        Lines(
            title=accuracy_title(task),
            x_label="Epoch",
            series=tuple(over_epochs(weights_in_words(m.weights, results.tasks), curves(m, task)) for m in ran),
            levels=_always(results, task, (value for m in ran for curve in curves(m, task) for value in curve)),
            markers=results.settings.fit.epochs < 3,
            **results.measures.band("share"),
        )
        for task in results.shown
    )
    return (
        Figure(
            id=f"{results.settings.name}-learning",
            caption=f"Test accuracy by epoch at each weight.{results.of_shown}",
            alt="Test accuracy of the multi-task net by epoch, one line per weight; the last values are in the table.",
            panels=panels,
            columns=2,
        ),
    )
