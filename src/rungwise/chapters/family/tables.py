"""The table of accuracies."""

from rungwise.chapters.family.results import FamilyResults, counts_of
from rungwise.chapters.recipes import kept_caption
from rungwise.findings import Column, Table


def accuracy_table(results: FamilyResults, shape_label: str) -> Table:
    """Parameters, final accuracies and losses, training time."""
    fit, counts = results.settings.fit, counts_of(results)
    keys = (
        ("train_accuracy", "Train accuracy", 4),
        ("test_accuracy", "Test accuracy", 4),
        *((("views_accuracy", "Test accuracy, several views", 4),) if fit.test_views != "one" else ()),
        ("train_loss", "Train loss", 4),
        ("test_loss", "Test loss", 4),
        *((("epochs", "Epochs", 1),) if fit.stops else ()),
        *((("best_epoch", "Best epoch", 1),) if fit.stop is not None else ()),
        ("time_s", "Training time (s)", 1),
    )
    columns = (
        Column(key="net", label="Net"),
        Column(key="shape", label=shape_label),
        Column(key="parameters", label="Parameters"),
        *(Column(key=key, label=label, digits=digits) for key, label, digits in keys),
    )
    rows = []
    for result in results.models:
        parameters = next((int(r.summary["parameters"]) for r in result.records.values()), None)
        numbers = (result.estimate(key) for key, _, _ in keys)
        rows.append((result.name, result.net.in_short(), parameters, *numbers))
    return Table(
        id=f"{results.settings.name}-accuracy",
        caption=f"Final weights, {kept_caption(fit)}." + (f" {counts.always()}" if counts else ""),
        columns=columns,
        rows=tuple(rows),
    )
