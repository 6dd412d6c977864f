"""The tables of the chapter: how the nets were fitted, and what measures say of them."""

from collections.abc import Sequence

from rungwise.chapters.capacity.results import CapacityResults, WidthResult
from rungwise.findings import Cell, Column, Table


def tables(results: CapacityResults) -> tuple[Table, ...]:
    return (_fits(results.models, results.settings.name), _measures(results.models, results.settings.name))


def _fits(results: Sequence[WidthResult], chapter: str) -> Table:
    columns = (
        Column(key="net", label="Net"),
        Column(key="parameters", label="Parameters"),
        Column(key="train_error", label="Train error", digits=4),
        Column(key="test_error", label="Test error", digits=4),
        Column(key="epochs", label="Epochs", digits=1),
        Column(key="reached", label="Reached the criterion"),
        Column(key="time_s", label="Training time (s)", digits=1),
    )
    return _table(results, f"{chapter}-fits", "Final weights on all training and test images.", columns)


def _measures(results: Sequence[WidthResult], chapter: str) -> Table:
    columns = (
        Column(key="net", label="Net"),
        Column(key="unit_capacity", label="Unit capacity", digits=4),
        Column(key="unit_impact", label="Unit impact", digits=4),
        Column(key="gamma", label="γ (logits)", digits=3),
        Column(key="measure", label="Measure", digits=1),
        Column(key="bound", label="Bound, C", digits=0),
        Column(key="measure_l1", label="Bartlett & Mendelson 2002", digits=0),
        Column(key="measure_frobenius", label="Neyshabur et al. 2015", digits=1),
        Column(key="measure_spectral", label="Bartlett et al. 2017", digits=1),
        Column(key="measure_pac_bayes", label="Neyshabur et al. 2018, PAC-Bayes", digits=1),
    )
    caption = (
        "Unit capacity and impact are means over the hidden units. The columns from Bartlett and Mendelson on are the "
        "terms that earlier bounds grow with, without their constants (Table 1 of the paper). The bound is empty where "
        "the margin γ is not above 0."
    )
    return _table(results, f"{chapter}-measures", caption, columns)


def _table(results: Sequence[WidthResult], id: str, caption: str, columns: Sequence[Column]) -> Table:
    """One row per net; what is undefined or has not run is empty. Columns without decimals are whole numbers."""
    rows: list[tuple[Cell, ...]] = []
    for result in results:
        reached = result.reached.values()
        fixed: dict[str, Cell] = {
            "net": result.name,
            "parameters": next((int(record.summary["parameters"]) for record in result.records.values()), None),
            "reached": f"{sum(reached)} of {len(reached)}" if reached else None,
        }
        rows.append(tuple(fixed[c.key] if c.key in fixed else result.estimate(c.key) for c in columns))
    return Table(id=id, caption=caption, columns=tuple(columns), rows=tuple(rows))
