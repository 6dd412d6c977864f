"""The chapters of several tasks asked of other data: its class and its columns are the tasks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rungwise.balancing import read_balancer
from rungwise.data.settings import TURN, Data
from rungwise.models.families import FAMILIES
from rungwise.settings import LONGEST_NAME
from rungwise.words import listed, some_of

MOST_ASKED = 16
"""Tasks that are asked of other data unless the study is edited: each costs a net of its own, and a head in the others.
"""
MOST_APART = 8
"""Tasks up to which methods that take a backward pass for each are tried, and nets that have a column for each."""
MOST_FAVOURED = 6
"""Tasks that get half of the loss in one of the weights to try: each costs a run for each seed."""
FAVOUR = 0.5
PAIRS = (0.25, 0.5, 0.75)
"""Weights of the first of two tasks, where the study's own are for more."""
MOST_NAMED = 5
"""Tasks that a title names."""
NUMBERS = "two|three|four|five|six|seven|eight"

Raw = dict[str, Any]


def tasks_for(data: Data, given: Mapping[str, Any], needed: int) -> dict[str, str]:
    """The class and the columns of the data, as tasks, with quarter turns last where the chapter's `data`, which is
    `given`, asks for them. Raises ValueError where there are too few columns."""
    columns = _columns(data, given)
    if len(columns) < needed:
        labels = "another label" if needed == 1 else f"{needed} other labels"
        has = f"has {len(columns)}" if columns else "has none"
        raise ValueError(f"it needs {labels} of each image beside the class, and the data {has}")
    names = [_class_name(data, columns), *map(_task_name, columns)]
    rules = ["labels", *columns]
    kept = [*range(len(columns) + 1)]
    if len(kept) > MOST_ASKED:  # quarter turns, which a study asks for, stay
        kept = [*kept[: MOST_ASKED - 1], kept[-1] if given.get("turned") else kept[MOST_ASKED - 1]]
    return {names[place]: rules[place] for place in kept}


def _columns(data: Data, given: Mapping[str, Any]) -> list[str]:
    return [*(name for name in data.facts.columns if name != TURN), *([TURN] if given.get("turned") else ())]


def _class_name(data: Data, columns: list[str]) -> str:
    taken = {_task_name(column) for column in columns}
    own = [_task_name(data.facts.label)] if data.facts.label else []
    return next(name for name in (*own, "class", "label", "labels", "the class") if name not in taken)


def _task_name(column: str) -> str:
    """A column's name as tasks may be called."""
    plain = re.sub(r"\s+", " ", column.replace("/", "-")).strip()
    plain = "".join(character for character in plain if character.isprintable())
    cut = plain.encode()[:LONGEST_NAME].decode(errors="ignore").strip()
    return f"column {cut}" if cut in ("", "all") else cut


def left_columns(data: Data, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The columns that `tasks_for` leaves out, and why."""
    columns = _columns(data, given)
    if len(columns) + 1 > MOST_ASKED:
        asked = set(tasks_for(data, given, 1).values())
        left = [column for column in columns if column not in asked]
        yield some_of(left), f"a study asks {MOST_ASKED} tasks at once unless it is edited"


def weights_for(weights: Sequence[Sequence[float]], tasks: Sequence[str]) -> list[Any]:
    """The weights to try for those tasks, as a study writes them: its own where they are for as many; else equal ones,
    and half of the loss for each of the first tasks in turn."""
    if all(len(each) == len(tasks) for each in weights):
        return list(map(list, weights))
    if len(tasks) == 2:
        return list(PAIRS)
    return ["equal", *({task: FAVOUR} for task in tasks[:MOST_FAVOURED])]


def left_methods(raw: Raw, tasks: int) -> Iterator[tuple[str, str]]:
    """The methods of a chapter that do not go with that many tasks, and why."""
    for name, table in raw.get("methods", {}).items():
        balance = read_balancer(table)
        _, backward = balance.passes(tasks)
        if fault := balance.fault(raw["fit"].get("optimiser", "adam"), tasks):
            yield name, fault
        elif backward >= tasks > MOST_APART:
            yield name, f"a step takes {backward} backward passes"


def left_sharing(raw: Raw, tasks: int) -> Iterator[tuple[str, str]]:
    """The other ways to share of a chapter that do not go with that many tasks, and why."""
    for name, table in raw.get("sharing", {}).items():
        if tasks > MOST_APART and "trunk" not in FAMILIES.find(table.get("family", "shared")).roles:
            yield name, f"each of {tasks} tasks has a column of its own"


def grouped(left: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The same, with all names that have one reason in one entry."""
    by_reason: dict[str, list[str]] = {}
    for name, why in left:
        by_reason.setdefault(why, []).append(name)
    yield from ((listed(names), why) for why, names in by_reason.items())


def without(raw: Raw, key: str, left: Iterator[tuple[str, str]]) -> Raw:
    """The chapter without those methods, or ways to share."""
    gone = {name for name, _ in left}
    return {**raw, key: {name: one for name, one in raw[key].items() if name not in gone}} if gone else raw


def renamed(raw: Raw, tasks: Mapping[str, str], title: str) -> Raw:
    """The chapter with a title for those tasks, and a name that does not say another number of them."""
    changed = dict(raw)
    if "title" in raw:
        changed["title"] = title
    if re.fullmatch(f"({NUMBERS})-tasks", raw.get("name", "")):
        changed["name"] = f"{len(tasks)}-tasks"
    return changed
