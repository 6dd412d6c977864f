"""A study asked of other data: what can be asked of it stays, and what cannot is left out with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rungwise.chapters import load_chapter
from rungwise.chapters.chapter import ChapterSettings
from rungwise.data.load import load
from rungwise.data.reading import Reading
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.insight.centroids import confusion_by_centroids, hardest_pairs
from rungwise.study.checks import study_faults
from rungwise.study.faults import validate
from rungwise.study.lines import SettingPath
from rungwise.study.reading import parse_study, preset_names
from rungwise.study.study import Study, StudyError
from rungwise.study.toml import written
from rungwise.words import some_of

AUDIT = "audit"
"""The kind of chapter that looks at own images before nets do."""
PAIRS = 5
"""Of classes, for the perceptrons."""
ASIDE = 0.2
"""Of the training images, the most that are set aside where a study wants more than there are."""


@dataclass(frozen=True)
class Adapted:
    """A study for other data."""

    study: Study
    text: str
    """As TOML to be read and edited, with what was left out and why as comments."""
    left_out: tuple[str, ...]


def adapt(study: Study, name: str, data: Data, base: Path | None = None) -> Adapted:
    """A study with all its chapters on that data.

    `name`: what the study is called, as "quick"; `base`: the folder in which the text will be, so that it can name the
    data by a relative path. Raises StudyError where nothing of the study can be asked of the data.
    """
    raw = study.model_dump(mode="json", by_alias=True, exclude_unset=True)
    work = _Adaptation(data, base, preset=name in preset_names())
    chapters = [each for chapter in raw["chapter"] if (each := work.chapter(chapter)) is not None]
    if not chapters:
        raise StudyError(f"nothing of {name} can be asked of {data.facts.name}: {'; '.join(work.left_out)}")
    if data.own and not any(chapter["kind"] == AUDIT for chapter in chapters):
        chapters.insert(0, work.audit(chapters[0]["data"]))
    raw = {"title": _title(study, name, data), **{key: raw[key] for key in raw if key != "title"}, "chapter": chapters}
    work.drop_claims(raw)
    text = written(raw, _heading(name, data, work.left_out))
    return Adapted(parse_study(text, f"{name} for {data.facts.name}", work.reading), text, tuple(work.left_out))


class _Adaptation:
    """One study's way to other data, and what was left out on it."""

    def __init__(self, data: Data, base: Path | None, preset: bool) -> None:
        """`preset`: whether claims are about the study's own data unless they say that they are general."""
        self.data, self.preset, self.left_out = data, preset, list[str]()
        known = {data.key: data.facts} if data.own else {}
        self.reading = Reading(base=base or Path(), known=known)
        self.written = data.model_dump(mode="json", exclude_unset=True)
        if data.own and base is not None:
            self.written["source"] = _relative(Path(data.source), base)
        self._pairs: list[tuple[str, str]] = []

    def chapter(self, raw: dict[str, Any]) -> dict[str, Any] | None:
        """The chapter on the data; None where it cannot be asked of it."""
        name = raw.get("name") or raw["kind"]
        if raw.get("name") == raw["kind"]:
            raw = {key: value for key, value in raw.items() if key != "name"}
        try:
            kind = load_chapter(raw["kind"]).Settings
            given = {**self._weighted(raw, name), "data": self._data(raw["data"])}
            raw = kind.for_data(given, self.data, self._hardest)
        except ValueError as error:
            settings: ChapterSettings | str = str(error)
        else:
            settings = self._read(raw)
            settings = settings if isinstance(settings, str) else settings.unfit or settings
        if isinstance(settings, str):
            self.left_out.append(f"the chapter {name!r}: {settings}")
            return None
        self.left_out += [f"{what} of the chapter {name!r}: {why}" for what, why in kind.left_out_for(given, self.data)]
        return self._fitting(raw, settings, name)

    def audit(self, raw: dict[str, Any]) -> dict[str, Any]:
        """A chapter that looks at all images of a chapter's data, split as they are there."""
        return load_chapter(AUDIT).Settings.for_data({"kind": AUDIT, "data": raw}, self.data, self._hardest)

    def _data(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The data's own settings, and how many images a chapter takes of it: never more than there are."""
        facts, kept = self.data.facts, {key: raw[key] for key in ("turned", "labels") if key in raw}
        available, aside, train = facts.train_images, raw.get("validation_images"), raw.get("train_images")
        if aside is not None and not facts.validation_images:
            aside = min(aside, max(1, int(ASIDE * available)))
            available -= aside
            kept["validation_images"] = aside
        if train is not None and train < available:
            kept["train_images"] = train
        return {**self.written, **kept}

    def _weighted(self, raw: dict[str, Any], name: str) -> dict[str, Any]:
        """The chapter with the weights of those classes that the data has."""
        fit = raw.get("fit")
        wanted = fit.get("class_weights") if isinstance(fit, dict) else None
        if not isinstance(wanted, dict):
            return raw
        columns = self.data.columns.values() if "tasks" in raw else ()
        known = {*self.data.classes, *(value for values in columns for value in values)}
        if gone := [each for each in wanted if each not in known]:
            self.left_out.append(
                f"class_weights of {some_of(gone)} in the chapter {name!r}: {self.data.facts.name} has no such class"
            )
        kept = {each: weight for each, weight in wanted.items() if each in known}
        return {**raw, "fit": {**raw["fit"], "class_weights": kept or None}}

    def _hardest(self) -> list[tuple[str, str]]:
        """Pairs of classes that are hardest to tell apart, by name."""
        if not self._pairs:
            part, names = split(load(self.data), self.data, 0).train, self.data.classes
            counts = confusion_by_centroids(part.images, part.labels, len(names))
            self._pairs = [(names[a], names[b]) for a, b in hardest_pairs(counts, PAIRS)]
        return self._pairs

    def _read(self, raw: dict[str, Any]) -> ChapterSettings | str:
        """The chapter's settings, or why they do not go with the data."""
        faults: list[tuple[SettingPath, str]] = []
        settings = validate(load_chapter(raw["kind"]).Settings, raw, (), faults, self.reading)
        return settings if settings is not None else faults[0][1]

    def _fitting(self, raw: dict[str, Any], settings: ChapterSettings, name: str) -> dict[str, Any] | None:
        """The chapter without the nets that can do nothing with images of that size."""
        image = self.data.facts.image
        for key in ("nets", "sharing"):
            nets = getattr(settings, key, None) or {}
            faults = {net: why for net, one in nets.items() if (why := one.fault_on(image))}
            for net, why in faults.items():
                self.left_out.append(f"{net} of the chapter {name!r}: {why}")
            if faults:
                raw[key] = {net: one for net, one in raw[key].items() if net not in faults}
        net = getattr(settings, "net", None)
        if net is not None and (why := net.fault_on(image)):
            self.left_out.append(f"the chapter {name!r}: {why}")
            return None
        if "nets" in raw and not raw["nets"]:
            self.left_out.append(f"the chapter {name!r}: none of its nets fits the images")
            return None
        return raw

    def drop_claims(self, raw: dict[str, Any]) -> None:
        """Leave out the claims on the study's own data, and those on what is not there any more."""
        for chapter in raw["chapter"]:
            general = [claim for claim in chapter.get("claim", ()) if claim.get("general") or not self.preset]
            for claim in chapter.pop("claim", ()):
                if claim not in general:
                    self.left_out.append(f"the claim {claim['id']!r}: it is about the study's own data or nets")
            if general:
                chapter["claim"] = general
        while faults := self._claim_faults(raw):
            (_, number, _, claim, *_), says = faults[0]
            gone = raw["chapter"][number]["claim"].pop(claim)
            self.left_out.append(f"the claim {gone['id']!r}: {says}")

    def _claim_faults(self, raw: dict[str, Any]) -> list[tuple[SettingPath, str]]:
        read = [self._read(chapter) for chapter in raw["chapter"]]
        chapters = tuple(chapter for chapter in read if not isinstance(chapter, str))
        study = Study(title="-", chapter=tuple(chapter.beside(chapters) for chapter in chapters))
        return [fault for fault in study_faults(study) if "claim" in fault[0]]


def _title(study: Study, name: str, data: Data) -> str:
    return f"{data.facts.name}: the {name} study" if name in preset_names() else f"{data.facts.name}: {study.title}"


def _heading(name: str, data: Data, left_out: list[str]) -> list[str]:
    facts = data.facts
    channels, height, width = facts.image
    colours = {1: "grey", 3: "in colour"}.get(channels, f"{channels} channels")
    lines = [
        f"The study {name!r} for {facts.name}: {len(facts.classes):,} classes, {facts.train_images:,} training and "
        f"{facts.test_images:,} test images of {height} x {width} pixels, {colours}.",
    ]
    if left_out:
        lines += ["Left out:", *(f"- {' '.join(why.split())}" for why in left_out)]
    return lines


def _relative(path: Path, base: Path) -> str:
    """The path as a study in a folder names it: relative where it lies in the folder, else as it is."""
    try:
        return f"./{path.relative_to(base.absolute()).as_posix()}"
    except ValueError:
        return str(path)
