"""Capacity: two-layer nets of growing width on true and on random labels, and measures of what they can express."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from rungwise.chapters import capacity_figures, capacity_statements
from rungwise.chapters.capacity_results import Labels, Result, model_name, most_seeds, read_results
from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import heading, listed, measurements, seed_warnings, told_fit
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Cell, Column, Findings, Formula, Table
from rungwise.models.mlp import MlpSettings
from rungwise.records.record import Record
from rungwise.training.capacity import CapacityTrial
from rungwise.training.trial import Recipe


class Settings(ChapterSettings):
    kind: Literal["capacity"] = "capacity"
    fit: Recipe
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    """Hidden units h of each net, rising."""
    labels: tuple[Labels, ...] = Field(("true", "random"), min_length=1)
    """What the nets are trained on: the labels of the images, or as many drawn at random."""

    @field_validator("widths")
    @classmethod
    def _rising(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if any(b <= a for a, b in pairwise(widths)):
            raise ValueError(f"expected widths in rising order, each once, as [64, 128, 256]; got {list(widths)}")
        return widths

    @model_validator(mode="after")
    def _runnable(self) -> "Settings":
        if len(set(self.labels)) < len(self.labels):
            raise ValueError(f"a kind of labels is listed twice: {list(self.labels)}; list each once")
        if self.data.labels != "true":
            raise ValueError('for random labels, set labels = ["random"] in the chapter itself, not in its data')
        if self.fit.stop_loss is None:
            raise ValueError(
                "nets are compared once they have fitted their images: set stop_loss in fit, the mean training "
                "cross-entropy at which training ends, as stop_loss = 0.01"
            )
        return self


def trials(settings: Settings, seeds: Sequence[int]) -> tuple[CapacityTrial, ...]:
    """One per kind of labels, width and seed."""
    return tuple(
        CapacityTrial(
            label=model_name(width, labels),
            data=settings.data.model_copy(update={"labels": labels}),
            seed=seed,
            net=MlpSettings(hidden=(width,), bias=False),
            fit=settings.fit,
        )
        for labels in settings.labels
        for width in settings.widths
        for seed in seeds
    )


# Measurements --------------------------------------------------------------------------------------------------


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every net."""
    nets = tuple(trial.label for trial in trials(settings, (0,)))

    def term(source: str) -> Metric:
        return Metric(f"what the capacity in the bound of {source} grows with, constants left out", nets)

    return {
        "train_error": Metric("share of the training images that the final net classifies wrong", nets, "lower"),
        "test_error": Metric("share of the test images that the final net classifies wrong", nets, "lower"),
        "epochs": Metric("epochs until training ended, by the criterion or at the limit", nets, "lower"),
        "unit_capacity": Metric("mean over the hidden units of the distance of their weights from their start", nets),
        "unit_impact": Metric("mean over the hidden units of the norm of their outgoing weights", nets),
        "measure": term("Neyshabur et al. 2018 (Theorem 2)"),
        "bound": Metric("capacity in the bound of Neyshabur et al. 2018, constants included", nets),
        "gamma": Metric("margin that 5% of the training images lie below", nets, "higher"),
        "measure_l1": term("Bartlett and Mendelson 2002"),
        "measure_frobenius": term("Neyshabur et al. 2015"),
        "measure_spectral": term("Bartlett et al. 2017"),
        "measure_pac_bayes": term("Neyshabur et al. 2018 (PAC-Bayes, arXiv 1707.09564)"),
        "parameters": Metric("number of parameters", nets, exact=True),
        "time_s": Metric("training time, in seconds", nets, "lower", timing=True),
    }


