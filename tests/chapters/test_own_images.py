"""Every chapter on images in colour, of other sizes, and with other numbers of classes: what chapters are held to."""

import itertools

import pytest
import torch

from rungwise.chapters import load_chapter
from rungwise.study.reading import parse_study
from rungwise.testing.chapters import CHECKS, ChapterCase, carried_out
from tests.material.made import made, make_known

SOURCES = {
    "two classes in colour, oblong, of odd sides": made(
        (3, 9, 13), ("healthy leaf", "leaf with rust"), train_images=60
    ),
    "21 classes in grey, small": made((1, 8, 8), 21, train_images=84),
    "60 classes in colour, upright": made((3, 16, 12), 60, train_images=180),
}
STUDY = """
title = "Own images"
[[chapter]]
kind = "projection"
{data}
[[chapter]]
kind = "perceptrons"
{data}
pairs = [[1, 0]]
iterations = 10
[[chapter]]
kind = "mlps"
{data}
fit = {{ epochs = 1 }}
nets = {{ M = {{ hidden = [6] }} }}
[[chapter]]
kind = "capacity"
{data}
fit = {{ epochs = 2, stop_loss = 0.1 }}
widths = [4, 8]
[[chapter]]
kind = "cnns"
{data}
fit = {{ epochs = 1 }}
nets = {{ K = {{ filters = [2, 3] }}, P = {{ filters = [3, 2, 2], halving = "pool" }}, R = {{ stem = 2, filters = [3], blocks = [1] }} }}
[[chapter]]
kind = "seeing"
{data}
fit = {{ epochs = 1 }}
net = {{ filters = [2, 3] }}
classes = [1, 0]
dream = {{ steps = 2 }}
[[chapter]]
kind = "multitask"
{data}
fit = {{ epochs = 1 }}
net = {{ filters = [2], shared = [4] }}
weights = [0.5]
tasks = {{ item = "labels", half = {half} }}
[[chapter]]
kind = "transfer"
{data}
fit = {{ epochs = 1 }}
net = {{ family = "compact", filters = [2] }}
weights = 0.5
tasks = {{ item = "labels", half = {half} }}
task = {{ parity = {parity} }}
shares = [1.0]
"""  # noqa: E501
ALONE = ("projection", "perceptrons", "mlps", "capacity", "cnns", "seeing")
"""Chapters that two classes are enough for: more than one task of them would be the same task."""


def study_of(source):
    """Of every chapter that the source has enough classes for."""
    classes = range(len(source.facts.classes))
    half, parity = (
        f"{{ a = {[k for k in classes if part(k)]}, b = {[k for k in classes if not part(k)]} }}"
        for part in (lambda k: 2 * k < len(classes), lambda k: k % 2)
    )
    text = STUDY.format(data='data = { source = "made" }', half=half, parity=parity)
    return parse_study(text if len(classes) > 2 else text.split('[[chapter]]\nkind = "multitask"')[0], "own.toml")


@pytest.fixture(scope="module", params=SOURCES.values(), ids=SOURCES.keys())
def cases(request):
    """By the kinds of the chapters; the records are of one seed more than the chapter has, as judges need."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        make_known(patch, request.param)
        patch.setattr("rungwise.insight.projection.NEAREST_PAIRS", 100)  # a hundredth of a second each
        study = study_of(request.param)
        trials = [t for c in study.chapters for t in load_chapter(c.kind).trials(c, (0, 1))]
        records = carried_out(trials)
        yield {chapter.kind: ChapterCase(chapter, (0, 1), records) for chapter in study.chapters}


@pytest.mark.parametrize("kind", [*ALONE, "multitask", "transfer"])
def test_a_chapter_is_what_chapters_must_be(cases, kind):
    if kind not in cases:
        pytest.skip("two classes are one task")
    for check in CHECKS:
        check(cases[kind])


@pytest.mark.parametrize("kind", ALONE)
def test_what_is_drawn_is_told_by_the_names_of_the_classes(cases, kind):
    """And by the name of the data set, not by where it lies."""
    case = cases[kind]
    found = case.findings(case.records)
    assert any(f" of {case.settings.data.facts.name}" in paragraph for paragraph in found.method)
    edges = [panel for figure in found.figures for panel in figure.panels if panel.kind == "heatmap"]
    for panel in edges:
        assert set(panel.rows) == set(panel.columns) <= set(case.settings.data.classes)
        assert len(panel.rows) <= 20


def test_pictures_are_in_the_colours_of_the_images(cases):
    channels, height, width = cases["mlps"].settings.data.facts.image
    size = (height, width, 3) if channels == 3 else (height, width)
    found = {kind: case.findings(case.records) for kind, case in cases.items()}
    pictures = {
        figure.id: [tile.pixels.shape for panel in figure.panels if panel.kind == "images" for tile in panel.tiles]
        for figure in itertools.chain.from_iterable(each.figures for each in found.values())
    }
    whole = ("projection-components", "perceptrons-samples", "perceptrons-weights", "mlps-wrong", "cnns-wrong")
    for name in (*whole, "seeing-dreams-noise", "seeing-dreams-image"):
        assert set(pictures.get(name, [size])) == {size}, name
    assert pictures["seeing-maps-1"][0] == size
    assert pictures["seeing-filters"][:2] == [(4, 4, 3) if channels == 3 else (4, 4)] * 2
