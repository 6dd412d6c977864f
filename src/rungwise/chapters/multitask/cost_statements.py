"""The sentences of the chapter on parameters, time and memory, and on which task dominates."""

from collections.abc import Sequence

from rungwise.chapters.multitask.results import Results
from rungwise.findings import Statement


def cost_statements(results: Results) -> tuple[Statement, ...]:
    return (*_savings(results), *_costs(results), *_dominance(results))


def _savings(results: Results) -> tuple[Statement, ...]:
    """Parameters and training time of one net with fixed weights against one net per task."""
    fixed, single = results.of("fixed"), [*results.single.values()]
    if not fixed or not all(results.runs[name] for name in single):
        return ()

    def mean(key: str, names: Sequence[str]) -> float:
        values = [value for name in names for value in results.values(key, name).values()]
        return sum(values) / len(values)

    ours = {key: mean(key, [m.name for m in fixed]) for key in ("parameters", "time_s")}
    theirs = {key: sum(mean(key, [name]) for name in single) for key in ours}
    smaller = _change(ours["parameters"], theirs["parameters"], "fewer")
    faster = _change(ours["time_s"], theirs["time_s"], "less")
    text = (
        f"One multi-task net has {ours['parameters']:,.0f} parameters, against {theirs['parameters']:,.0f} for "
        f"{len(results.tasks)} single-task nets together{smaller}; it trains in {ours['time_s']:.1f} s, on average "
        f"over the weights, against {theirs['time_s']:.1f} s{faster}."
    )
    return (Statement(text=text, trials=results.record_ids(*single, *(m.name for m in fixed))),)


def _change(value: float, reference: float, less: str) -> str:
    """ ", 42.8% fewer", or nothing where there is no change that one could see."""
    change = value / reference - 1 if reference else 0.0
    return f", {abs(change):.1%} {less if change < 0 else 'more'}" if abs(change) >= 0.0005 else ""


def _costs(results: Results) -> tuple[Statement, ...]:
    """What a step of the adaptive methods takes, in times of plain training."""
    adaptive, parts = results.of("adaptive"), []
    for key, what in (("step_time_ratio", "time"), ("memory_ratio", "memory")):
        ratios = {m.name: e.mean for m in adaptive if (e := results.estimate(key, m.name))}
        if len(ratios) > 1:
            least, most = (pick(ratios, key=ratios.__getitem__) for pick in (min, max))
            ends = f"between {ratios[least]:.2f} ({least}) and {ratios[most]:.2f} ({most})"
            parts.append(f"{ends} times the {what} of fixed weights")
    if not parts:
        return ()
    text = f"A training step of the adaptive methods takes {' and '.join(parts)}."
    return (Statement(text=text, trials=results.record_ids(*(m.name for m in adaptive + results.of("fixed")))),)


def _dominance(results: Results) -> tuple[Statement, ...]:
    """Which task moves the shared parameters most: at equal weights, and where it is most and least so."""
    task, equal, adaptive = results.tasks[0], results.equal, results.of("adaptive")
    shares = {m.name: found[task].mean for m in adaptive if (found := results.dominance_shares(m.name))}
    known = results.dominance_shares(equal.name) if equal else {}
    if equal is None or not known or len(shares) < 2:
        return ()
    least, most = (pick(shares, key=shares.__getitem__) for pick in (min, max))
    text = (
        f"At equal weights, {task} has {known[task].mean:.0%} of the sum of all tasks' AU after the last epoch; of the "
        f"adaptive methods, {least} gives it the least, {shares[least]:.0%}, and {most} the most, {shares[most]:.0%}."
    )
    return (Statement(text=text, trials=results.record_ids(equal.name, *(m.name for m in adaptive))),)
