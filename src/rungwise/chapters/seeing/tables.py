"""The tables of the chapter."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from rungwise.chapters.seeing.results import Results, layer
from rungwise.chapters.seeing.trial import STARTS, VIEWERS
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Cell, Column, Table


def tables(results: Results) -> tuple[Table, ...]:
    return (_layers(results), _dreams(results))


def _layers(results: Results) -> Table:
    settings, views, measures = results.settings, results.views, results.measures
    count = len(settings.net.filters)
    darks = [f"dark_{label}" for label in settings.classes]

    def row(i: int) -> tuple[Cell, ...]:
        filters = settings.net.filters[i]

        def cell(name: str, most: float) -> Estimate | None:
            values = [view.layers(name)[i] for view in views]
            return measures.of((value for value in values if np.isfinite(value)), "share", most=most)

        counts = [cell(name, filters) for name in (*darks, "dead")]
        return (layer(i), filters, *counts, cell("sparsity", 1), cell("selectivity", 1))

    names = [settings.data.classes[label] for label in settings.classes]
    return Table(
        id=f"{settings.name}-layers",
        caption=f"The filters of {settings.model} by layer. Dead, sparsity and class selectivity are over all test "
        "images.",
        columns=(
            Column(key="layer", label="Layer"),
            Column(key="filters", label="Filters"),
            *(
                Column(key=dark, label=f"Dark for the {name}", digits=1)
                for dark, name in zip(darks, names, strict=True)
            ),
            Column(key="dead", label="Dead", digits=1),
            Column(key="sparsity", label="Sparsity", digits=3),
            Column(key="selectivity", label="Class selectivity", digits=3),
        ),
        rows=tuple(row(i) for i in range(count)),
    )


def _dreams(results: Results) -> Table:
    settings, views = results.settings, results.views
    names = settings.data.classes
    aims = settings.dreamt or tuple(range(len(names)))

    def probability(values: Iterable[float]) -> Estimate | None:
        return results.measures.of(values, "share")

    def row(start: str, c: int, aim: int) -> tuple[Cell, ...]:
        said = Counter(names[view.said("judge", start)[c]] for view in views)
        verdict = ", ".join(f"{name} ({n} of {len(views)})" for name, n in said.most_common())
        net, judge = (probability(view.aimed(viewer, start)[c] for view in views) for viewer in VIEWERS)
        before = (probability(view.before(viewer, start)[aim] for view in views) for viewer in VIEWERS)
        passed = (next(iter(said)) if len(views) == 1 else verdict) if views else None
        return (settings.origin(start), names[aim], net, passed, judge, *before)

    return Table(
        id=f"{settings.name}-dreams",
        caption="What the net and the judge say of each dream, as probabilities of the class aimed at, and of the "
        "start that it climbed from.",
        columns=(
            Column(key="start", label="From"),
            Column(key="class", label="Class aimed at"),
            Column(key="net", label="Net", digits=3),
            Column(key="judge_says", label="The judge says"),
            Column(key="judge", label="Judge", digits=3),
            Column(key="net_before", label="Net, of the start", digits=3),
            Column(key="judge_before", label="Judge, of the start", digits=3),
        ),
        rows=tuple(row(start, c, aim) for start in STARTS for c, aim in enumerate(aims)),
    )
