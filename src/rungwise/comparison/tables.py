"""The page's tables and figures of a comparison."""

from collections.abc import Sequence

from rungwise.comparison.outcome import ComparedNumber
from rungwise.comparison.result import Compared
from rungwise.comparison.words import told_fact, told_models, told_setting
from rungwise.findings import Bars, Cell, Column, Figure, Table

RunRow = tuple[str, ComparedNumber]
"""A run's name with one of its rows."""


def numbers(
    compared: Compared, name: str, caption: str, rows: Sequence[RunRow], *, chapters: bool = False
) -> tuple[Table, ...]:
    """Both values, the difference, and what came of it, in parentheses where that doesn't decide.

    A column for the run where there are several, one for the chapter where it is wanted; no table where there are no
    rows.
    """
    if not rows:
        return ()
    several = len(compared.comparisons) > 1
    columns = (
        *[("run", "Run")] * several,
        *[("chapter", "Chapter")] * chapters,
        *[("model", "Model"), ("metric", "Metric")],
        ("base", compared.base),
        ("other", "Run's value" if several else compared.comparisons[0].run),
        ("difference", "Difference"),
        ("p", "p"),
        ("p_holm", "p (Holm)"),
        ("outcome", "Outcome"),
    )
    table = Table(
        id=f"comparison-{name}",
        caption=caption,
        columns=tuple(Column(key=key, label=label) for key, label in columns),
        rows=tuple(
            (
                *([run] * several + [row.chapter] * chapters),
                *(row.model, row.metric, row.base.mean, row.other.mean),
                *(row.difference if row.interval else row.difference.mean, row.p, row.p_holm),
                row.outcome if row.decides else f"({row.outcome})",
            )
            for run, row in rows
        ),
    )
    return (table,)


def differences(compared: Compared) -> tuple[Table, ...]:
    """Settings and models; machine, software and data. A table without rows is left out."""
    several = len(compared.comparisons) > 1
    settings: list[tuple[Cell, ...]] = []
    places: list[tuple[Cell, ...]] = []
    for one in compared.comparisons:
        head = (one.run,) * several
        settings += [(*head, setting.path, *told_setting(setting)) for setting in one.settings]
        if one.models:
            only = told_models(one.models, "base"), told_models(one.models, "other")
            settings.append((*head, "models that only one has", *only))
        places += [(*head, *told_fact(fact)) for fact in one.environment]
        places += [(*head, f"data of {data.chapter}", "", f"others: {', '.join(data.files)}") for data in one.data]
    other = "Other run" if several else compared.comparisons[0].run
    labels = (*(("run", "Run"),) * several, ("what", "What"), ("base", compared.base), ("other", other))
    columns = tuple(Column(key=key, label=label) for key, label in labels)
    made = (
        ("settings", "Settings that differ, with every default filled in; a dash where a study has no such.", settings),
        ("machine", "Where and with what the trials ran; where a run's trials differ, all that occurred.", places),
    )
    return tuple(
        Table(id=f"differences-{name}", caption=caption, columns=columns, rows=tuple(rows))
        for name, caption, rows in made
        if rows
    )


def figures(compared: Compared, chapter: str, rows: Sequence[RunRow]) -> tuple[Figure, ...]:
    """The differences by model, a panel per metric and run: of the numbers that decide, less those all identical."""
    several = len(compared.comparisons) > 1
    groups: dict[tuple[str, str], list[ComparedNumber]] = {}
    for run, row in rows:
        if row.decides:
            groups.setdefault((row.metric, run), []).append(row)
    kept = {key: group for key, group in groups.items() if any(row.outcome != "identical" for row in group)}
    if not kept:
        return ()
    panels = tuple(
        Bars(
            title=f"{metric}, {run}" if several else metric,
            x_label=f"Difference ({group[0].better} is better)",
            names=tuple(row.model for row in group),
            values=tuple(row.difference.values for row in group),
        )
        for (metric, run), group in kept.items()
    )
    told = "; ".join(
        f"{metric}, {run}: " + ", ".join(f"{row.model} {row.difference.mean:+.4g}" for row in group)
        for (metric, run), group in kept.items()
    )
    figure = Figure(
        id=f"comparison-{chapter}-differences",
        caption=f"Differences from {compared.base}: bars are means over the seeds, dots are single seeds.",
        alt=f"Mean differences from {compared.base}. {told}.",
        panels=panels,
        columns=2,
    )
    return (figure,)
