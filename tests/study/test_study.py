"""Studies: what is read from a file, what is told of a mistake in it, and which trials it calls for."""

import csv
import json
import os
import re
from pathlib import Path

import pytest

from rungwise.chapters import chapter_kinds, load_chapter
from rungwise.chapters.mlps.settings import Settings as MlpsSettings
from rungwise.cli import options
from rungwise.data.own.preparation import Preparation
from rungwise.data.settings import Data
from rungwise.errors import UserError
from rungwise.models.mlp import MlpSettings
from rungwise.study.plan import plan
from rungwise.study.reading import parse_study, preset_names, read_study
from rungwise.study.study import Study, StudyError, study_trials
from rungwise.training.augment import Augmentation
from rungwise.training.pruning import Pruning
from rungwise.training.settings import Fit, Recipe

PRESETS = sorted(path.stem for path in (Path(__file__).parents[2] / "src/rungwise/studies").glob("*.toml"))
WHOLE = ("quick", "reference")
"""The presets that climb the whole ladder of the reference study."""
LADDER = ["projection", "perceptrons", "mlps", "cnns", "seeing", "multitask"]
REFERENCE = Path(__file__).parents[1] / "reference"

TEXT = """\
title = "A study"  # seeds = three
seeds = 2

[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 500 }
fit = { epochs = 3, batch = 32, rate = 1e-3 }
[chapter.nets]
A = { hidden = [20] }
B = { hidden = [20, 20] }
"C.1" = { hidden = [
  30,  # hidden = 40
  30,
] }

[[chapter]]
kind = "cnns"
data.source = "digits"
[chapter.fit]
epochs = 2
rate = 2e-3
[chapter.nets.A]
filters = [2, 3]
[chapter.nets.B]
filters = [3]

[[chapter]]
kind = "multitask"
data = { source = "digits" }
fit = { epochs = 1 }
net = { filters = [2], kernel = 3 }
weights = [
  0,
  0.5,
]
[chapter.tasks]
item = "labels"
loops = { none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }
"""
"""Every way of writing that TOML has for tables, and words in comments that must not lead astray."""


def study(text=TEXT):
    return parse_study(text, "study.toml")


# Reading -------------------------------------------------------------------------------------------------------


def test_presets_are_listed():
    assert preset_names() == PRESETS
    assert sorted(options.PRESETS.split(", ")) == PRESETS, "in --help"
    assert set(WHOLE) < set(PRESETS)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_presets_have_all_chapters_of_the_ladder(name):
    assert list(dict.fromkeys(chapter.kind for chapter in read_study(name).chapters)) == LADDER


def test_every_kind_of_chapter_is_in_a_preset():
    """But the audit, which a preset gets where it is asked of own images."""
    kinds = {chapter.kind for name in PRESETS for chapter in read_study(name).chapters}
    assert kinds == set(chapter_kinds()) - {"audit"}


def test_the_nets_of_best_are_as_small_as_its_claims_say():
    sizes = {row.chapter: row.parameters for row in plan(read_study("best"), lambda precision: 1e11)}
    assert sizes == {
        "mnist-15s": 98_032,
        "mnist-45s": 98_032,
        "mnist-6min": 261_288,
        "fashion-5min": 196_000,
        "fashion-15min": 588_000,
    }


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name):
    first = read_study(name)
    again = parse_study(first.as_json(), "study.json")
    assert again == first
    assert again.as_json() == first.as_json()
    assert [t.id for _, t in study_trials(again)] == [t.id for _, t in study_trials(first)]


