"""The tables of the chapter: accuracies, gains, costs, and what the methods are."""

import math

from rungwise.chapters.by_class import CLASSES_ALIKE, MACRO_F1
from rungwise.chapters.multitask.models import PlannedModel
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.verdicts import paired_tests
from rungwise.chapters.multitask.weights import SINGLE_NETS, short_weights, weights_in_words
from rungwise.chapters.recipes import kept_caption
from rungwise.chapters.sentences import accuracy_title
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Cell, Column, Table


def tables(results: Results) -> tuple[Table, ...]:
    """The accuracies; the others where nets were balanced or shared in more ways than by fixed weights."""
    found = [_accuracy(results)]
    if results.shown != results.tasks and any(counts.uneven for counts in results.counts.values()):
        found.append(_macro_f1(results))
    if results.settings.methods or results.settings.sharing:
        found += [_gains(results), _costs(results)]
    if results.settings.methods:
        found.append(_methods(results))
    return tuple(found)


def _accuracy(results: Results) -> Table:
    tasks, many = results.tasks, results.shown != results.tasks
    uneven = [task for task in tasks if task in results.counts and results.counts[task].uneven]
    alike = [(task, key, label) for task in uneven for key, label in CLASSES_ALIKE.items()] if not many else []
    columns = (
        Column(key="model", label="Model"),
        Column(key="weights", label="λ" if len(tasks) == 2 else "Weights"),
        *((Column(key="mean_accuracy", label="Mean accuracy of the tasks", digits=4),) if many else ()),
        *(Column(key=f"{task}_accuracy", label=accuracy_title(task), digits=4) for task in tasks),
        *(Column(key=f"{key}_{task}", label=f"{label}, {task}", digits=4) for task, key, label in alike),
        Column(key="parameters", label="Parameters"),
        Column(key="time_s", label="Training time (s)", digits=1),
    )
    rows = [_together(results), *_majority(results)] if many else []
    for model in results.models.values():
        if many and model.role == "single":
            continue
        own = (model.task,) if model.role == "single" else tasks
        accuracies = [_mean(results, f"test_accuracy_{t}", model.name) if t in own else None for t in tasks]
        accuracies += [_mean(results, f"{key}_{t}", model.name) if t in own else None for t, key, _ in alike]
        mean = [_mean(results, "mean_test_accuracy", model.name)] if many else []
        weights = short_weights(model.weights, results.tasks)
        names = ("multi", weights) if model.role == "fixed" else (model.name, None)
        rows.append((*names, *mean, *accuracies, *_size_and_time(results, model.name)))
    how = "the multi-task net at each weight"
    how += ", at each way to balance the tasks" if results.settings.methods else ""
    how += ", and other ways to share" if results.settings.sharing else ""
    caption = f"Single-task nets and {how}: test accuracy {kept_caption(results.settings.fit)}."
    if not many:
        caption += "".join(f" {counts.always(task)}" for task, counts in results.counts.items())
    return Table(id=f"{results.settings.name}-accuracy", caption=caption, columns=columns, rows=tuple(rows))


def _together(results: Results) -> tuple[Cell, ...]:
    """All single-task nets in one row, where a row for each would leave most of the table empty."""
    accuracies = [_mean(results, f"test_accuracy_{task}", name) for task, name in results.single.items()]
    mean = _mean(results, "mean_test_accuracy", SINGLE_NETS)
    return SINGLE_NETS, None, mean, *accuracies, *_size_and_time(results, SINGLE_NETS)


def _majority(results: Results) -> list[tuple[Cell, ...]]:
    """What always answering each task's most frequent class would get; nothing where that is not known."""
    if set(results.counts) != set(results.tasks):
        return []
    shares = [results.counts[task].share for task in results.tasks]
    return [("most frequent class, always", None, math.fsum(shares) / len(shares), *shares, None, None)]


def _macro_f1(results: Results) -> Table:
    """Of many tasks, the macro F1 of those whose classes are uneven."""
    uneven = [task for task in results.tasks if task in results.counts and results.counts[task].uneven]
    rows = [(SINGLE_NETS, *(_mean(results, f"{MACRO_F1}_{task}", results.single[task]) for task in uneven))]
    for model in results.models.values():
        if model.role != "single":
            own = (_mean(results, f"{MACRO_F1}_{task}", model.name) for task in uneven)
            rows.append((model.name, *own))
    return Table(
        id=f"{results.settings.name}-macro-f1",
        caption="Macro F1 on the tasks whose classes are uneven: each class counts the same.",
        columns=(Column(key="model", label="Model"), *(Column(key=task, label=task, digits=4) for task in uneven)),
        rows=tuple(rows),
    )


