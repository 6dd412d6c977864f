"""MLPs: five depths and widths; learning curves; whether more parameters generalise better."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from rungwise.chapters import family, family_figures, family_statements
from rungwise.chapters.common import heading
from rungwise.findings import Findings, Formula
from rungwise.models.mlp import MlpSettings
from rungwise.records.record import Record

FORMULAS = (
    Formula(
        latex=r"h_l = \max(0,\, W_l h_{l-1} + b_l), \qquad h_0 = x",
        says="Each hidden layer is an affine map and a ReLU; $x$ holds the pixels of one image.",
    ),
    Formula(
        latex=r"p_c = \frac{e^{z_c}}{\sum_k e^{z_k}}, \qquad L = -\frac{1}{N} \sum_{i=1}^{N} \log p_{y_i}(x_i)",
        says=(
            "The last layer gives one logit $z_c$ per class, softmax turns them into probabilities, and the loss is "
            "their cross-entropy with the labels $y_i$, in nats."
        ),
    ),
    Formula(
        latex=r"P = \sum_{l=1}^{D+1} (n_{l-1} + 1)\, n_l",
        says="Parameters of $D$ hidden layers of widths $n_l$: one weight per pair of neighbours and one bias each.",
    ),
)


class Settings(family.FamilySettings):
    kind: Literal["mlps"] = "mlps"
    nets: dict[str, MlpSettings] = Field(min_length=1)
    """By name, in the order of the tables."""


trials, metrics, measured = family.trials, family.metrics, family.measured


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = family.collect(settings, seeds, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Multilayer perceptrons"),
        question="How much do depth and width help, and do more parameters generalise better?",
        method=(family.told_recipe(settings),),
        formulas=FORMULAS,
        statements=family_statements.statements(results),
        tables=(family.accuracy_table(results, settings.name, "Hidden layers", _shape),),
        figures=family_figures.figures(results, settings.name),
        warnings=family.warnings(results),
        seeds=family.most_seeds(results),
    )


def _shape(net: MlpSettings) -> str:
    """The hidden layers in short: "500 × 9" or "300, 100"."""
    widths = net.hidden
    return f"{widths[0]} × {len(widths)}" if len(set(widths)) == 1 else ", ".join(map(str, widths)) or "none"
