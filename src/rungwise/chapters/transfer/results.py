"""The transfer chapter's records by model and seed, and what they show."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rungwise.chapters.sentences import compared, measurements, told, told_pairs
from rungwise.chapters.transfer.names import TRUNK, WAYS, model_name, percent, steps
from rungwise.chapters.transfer.settings import Settings, trials
from rungwise.evidence.estimate import Estimate, estimate, paired_difference
from rungwise.evidence.measure import Measurement, Metric
from rungwise.findings import Cell, Column, Figure, Lines, Series, Statement, Table
from rungwise.records.record import Record
from rungwise.training.settings import Fit
from rungwise.words import listed

if TYPE_CHECKING:
    from rungwise.chapters.transfer.settings import Settings


class Results:
    """The chapter's records by model and seed; only those that have finished."""

    def __init__(self, settings: "Settings", planned: Sequence[Fit], records: Mapping[str, Record]) -> None:
        self.settings, self.shares = settings, settings.shares
        (self.task,) = settings.task
        self.trials = {trial.label: trial for trial in planned}
        """One of each model."""
        self.runs: dict[str, dict[int, Record]] = {trial.label: {} for trial in planned}
        for trial in planned:
            if trial.id in records:
                self.runs[trial.label][trial.seed] = records[trial.id]

    def values(self, key: str, model: str) -> dict[int, float]:
        """One of the chapter's metrics of one model, by seed."""
        summaries = {seed: record.summary for seed, record in self.runs[model].items()}
        if key == "parameters_learnt":  # told of frozen nets alone: the others learn all their parameters
            return {seed: summary.get(key, summary["parameters"]) for seed, summary in summaries.items()}
        return {seed: summary[key] for seed, summary in summaries.items()}

    def estimate(self, key: str, model: str) -> Estimate | None:
        return estimate(self.values(key, model).values())

    def lead(self, model: str, other: str) -> Estimate | None:
        """By how much a model's test accuracy is above another's, paired by seed."""
        return paired_difference(self.values("test_accuracy", model), self.values("test_accuracy", other))

    def most_seeds(self) -> int:
        return max(map(len, self.runs.values()))

    # Sentences -------------------------------------------------------------------------------------------------

    def statements(self) -> tuple[Statement, ...]:
        reached = (found for way in WAYS[:-1] for found in self._reached(way))
        return (*self._of_trunk(), *self._against_new(), *reached, *self._learnt(), *self._time())

    def _statement(self, text: str, *models: str) -> Statement:
        return Statement(text=text, trials=tuple(record.id for m in models for record in self.runs[m].values()))

    def _of_trunk(self) -> tuple[Statement, ...]:
        found = {task: self.estimate(f"test_accuracy_{task}", TRUNK) for task in self.settings.tasks}
        parts = [f"{told(accuracy, 4)} on {task}" for task, accuracy in found.items() if accuracy]
        return (self._statement(f"The trunk's own test accuracy is {listed(parts)}.", TRUNK),) if parts else ()

    def _against_new(self) -> list[Statement]:
        """For each share of the labels, the frozen and the fine-tuned net against the new one."""
        found = []
        for share in self.shares:
            new = model_name("new", share)
            for way in WAYS[:-1]:
                model = model_name(way, share)
                if lead := self.lead(model, new):
                    text = f"With {percent(share)} of the labels, the {way} net is {_told_lead(lead, 'a new one')}."
                    found.append(self._statement(text, model, new))
        return found

    def _reached(self, way: str) -> tuple[Statement, ...]:
        """The smallest share of the labels with which a way does as well as a new net does with the most labels."""
        full, most = model_name("new", self.shares[-1]), percent(self.shares[-1])
        leads = {share: lead for share in self.shares if (lead := self.lead(model_name(way, share), full))}
        if len(self.shares) < 2 or len(leads) < len(self.shares):
            return ()
        share = next((share for share, lead in leads.items() if lead.mean >= 0), None)
        if share is None:
            share = max(leads, key=lambda share: leads[share].mean)
            start = f"At no share of the labels is the {way} net as accurate as a new one with {most}: nearest, at "
            start += f"{percent(share)},"
        else:
            start = (
                f"The {way} net needs {percent(share)} of the labels to be as accurate as a new one with {most}: there"
            )
        text = f"{start} it is {_told_lead(leads[share], 'that one')}."
        return (self._statement(text, model_name(way, share), full),)

    def _learnt(self) -> tuple[Statement, ...]:
        """How many parameters each way learns: the same with any share and seed."""
        for model in (model_name("frozen", share) for share in self.shares):
            for record in self.runs[model].values():
                learnt, every = (int(record.summary[key]) for key in ("parameters_learnt", "parameters"))
                text = (
                    f"The frozen net learns {learnt:,} of its {every:,} parameters ({learnt / every:.1%}), the others "
                    "all of theirs."
                )
                return (self._statement(text, model),)
        return ()

    def _time(self) -> tuple[Statement, ...]:
        """Training time with the most labels, and that of the trunk before."""
        most = self.shares[-1]
        models = {f"the {way} net": model_name(way, most) for way in WAYS}
        times = {name: time for name, model in models.items() if (time := self.estimate("time_s", model))}
        trunk = self.estimate("time_s", TRUNK)
        if len(times) < len(models) or trunk is None:
            return ()
        parts = listed([f"{name} {time.mean:.1f} s" for name, time in times.items()])
        text = f"Learning {self.task} from {percent(most)} of the labels took {parts}; training the trunk before took "
        return (self._statement(f"{text}{trunk.mean:.1f} s.", *models.values(), TRUNK),)

    # Table and figure ------------------------------------------------------------------------------------------

    def table(self) -> Table:
        columns = (
            Column(key="way", label="Net"),
            Column(key="share", label="Labels"),
            Column(key="images", label="Images"),
            Column(key="epochs", label="Epochs"),
            Column(key="steps", label="Steps"),
            Column(key="test_accuracy", label=self._accuracy(), digits=4),
            Column(key="parameters_learnt", label="Parameters learnt"),
            Column(key="time_s", label="Training time (s)", digits=1),
        )
        return Table(
            id=f"{self.settings.name}-accuracy",
            caption=f"Test accuracy on {self.task} after the last epoch. Times are without the trunk's.",
            columns=columns,
            rows=tuple(self._row(way, share) for share in self.shares for way in WAYS),
        )

    def _accuracy(self) -> str:
        return f"{self.task[:1].upper()}{self.task[1:]} accuracy"

    def _row(self, way: str, share: float) -> tuple[Cell, ...]:
        model = model_name(way, share)
        trial = self.trials[model]
        images, epochs = trial.data.size, trial.epochs
        learnt = next(map(int, self.values("parameters_learnt", model).values()), None)
        accuracy, time_s = (self.estimate(key, model) for key in ("test_accuracy", "time_s"))
        return way, percent(share), images, epochs, steps(trial.fit, images), accuracy, learnt, time_s

    def figures(self) -> tuple[Figure, ...]:
        """Accuracy against the share of the labels; none of a single share."""
        series = tuple(found for way in WAYS if (found := self._series(way)).runs)
        if len(self.shares) < 2 or not series:
            return ()
        ends = "; ".join(
            f"{model} {accuracy.mean:.4f}"
            for share in (self.shares[0], self.shares[-1])
            for way in WAYS
            if (accuracy := self.estimate("test_accuracy", model := model_name(way, share)))
        )
        panel = Lines(
            x_label="labels (% of the training images)", y_label=self._accuracy(), series=series, log_x=True,
            markers=True,
        )  # fmt: skip
        runs = ": the mean over seeds strong, the single runs faint" if self.most_seeds() > 1 else ""
        return (
            Figure(
                id=f"{self.settings.name}-labels",
                caption=f"Test accuracy on {self.task} by the share of the training images that have labels{runs}.",
                alt=f"Test accuracy on {self.task} against the share of the labels, one line per way: {ends}.",
                panels=(panel,),
            ),
        )

    def _series(self, way: str) -> Series:
        values = [self.values("test_accuracy", model_name(way, share)) for share in self.shares]
        seeds = sorted({seed for by_seed in values for seed in by_seed})
        runs = tuple(tuple(by_seed.get(seed, math.nan) for by_seed in values) for seed in seeds)
        return Series(name=way, x=tuple(100 * share for share in self.shares), runs=runs)


