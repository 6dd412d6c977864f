"""Which images a seed gives: drawn, set aside, turned, with labels at random."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from rungwise.data.images import Dataset, ImageSet
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.sources.catalogue import CATALOGUE, describe
from rungwise.data.sources.idx_files import IdxFiles
from rungwise.data.split import split

BY_HAND = ([[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]])
"""An image of four pixels, upright and after one, two and three quarter turns counter-clockwise."""


def _numbered(count: int, first: int = 0) -> ImageSet:
    """Images of three channels: two tell which image it is, however it is turned; the third how far it is turned."""
    number = np.arange(first, first + count)
    images = np.zeros((count, 3, 2, 2), np.uint8)
    images[:, 0], images[:, 1] = (number // 256)[:, None, None], (number % 256)[:, None, None]
    images[:, 2] = BY_HAND[0]
    return ImageSet(images, number % 10)


def _which(part: ImageSet) -> list[int]:
    which = part.images[:, :2].astype(int)
    assert (which == which[:, :, :1, :1]).all()
    return (which[:, 0, 0, 0] * 256 + which[:, 1, 0, 0]).tolist()


def _numbers(part: ImageSet) -> list[int]:
    numbers = _which(part)
    np.testing.assert_array_equal(part.labels, np.array(numbers) % 10)  # labels go with their images
    return numbers


def _same(part: ImageSet, other: ImageSet) -> None:
    np.testing.assert_array_equal(part.images, other.images)
    np.testing.assert_array_equal(part.labels, other.labels)
    assert part.columns.keys() == other.columns.keys()
    for name, values in part.columns.items():
        np.testing.assert_array_equal(values, other.columns[name])


@pytest.fixture
def official():
    return Dataset("mnist", tuple("0123456789"), _numbered(1000), _numbered(200, 1000), {"file": "abc"})


@pytest.fixture
def uncut():
    return Dataset("digits", tuple("0123456789"), _numbered(1797), None, {"pixels": "abc"})


def test_whole_set_in_its_order(official):
    result = split(official, Data(source="mnist"), seed=3)
    assert _numbers(result.train) == list(range(1000))
    assert _numbers(result.test) == list(range(1000, 1200))
    assert (result.classes, result.sha256) == (official.classes, official.sha256)


def test_subset(official):
    drawn = _numbers(split(official, Data(source="mnist", train_images=300), seed=3).train)
    assert len(set(drawn)) == 300
    assert set(drawn) <= set(range(1000))
    assert drawn == _numbers(split(official, Data(source="mnist", train_images=300), seed=3).train)
    assert drawn != _numbers(split(official, Data(source="mnist", train_images=300), seed=4).train)
    assert drawn[:50] == _numbers(split(official, Data(source="mnist", train_images=50), seed=3).train)


def test_subset_is_random(official):
    """Image 0 is in half of all draws of half of the images: within four standard errors of 1/2."""
    half = Data(source="mnist", train_images=500)
    share = np.mean([0 in _numbers(split(official, half, seed).train) for seed in range(400)])
    assert abs(share - 0.5) < 4 * (0.25 / 400) ** 0.5


def test_own_test_part_is_the_same_for_every_subset(official):
    for seed, count in ((1, 10), (2, 999)):
        result = split(official, Data(source="mnist", train_images=count), seed)
        assert _numbers(result.test) == list(range(1000, 1200))


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_cut_is_disjoint_and_complete(uncut, seed):
    result = split(uncut, Data(source="digits"), seed)
    train, test = _numbers(result.train), _numbers(result.test)
    assert (len(train), len(test)) == (1348, 449)
    assert sorted(train + test) == list(range(1797))


def test_cut_depends_on_the_seed_only(uncut):
    whole = split(uncut, Data(source="digits"), seed=5)
    part = split(uncut, Data(source="digits", train_images=600), seed=5)
    assert _numbers(part.test) == _numbers(whole.test)
    assert set(_numbers(part.train)) < set(_numbers(whole.train))
    assert _numbers(split(uncut, Data(source="digits"), seed=6).test) != _numbers(whole.test)


def test_sizes_are_those_of_the_catalogue():
    setting = Data(source="digits")
    result = split(load("digits"), setting, seed=1)
    assert len(result.train) == setting.size
    assert set(np.unique(result.test.labels)) == set(range(10))


def test_the_setting_must_mean_this_data(official, uncut):
    with pytest.raises(ValueError, match=r"asks for 'digits', but the images are of 'mnist'"):
        split(official, Data(source="digits"), seed=1)
    with pytest.raises(ValueError, match=r"has 1,000 training images, not 2,000"):
        split(official, Data(source="mnist", train_images=2000), seed=1)


# Smaller draws and larger ones ---------------------------------------------------------------------------------

SETTINGS = {
    "plain": {},
    "set aside": {"validation_images": 100},
    "turned": {"turned": True},
    "random labels": {"labels": "random"},
    "all": {"validation_images": 100, "turned": True, "labels": "random"},
}
each_setting = pytest.mark.parametrize("more", SETTINGS.values(), ids=SETTINGS.keys())


@each_setting
def test_a_smaller_draw_is_the_beginning_of_a_larger_one(official, more):
    """With its labels and turns, and beside the same test images."""
    large = split(official, Data(source="mnist", train_images=900, **more), seed=3)
    assert len(large.train) == 900
    for count in (2, 51, 899):
        small = split(official, Data(source="mnist", train_images=count, **more), seed=3)
        _same(small.train, large.train.take(np.arange(count)))
        _same(small.test, large.test)


@each_setting
@pytest.mark.parametrize("count", [2, 51, 900])
def test_an_image_is_the_same_in_every_draw(official, count, more):
    """Its turn and its label are those that it has where all images are used, in the source's order."""
    everything = {name: value for name, value in more.items() if name != "validation_images"}
    whole = split(official, Data(source="mnist", **everything), seed=3)
    assert _which(whole.train) == list(range(1000))
    result = split(official, Data(source="mnist", train_images=count, **more), seed=3)
    _same(result.train, whole.train.take(np.array(_which(result.train))))
    _same(result.test, whole.test)
    if result.validation is not None:
        _same(result.validation, whole.train.take(np.array(_which(result.validation))))