def _size_and_time(results: Results, model: str) -> tuple[Cell, Cell]:
    size = next((int(v) for v in results.values("parameters", model).values()), None)
    return size, _mean(results, "time_s", model)


def _gains(results: Results) -> Table:
    tuned = results.tuned
    on = weights_in_words(tuned.weights, results.tasks) if tuned else "the tuned weights"
    family = paired_tests(results, results.of("adaptive"), tuned) if tuned else []
    ps = {test.model.name: test.p for test in family}
    rows: list[tuple[Cell, ...]] = [
        (
            m.name,
            results.gain_estimate(m.name, SINGLE_NETS),
            results.gain_estimate(m.name, tuned.name) if tuned and m is not tuned else None,
            ps.get(m.name),
        )
        for m in _compared(results)
    ]
    return Table(
        id=f"{results.settings.name}-gains",
        caption=(
            f"Gains in test accuracy in percent, averaged over the tasks and paired by seed: on the single-task nets, "
            f"and on the tuned weights ({on}); p of the paired t-test, adjusted after Holm over the adaptive methods."
        ),
        columns=(
            Column(key="model", label="Model"),
            Column(key="gain_on_single", label="Gain on single-task (%)", digits=2),
            Column(key="gain_on_tuned", label="Gain on tuned (%)", digits=2),
            Column(key="p_holm", label="Adjusted p", digits=3),
        ),
        rows=tuple(rows),
    )


def _costs(results: Results) -> Table:
    keys = ("step_ms", "step_time_ratio", "step_memory_mb", "memory_ratio")
    rows: list[tuple[Cell, ...]] = []
    for m in _compared(results):
        shares = results.dominance_shares(m.name)
        rows.append((m.name, *(_mean(results, key, m.name) for key in keys), *(shares.get(t) for t in results.tasks)))
    return Table(
        id=f"{results.settings.name}-cost",
        caption=(
            "What a training step costs, also in times of plain training (the mean over the fixed weights): its time, "
            "and the most memory that tensors take in it, the net's own left out. And each task's share of the sum of "
            "all tasks' AU after the last epoch."
        ),
        columns=(
            Column(key="model", label="Model"),
            Column(key="step_ms", label="Step (ms)", digits=1),
            Column(key="step_time_ratio", label="Time (× plain)", digits=2),
            Column(key="step_memory_mb", label="Memory (MB)", digits=1),
            Column(key="memory_ratio", label="Memory (× plain)", digits=2),
            *(Column(key=f"dominance_share_{task}", label=f"AU of {task} (share)", digits=2) for task in results.tasks),
        ),
        rows=tuple(rows),
    )


def _methods(results: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, balance in results.settings.methods.items():
        own = balance.model_dump(exclude_defaults=True)
        chosen = ", ".join(f"{key} = {value}" for key, value in own.items())
        says = f"{balance.says} Set here: {chosen}." if chosen else balance.says
        last = [results.measures.of(results.last_weights(name, task)) for task in results.tasks]
        rows.append((name, says, balance.source, *last))
    return Table(
        id=f"{results.settings.name}-methods",
        caption="The ways to balance the tasks, and the weights that they gave, mean over the last epoch.",
        columns=(
            Column(key="method", label="Method"),
            Column(key="says", label="What it does"),
            Column(key="source", label="Source"),
            *(Column(key=f"weight_{task}", label=f"Weight of {task}", digits=3) for task in results.tasks),
        ),
        rows=tuple(rows),
    )


def _mean(results: Results, key: str, model: str) -> Estimate | None:
    return results.estimate(key, model)


def _compared(results: Results) -> list[PlannedModel]:
    """The tuned and the equal weights, then all that is compared to them."""
    own = {m.name: m for m in (results.tuned, results.equal) if m}
    return [*own.values(), *(m for m in results.models.values() if m.role in ("adaptive", "sharing"))]
