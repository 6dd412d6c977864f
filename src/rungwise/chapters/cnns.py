"""CNNs: five architectures; accuracy against parameters and time; against the MLPs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from rungwise.chapters import family, family_figures, family_statements, mlps
from rungwise.chapters.chapter import ChapterSettings
from rungwise.chapters.common import compared, counted, heading, told_pairs
from rungwise.data.source import Data
from rungwise.evidence.estimate import paired_difference
from rungwise.findings import Bars, Cell, Column, Figure, Findings, Formula, Statement, Table
from rungwise.models.cnn import CnnSettings
from rungwise.models.residual import ResidualSettings
from rungwise.records.record import Record

FORMULAS = (
    Formula(
        latex=r"h_{l,j} = \max\Big(0,\, b_{l,j} + \sum_{i} K_{l,j,i} * h_{l-1,i}\Big)",
        says=(
            "Filter $j$ of layer $l$ slides one small kernel $K_{l,j,i}$ over each map $i$ of the layer before; "
            "zeros around the map keep its side, which halves, rounding up, between layers."
        ),
    ),
    Formula(
        latex=r"P = \sum_{l=1}^{D} (k^2 f_{l-1} + 1) f_l + (s_D^2 f_D + 1)\, C, \qquad s_l = \lceil s_{l-1} / 2 \rceil",
        says=(
            "Parameters of $D$ convolutions with $f_l$ filters of $k \\times k$ and a dense layer to $C$ classes; "
            "$f_0$ is the number of channels of the image and $s_1$ its side."
        ),
    ),
)


def _family(net: Any) -> str:
    """The family of a net; where a study file does not name it, its settings tell."""
    named = net.get("family") if isinstance(net, dict) else getattr(net, "family", None)
    own = isinstance(net, dict) and not {"stem", "blocks"}.isdisjoint(net)
    return str(named or ("residual" if own else "cnn"))


AnyCnn = Annotated[
    Annotated[CnnSettings, Tag("cnn")] | Annotated[ResidualSettings, Tag("residual")],
    Discriminator(
        _family,
        custom_error_type="family",
        custom_error_message="a net of this chapter is of the family 'cnn' or 'residual'",
    ),
]


class Settings(family.FamilySettings):
    kind: Literal["cnns"] = "cnns"
    nets: dict[str, AnyCnn] = Field(min_length=1)
    """By name, in the order of the tables."""
    against: mlps.Settings | None = None
    """The MLPs to stand beside. Left out: those of the study's chapter on MLPs, if it has one on the same images; of
    several, the first with as many training images, or else the first."""

    @field_validator("against")
    @classmethod
    def _same_images(cls, against: mlps.Settings | None, info: ValidationInfo) -> mlps.Settings | None:
        data = info.data.get("data")
        if against and isinstance(data, Data) and against.data.source != data.source:
            raise ValueError(
                f"the MLPs are on {against.data.source} and the CNNs on {data.source}; choose one for both"
            )
        return against

    def beside(self, chapters: Sequence[ChapterSettings]) -> Self:
        others = [c for c in chapters if isinstance(c, mlps.Settings) and c.data.source == self.data.source]
        alike = [other for other in others if other.data.size == self.data.size]
        if self.against or not others:
            return self
        return self.model_copy(update={"against": (alike or others)[0]})


trials, metrics, measured = family.trials, family.metrics, family.measured


def findings(settings: Settings, seeds: tuple[int, ...], records: Mapping[str, Record]) -> Findings:
    results = family.collect(settings, seeds, records)
    comparison = _Comparison(settings, results, records)
    halving = {"pool" if isinstance(net, ResidualSettings) else net.halving for net in settings.nets.values()}
    how = {"stride": "a stride of 2", "pool": "2 × 2 max-pooling"}
    residual = {name: net for name, net in settings.nets.items() if isinstance(net, ResidualSettings)}
    method = (
        family.told_recipe(settings),
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
        statements=(*family_statements.statements(results), *comparison.statements()),
        tables=(family.accuracy_table(results, settings.name, "Filters", _shape), *comparison.tables()),
        figures=(*family_figures.figures(results, settings.name), *comparison.figures()),
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


class _Comparison:
    """The two families side by side, per parameter. Empty where one of them has not run."""

    def __init__(self, settings: Settings, cnns: list[family.Result], records: Mapping[str, Record]) -> None:
        self.chapter, other = settings.name, settings.against
        dense = family.collect(other, _seeds(records), records) if other else []
        self.families = {
            "MLPs": [r for r in dense if r.records],
            "CNNs": [r for r in cnns if r.records],
        }
        self.images = {"MLPs": other.data.size if other else 0, "CNNs": settings.data.size}
        self.epochs = {"MLPs": other.fit.epochs if other else 0, "CNNs": settings.fit.epochs}
        self.possible = all(self.families.values())

    def tables(self) -> tuple[Table, ...]:
        if not self.possible:
            return ()
        columns = (
            Column(key="family", label="Family"),
            Column(key="net", label="Net"),
            Column(key="images", label="Training images"),
            Column(key="parameters_m", label="Parameters (million)", digits=3),
            Column(key="test_accuracy", label="Test accuracy", digits=4),
            Column(key="accuracy_per_m", label="Test accuracy per million parameters", digits=3),
            Column(key="epoch_s", label="Time per epoch (s)", digits=2),
            Column(key="epoch_s_per_m", label="Time per epoch per million parameters (s)", digits=2),
            Column(key="image_us", label="Time per image (µs)", digits=1),
        )
        rows = tuple(self._row(name, result) for name, results in self.families.items() for result in results)
        caption = "The two families per parameter. Time per image makes epochs of different length comparable."
        return (Table(id=f"{self.chapter}-against-mlps", caption=caption, columns=columns, rows=rows),)

    def _row(self, name: str, result: family.Result) -> tuple[Cell, ...]:
        keys = ("test_accuracy", "accuracy_per_million", "epoch_s", "epoch_s_per_million", "image_us")
        millions = result.mean("parameters") / 1e6
        return (name, result.name, self.images[name], millions, *(result.estimate(key) for key in keys))

    def figures(self) -> tuple[Figure, ...]:
        if not self.possible:
            return ()
        rows = [row for table in self.tables() for row in table.rows]
        panels = []
        for title, column in (
            ("Test accuracy per million parameters", 5),
            ("Time per epoch per million (s)", 7),
        ):
            values = tuple(cell.values for row in rows if not isinstance(cell := row[column], str | int | float | None))
            panels.append(Bars(title=title, names=tuple(str(row[1]) for row in rows), values=values))
        ranges = {name: [r.mean("parameters") / 1e6 for r in results] for name, results in self.families.items()}
        return (
            Figure(
                id=f"{self.chapter}-against-mlps-figure",
                caption="Each net of both families, per million parameters.",
                alt="Test accuracy and time per epoch, per million parameters: "
                + "; ".join(f"{name} have {min(v):.2f} to {max(v):.2f} million" for name, v in ranges.items())
                + ".",
                panels=tuple(panels),
                columns=2,
            ),
        )

    def statements(self) -> tuple[Statement, ...]:
        if not self.possible:
            return ()
        return (*self._best(), *self._quotients())

    def _best(self) -> tuple[Statement, ...]:
        """The most accurate net of each family, paired by seed: both see the same test images."""
        best = {name: max(results, key=lambda r: r.mean("test_accuracy")) for name, results in self.families.items()}
        dense, cnn = best["MLPs"], best["CNNs"]
        difference = paired_difference(cnn.values("test_accuracy"), dense.values("test_accuracy"))
        if difference is None:
            return ()
        other = f"the best MLP, {dense.name}"
        words = (f"more accurate than {other},", f"less accurate than {other},", f"exactly as accurate as {other}")
        text = (
            f"On the test set the best CNN, {cnn.name}, is {compared(difference, *words)} {told_pairs(difference)}, "
            f"with {cnn.mean('parameters'):,.0f} against {dense.mean('parameters'):,.0f} parameters."
        )
        if self._training("MLPs") != self._training("CNNs"):
            text += f" They were trained differently: {self._training('CNNs')} against {self._training('MLPs')}."
        return (Statement(text=text, trials=(*cnn.ids, *dense.ids)),)

    def _training(self, name: str) -> str:
        return f"{self.images[name]:,} images for {counted(self.epochs[name], 'epoch')}"

    def _quotients(self) -> tuple[Statement, ...]:
        """What is behind accuracy per parameter: hardly the accuracy."""
        results = [result for results in self.families.values() for result in results]
        spread = {}
        for key in ("test_accuracy", "parameters"):
            means = [result.mean(key) for result in results]
            if min(means) <= 0:
                return ()
            spread[key] = max(means) / min(means)
        if spread["parameters"] < 2 * spread["test_accuracy"]:
            return ()
        text = (
            f"Over all nets of both families, the greatest test accuracy is {spread['test_accuracy']:.2f} times the "
            f"least, and the greatest number of parameters {spread['parameters']:.1f} times: accuracy per million "
            "parameters ranks the nets by their size more than by what they can do."
        )
        return (Statement(text=text, trials=tuple(trial for result in results for trial in result.ids)),)

    def warnings(self) -> tuple[str, ...]:
        told = ("CNNs", "MLPs") if self.possible else ("CNNs",)
        flattered = family_statements.chosen_on_test({name: self.families[name] for name in told})
        if not self.possible or self.images["MLPs"] == self.images["CNNs"]:
            return flattered
        return (
            *flattered,
            f"The MLPs were fitted on {self.images['MLPs']:,} images and the CNNs on {self.images['CNNs']:,}: the "
            "comparison of the families mixes architecture with data.",
        )


def _seeds(records: Mapping[str, Record]) -> list[int]:
    """The seeds of any record: the MLPs may have run with more of them, or fewer, than the CNNs."""
    return sorted({seed for record in records.values() if isinstance(seed := record.spec.get("seed"), int)})
