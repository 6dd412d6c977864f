"""What a split by image flatters, on images whose answer is known."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rungwise.chapters import load_chapter
from rungwise.chapters.leak.settings import Settings
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.judging.cautions import _split_of
from rungwise.runs.run import open_run, run_study
from rungwise.study.adapt import adapt
from rungwise.study.reading import parse_study, read_study
from rungwise.study.study import StudyError
from rungwise.testing.chapters import CHECKS, ChapterCase

GROUPS, EACH, SIDE = 24, 5, 8
FIT = "fit = { epochs = 8, batch = 16, rate = 0.02 }\nnets = { K = { filters = [8] } }"


def write(folder: Path, *, groups: bool = True, mixed: bool = False) -> Path:
    """Each group is one pattern with a little noise, and its class was drawn by chance: who has not seen the group
    cannot know it. `mixed`: each image of a group is of another class."""
    random, rows = np.random.default_rng(0), ["file_name,label" + ",group" * groups]
    classes = random.permutation(np.arange(GROUPS) % 2)
    for group in range(GROUPS):
        pattern = random.integers(0, 256, (SIDE, SIDE))
        for number in range(EACH):
            name = f"{group:02}-{number}.png"
            noisy = np.clip(pattern + random.normal(0, 5, pattern.shape), 0, 255).astype(np.uint8)
            folder.mkdir(exist_ok=True)
            Image.fromarray(noisy).save(folder / name)
            label = number if mixed else classes[group]
            rows.append(f"{name},{'abcde'[label]}" + f",{group}" * groups)
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("leak") / "photos")


def study(photos: Path, claim: str = "", seeds: int = 4) -> str:
    data = f'data = {{ source = "{photos}", split = "per seed" }}'
    return f'title = "x"\nseeds = {seeds}\n[[chapter]]\nkind = "leak"\n{data}\n{FIT}\n{claim}'


CLAIM = '[[chapter.claim]]\nid = "leak"\nsays = "so"\ntest = { metric = "flattery", model = "all", above = 0 }'


def test_a_class_that_only_the_group_tells_is_known_by_image_and_not_by_group(photos: Path, tmp_path: Path) -> None:
    run = run_study(parse_study(study(photos, CLAIM), "x.toml"), tmp_path / "run")
    values = {(one.model, one.metric, one.seed): one.value for one in run.measurements}
    for seed in range(4):
        group, image = (values[f"K, by {by}", "test_accuracy", seed] for by in ("group", "image"))
        assert image > 0.9
        assert group < 0.8
        assert values["K", "flattery", seed] == image - group
        # Classes have the same number of test images, so that the mean of their recalls is the accuracy.
        assert values["K, by image", "test_balanced_accuracy", seed] == pytest.approx(image)
    (claim,) = run.claims["leak"]
    assert claim.verdict == "supported"
    (number,) = claim.numbers
    own = [values["K", "flattery", seed] for seed in range(4)]
    data = run.study.chapters[0].data
    assert number.estimate is not None
    assert number.estimate.mean == pytest.approx(np.mean(own))
    # Nadeau and Bengio: the variance of a mean of splits of one pool, by Student's t of 3 degrees of freedom
    ratio = data.facts.test_images / data.facts.train_images
    half = 3.182446 * math.sqrt((1 / 4 + ratio) * np.var(own, ddof=1))
    low, high = number.estimate.interval or (0, 0)
    assert high - low == pytest.approx(2 * half, rel=1e-5)
    found = load_chapter("leak").findings(run.study.chapters[0], (0, 1, 2, 3), run.records)
    (statement,) = found.statements
    assert "the split by image flatters it by" in statement.text
    assert "would be right for 50.0% of the test images." in found.tables[0].caption


def test_only_the_split_differs(photos: Path) -> None:
    data = Data(source=str(photos), split="per seed")
    assert (data.facts.groups, data.facts.mates) == (GROUPS, 1.0)
    whole = load(data)
    by_group, by_image = (split(whole, data.model_copy(update={"split_by": by}), 1) for by in ("group", "image"))
    sides = [set(part.groups.tolist()) for part in (by_group.train, by_group.test)]
    assert not sides[0] & sides[1]
    assert set(by_image.train.groups.tolist()) & set(by_image.test.groups.tolist())
    assert len(by_group.train) + len(by_group.test) == len(by_image.train) + len(by_image.test) == GROUPS * EACH
    trials = load_chapter("leak").trials(parse_study(study(photos), "x.toml").chapters[0], (0, 1))
    assert len({trial.id for trial in trials}) == 4
    assert len({_split_of(trial.data) for trial in trials}) == 2, "what is found in one split is not said of another"
    assert "split_by" not in trials[0].spec["data"], "a split by group is the usual one"


def test_whole_groups_are_set_aside_but_for_one(photos: Path) -> None:
    data = Data(source=str(photos), validation_images=22)
    whole, found = load(data), split(load(data), data, 3)
    assert found.validation is not None
    train, aside = (part.groups.tolist() for part in (found.train, found.validation))
    assert (len(train), len(aside)) == (len(whole.train) - 22, 22)
    assert len(set(train) & set(aside)) == 1, "22 images are four groups of five, and two of a fifth"
    fewer = split(whole, data.model_copy(update={"train_images": 20}), 3)
    assert fewer.validation is not None
    np.testing.assert_array_equal(fewer.validation.images, found.validation.images)
    assert len(set(fewer.train.groups.tolist())) > 8, "a smaller draw is of all groups"


def test_groups_whose_images_are_of_different_classes_have_no_mates(tmp_path: Path) -> None:
    facts = Data(source=str(write(tmp_path / "mixed", mixed=True)), split="per seed").facts
    assert facts.groups == GROUPS
    assert facts.mates == 0.0


@pytest.fixture(scope="module")
def case(photos: Path) -> ChapterCase:
    (chapter,) = parse_study(study(photos).replace("epochs = 8", "epochs = 2"), "x.toml").chapters
    return ChapterCase(chapter, (0, 1))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_chapter_keeps_the_contract(case: ChapterCase, check: Callable[[ChapterCase], None]) -> None:
    check(case)


def test_what_it_cannot_be_asked_of(tmp_path: Path, photos: Path) -> None:
    def fault(text: str) -> str:
        with pytest.raises(StudyError) as error:
            run_study(parse_study(text, "x.toml"), tmp_path / "run")
        assert len(str(error.value).splitlines()) == 1
        return str(error.value)

    assert "rungwise run leak --data PATH --groups TABLE" in fault(
        study(photos).replace(f'source = "{photos}", split = "per seed"', 'source = "digits"')
    )
    assert 'set split = "per seed" in the data' in fault(study(photos).replace(', split = "per seed"', ""))
    alone = write(tmp_path / "alone", groups=False)
    assert "alone has no groups of images that belong together" in fault(study(alone))


def test_the_preset_is_a_pattern_for_own_images(photos: Path, tmp_path: Path) -> None:
    preset = read_study("leak")
    with pytest.raises(StudyError, match="rungwise run leak --data PATH --groups TABLE"):
        run_study(preset, tmp_path / "none")
    adapted = adapt(preset, "leak", Data(source=str(photos)))
    (chapter,) = [one for one in adapted.study.chapters if isinstance(one, Settings)]
    assert chapter.data.split == "per seed"
    (audit,) = [one for one in adapted.study.chapters if one.kind == "audit"]
    assert audit.data == chapter.data, "the splits that are looked at are those of the nets"
    assert [claim.id for claim in chapter.claims] == ["leak"]
    with pytest.raises(StudyError, match="nothing of leak can be asked of digits"):
        adapt(preset, "leak", Data(source="digits"))


def test_a_report_is_made_again_where_the_images_are_gone(tmp_path: Path) -> None:
    folder = write(tmp_path / "photos")
    run_study(
        parse_study(study(folder, CLAIM, seeds=2).replace("epochs = 8", "epochs = 1"), "x.toml"), tmp_path / "run"
    )
    before = (tmp_path / "run/report.html").read_bytes()
    folder.rename(tmp_path / "elsewhere")
    open_run(tmp_path / "run").write_report()
    assert (tmp_path / "run/report.html").read_bytes() == before
