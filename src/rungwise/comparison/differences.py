"""What differs between two runs apart from their numbers: settings, models, machine and data."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import JsonValue

from rungwise.evidence.measure import Metric
from rungwise.records.record import CHOICES, Record
from rungwise.settings import PlainData
from rungwise.study.study import Study

Side = Literal["base", "other"]


class SettingDifference(PlainData):
    """One setting of the resolved studies that is not the same."""

    path: str
    """As "mlps.fit.epochs": the chapter's name first."""
    base: JsonValue = None
    other: JsonValue = None
    only: Side | None = None
    """The run that has it, where one has not; null is a value like others."""


class ModelDifference(PlainData):
    """A model that only one of the studies has."""

    chapter: str
    model: str
    only: Side


class FactDifference(PlainData):
    """One fact of where and with what the trials ran; where trials differ, all that occurred."""

    name: str
    base: str
    other: str


class DataDifference(PlainData):
    """A chapter whose numbers rest on other files: the same seed then means other images."""

    chapter: str
    files: tuple[str, ...]


# Settings -------------------------------------------------------------------------------------------------------


def settings(base: Study, other: Study) -> tuple[SettingDifference, ...]:
    """Every setting of the two studies that differs, chapters matched by name; a part that one lacks is told whole."""
    return tuple(_unequal("", _tree(base), _tree(other)))


def _tree(study: Study) -> dict[str, Any]:
    """The resolved study by path, chapters under their names.

    A chapter that another one has taken in, as the MLPs that CNNs are compared with, is told in its own place only.
    """
    tree = study.model_dump(mode="json", by_alias=True)
    chapters = tree.pop("chapter")
    for chapter in chapters:
        for key, value in chapter.items():
            if isinstance(value, dict) and "kind" in value and value in chapters:
                chapter[key] = f"the chapter {value['name']}"
    return tree | {chapter["name"]: chapter for chapter in chapters}


def _unequal(path: str, base: Any, other: Any) -> Iterator[SettingDifference]:
    a, b = _by_id(base), _by_id(other)
    if not (isinstance(a, dict) and isinstance(b, dict)):
        if a != b:
            yield SettingDifference(path=path, base=a, other=b)
        return
    for key in dict.fromkeys((*a, *b)):
        inner = f"{path}.{key}" if path else key
        if key not in b:
            yield SettingDifference(path=inner, base=_whole(a[key]), only="base")
        elif key not in a:
            yield SettingDifference(path=inner, other=_whole(b[key]), only="other")
        else:
            yield from _unequal(inner, a[key], b[key])


def _whole(value: Any) -> Any:
    """A part that only one study has: of a chapter, its kind says enough."""
    return f"a chapter of kind {value['kind']}" if isinstance(value, dict) and "kind" in value else value


def _by_id(value: Any) -> Any:
    """A list of tables with ids, as claims, by their ids; anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(part, dict) and "id" in part for part in value):
        return {part["id"]: part for part in value}
    return value


# Models, machine, data ------------------------------------------------------------------------------------------


def models(
    base: Mapping[str, Mapping[str, Metric]], other: Mapping[str, Mapping[str, Metric]]
) -> tuple[ModelDifference, ...]:
    """The models that only one study has, of the chapters that both have. Metrics by chapter and name."""
    found = []
    for chapter in base:
        if chapter in other:
            ours, theirs = _models(base[chapter].values()), _models(other[chapter].values())
            found += [ModelDifference(chapter=chapter, model=name, only="base") for name in ours if name not in theirs]
            found += [ModelDifference(chapter=chapter, model=name, only="other") for name in theirs if name not in ours]
    return tuple(found)


def _models(metrics: Iterable[Metric]) -> dict[str, None]:
    return dict.fromkeys(name for metric in metrics for name in metric.models)


def facts(records: Iterable[Record]) -> dict[str, str]:
    """What the trials ran with, by name; where they differ, all that occurred."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        environment = record.environment
        each = {
            "rungwise": environment.rungwise,
            "commit": environment.commit or "none: an installed copy",
            "python": environment.python,
            **environment.libraries,
            "processor": environment.processor,
            "device": environment.hardware,
            "threads per trial": str(environment.threads),
        }
        each |= {name: record.choices[key] for key, name in CHOICES.items() if key in record.choices}
        for name, value in each.items():
            found.setdefault(name, {})[value] = None
    return {name: "; ".join(sorted(values)) for name, values in found.items()}


def machines(base: Mapping[str, str], other: Mapping[str, str]) -> tuple[FactDifference, ...]:
    """The `facts` that differ."""
    names = dict.fromkeys((*base, *other))
    both = (FactDifference(name=name, base=base.get(name, "none"), other=other.get(name, "none")) for name in names)
    return tuple(fact for fact in both if fact.base != fact.other)


def data(base: Mapping[str, Iterable[Record]], other: Mapping[str, Iterable[Record]]) -> tuple[DataDifference, ...]:
    """The chapters whose files differ. Records by chapter."""
    found = []
    for chapter in base:
        ours, theirs = _digests(base[chapter]), _digests(other.get(chapter, ()))
        files = [name for name in dict.fromkeys((*ours, *theirs)) if ours.get(name) != theirs.get(name)]
        if ours and theirs and files:
            found.append(DataDifference(chapter=chapter, files=tuple(files)))
    return tuple(found)


def _digests(records: Iterable[Record]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record in records:
        for name, digest in record.data_sha256.items():
            found.setdefault(name, set()).add(digest)
    return found
