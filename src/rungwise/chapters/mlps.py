"""MLPs: five depths and widths; learning curves; whether more parameters generalise better."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from rungwise.chapters import family
from rungwise.chapters.chapter import ChapterSettings
from rungwise.findings import Findings, Formula
from rungwise.models.mlp import MlpSettings
from rungwise.records.record import Record
from rungwise.training.trial import Fit, Recipe

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


class Settings(ChapterSettings):
    kind: Literal["mlps"] = "mlps"
    fit: Recipe
    nets: dict[str, MlpSettings] = Field(min_length=1)
    """By name, in the order of the tables."""


def trials(settings: Settings, seeds: tuple[int, ...]) -> tuple[Fit, ...]:
    return family.trials(settings.data, settings.fit, settings.nets, seeds)


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = family.collect(settings.data, settings.fit, settings.nets, seeds, records)
    return Findings(
        kind="mlps",
        title="Multilayer perceptrons",
        question="How much do depth and width help, and do more parameters generalise better?",
        method=(family.told_recipe(settings.data, settings.fit, len(settings.nets)),),
        formulas=FORMULAS,
        statements=family.statements(results),
        tables=(family.accuracy_table(results, "mlps", "Hidden layers", _shape),),
        figures=family.figures(results, "mlps"),
        warnings=family.warnings(results),
        seeds=family.most_seeds(results),
    )


def _shape(net: MlpSettings) -> str:
    """The hidden layers in short: "500 × 9" or "300, 100"."""
    widths = net.hidden
    return f"{widths[0]} × {len(widths)}" if len(set(widths)) == 1 else ", ".join(map(str, widths)) or "none"