def _told_lead(lead: Estimate, other: str) -> str:
    """ "more accurate by 0.0120 than a new one (paired by seed, ...)"."""
    words = compared(lead, "more accurate", "less accurate", "exactly as accurate")
    return f"{words} {'than' if lead.mean else 'as'} {other} {told_pairs(lead)}"


def metrics(settings: Settings) -> dict[str, Metric]:
    """What is measured of every way with every share, and of the trunk."""
    models = tuple(model_name(way, share) for share in settings.shares for way in WAYS)
    says = "share of the test images that the final net classifies right on {}"
    return {
        "test_accuracy": Metric(says.format(*settings.task), models, "higher"),
        **{f"test_accuracy_{task}": Metric(says.format(task), (TRUNK,), "higher") for task in settings.tasks},
        "parameters_learnt": Metric("number of parameters that learn the further task", models, exact=True),
        "time_s": Metric(
            "training time, in seconds, without the trunk's before", (*models, TRUNK), "lower", timing=True
        ),
    }


def measured(settings: Settings, seeds: Sequence[int], records: Mapping[str, Record]) -> Iterator[Measurement]:
    results = Results(settings, trials(settings, seeds), records)
    for key, metric in metrics(settings).items():
        for model in metric.models:
            ids = {seed: (record.id,) for seed, record in results.runs[model].items()}
            yield from measurements(settings.name, key, model, results.values(key, model), ids)
