"""A study of own images of uneven classes, run: claims on macro F1, balanced accuracy and a class's recall, against
scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

from rungwise.data.load import load
from rungwise.evidence.claims import Claim
from rungwise.evidence.f1 import linear_f1
from rungwise.evidence.images import crossed
from rungwise.evidence.judgement import Judgement
from rungwise.evidence.measure import Measurement
from rungwise.evidence.sample import new_images
from rungwise.judging.course import course
from rungwise.judging.judge import judged, ledger_of, measurements
from rungwise.judging.prospects import prospects
from rungwise.records.record import Record
from rungwise.runs.run import Run, run_study
from rungwise.study.reading import known_metrics, parse_study
from rungwise.study.study import StudyError
from rungwise.testing.formats import Sample
from tests.data.own import writers

pytestmark = pytest.mark.usefixtures("empty_cache")
CLASSES = ("common", "rare", "scarce")
SHARES = {0: (90, 60), 8: (30, 20), 9: (12, 8)}
"""Images to train on and to test with, by digit."""
STUDY = """
title = "Uneven classes"
seeds = 4
[[chapter]]
kind = "mlps"
data = { source = %r }
fit = { epochs = 3, batch = 16, rate = 0.003, precision = "float32" }
nets = { poor = { hidden = [1] }, good = { hidden = [40] } }
[[chapter.claim]]
id = "f1"
says = "The wide net is better on all classes alike"
test = { metric = "test_macro_f1", better = "good", than = "poor" }
[[chapter.claim]]
id = "recall"
says = "It finds more of the scarce class"
holds_for = "these images"
test = { metric = "test_recall_scarce", better = "good", than = "poor" }
[[chapter.claim]]
id = "balanced"
says = "It is better than chance on these images"
holds_for = "these images"
test = { metric = "test_balanced_accuracy", model = "good", above = 0.34 }
"""


@pytest.fixture(scope="module")
def sample() -> Sample:
    digits = load("digits").train
    found, labels, parts = [], [], []
    for name, (digit, (train, test)) in zip(CLASSES, SHARES.items(), strict=True):
        found.append(np.flatnonzero(digits.labels == digit)[: train + test])
        labels += [name] * (train + test)
        parts += ["train"] * train + ["test"] * test
    return Sample(digits.images[np.concatenate(found)], tuple(labels), tuple(parts))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, sample: Sample) -> str:
    return str(writers.folder(tmp_path_factory.mktemp("uneven"), sample))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, source: str) -> Run:
    folder = tmp_path_factory.mktemp("run") / "out"
    return run_study(parse_study(STUDY % source, "uneven.toml"), folder, workers=1)


def claim(run: Run, name: str) -> Judgement:
    return next(each for claims in judged(run.study, run.records).values() for each in claims if each.id == name)


def by_model(run: Run, model: str) -> dict[object, Record]:
    return {record.spec["seed"]: record for record in run.records.values() if record.label == model}


def answers(record: Record) -> tuple[np.ndarray, np.ndarray]:
    return record.arrays["test_labels"], record.arrays["test_predictions"]


def test_every_number_is_that_of_scikit_learn(run: Run) -> None:
    found: dict[tuple[str, str, int], Measurement] = {
        (each.metric, each.model, each.seed): each for each in measurements(run.study, run.records)
    }
    for record in run.records.values():
        labels, said = answers(record)
        place = record.label, record.spec["seed"]
        expected = {
            "test_macro_f1": f1_score(labels, said, average="macro"),
            "test_balanced_accuracy": balanced_accuracy_score(labels, said),
        }
        for label, name in enumerate(CLASSES):
            one = {"labels": [label], "average": None, "zero_division": np.nan}
            expected[f"test_recall_{name}"] = recall_score(labels, said, **one)[0]
            expected[f"test_precision_{name}"] = precision_score(labels, said, **one)[0]
        for metric, value in expected.items():
            if np.isnan(value):
                assert (metric, *place) not in found, "undefined is absent"
            else:
                assert found[metric, *place].value == pytest.approx(value, rel=1e-12), metric
                assert found[metric, *place].trials == (record.id,)


def test_a_claim_on_macro_f1_holds_for_new_images(run: Run) -> None:
    """Own images: the interval is that over seeds and images of the differences' linear parts."""
    (number,) = claim(run, "f1").numbers
    assert claim(run, "f1").verdict == "supported"
    assert claim(run, "f1").test == "paired t over seeds and images"
    nets = [by_model(run, model) for model in ("good", "poor")]
    values = [[f1_score(*answers(net[seed]), average="macro") for seed in range(4)] for net in nets]
    assert number.estimate is not None
    assert number.estimate.values == pytest.approx(np.subtract(*values))
    tables = [np.stack([linear_f1(*answers(net[seed])[::-1], 3) for seed in range(4)]) for net in nets]
    table = crossed(tables[0] - tables[1])
    assert table is not None
    assert number.estimate.new == pytest.approx(new_images(table, "plain"))
    assert not number.mcnemar, "McNemar's test is of accuracies"


def test_recall_and_balanced_accuracy_are_judged_by_seeds(run: Run) -> None:
    (number,) = claim(run, "recall").numbers
    nets = [by_model(run, model) for model in ("good", "poor")]
    expected = [[recall_score(*answers(net[seed]), labels=[2], average=None)[0] for seed in range(4)] for net in nets]
    assert number.estimate is not None
    assert number.estimate.values == pytest.approx(np.subtract(*expected), abs=1e-12)
    assert claim(run, "balanced").verdict == "supported"
    (number,) = claim(run, "balanced").numbers
    assert number.estimate is not None
    low, high = number.estimate.interval or (0.0, 1.0)
    assert 0 <= low < number.estimate.mean < high <= 1, "on the scale of shares"


def test_the_power_of_such_claims_is_told(run: Run) -> None:
    for each in prospects(run.study, run.study, run.records):
        assert each.chance is not None, each
        assert 0 <= each.chance <= 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("test_recall_scarse", "did you mean 'test_recall_scarce'? Known: test_recall_common, test_recall_rare, "),
        ("test_f1", "did you mean 'test_macro_f1'? Known: "),
        ("recall", "test_precision_CLASS, test_recall_CLASS"),
    ],
)
def test_an_unknown_class_is_one_message_with_the_nearest(source: str, wrong: str, says: str) -> None:
    text = (STUDY % source).replace("test_recall_scarce", wrong)
    with pytest.raises(StudyError, match=r"uneven.toml, line 17: claim recall: .* has no metric ") as error:
        parse_study(text, "uneven.toml")
    assert says in str(error.value)
    assert str(error.value).count("claim recall") == 1
    assert ("common" in str(error.value)) == wrong.startswith("test_recall_"), "classes are named where one was meant"


@pytest.mark.parametrize(
    ("metric", "step"),
    [
        ("test_accuracy", 1 / 88),
        ("test_macro_f1", 1 / (3 * 8)),
        ("test_balanced_accuracy", 1 / (3 * 8)),
        ("test_recall_rare", 1 / 20),
        ("test_precision_rare", 0),
    ],
)
def test_looks_take_a_step_to_be_one_image_of_the_class_that_counts(run: Run, metric: str, step: float) -> None:
    """Of a mean over three classes, one of the rarest, which has 8; that of a precision depends on the seed."""
    asked = Claim(id="X", says="so", test=({"metric": metric, "better": "good", "than": "poor"},))
    found = course(asked, "mlps", known_metrics(run.study.chapters), ledger_of(run.study, run.records))
    assert found.tracks[0].question.step == pytest.approx(step)
    assert len(found.tracks[0].values) == 4 or metric == "test_precision_rare"
