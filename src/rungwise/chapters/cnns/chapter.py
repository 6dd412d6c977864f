"""CNNs: five architectures; accuracy against parameters and time; against the MLPs."""

from collections.abc import Mapping

from rungwise.chapters.cnns.comparison import Comparison
from rungwise.chapters.cnns.method import FORMULAS
from rungwise.chapters.cnns.settings import AnyCnn, Settings
from rungwise.chapters.family import results as family
from rungwise.chapters.family.figures import figures
from rungwise.chapters.family.method import told_recipe
from rungwise.chapters.family.statements import statements
from rungwise.chapters.family.tables import accuracy_table
from rungwise.chapters.sentences import heading
from rungwise.findings import Findings
from rungwise.models.cnn import CnnSettings
from rungwise.models.residual import ResidualSettings
from rungwise.records.record import Record
from rungwise.words import counted


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = family.collect(settings, seeds, records)
    comparison = Comparison(settings, results, records)
    halving = {"pool" if isinstance(net, ResidualSettings) else net.halving for net in settings.nets.values()}
    how = {"stride": "a stride of 2", "pool": "2 × 2 max-pooling"}
    residual = {name: net for name, net in settings.nets.items() if isinstance(net, ResidualSettings)}
    method = (
        told_recipe(settings),
        f"The side halves between convolutions by {' or '.join(how[h] for h in sorted(halving))}.",
        *(
            f"{name} does not look at {counted(net.crop, 'pixel')} along each edge of an image."
            for name, net in residual.items()
            if net.crop
        ),
        *(
            f"{name} is an ensemble of {net.members} nets that start apart, see the same batches, learn each from its "
            "own loss, and answer by the mean of their probabilities (Lakshminarayanan et al. 2017)."
            for name, net in residual.items()
            if net.members > 1
        ),
    )
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Convolutional nets"),
        question="What do convolutions buy, in accuracy, parameters and time, and against the MLPs?",
        method=method,
        formulas=FORMULAS,
        statements=(*statements(results), *comparison.statements()),
        tables=(accuracy_table(results, settings.name, "Filters", _shape), *comparison.tables()),
        figures=(*figures(results, settings.name), *comparison.figures()),
        warnings=(*family.warnings(results), *comparison.warnings()),
        seeds=family.most_seeds(results),
    )


def _shape(net: AnyCnn) -> str:
    """The filters in short, "64+1" where a residual block of as many follows the convolution, "3 of" an ensemble's."""
    if isinstance(net, CnnSettings):
        return "-".join(map(str, net.filters))
    stages = zip(net.filters, net.blocks, strict=True)
    count = f"{net.members} of " if net.members > 1 else ""
    return f"{count}{net.stem}-" + "-".join(
        f"{filters}+{blocks}" if blocks else str(filters) for filters, blocks in stages
    )