def measured(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = read_results(trials(settings, seeds), records)
    for key in metrics(settings):
        for result in results:
            ids = {seed: (record.id,) for seed, record in result.records.items()}
            yield from measurements(settings.name, key, result.name, result.values(key), ids)


# Findings ------------------------------------------------------------------------------------------------------

FORMULAS = (
    Formula(
        latex=r"f(x) = V \max(0,\, U x), \qquad U \in \mathbb{R}^{h \times d}, \quad V \in \mathbb{R}^{c \times h}",
        says="Two layers without biases: $d$ pixels, $h$ hidden units, $c$ classes.",
    ),
    Formula(
        latex=r"\| u_i - u_i^0 \|_2, \qquad \| v_i \|_2",
        says=(
            "Unit capacity and unit impact of hidden unit $i$: how far training has moved its incoming weights, row "
            "$u_i$ of $U$, from their start $u_i^0$; and the norm of its outgoing weights, column $v_i$ of $V$."
        ),
    ),
    Formula(
        latex=r"\| U_0 \|_2 \| V \|_F + \| U - U_0 \|_F \| V \|_F + \sqrt{h}",
        says=r"The measure (Neyshabur et al. 2018): $\| \cdot \|_2$ is the spectral norm, $\| \cdot \|_F$ Frobenius'.",
    ),
    Formula(
        latex=(
            r"R = \frac{3 \sqrt{2}\, (\sqrt{2 c} + 1)}{\gamma} (\| V \|_F + 1) \left( \sqrt{\tfrac{1}{m} \sum_x "
            r"\| a_0(x) \|^2} + \| U - U_0 \|_F \sqrt{\tfrac{1}{m} \sum_x \| x \|^2} + 1 \right)"
        ),
        says=(
            r"The part of the bound that comes from norms: $a_0(x) = \max(0, U_0 x)$ are the activations before "
            r"training, $m$ is the number of training images, and 5% of them have a margin $f(x)_y - \max_{j \neq y} "
            r"f(x)_j$ below $\gamma$."
        ),
    ),
    Formula(
        latex=r"C = \left( R + 3 \sqrt{5 h + \ln \frac{\max(1, \gamma \sqrt{m})}{\delta}} \right)^2",
        says=(
            r"The bound as its authors computed it, with $\delta = 0.01$: test error exceeds the share of training "
            r"images with a margin below $\gamma$ by no more than about $\sqrt{C / m}$."
        ),
    ),
)


def findings(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Findings:
    planned = trials(settings, seeds)
    results = read_results(planned, records)
    return Findings(
        kind=settings.kind,
        name=settings.name,
        title=heading(settings, "Capacity"),
        question="Do more parameters generalise better, and why?",
        method=_method(settings),
        formulas=FORMULAS,
        statements=capacity_statements.statements(results),
        tables=(_fits_table(results, settings.name), _measures_table(results, settings.name)),
        figures=capacity_figures.figures(results, settings),
        warnings=(
            *seed_warnings(most_seeds(results), len(planned), sum(len(result.records) for result in results)),
            *capacity_statements.unfinished(results),
        ),
        seeds=most_seeds(results),
    )


def _method(settings: Settings) -> tuple[str, ...]:
    data, fit, widths = settings.data, settings.fit, settings.widths
    kinds = listed([f"on {labels} labels" for labels in settings.labels])
    drawn = (
        " Random labels are drawn uniformly, one for each training image, and say nothing of what it shows; the test "
        "labels stay true, so test error on them is that of a net that has only memorised."
        if "random" in settings.labels
        else ""
    )
    looked = "Test numbers are of the last epoch: " + (
        "the test images were looked at once." if fit.evaluate == "end" else "no epoch was selected on the test set."
    )
    return (
        f"Nets of two layers without biases and {listed([f'{width:,}' for width in widths])} hidden units were fitted "
        f"on {data.size:,} training images of {data.source}, {kinds}, pixels scaled to [-1, 1], {told_fit(fit)}. "
        "Weights start uniform after Glorot and Bengio (2010). For one "
        f"seed, all nets see the same images in the same order.{drawn}",
        "So nets of all widths end equally well fitted, and what differs is how. The experiment is that of Neyshabur "
        "et al. (2018); where images, widths, starting weights and the scale of the pixels are not theirs, numbers are "
        f"not theirs either, but how they change with h can be compared. {looked}",
    )


def _table(results: Sequence[Result], id: str, caption: str, columns: Sequence[Column]) -> Table:
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


def _fits_table(results: Sequence[Result], chapter: str) -> Table:
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


def _measures_table(results: Sequence[Result], chapter: str) -> Table:
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
