"""A study asked of other data."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from rungwise.chapters import load_chapter
from rungwise.data.given import data_of
from rungwise.data.reading import Reading
from rungwise.data.settings import Data
from rungwise.insight.centroids import confusion_by_centroids, hardest_pairs
from rungwise.study.adapt import adapt
from rungwise.study.reading import parse_study, preset_names, read_study
from rungwise.study.study import StudyError, study_trials
from tests.material.photos import write_photos

pytestmark = pytest.mark.usefixtures("empty_cache")

LAMBDAS = (0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1)
"""Of the preset `multitask`."""


@pytest.fixture
def photos(tmp_path: Path) -> Data:
    return data_of(write_photos(tmp_path / "photos", count=16))


@pytest.mark.parametrize("name", ["quick", "reference", "best", "capacity"])
def test_a_preset_is_asked_of_own_images(name: str, photos: Data) -> None:
    adapted = adapt(read_study(name), name, photos)
    assert adapted.study.title == f"photos: the {name} study"
    assert {chapter.data.identity for chapter in adapted.study.chapters} == {photos.identity}
    assert parse_study(adapted.text, "again.toml") == adapted.study
    assert study_trials(adapted.study)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_asked_of_a_data_set_by_name(name: str) -> None:
    if name in ("multi-mnist", "leak"):
        with pytest.raises(StudyError, match=r"nothing of .* can be asked of digits: the chapter"):
            adapt(read_study(name), name, data_of("digits"))
        return
    study = adapt(read_study(name), name, data_of("digits")).study
    assert {chapter.data.source for chapter in study.chapters} == {"digits"}
    assert all(chapter.data.size <= 1348 for chapter in study.chapters)


def test_what_cannot_be_asked_is_left_out_with_its_reason(photos: Data) -> None:
    adapted = adapt(read_study("reference"), "reference", photos)
    kinds = [chapter.kind for chapter in adapted.study.chapters]
    assert kinds == ["audit", "projection", "perceptrons", "mlps", "cnns", "cnns", "seeing"]
    reasons = "\n".join(adapted.left_out)
    assert "the chapter 'multitask': it needs another label of each image beside the class" in reasons
    assert "the claim 'M2': it is about the study's own data or nets" in reasons
    for reason in adapted.left_out:
        assert " ".join(reason.split()) in adapted.text


def test_nets_that_do_not_fit_the_images_are_left_out(photos: Data) -> None:
    tiny = Data(source=photos.source, image_size=4)
    adapted = adapt(read_study("best"), "best", tiny)
    assert (
        "small of the chapter 'mnist-15s': crop = 2 leaves nothing of images of 4 x 4 pixels; expected at most 1"
        in (adapted.left_out)
    )
    assert "mnist-15s" not in {chapter.name for chapter in adapted.study.chapters}
    assert "mnist-45s" in {chapter.name for chapter in adapted.study.chapters}


def test_general_claims_stay(photos: Data) -> None:
    study = adapt(read_study("reference"), "reference", photos).study
    claims = {claim.id for chapter in study.chapters for claim in chapter.claims}
    assert claims == {"R4", "M3", "C4-equal", "C5-equal", "C6-equal", "S1"}


def test_all_claims_of_a_users_own_study_stay(photos: Data) -> None:
    text = """