def test_files_are_read_with_their_defaults(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(TEXT, encoding="utf-8-sig")  # with the mark that Windows editors put in front
    read = read_study(str(path))
    assert read == study()
    assert read.seeds_of(read.chapters[0]) == (0, 1)
    mlps, cnns, multitask = read.chapters
    assert mlps.fit.optimiser == "adam"
    assert mlps.nets["C.1"].hidden == (30, 30)
    assert cnns.against == mlps, "the study's own MLPs stand beside the CNNs"
    assert multitask.weights == ((0, 1), (0.5, 0.5))


def test_json_that_rungwise_wrote_is_read(tmp_path):
    path = tmp_path / "study.json"
    path.write_text(study().as_json())
    assert read_study(str(path)) == study()


def test_seeds_have_a_default():
    assert study(TEXT.replace("seeds = 2", "")).seeds == 1


def test_only_some_chapters():
    kept = study().only(["multitask", "mlps"])
    assert [chapter.kind for chapter in kept.chapters] == ["mlps", "multitask"]
    assert study().only(["cnns"]).chapters[0].against, "what is taken from another chapter stays"
    with pytest.raises(StudyError, match="no chapter 'mlp'; did you mean 'mlps'"):
        study().only(["mlp"])
    with pytest.raises(StudyError, match="no chapter 'seeing'; Known: cnns, mlps, multitask"):
        study().only(["seeing"])


def test_mlps_on_other_images_do_not_stand_beside_the_cnns():
    text = TEXT.replace('{ source = "digits", train_images = 500 }', '{ source = "mnist" }')
    assert study(text).chapters[1].against is None


# Mistakes ------------------------------------------------------------------------------------------------------


def line_with(text, words):
    (number,) = (n for n, line in enumerate(text.splitlines(), 1) if words in line)
    return number


MISTAKES = {
    # name: (old, new, words on the line to be named, what is said)
    "unknown at the top": ("seeds = 2", "sedes = 2", "sedes", "unknown setting 'sedes'; did you mean 'seeds'"),
    "chapters for chapter": ("seeds = 2", "chapters = 2", "chapters", "did you mean 'chapter'"),
    "wrong type at the top": ("seeds = 2", 'seeds = "few"', '"few"', "seeds: input should be a valid integer"),
    "no seeds at all": ("seeds = 2", "seeds = 0", "seeds = 0", "greater than or equal to 1, got 0"),
    "missing at the top": ('title = "A study"', "", "seeds = three", "the setting 'title' is missing"),
    "unknown in a chapter": (
        "[chapter.nets]\nA =",
        "epochs = 9\n[chapter.nets]\nA =",
        "epochs = 9",
        "unknown setting 'epochs'; Known: claim, data, fit, keep_weights, kind, name, nets, seeds, title",
    ),
    "misspelt in a chapter": ("[chapter.nets]\n", "[chapter.nest]\n", "nest", "'nest'; did you mean 'nets'"),
    "unknown in fit": ("batch = 32", "bach = 32", "bach", "'fit.bach'; did you mean 'batch'"),
    "unknown in a table of fit": ("rate = 2e-3", "rat = 2e-3", "rat =", "'fit.rat'; did you mean 'rate'"),
    "unknown in data": ("train_images", "train_image", "500", "'data.train_image'; did you mean 'train_images'"),
    "unknown in dotted data": ("data.source", "data.sorce", "sorce", "'data.sorce'; did you mean 'source'"),
    "unknown in a net": ("B = { hidden", "B = { hiden", "hiden", "'nets.B.hiden'; did you mean 'hidden'"),
    "unknown in a quoted net": ('"C.1" = {', '"C.1" = { wide = 1,', "C.1", "'nets.C.1.wide'; did you mean 'hidden'?"),
    "unknown in a net's table": (
        "filters = [3]",
        "filters = [3]\nkernal = 3",
        "kernal",
        "'nets.B.kernal'; did you mean 'kernel'",
    ),
    "unknown in a residual net": (
        "filters = [3]",
        "filters = [3]\nstem = 2\nblocks = [1]\nmember = 2",
        "member",
        "'nets.B.member'; did you mean 'members'? Known: blocks, crop, family, filters, members, stem",
    ),
    "wrong type in fit": ("epochs = 3", "epochs = 3.5", "3.5", "fit.epochs: input should be a valid integer"),
    "out of range": ("rate = 2e-3", "rate = -2e-3", "-2e-3", "fit.rate: input should be greater than 0, got -0.002"),
    "unknown choice": (
        "batch = 32",
        'optimiser = "adma"',
        "adma",
        "fit.optimiser: input should be 'adam', 'sgd', 'rmsprop', 'adagrad' or 'muon', got 'adma'; "
        "did you mean 'adam'?",
    ),
    "wrong type in a list": ("[20, 20]", '[20, "b"]', '"b"', "nets.B.hidden[1]: input should be a valid integer"),
    "wrong value in a long list": ("  30,\n]", "  -7,\n]", "-7", "nets.C.1.hidden[1]: input should be greater"),
    "list for a table": ("fit = { epochs = 1 }", "fit = [1]", "[1]", "fit: input should be a valid table"),
    "missing in a table": ("filters = [2, 3]", "", "nets.A]", "the setting 'nets.A.filters' is missing"),
    "missing in an inline table": ("{ hidden = [20] }", "{ }", "A = { }", "the setting 'nets.A.hidden' is missing"),
    "missing in a chapter": ("fit = { epochs = 1 }", "", "@3", "the setting 'fit' is missing"),
    "no nets": (
        "A = { hidden = [20] }\nB = { hidden = [20, 20] }\n",
        "[chapter.more]\n",
        "more",
        "unknown setting 'more'",
    ),
    "unknown kind": ('"cnns"', '"cnn"', '"cnn"', "no kind of chapter is called 'cnn'; did you mean 'cnns'"),
    "kind missing": ('kind = "multitask"', "", "@3", "a chapter needs its kind. Known: audit, projection"),
    "kind of a wrong type": ('kind = "multitask"', "kind = 6", "kind = 6", "a chapter needs its kind"),
    "unknown data": ('data.source = "digits"', 'data.source = "dgits"', "dgits", "'dgits'; did you mean 'digits'"),
    "too many images": ("500", "5000", "5000", "digits has 1,348 training images, not 5,000"),
    "too few images": ("500", "1", "train_images = 1 }", "data.train_images: input should be greater than or equal"),
    "weight above 1": ("  0.5,", "  1.5,", "1.5", "weights[1]: loss weights must be at least 0 and sum to 1, got [1.5"),
    "weights off the simplex": ("  0.5,", "  [0.5, 0.4],", "[0.5, 0.4]", "sum to 1, got [0.5, 0.4]"),
    "negative weight": ("  0.5,", "  [-0.5, 1.5],", "[-0.5", "at least 0 and sum to 1"),
    "weight that is no number": ("  0.5,", "  nan,", "nan", "weights[1]: input should be a finite number, got nan"),
    "weight of a wrong type": ("  0.5,", '  "half",', "half", "weights[1]: input should be a valid list, got 'half'"),
    "too many weights": ("  0.5,", "  [0.2, 0.3, 0.5],", "0.3", "2 tasks need 2 weights, got [0.2, 0.3, 0.5]"),
    "weights twice": ("  0.5,", "  0,", "weights", "the weights [0.0, 1.0] are listed twice"),
    "no weights": ("  0,\n  0.5,\n", "", "weights", "weights: list should have at least 1 item"),
    "label in no group": ("[0, 4, 6, 9]", "[0, 4, 6]", "loops", "tasks.loops: each label from 0 to 9 must be in "
                          "exactly one group: label 9 is in no group"),
    "label in two groups": ("two = [8]", "two = [8, 9]", "loops", "label 9 is given more than once"),
    "label that does not exist": ("two = [8]", "two = [8, 10]", "loops", "label 10 does not exist"),
    "group without labels": ("two = [8]", "two = []", "loops", "at least two groups with a label each"),
    "class that does not exist": ("two = [8]", 'two = ["8!"]', "loops", "tasks.loops: digits has no class '8!'"),
    "label of a wrong type": ("two = [8]", "two = [true]", "true", "tasks.loops.two[0]: input should be a valid int"),
    "misspelt task": ('"labels"', '"label"', '"label"', "tasks.item: a task is \"labels\", a column of the "
                      "data or groups of labels; did you mean 'labels'? Known: labels"),
    "column of images that are upright": ('"labels"', '"turn"', '"turn"', "tasks.item: a task is \"labels\", a column "
                                          "of the data or groups of labels; Known: labels"),
    "one task alone": ('item = "labels"\n', "", "chapter.tasks", "tasks: table should have at least 2 items"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "says"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_its_line(old, new, where, says):
    assert TEXT.count(old) == 1
    text = TEXT.replace(old, new)
    if where.startswith("@"):  # the head of the chapter of that number
        heads = [n for n, line in enumerate(text.splitlines(), 1) if line == "[[chapter]]"]
        expected = heads[int(where[1:]) - 1]
    else:
        expected = line_with(text, where)
    with pytest.raises(StudyError) as error:
        study(text)
    told = [line for line in str(error.value).splitlines() if says in line]
    assert told, str(error.value)
    assert told[0].startswith(f"study.toml, line {expected}: "), str(error.value)
    assert isinstance(error.value, UserError)


ALONE = [name for name, (_, _, _, says) in MISTAKES.items() if "unknown setting" not in says and "did you" not in says]


@pytest.mark.parametrize("name", ALONE)
def test_one_mistake_is_told_once(name):
    old, new, *_ = MISTAKES[name]
    with pytest.raises(StudyError) as error:
        study(TEXT.replace(old, new))
    assert len(str(error.value).splitlines()) == 1, str(error.value)


def test_all_mistakes_are_told_at_once_from_top_to_bottom():
    text = TEXT.replace("seeds = 2", "seeds = -1").replace("batch = 32", "batch = 0").replace("1.5", "0")
    text = text.replace('"multitask"', '"multi"')
    with pytest.raises(StudyError) as error:
        study(text)
    lines = [int(n) for n in re.findall(r"^study\.toml, line (\d+):", str(error.value), re.M)]
    assert lines == [2, line_with(text, "batch = 0"), line_with(text, '"multi"')]


def test_a_long_value_is_cut():
    with pytest.raises(StudyError) as error:
        study(TEXT.replace("fit = { epochs = 1 }", f'fit = "{"x" * 500}"'))
    assert len(str(error.value)) < 200


def test_the_same_in_json():
    text = study().as_json().replace('"epochs": 2', '"epochs": "two"')
    with pytest.raises(StudyError) as error:
        parse_study(text, "study.json")
    told = [f"study.json, line {n}: " for n, line in enumerate(text.splitlines(), 1) if '"two"' in line]
    assert str(error.value).startswith(told[0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: a study needs at least one [[chapter]] table"),
        ('title = "x"\n', "line 1: a study needs at least one [[chapter]] table"),
        ('title = "x"\nchapter = 3\n', "line 2: a study needs at least one [[chapter]] table"),
        ('title = "x"\n[chapter]\nkind = "mlps"\n', "line 2: a study needs at least one [[chapter]] table"),
        ('title = "x"\nchapter = [3]\n', "line 2: a chapter needs its kind"),
        ('title = "x\n', "study.toml is not valid TOML: Illegal character '\\n' (at line 1"),
        ('title = "x"\n\nseeds = \n', "study.toml is not valid TOML: Invalid value (at line 3"),
        ('title = "x"\ntitle = "y"\n', "study.toml is not valid TOML: Cannot overwrite a value (at line 2"),
        ('{"title": ', "study.toml is not valid JSON"),
    ],
)
def test_files_without_a_study(text, says):
    with pytest.raises(StudyError) as error:
        study(text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "quik",
            "no preset is called 'quik', and there is no such file; did you mean 'quick'? Known: " + ", ".join(PRESETS),
        ),
        ("my_study", "no preset is called 'my_study'"),
        ("absent.toml", "cannot read the study file absent.toml: No such file or directory"),
        ("folder", "folder is a folder; a study is a preset or a TOML file"),
        ("picture.toml", "cannot read the study file picture.toml: it is not text in UTF-8"),
        ("picture.toml/x", "cannot read the study file picture.toml/x: Not a directory"),
    ],
)
def test_files_that_cannot_be_read(name, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "picture.toml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(StudyError) as error:
        read_study(name)
    assert says in str(error.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user who may not read everything")
def test_a_file_that_may_not_be_read_is_not_called_absent(tmp_path):
    path = tmp_path / "study"
    path.write_text(TEXT)
    path.chmod(0)
    with pytest.raises(StudyError, match="Permission denied"):
        read_study(str(path))


# Trials --------------------------------------------------------------------------------------------------------


def fit(**changes):
    settings = {
        "label": "A",
        "data": Data(source="digits"),
        "seed": 0,
        "net": MlpSettings(hidden=(20,)),
        "fit": Recipe(epochs=3),
    }
    return Fit(**{**settings, **changes})


def test_ids_stay_what_they_are():
    """If this changes, every finished trial in every folder is computed again: change it only for a good reason."""
    assert fit().spec == {
        "work": "rungwise.training.fit:carry_out",
        "data": {"source": "digits", "train_images": None},
        "seed": 0,
        "net": {"family": "mlp", "hidden": [20]},
        "fit": {
            "epochs": 3,
            "batch": 64,
            "optimiser": "adam",
            "rate": 0.001,
            "momentum": 0.0,
            "precision": "auto",
        },
        "tasks": {"label": "labels"},
        "loss_weights": [1.0],
    }
    assert fit().id == "4c072eaabab1c103"


def test_the_label_is_no_part_of_the_identity():
    assert fit(label="another").id == fit().id
    assert "label" not in fit().spec


GROUPS = {"low": (0, 1, 2, 3, 4), "high": (5, 6, 7, 8, 9)}
CHANGES = [
    {"seed": 1},
    {"data": Data(source="mnist")},
    *({"data": Data(source="digits").model_copy(update={name: value})} for name, value in {
        "train_images": 1348, "validation_images": 10, "turned": True, "labels": "random",
    }.items()),
    {"net": MlpSettings(hidden=(20, 20))},
    *({"fit": Recipe(epochs=3).model_copy(update={name: value})} for name, value in {
        "epochs": 4, "batch": 65, "optimiser": "sgd", "rate": 0.002, "momentum": 0.5, "precision": "float32",
        "evaluate": "end", "stop_loss": 0.01, "stacked": True, "adam_rate": 0.01, "schedule": "one-cycle",
        "label_smoothing": 0.1, "augment": Augmentation(flip=True), "test_views": "mirror", "pruning": Pruning(),
        "weight_decay": 0.1, "clip_norm": 1.0, "class_weights": "balanced",
    }.items()),
    *({"fit": Recipe(epochs=3, schedule="step", **own)} for own in [
        {"step_epochs": 2}, {"step_epochs": 3}, {"step_epochs": 2, "step_factor": 0.5},
    ]),
    {"data": Data(source="digits", validation_images=20), "fit": Recipe(epochs=3, stop={"patience": 2})},
    {"tasks": {"label": GROUPS}},
    {"tasks": {"other": "labels"}},
    {"tasks": {"label": "labels", "half": GROUPS}, "loss_weights": (0.5, 0.5)},
    {"tasks": {"label": "labels", "half": GROUPS}, "loss_weights": (0.25, 0.75)},
    {"balance": "dwa"},
    {"balance": "uncertainty"},
    {"start": fit()},
    {"start": fit(seed=1)},
    {"start": fit(), "frozen": True},
]  # fmt: skip


def test_every_setting_is_part_of_the_identity():
    ids = [fit().id, *(fit(**change).id for change in CHANGES)]
    assert len(set(ids)) == len(ids)
    for part in ("data", "fit"):
        usual, others = getattr(fit(), part), [change[part] for change in CHANGES if part in change]
        changed = {name for name, value in usual if any(getattr(other, name) != value for other in others)}
        of_own_images = {*Preparation.model_fields, "split_by"}  # tests/data/own and tests/chapters/test_leak.py
        assert changed == set(type(usual).model_fields) - of_own_images
    assert {name for change in CHANGES for name in change} == set(Fit.model_fields) - {"label"}


def test_tasks_need_a_weight_each():
    with pytest.raises(ValueError, match="2 tasks need as many loss weights, got 1"):
        fit(tasks={"label": "labels", "half": GROUPS})


@pytest.mark.parametrize("name", PRESETS)
def test_trials_come_once_and_after_what_they_need(name):
    trials = [trial for _, trial in study_trials(read_study(name).model_copy(update={"seeds": 2}))]
    ids = [trial.id for trial in trials]
    assert len(set(ids)) == len(ids)
    for place, trial in enumerate(trials):
        assert {need.id for need in trial.needs} <= set(ids[:place])
    if name in WHOLE:
        assert any(trial.needs for trial in trials)


@pytest.mark.parametrize("name", WHOLE)
def test_a_chapter_alone_brings_along_what_it_needs(name):
    alone = read_study(name).only(["seeing"])
    for seeds, fits in ((1, 2), (2, 2), (3, 3)):  # one seed borrows a second net to judge its dreams
        trials = [trial for _, trial in study_trials(alone.with_seeds(seeds))]
        assert len([trial for trial in trials if isinstance(trial, Fit)]) == fits
        assert len(trials) == fits + seeds
        assert isinstance(trials[0], Fit)
        assert isinstance(trials[1], Fit)


def test_a_trial_belongs_to_the_first_chapter_that_calls_for_it():
    trials = study_trials(read_study("quick"))
    shared = [chapter.kind for chapter, trial in trials if trial.label == "CNN-1"]
    assert set(shared) == {"cnns"}


@pytest.mark.parametrize("name", WHOLE)
def test_seeing_looks_into_the_very_cnn_1_of_the_cnns(name):
    preset = read_study(name)
    chapters = {chapter.name: chapter for chapter in preset.chapters}
    cnns = {t.id for t in load_chapter("cnns").trials(chapters["cnns"], (0, 1, 2)) if t.label == "CNN-1"}
    seeing = load_chapter("seeing").trials(chapters["seeing"], (0, 1, 2))
    assert {need.id for trial in seeing for need in trial.needs} == cnns
    assert len(cnns) == 3


def test_more_seeds_keep_the_trials_of_fewer():
    few, many = (study().model_copy(update={"seeds": n}) for n in (1, 3))
    few_ids, many_ids = ({t.id for _, t in study_trials(s)} for s in (few, many))
    assert few_ids < many_ids
    assert len(many_ids) == 3 * len(few_ids)


# The plan ------------------------------------------------------------------------------------------------------


MODELS = {
    "projection": lambda chapter: 1,
    "perceptrons": lambda chapter: len(chapter.label_pairs),
    "mlps": lambda chapter: len(chapter.nets),
    "capacity": lambda chapter: len(chapter.labels) * len(chapter.widths),
    "cnns": lambda chapter: len(chapter.nets),
    "leak": lambda chapter: 0,  # of digits, which have no groups
    "seeing": lambda chapter: 1,
    "multitask": lambda chapter: sum(map(len, (chapter.tasks, chapter.weights, chapter.methods, chapter.sharing))),
    "transfer": lambda chapter: 1 + 3 * len(chapter.shares),  # the trunk; frozen, fine-tuned and new
}
"""How many models a chapter of each kind has: as many trials for each seed."""


def with_needs(trial):
    return [trial, *(inner for need in trial.needs for inner in with_needs(need))]


@pytest.mark.parametrize("name", PRESETS)
def test_the_plan_of_a_preset_has_every_trial_once(name):
    preset = read_study(name)
    specs = set()
    for chapter in preset.chapters:
        seeds = preset.seeds_of(chapter)
        own = load_chapter(chapter.kind).trials(chapter, seeds)
        assert len(own) == MODELS[chapter.kind](chapter) * len(seeds)
        assert len({(trial.label, trial.seed) for trial in own}) == len(own), "a label for each model of the chapter"
        specs |= {json.dumps(trial.spec, sort_keys=True) for first in own for trial in with_needs(first)}
    rows = plan(preset, rate=lambda _: 1e11)
    assert len(rows) == len(specs)
    assert len({(row.chapter, row.label, row.seed) for row in rows}) == len(rows)


def test_a_plan_takes_the_rate_of_each_recipes_precision():
    text = TEXT.replace("rate = 1e-3", 'rate = 1e-3, precision = "float32"')
    rates = {"float32": 1e9, "auto": 1e12}
    slow, fast = (next(r for r in plan(study(t), rate=rates.__getitem__) if r.label == "A") for t in (text, TEXT))
    assert slow.flops == fast.flops > 0
    assert slow.time_s - fast.time_s == pytest.approx(slow.flops / 0.6 * (1e-9 - 1e-12))


@pytest.mark.parametrize(
    ("name", "trials"),
    [
        ("capacity", 6 * (5 + 5 + 2 * 9)),
        ("multi-mnist", 10 * (2 + 5 + 5)),
        # The trunk is λ = 0.5 of the two tasks; the new net that learns the turn is that of the three tasks.
        ("multitask", 5 * ((2 + 13 + 15 + 2) + (3 + 7 + 5) + (1 + 9 - 1) + (1 + 9 - 1))),
        ("quick", 3 * (1 + 5 + 5 + 5 + 1 + (2 + 5))),
        ("reference", 10 * (1 + 5) + 5 * 5 + 3 * 5 + 5 * 2 + 3 * 1 + (2 + 5)),  # seeing's nets are those of the cnns
    ],
)
def test_trials_of_the_presets_by_hand(name, trials):
    assert len(plan(read_study(name), rate=lambda _: 1e11)) == trials


def published():
    for table in ("mlps", "cnns", "multitask"):
        with (REFERENCE / f"{table}.csv").open() as file:
            for row in csv.DictReader(file):
                yield row.get("name") or row["model"], int(row["parameters"])


def test_the_reference_plan_has_the_13_published_parameter_counts():
    rows = plan(read_study("reference"), rate=lambda _: 1e11)
    found = {row.label: row.parameters for row in rows if row.parameters is not None and row.chapter != "seeing"}
    named = dict(published())
    for name in [name for name in found if name.startswith(("MLP", "CNN"))]:
        assert found[name] == named.pop(name)
    assert found["single: item"] == named.pop("single-item")
    assert found["single: group"] == named.pop("single-group")
    assert {count for label, count in found.items() if label.startswith("multi")} == {named.pop("multi")}
    assert not named
    assert len({count for row in rows if (count := row.parameters) is not None}) == 13


def test_settings_in_python_are_settings_in_a_file():
    by_hand = MlpsSettings(
        data=Data(source="digits", train_images=500),
        fit=Recipe(epochs=3, batch=32),
        nets={"A": {"hidden": [20]}, "B": {"hidden": [20, 20]}, "C.1": {"hidden": [30, 30]}},
    )
    assert by_hand == study().chapters[0]
    assert Study(title="x", chapter=[by_hand]).chapters == (by_hand,)
    assert json.loads(Study(title="x", chapter=[by_hand]).as_json())["chapter"][0]["nets"]["A"] == {
        "family": "mlp",
        "hidden": [20],
    }
