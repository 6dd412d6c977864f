"""Tasks from the columns of own data: their names, their weights, and every way to balance and share three of them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from rungwise.balancing import balancing_methods, read_balancer
from rungwise.chapters import load_chapter
from rungwise.chapters.multitask import Settings
from rungwise.chapters.multitask.other_data import tasks_for
from rungwise.chapters.multitask.weights import LossWeights, short_weights, weights_in_words
from rungwise.data.settings import Data
from rungwise.runs.run import run_study
from rungwise.study.reading import parse_study, read_study
from rungwise.study.study import StudyError
from rungwise.testing.chapters import CHECKS, ChapterCase, carried_out

STUDY = """
title = "Three tasks"
seeds = 2
[[chapter]]
kind = "multitask"
data = {{ source = "{source}", validation_images = 12 }}
fit = {{ epochs = 2, batch = 16, rate = 3e-3 }}
net = {{ family = "compact", filters = [2, 3] }}
weights = ["equal", {{ label = 0.5 }}, [0, 0.5, 0.5]]
tasks = {{ label = "labels", half = "half", "is even" = "is_even" }}
methods = {{ {methods} }}
sharing = {{ Shared = {{ filters = [2], shared = [6], dropout = 0.2 }}, Collaboration = {{ family = "collaboration", \
filters = [2, 3] }}, Stitched = {{ family = "cross-stitch", filters = [2, 3] }} }}
[[chapter]]
kind = "multitask"
name = "many"
data = {{ source = "{source}" }}
fit = {{ epochs = 1, batch = 16 }}
net = {{ family = "compact", filters = [2] }}
weights = ["equal", {{ "is 2" = 0.5 }}]
tasks = {{ {many} }}
methods = {{ FAMO = "famo", Random = "random" }}
[[chapter]]
kind = "transfer"
name = "transfer-many"
data = {{ source = "{source}" }}
fit = {{ epochs = 1 }}
net = {{ family = "compact", filters = [2] }}
weights = "equal"
tasks = {{ {many} }}
task = {{ "is even" = "is_even" }}
shares = [1]
[[chapter]]
kind = "transfer"
data = {{ source = "{source}" }}
fit = {{ epochs = 1 }}
net = {{ family = "compact", filters = [2] }}
weights = 0.5
tasks = {{ label = "labels", half = "half" }}
task = {{ "is even" = "is_even" }}
shares = [0.25, 1]
"""


def write(path: Path, count: int = 90) -> Path:
    """Bright rows: the row says the class, of six; the half and whether it is even follow from it."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 6, count)
    images = random.integers(0, 90, (count, 8, 8), np.uint8)
    images[np.arange(count), labels] = 255
    arrays = {"images": images, "labels": labels, "half": np.where(labels < 3, "low", "high")}
    np.savez(path / "six.npz", **arrays, **{"is even": np.where(labels % 2, "no", "yes")})
    return path / "six.npz"


def usable() -> list[str]:
    """All methods that can be used here with three tasks and Adam."""
    return [name for name in sorted(balancing_methods()) if not read_balancer(name).fault("adam", 3)]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ChapterCase]:
    torch.set_num_threads(1)
    source = write(tmp_path_factory.mktemp("own"))
    methods = ", ".join(f'"a {name}" = "{name}"' for name in usable())
    many = ", ".join(f'"is {k}" = {{ yes = [{k}], no = {[j for j in range(6) if j != k]} }}' for k in range(6))
    study = parse_study(STUDY.format(source=source, methods=methods, many=many), "three.toml")
    trials = [t for c in study.chapters for t in load_chapter(c.kind).trials(c, (0, 1))]
    records = carried_out(trials)
    return {chapter.name: ChapterCase(chapter, (0, 1), records) for chapter in study.chapters}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["multitask", "many", "transfer", "transfer-many"])
def test_chapters_on_columns_are_what_chapters_must_be(cases, name, check):
    check(cases[name])


