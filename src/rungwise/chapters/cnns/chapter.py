"""CNNs: five architectures; accuracy against parameters and time; against the MLPs."""

from collections.abc import Mapping
from itertools import chain, zip_longest

from rungwise.chapters.cnns.comparison import Comparison
from rungwise.chapters.cnns.method import FORMULAS
from rungwise.chapters.cnns.settings import Settings
from rungwise.chapters.family import results as family
from rungwise.chapters.family.figures import figures
from rungwise.chapters.family.method import told_recipe
from rungwise.chapters.family.statements import statements
from rungwise.chapters.family.tables import accuracy_table
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.records.record import Record


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = family.collect(settings, seeds, records)
    comparison = Comparison(settings, results, records)
    halving = sorted({net.halvings() for net in settings.nets.values()} - {""})
    how = {"stride": "a stride of 2", "pool": "2 × 2 max-pooling"}
    remarks = zip_longest(*(net.remarks(name) for name, net in settings.nets.items()), fillvalue="")
    method = (
        told_recipe(settings),
        *((f"The side halves between convolutions by {' or '.join(how[h] for h in halving)}.",) if halving else ()),
        *filter(None, chain.from_iterable(remarks)),
    )
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Convolutional nets"),
        question="What do convolutions buy, in accuracy, parameters and time, and against the MLPs?",
        method=method,
        formulas=FORMULAS,
        statements=(*statements(results), *comparison.statements()),
        tables=(accuracy_table(results, settings.name, "Filters"), *comparison.tables()),
        figures=(*figures(results, settings.name), *comparison.figures()),
        warnings=(*family.warnings(results), *comparison.warnings()),
        seeds=family.most_seeds(results),
    )
