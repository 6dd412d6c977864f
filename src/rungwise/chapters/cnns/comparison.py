"""The CNNs beside the MLPs, per parameter."""

from collections.abc import Mapping

from rungwise.chapters.cnns.settings import Settings
from rungwise.chapters.family.results import Result, collect
from rungwise.chapters.family.statements import chosen_on_test
from rungwise.chapters.sentences import compared, told_pairs
from rungwise.evidence.estimate import paired_difference
from rungwise.findings import Bars, Cell, Column, Figure, Statement, Table
from rungwise.records.record import Record
from rungwise.words import counted


class Comparison:
    """The two families side by side, per parameter. Empty where one of them has not run."""

    def __init__(self, settings: Settings, cnns: list[Result], records: Mapping[str, Record]) -> None:
        self.chapter, other = settings.name, settings.against
        dense = collect(other, _seeds(records), records) if other else []
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

    def _row(self, name: str, result: Result) -> tuple[Cell, ...]:
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
        flattered = chosen_on_test({name: self.families[name] for name in told})
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