@each_setting
def test_the_seed_decides(official, more):
    setting = Data(source="mnist", train_images=300, **more)
    first, again, other = (split(official, setting, seed) for seed in (3, 3, 4))
    _same(first.train, again.train)
    _same(first.test, again.test)
    assert _which(first.train) != _which(other.train)
    assert _which(first.test) == _which(other.test)
    if first.validation is not None:
        _same(first.validation, again.validation)
        assert _which(first.validation) != _which(other.validation)


# Images set aside ----------------------------------------------------------------------------------------------


def test_nothing_is_set_aside_unless_asked_for(official):
    assert split(official, Data(source="mnist"), seed=3).validation is None


@pytest.mark.parametrize("seed", [0, 3])
def test_validation_images_are_the_same_for_every_number_of_training_images(official, seed):
    aside = {}
    for count in (2, 300, 899, 900, None):
        result = split(official, Data(source="mnist", train_images=count, validation_images=100), seed)
        train, validation = _numbers(result.train), _numbers(result.validation)
        assert (len(train), len(validation)) == (count or 900, 100)
        assert len(set(train + validation)) == len(train) + 100, "no image is in both, or twice in one"
        assert set(train + validation) <= set(range(1000))
        assert _numbers(result.test) == list(range(1000, 1200))
        aside[count] = validation
    assert all(validation == aside[None] for validation in aside.values())


def test_all_the_others_are_trained_on_in_their_order(official):
    result = split(official, Data(source="mnist", validation_images=100), seed=3)
    train = _numbers(result.train)
    assert train == sorted(set(range(1000)) - set(_numbers(result.validation)))
    assert len(train) == 900


def test_validation_images_are_random(official):
    """Image 0 is set aside in a tenth of all splits that set a tenth aside: within four standard errors."""
    tenth = Data(source="mnist", train_images=2, validation_images=100)
    share = np.mean([0 in _numbers(split(official, tenth, seed).validation) for seed in range(400)])
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / 400) ** 0.5


def test_validation_images_are_no_test_images(uncut):
    result = split(uncut, Data(source="digits", validation_images=200), seed=5)
    train, validation, test = map(_numbers, (result.train, result.validation, result.test))
    assert (len(train), len(validation), len(test)) == (1148, 200, 449)
    assert sorted(train + validation + test) == list(range(1797))
    assert test == _numbers(split(uncut, Data(source="digits"), seed=5).test)


@pytest.mark.parametrize(("train", "size"), [(None, 1148), (1148, 1148), (7, 7)])
def test_sizes_beside_a_validation_part(train, size):
    setting = Data(source="digits", train_images=train, validation_images=200)
    result = split(load("digits"), setting, seed=1)
    assert len(result.train) == setting.size == size
    assert len(result.validation) == 200