title = "mine"
[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 1000, validation_images = 100 }
fit = { epochs = 1, batch = 8, rate = 0.01 }
nets = { A = { hidden = [4] }, B = { hidden = [5] } }
[[chapter.claim]]
id = "better"
says = "A is better"
test = { metric = "test_accuracy", better = "A", than = "B" }
"""
    adapted = adapt(parse_study(text, "mine.toml"), "mine", photos)
    assert adapted.study.title == "photos: mine"
    _, chapter = adapted.study.chapters
    assert [claim.id for claim in chapter.claims] == ["better"]
    assert (chapter.data.train_images, chapter.data.validation_images) == (None, 7)  # of 36, a fifth is set aside


def test_pairs_are_those_that_are_hardest_to_tell_apart(photos: Data) -> None:
    study = adapt(read_study("quick"), "quick", photos).study
    perceptrons, seeing = (next(c for c in study.chapters if c.kind == kind) for kind in ("perceptrons", "seeing"))
    assert {frozenset(pair) for pair in perceptrons.pairs} == {frozenset(pair) for pair in ((0, 1), (0, 2), (1, 2))}
    assert seeing.classes == perceptrons.pairs[0]


def test_two_classes_are_one_pair(tmp_path: Path) -> None:
    data = data_of(write_photos(tmp_path / "two", count=16, classes=("cat", "dog")))
    study = adapt(read_study("quick"), "quick", data).study
    perceptrons = next(c for c in study.chapters if c.kind == "perceptrons")
    assert len(perceptrons.pairs) == 1


def test_the_text_names_the_data_relative_to_its_place(photos: Data, tmp_path: Path) -> None:
    text = adapt(read_study("quick"), "quick", photos, tmp_path).text
    assert {chapter["data"]["source"] for chapter in tomllib.loads(text)["chapter"]} == {"./photos"}
    assert parse_study(text, "x.toml", Reading(base=tmp_path)).chapters[0].data == photos
    elsewhere = adapt(read_study("quick"), "quick", photos, tmp_path / "other").text
    assert tomllib.loads(elsewhere)["chapter"][0]["data"]["source"] == photos.source


def test_a_projection_of_the_same_images_has_one_seed(photos: Data) -> None:
    def seeds(data: Data) -> int:
        study = adapt(read_study("quick"), "quick", data).study
        return len(study.seeds_of(next(one for one in study.chapters if one.kind == "projection")))

    assert seeds(photos) == 1
    assert seeds(Data(source=photos.source, split="per seed")) == 3
    assert seeds(data_of("digits")) == 3


def test_labels_are_held_against_as_many_nets_as_there_are(photos: Data) -> None:
    """The study has one seed, its chapters on nets have more."""
    study = adapt(read_study("reference"), "reference", photos).study
    audit, nets = study.chapters[0], next(one for one in study.chapters if one.kind == "cnns")
    assert len(study.seeds_of(audit)) == len(study.seeds_of(nets)) > study.seeds
    fitted = {trial.id for trial in load_chapter("cnns").trials(nets, study.seeds_of(nets))}
    looked = load_chapter("audit").trials(audit, study.seeds_of(audit))
    assert {need.id for trial in looked for need in trial.needs} < fitted
    chapters = {trial.id: chapter.kind for chapter, trial in study_trials(study)}
    assert {chapters[id] for id in fitted} == {"cnns"}, "a plan lists a net under the chapter that it is of"


def test_a_users_own_audit_and_weights_of_classes_are_asked_of_other_data() -> None:
    text = """
