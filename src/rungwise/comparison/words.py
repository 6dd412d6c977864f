"""A comparison in words: what the terminal and the page say alike."""

import json
import re
from collections.abc import Iterable

from pydantic import JsonValue

from rungwise.comparison.differences import FactDifference, ModelDifference, SettingDifference, Side
from rungwise.comparison.outcome import OUTCOMES, ComparedNumber
from rungwise.comparison.result import Comparison
from rungwise.words import counted, listed

COMMIT = re.compile(r"\b([0-9a-f]{10})[0-9a-f]{30}\b")
MEANINGS = {
    "worse": "got worse beyond noise",
    "better": "got better beyond noise",
    "differs": "differ, and neither way is better",
    "within margin": "got worse, but not certainly by more than the margin",
    "too few seeds": "cannot be judged from one seed",
    "same within noise": "are the same within noise",
    "identical": "are identical",
}


def ordered(rows: Iterable[ComparedNumber]) -> list[ComparedNumber]:
    """The most important first: by outcome, what decides before what doesn't, the surest first."""
    return sorted(
        rows,
        key=lambda row: (
            OUTCOMES.index(row.outcome),
            not row.decides,
            1.0 if row.p_holm is None else row.p_holm,
            1.0 if row.p is None else row.p,
        ),
    )


def headline(comparison: Comparison, base: str) -> str:
    """Whether anything got worse, in a sentence."""
    summary, way = comparison.summary, f"From {base} to {comparison.run}"
    worse = summary.decisive["worse"]
    numbers = f"{counted(summary.decide, 'number')} that {'decides' if summary.decide == 1 else 'decide'}"
    if not summary.decide:
        return f"{way}, no number that decides can be compared."
    if summary.decisive["identical"] == summary.decide:
        return f"{way}, nothing changed in the {numbers}."
    return f"{way}, {worse or 'none'} of the {numbers} got worse beyond noise."


def tally(comparison: Comparison) -> str:
    """How many numbers came to which outcome, times and counts apart."""
    summary = comparison.summary
    told = [f"{count} {MEANINGS[outcome]}" for outcome, count in summary.decisive.items() if count]
    others = [
        f"{count - summary.decisive[outcome]} {MEANINGS[outcome]}"
        for outcome, count in summary.outcomes.items()
        if count > summary.decisive[outcome]
    ]
    parts = [f"Of the {counted(summary.decide, 'number')} that decide, {listed(told)}."] if told else []
    if others:
        parts.append(f"Of the {summary.compared - summary.decide} that don't, {listed(others)}.")
    return " ".join(parts)


def told(row: ComparedNumber) -> str:
    """One number in a sentence."""
    mean = row.difference.mean
    return (
        f"{row.metric} of {row.model} ({row.chapter}) {'fell' if mean < 0 else 'rose'} by {abs(mean):.4g}, from "
        f"{row.base.mean:.4g} to {row.other.mean:.4g} ({basis(row)})"
    )


def basis(row: ComparedNumber) -> str:
    """What the outcome of a number rests on."""
    parts = []
    if row.interval:
        low, high = row.interval
        parts.append(f"95% interval {low:+.4g} to {high:+.4g}, n = {row.difference.n}")
    if row.mcnemar:
        parts.append(
            f"one seed: {counted(row.mcnemar.first_only, 'test image')} only the base's net has right, "
            f"{row.mcnemar.second_only} only the other's"
        )
    if row.p_holm is not None:
        parts.append(f"{row.test}, p = {row.p_holm:.2g} after Holm")
    return "; ".join(parts) or f"n = {row.difference.n}"


def possible_losses(comparison: Comparison) -> list[str]:
    """Per metric that decides: the largest loss that a 95% interval still allows, where none was found."""
    largest: dict[str, tuple[float, ComparedNumber]] = {}
    for row in comparison.rows:
        if row.decides and row.interval and row.outcome != "worse":
            low, high = row.interval
            loss = -low if row.better == "higher" else high
            if loss > largest.get(row.metric, (0.0, row))[0]:
                largest[row.metric] = loss, row
    return [f"{loss:.2g} in {metric} ({row.chapter}, {row.model})" for metric, (loss, row) in largest.items()]


# What differs ---------------------------------------------------------------------------------------------------


def told_value(value: JsonValue) -> str:
    """A setting's value as a study file might have it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def told_setting(setting: SettingDifference) -> tuple[str, str]:
    """The two values; a dash where a run does not have the setting."""
    return (
        "–" if setting.only == "other" else told_value(setting.base),
        "–" if setting.only == "base" else told_value(setting.other),
    )


def told_fact(fact: FactDifference) -> tuple[str, str, str]:
    """Its name and both values; commits shortened as git does, where that still tells them apart."""
    base, other = (COMMIT.sub(r"\1", value) for value in (fact.base, fact.other))
    return (fact.name, base, other) if base != other else (fact.name, fact.base, fact.other)


def told_models(models: Iterable[ModelDifference], side: Side) -> str:
    """The models that one side alone has, by chapter; empty where there are none."""
    chapters: dict[str, list[str]] = {}
    for model in models:
        if model.only == side:
            chapters.setdefault(model.chapter, []).append(model.model)
    return "; ".join(f"{chapter}: {', '.join(names)}" for chapter, names in chapters.items())