@pytest.mark.parametrize(
    ("train", "aside", "says"),
    [
        (None, 0, "a validation part needs at least 1 image, got 0; leave it out to have none"),
        (10, -3, "a validation part needs at least 1 image, got -3; leave it out to have none"),
        (None, 1347, "digits has 1,348 training images, too few to train on 2 and set 1,347 aside"),
        (1300, 49, "digits has 1,348 training images, too few to train on 1,300 and set 49 aside"),
        (1348, 1, "digits has 1,348 training images, too few to train on 1,348 and set 1 aside"),
        (5000, 10, "digits has 1,348 training images, not 5,000"),
    ],
)
def test_too_few_and_too_many_to_set_aside_are_refused(train, aside, says):
    with pytest.raises(ValidationError) as caught:
        Data(source="digits", train_images=train, validation_images=aside)
    assert [fault["msg"] for fault in caught.value.errors()] == [f"Value error, {says}"]


@pytest.mark.parametrize(("train", "aside", "size"), [(None, 1, 1347), (None, 1346, 2), (1300, 48, 1300)])
def test_as_many_as_there_are_can_be_set_aside(train, aside, size):
    assert Data(source="digits", train_images=train, validation_images=aside).size == size


def test_a_source_with_fewer_images_than_it_should_have_is_told(official):
    with pytest.raises(ValueError, match=r"mnist has 1,000 training images, not 1,010"):
        split(official, Data(source="mnist", train_images=910, validation_images=100), seed=1)


# Turned images -------------------------------------------------------------------------------------------------


def test_images_are_turned_counter_clockwise(official):
    setting = Data(source="mnist", train_images=300, validation_images=100, turned=True)
    result = split(official, setting, seed=3)
    for part in (result.train, result.validation, result.test):
        turns = part.columns["turn"]
        assert turns.dtype == np.int64
        assert set(turns) == {0, 1, 2, 3}
        assert part.images[:, 2].tolist() == [BY_HAND[turn] for turn in turns]
        assert part.shape == (3, 2, 2)


def test_turning_changes_nothing_else(official):
    """The same images, labels and order; and the source's own images stay as they are."""
    setting = Data(source="mnist", train_images=300, validation_images=100)
    before, upright = official.train.images.copy(), split(official, setting, seed=3)
    turned = split(official, setting.model_copy(update={"turned": True}), seed=3)
    assert _numbers(turned.train) == _numbers(upright.train)
    assert _numbers(turned.validation) == _numbers(upright.validation)
    assert _numbers(turned.test) == list(range(1000, 1200))
    assert upright.train.columns == upright.test.columns == {}
    np.testing.assert_array_equal(official.train.images, before)


def test_turns_are_those_of_numpy():
    digits = load("digits")
    upright = split(digits, Data(source="digits"), seed=1)
    turned = split(digits, Data(source="digits", turned=True), seed=1)
    for part, original in ((turned.train, upright.train), (turned.test, upright.test)):
        assert part.images.dtype == np.uint8
        expected = [
            np.rot90(image, turn) for image, turn in zip(original.images[:, 0], part.columns["turn"], strict=True)
        ]
        np.testing.assert_array_equal(part.images[:, 0], expected)
        np.testing.assert_array_equal(part.labels, original.labels)


def test_turns_are_uniform_and_say_nothing_of_the_label():
    dataset = Dataset("mnist", tuple("0123456789"), _numbered(8000), _numbered(2000), {})
    result = split(dataset, Data(source="mnist", turned=True), seed=0)
    for part in (result.train, result.test):
        _look_independent(part.columns["turn"], part.labels, 4)
    assert result.train.columns["turn"][:2000].tolist() != result.test.columns["turn"].tolist()


def test_only_square_images_can_be_turned(monkeypatch):
    facts = replace(describe("digits"), name="wide", image=(1, 24, 32))
    monkeypatch.setitem(CATALOGUE, "wide", IdxFiles(facts, ()))
    assert not Data(source="wide").turned
    with pytest.raises(ValidationError) as caught:
        Data(source="wide", turned=True)
    assert [fault["msg"] for fault in caught.value.errors()] == [
        "Value error, only square images can be turned by quarters; those of wide are 24 x 32"
    ]


# Random labels -------------------------------------------------------------------------------------------------