def test_of_many_tasks_the_ones_on_which_nets_differ_most_are_shown(cases):
    case = cases["many"]
    found = case.findings(case.records)
    sweep = next(figure for figure in found.figures if figure.id == "many-sweep")
    assert len(sweep.panels) == 4
    assert sweep.caption.endswith("Of 6 tasks, the 4 on which the nets differ most are shown.")
    front = next(figure for figure in found.figures if figure.id == "many-front")
    assert len(front.panels) == 6
    table = next(table for table in found.tables if table.id == "many-accuracy")
    single, majority, *nets = table.rows
    assert (single[0], majority[0]) == ("single-task nets together", "most frequent class, always")
    assert [row[:2] for row in nets] == [("multi", "1/6"), ("multi", "0.5 for is 2"), ("FAMO", None), ("Random", None)]
    accuracies = [cell.mean for cell in single[3:9]]
    assert single[2].mean == pytest.approx(np.mean(accuracies))
    spread = {task: np.ptp([row[3 + place].mean for row in nets]) for place, task in enumerate(case.settings.tasks)}
    shown = {panel.title.removesuffix(" accuracy").lower() for panel in sweep.panels}
    assert min(spread[task] for task in shown) >= max(value for task, value in spread.items() if task not in shown)
    trunk = cases["transfer-many"].findings(case.records).statements[0].text
    assert trunk.startswith("Of the trunk's 6 tasks, the lowest and the highest test accuracy are")


@pytest.mark.parametrize("name", sorted(balancing_methods()))
def test_every_method_balances_three_columns(cases, name):
    if name not in usable():
        pytest.skip("what it needs is not installed")
    case = cases["multitask"]
    trials = {t.label: t for t in case.trials if t.seed == 0}
    record = case.records[trials[f"a {name}"].id]
    assert record.summary["steps"] > 0
    for task in ("label", "half", "is even"):
        assert 0 <= record.summary[f"test_accuracy_{task}"] <= 1
        assert np.isfinite(record.history[f"train_loss_{task}"]).all()
        assert record.arrays[f"test_logits_{task}"].shape[1] == (6 if task == "label" else 2)


def everything_said(found) -> str:
    tables = (table.caption + " ".join(column.label for column in table.columns) for table in found.tables)
    figures = (figure.caption + figure.alt for figure in found.figures)
    formulas = (formula.says for formula in found.formulas)
    texts = (statement.text for statement in found.statements)
    return "\n".join([found.title, found.question, *found.method, *formulas, *texts, *tables, *figures])


def test_nothing_speaks_of_lambda_where_there_are_three_weights(cases):
    case = cases["multitask"]
    said = everything_said(case.findings(case.records))
    assert "λ" not in said
    assert "lambda" not in said.replace("auto-lambda", "")
    for word in ("item", "group", "shoes", "Fashion"):
        assert word not in said
    assert "w = 0.333, 0.333, 0.333" in said
    assert "is even" in said


def data_with(*columns: str, label: str = "") -> Data:
    facts = SimpleNamespace(columns=dict.fromkeys(columns, ("a", "b")), label=label)
    return SimpleNamespace(facts=facts)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (data_with("half"), {"class": "labels", "half": "half"}),
        (data_with("half", label="digit"), {"digit": "labels", "half": "half"}),
        (data_with("class"), {"label": "labels", "class": "class"}),
        (data_with("class", "label"), {"labels": "labels", "class": "class", "label": "label"}),
        (data_with("a/b", label="all"), {"column all": "labels", "a-b": "a/b"}),
        (data_with(" of  all "), {"class": "labels", "of all": " of  all "}),
    ],
)
def test_names_of_tasks(data: Data, expected: dict[str, str]) -> None:
    assert tasks_for(data, {}, 1) == expected


def test_quarter_turns_are_a_task_where_they_are_asked_for() -> None:
    assert tasks_for(data_with(), {"turned": True}, 1) == {"class": "labels", "turn": "turn"}
    with pytest.raises(
        ValueError, match="it needs another label of each image beside the class, and the data has none"
    ):
        tasks_for(data_with(), {}, 1)
    with pytest.raises(ValueError, match="it needs 2 other labels of each image beside the class, and the data has 1"):
        tasks_for(data_with("half"), {}, 2)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ((0.25, 0.75), "λ = 0.25"),
        ((1 / 3, 1 / 3, 1 / 3), "w = 0.333, 0.333, 0.333"),
        ((0.2,) * 5, "w = 1/5"),
        ((0.125, 0.125, 0.5, 0.125, 0.125), "w = 0.5 for c"),
        ((0.1, 0.1, 0.3, 0.3, 0.2), "w = 0.1 × 2, 0.3 × 2, 0.2"),
    ],
)
def test_weights_are_told_as_briefly_as_they_can_be(weights: LossWeights, says: str) -> None:
    assert weights_in_words(weights, "abcde") == says
    assert short_weights(weights, "abcde") == says.partition(" = ")[2]