title = "mine"
[[chapter]]
kind = "audit"
data = { source = "mnist" }
model = "A"
[[chapter]]
kind = "mlps"
data = { source = "mnist" }
fit = { epochs = 2, class_weights = { 3 = 2.0 } }
nets = { A = { hidden = [8] } }
"""
    study = parse_study(text, "mine.toml")
    same = adapt(study, "mine.toml", data_of("digits"))
    assert [chapter.kind for chapter in same.study.chapters] == ["audit", "mlps"]
    assert same.study.chapters[1].fit.class_weights == {"3": 2.0}
    other = adapt(study, "mine.toml", data_of("fashion-mnist"))
    assert other.study.chapters[1].fit.class_weights is None
    assert other.left_out == ("class_weights of 3 in the chapter 'mlps': fashion-mnist has no such class",)


def test_seeds_that_were_asked_for_stay(photos: Data) -> None:
    assert adapt(read_study("reference").with_seeds(4), "reference", photos).study.seeds == 4


def test_confusion_by_hand() -> None:
    images = np.array([[0], [2], [10], [12], [7]], np.uint8).reshape(5, 1, 1, 1)
    labels = np.array([0, 0, 1, 1, 0])
    # Means 3 and 11: the image 7 is at 4 from both, and a tie goes to the first.
    assert confusion_by_centroids(images, labels, 2).tolist() == [[3, 0], [0, 2]]
    images[4] = 9  # means 11/3 and 11: 9 is nearer to 11
    assert confusion_by_centroids(images, labels, 2).tolist() == [[2, 1], [0, 2]]


def test_hardest_pairs_by_hand() -> None:
    confusion = np.array([[8, 2, 0], [0, 10, 0], [1, 4, 5]])
    assert hardest_pairs(confusion, 5) == [(2, 1), (0, 1), (2, 0)]  # shares .4, .2 and .1
    assert hardest_pairs(confusion, 1) == [(2, 1)]


def test_columns_become_tasks(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", count=16)
    rows = [
        f"{path.parent.name}/{path.name},{int(path.stem) % 2},{int(path.stem) % 3}" for path in folder.rglob("*.png")
    ]
    (folder / "metadata.csv").write_text("\n".join(["file_name,even,third", *rows]))
    data = data_of(folder)
    study = adapt(read_study("quick"), "quick", data).study
    three = {"class": "labels", "even": "even", "third": "third"}
    assert study.chapters[-1].tasks == three
    chapters = {chapter.name: chapter for chapter in adapt(read_study("multitask"), "multitask", data).study.chapters}
    assert list(chapters) == ["audit", "multitask", "4-tasks", "transfer", "transfer-turn"]
    multitask, transfer = chapters["multitask"], chapters["transfer"]
    assert (multitask.tasks, multitask.title) == (three, "3 tasks: class, even, third")
    assert multitask.weights == ((1 / 3,) * 3, (0.5, 0.25, 0.25), (0.25, 0.5, 0.25), (0.25, 0.25, 0.5))
    assert len(multitask.methods) == 15
    assert list(multitask.sharing) == ["Deep-Collaboration", "Cross-stitch"]
    assert multitask.data.validation_images == 7, "a fifth of 36, not the 2,000 of the preset"
    assert chapters["4-tasks"].tasks == {**three, "turn": "turn"}, "quarter turns are asked of any square images"
    assert transfer.tasks == {"class": "labels", "even": "even"}
    assert transfer.task == {"third": "third"}
    assert transfer.weights == (0.5, 0.5), "for as many tasks the preset's own"
    assert transfer.shares == (1.0,), "the other shares are too few of so few images"
    assert chapters["transfer-turn"].task == {"turn": "turn"}
    assert chapters["transfer-turn"].weights == (1 / 3,) * 3


def test_with_one_column_there_is_nothing_further_to_learn(tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", count=16)
    rows = [f"{path.parent.name}/{path.name},{int(path.stem) % 2}" for path in folder.rglob("*.png")]
    (folder / "metadata.csv").write_text("\n".join(["file_name,even", *rows]))
    adapted = adapt(read_study("multitask"), "multitask", data_of(folder))
    chapters = {chapter.name: chapter for chapter in adapted.study.chapters}
    assert list(chapters) == ["audit", "multitask", "3-tasks", "transfer-turn"]
    assert chapters["multitask"].weights == tuple((w, 1 - w) for w in LAMBDAS), "as they are"
    reason = "the chapter 'transfer': it needs 2 other labels of each image beside the class, and the data has 1"
    assert reason in adapted.left_out


def test_without_columns_quarter_turns_are_a_task_of_square_images(photos: Data) -> None:
    _, chapter = adapt(read_study("multitask"), "multitask", photos).study.chapters
    assert (chapter.name, chapter.tasks) == ("2-tasks", {"class": "labels", "turn": "turn"})
    assert chapter.weights == ((0.25, 0.75), (0.5, 0.5), (0.75, 0.25))
    oblong = Data(source=photos.source, image_size=(8, 12))
    with pytest.raises(StudyError, match="only square images can be turned by quarters"):
        adapt(read_study("multitask"), "multitask", oblong)


def test_of_many_tasks_what_is_too_dear_is_left_out(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "many.npz", X=random.integers(0, 256, (60, 8, 8), np.uint8), y=random.integers(0, 2, (60, 20)))
    adapted = adapt(read_study("multitask"), "multitask", data_of(tmp_path / "many.npz"))
    chapters = {chapter.name: chapter for chapter in adapted.study.chapters}
    multitask, turned = chapters["multitask"], chapters["16-tasks"]
    assert list(multitask.tasks) == [f"label_{number}" for number in range(16)]
    assert list(turned.tasks.items())[-1] == ("turn", "turn"), "what the preset asks for stays"
    assert len(turned.tasks) == 16
    assert len(multitask.weights) == 7, "equal ones, and half of the loss for six tasks"
    assert "MGDA" not in multitask.methods
    assert "GradNorm" in multitask.methods
    assert not multitask.sharing
    told = "\n".join(adapted.left_out)
    assert "label_16, label_17, label_18, label_19 of the chapter 'multitask': a study asks 16 tasks at once" in told
    assert "UPGrad of the chapter 'multitask': a step takes 16 backward passes" in told
    assert "Deep-Collaboration and Cross-stitch of the chapter 'multitask': each of 16 tasks has a column" in told
    assert parse_study(adapted.text, "again.toml") == adapted.study


def test_a_chapter_of_another_package_says_what_it_takes_of_other_data(
    photos: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rungwise.chapters.mlps.settings import Settings

    def refuse(cls: type, raw: object, data: Data, hardest: object) -> None:
        raise ValueError(f"it knows no {data.classes[0]}s")

    monkeypatch.setattr(Settings, "for_data", classmethod(refuse))
    adapted = adapt(read_study("quick"), "quick", photos)
    assert "the chapter 'mlps': it knows no cats" in adapted.left_out
    assert "mlps" not in {chapter.kind for chapter in adapted.study.chapters}