def _look_independent(drawn: np.ndarray, given: np.ndarray, classes: int) -> None:
    """Chi-square tests that draws are uniform over the classes and independent of what was given.

    Neither too far off, nor too close: labels that were merely shuffled would be as balanced as before, at p = 1.
    """
    assert drawn.dtype == np.int64
    counts = np.bincount(drawn, minlength=classes)
    assert len(counts) == classes
    assert 0.001 < stats.chisquare(counts).pvalue < 0.999
    assert stats.chi2_contingency(stats.contingency.crosstab(drawn, given).count).pvalue > 0.001


def test_random_labels_are_uniform_and_say_nothing_of_the_image():
    dataset = Dataset("mnist", tuple("0123456789"), _numbered(20_000), _numbered(1000), {})
    whole = split(dataset, Data(source="mnist", labels="random"), seed=0)
    _look_independent(whole.train.labels, np.array(_which(whole.train)) % 10, 10)
    result = split(dataset, Data(source="mnist", validation_images=5000, labels="random"), seed=0)
    for part in (result.train, result.validation):
        _look_independent(part.labels, np.array(_which(part)) % 10, 10)


def test_test_labels_stay_true(official, uncut):
    assert _numbers(split(official, Data(source="mnist", labels="random"), seed=3).test) == list(range(1000, 1200))
    true, random = (split(uncut, Data(source="digits", labels=labels), seed=3) for labels in ("true", "random"))
    assert _numbers(random.test) == _numbers(true.test)


def test_random_labels_change_nothing_else(official):
    setting = Data(source="mnist", train_images=300, validation_images=100)
    true = split(official, setting, seed=3)
    random = split(official, setting.model_copy(update={"labels": "random"}), seed=3)
    for part, original in ((random.train, true.train), (random.validation, true.validation)):
        np.testing.assert_array_equal(part.images, original.images)
        assert (part.labels != original.labels).any()
    np.testing.assert_array_equal(official.train.labels, np.arange(1000) % 10)


def test_with_random_labels_the_turn_that_is_told_is_random_too():
    dataset = Dataset("mnist", tuple("0123456789"), _numbered(20_000), _numbered(1000), {})
    true, random = (
        split(dataset, Data(source="mnist", turned=True, labels=labels), seed=0) for labels in ("true", "random")
    )
    np.testing.assert_array_equal(random.train.images, true.train.images)
    _look_independent(random.train.columns["turn"], true.train.columns["turn"], 4)
    _look_independent(random.train.columns["turn"], random.train.labels, 4)
    np.testing.assert_array_equal(random.test.columns["turn"], true.test.columns["turn"])


def test_columns_of_the_source_are_random_too(monkeypatch):
    """Uniform, independent of the true ones and of the random labels; those of the test images stay true."""
    columns = {"parity": ("even", "odd"), "rest": ("0", "1", "2")}
    monkeypatch.setitem(CATALOGUE, "mnist", IdxFiles(replace(describe("mnist"), columns=columns), ()))

    def with_columns(part: ImageSet) -> ImageSet:
        number = np.array(_which(part))
        return ImageSet(part.images, part.labels, {"parity": number % 2, "rest": number % 3})

    dataset = Dataset("mnist", tuple("0123456789"), with_columns(_numbered(9000)), with_columns(_numbered(300)), {})
    result = split(dataset, Data(source="mnist", labels="random"), seed=0)
    for name, names in columns.items():
        drawn = result.train.columns[name]
        for given in (dataset.train.columns[name], result.train.labels):
            _look_independent(drawn, given, len(names))
    _same(result.test, dataset.test)


# The identity of a setting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("defaults", [{}, {"validation_images": None, "turned": False, "labels": "true"}])
@pytest.mark.parametrize("mode", ["python", "json"])
def test_what_is_not_set_is_no_part_of_the_identity(defaults, mode):
    """Records of trials from before these settings were there are still found."""
    dumped = Data(source="mnist", train_images=10, **defaults).model_dump(mode=mode)
    assert dumped == {"source": "mnist", "train_images": 10}
    assert Data(source="mnist").model_dump(mode=mode) == {"source": "mnist", "train_images": None}


@each_setting
def test_what_is_set_is_part_of_the_identity(more):
    setting = Data(source="mnist", train_images=10, **more)
    assert setting.model_dump(mode="json") == {"source": "mnist", "train_images": 10, **more}
    assert Data.model_validate_json(setting.model_dump_json()) == setting