def settings_of(weights: str) -> Settings:
    text = f"""
title = "x"
[[chapter]]
kind = "multitask"
data = {{ source = "digits" }}
fit = {{ epochs = 1 }}
net = {{ filters = [2] }}
weights = [{weights}]
[chapter.tasks]
item = "labels"
half = {{ a = [0, 1, 2, 3, 4], b = [5, 6, 7, 8, 9] }}
even = {{ a = [0, 2, 4, 6, 8], b = [1, 3, 5, 7, 9] }}
"""
    (chapter,) = parse_study(text, "study.toml").chapters
    assert isinstance(chapter, Settings)
    return chapter


def test_weights_may_be_written_short() -> None:
    made = settings_of('"equal", { half = 0.5 }, { half = 0.2, even = 0.2 }, [0.2, 0.3, 0.5]')
    assert made.weights == ((1 / 3,) * 3, (0.25, 0.5, 0.25), (0.6, 0.2, 0.2), (0.2, 0.3, 0.5))
    full = settings_of("{ item = 0.25, half = 0.5, even = 0.25 }")
    assert full.weights == ((0.25, 0.5, 0.25),)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ("{ hlf = 0.5 }", "no task is called 'hlf'; did you mean 'half'?"),
        ("{ half = 1.5 }", "loss weights must be at least 0 and sum to 1"),
        ('{ half = "most" }', "expected a number as the weight of 'half', got 'most'"),
        ("0.5", "weights[0]"),
        ('"even"', "weights[0]"),
        ("{ item = 0.2, half = 0.2, even = 0.2 }", "loss weights must be at least 0 and sum to 1"),
    ],
)
def test_wrong_weights_are_refused_in_one_line(weights: str, says: str) -> None:
    with pytest.raises(StudyError) as error:
        settings_of(weights)
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_validation_part_of_the_data_itself_is_enough_for_auto_lambda(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {
        f"{part}_{what}": random.integers(0, high, shape, np.uint8)
        for part, count in (("train", 30), ("val", 10), ("test", 10))
        for what, high, shape in (("images", 256, (count, 8, 8)), ("labels", 2, (count, 3)))
    }
    np.savez(tmp_path / "own.npz", **arrays)
    made = {
        "data": {"source": str(tmp_path / "own.npz")}, "fit": {"epochs": 1}, "net": {"filters": [2]},
        "tasks": {"a": "labels", "b": "label_1"}, "weights": [0.5], "methods": {"A": "auto-lambda"},
    }  # fmt: skip
    assert Settings.model_validate(made).data.aside == 10
    shuffled = {**made, "data": {"source": "digits"}, "tasks": {"a": "labels", "b": {"x": [0], "y": [*range(1, 10)]}}}
    with pytest.raises(ValidationError, match="auto-lambda draws batches from images that are set aside"):
        Settings.model_validate(shuffled)


def test_images_with_fourteen_labels_are_fourteen_tasks_from_end_to_end(tmp_path: Path) -> None:
    """As MedMNIST's ChestMNIST has them."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 40), ("val", 12), ("test", 12)):
        labels = random.integers(0, 2, (count, 14), np.uint8)
        images = random.integers(0, 90, (count, 14, 14), np.uint8)
        images[labels.astype(bool)] = 255  # row k is bright where label k is 1
        arrays |= {f"{part}_images": images, f"{part}_labels": labels}
    np.savez(tmp_path / "chest.npz", **arrays)
    preset = read_study("multitask")
    first = preset.chapters[0]
    recipe = first.fit.model_copy(update={"epochs": 1})
    chosen = {name: first.methods[name] for name in ("Uncertainty", "Auto-Lambda", "MGDA", "FAMO")}
    small = first.model_copy(update={"fit": recipe, "methods": chosen, "claims": ()})
    small.__pydantic_fields_set__.update({"fit", "methods"})
    study = preset.model_copy(update={"chapters": (small,), "seeds": 1})
    run = run_study(study, tmp_path / "out", data=tmp_path / "chest.npz", workers=1)
    assert not run.failures
    (chapter,) = [one for one in run.study.chapters if one.kind == "multitask"]
    assert len(chapter.tasks) == 14
    report = (tmp_path / "out" / "report.md").read_text("utf-8")
    assert "each image has 14 labels, which are 14 tasks; 'label_0' stands where one class is needed" in report.replace(
        "\\", ""
    )
    assert "Of 14 tasks, the 4 on which the nets differ most are shown." in report
    written = (tmp_path / "out" / "study.toml").read_text("utf-8")
    assert "MGDA of the chapter" in written
    assert 'weights = ["equal", {label_0 = 0.5}' in written
