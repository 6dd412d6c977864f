"""The chapter on a further task: what it plans, and what it says of known records."""

import pytest
from pydantic import ValidationError
from scipy import stats

from rungwise.chapters import multitask, transfer
from rungwise.chapters.transfer.names import WAYS, model_name
from rungwise.judging.judge import judged
from rungwise.study.reading import parse_study
from rungwise.study.study import StudyError

TEXT = """
title = "T"
seeds = 3
[[chapter]]
kind = "transfer"
data = { source = "mnist", train_images = 1000, validation_images = 100 }
fit = { epochs = 6, batch = 50 }
net = { family = "compact", filters = [2, 3] }
weights = 0.25
[chapter.tasks]
item = "labels"
loops = { none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }
[chapter.task]
parity = { even = [0, 2, 4, 6, 8], odd = [1, 3, 5, 7, 9] }
[[chapter.claim]]
id = "cheap"
says = "A further task is cheap"
test = { metric = "test_accuracy", better = "frozen, 1%", than = "new, 1%" }
"""
STUDY = parse_study(TEXT, "transfer.toml")
(SETTINGS,) = STUDY.chapters
SEEDS = (0, 1, 2)
ACCURACY = {  # by model: by seed
    "frozen, 1%": [0.70, 0.71, 0.72],
    "fine-tuned, 1%": [0.60, 0.60, 0.60],
    "new, 1%": [0.60, 0.60, 0.60],
    "frozen, 10%": [0.80, 0.81, 0.82],
    "fine-tuned, 10%": [0.92, 0.93, 0.94],
    "new, 10%": [0.85, 0.85, 0.85],
    "frozen, 100%": [0.85, 0.85, 0.86],
    "fine-tuned, 100%": [0.95, 0.95, 0.95],
    "new, 100%": [0.90, 0.91, 0.92],
}


def records_of(fitted, settings=SETTINGS, seeds=SEEDS):
    records = {}
    for trial in transfer.trials(settings, seeds):
        if trial.label == "trunk":
            numbers = [{"test_accuracy": 0.8}, {"test_accuracy": 0.9}]
        else:
            numbers = [{"test_accuracy": ACCURACY[trial.label][trial.seed]}]
        record = fitted(trial, *numbers, time_s=2.0 if trial.frozen else 5.0)
        if trial.frozen:
            record.summary["parameters_learnt"] = 50
        records[trial.id] = record
    return records


@pytest.fixture
def records(fitted):
    return records_of(fitted)


@pytest.fixture
def found(records):
    return transfer.findings(SETTINGS, SEEDS, records)


def said(found, start):
    (text,) = (s.text for s in found.statements if s.text.startswith(start))
    return text


# Settings and trials -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("weights = 0.25", "weights = [0.5, 0.6]", "weights: loss weights must be at least 0 and sum to 1"),
        ("weights = 0.25", "weights = [0.2, 0.3, 0.5]", "weights: 2 tasks need 2 weights"),
        ("parity = {", "loops = {", "task: the trunk is trained on 'loops' already"),
        ('"compact"', '"cross-stitch"', "each task has a column of its own in this net"),
        ("batch = 50 }", "batch = 50, stop_loss = 0.1 }", "leave stop_loss and stop out"),
        ("batch = 50 }", "batch = 50, stop = { patience = 2 } }", "leave stop_loss and stop out"),
        ("batch = 50 }", "batch = 50, pruning = {} }", "leave `pruning` out"),
        ("weights = 0.25", "weights = 0.25\nshares = [0.1, 0.01]", "expected shares in rising order"),
        ("weights = 0.25", "weights = 0.25\nshares = [0.005, 1]", "expected shares of at least 10 images"),
        ("9] }\n[[", "9], none = [9] }\n[[", "parity"),
    ],
)
def test_a_wrong_study_is_reported_with_its_line(old, new, says):
    assert old in TEXT
    with pytest.raises(StudyError) as error:
        parse_study(TEXT.replace(old, new), "mine.toml")
    assert says in str(error.value)
    assert str(error.value).startswith("mine.toml, line ")


def test_a_class_of_the_further_task_alone_is_weighted_there():
    def weighted(names):
        fit = SETTINGS.fit.model_copy(update={"class_weights": names})
        return transfer.trials(SETTINGS.model_copy(update={"fit": fit}), (0,))

    for trial in weighted({"odd": 2.0}):
        assert trial.fit.class_weights == (None if trial.label == "trunk" else {"odd": 2.0})
    with pytest.raises(ValueError, match="mnist has no class 'odds'; did you mean 'odd'"):
        weighted({"odds": 2.0})


def test_one_further_task_only():
    raw = SETTINGS.model_dump(by_alias=True) | {"task": {"a": "labels", "b": "labels"}}
    with pytest.raises(ValidationError, match="at most 1 item"):
        transfer.Settings.model_validate(raw)


def test_every_way_learns_for_the_trunks_number_of_steps():
    """1,000 images in batches of 50, 6 epochs: 120 steps; 10 images are a step each, 100 two."""
    trials = {t.label: t for t in transfer.trials(SETTINGS, (4,))}
    assert list(trials) == ["trunk", *(model_name(way, share) for share in (0.01, 0.1, 1) for way in WAYS)]
    assert {(t.data.size, t.epochs) for t in trials.values() if t.label.endswith(" 1%")} == {(10, 120)}
    assert {(t.data.size, t.epochs) for t in trials.values() if t.label.endswith(" 10%")} == {(100, 60)}
    assert {(t.data.size, t.epochs) for t in trials.values() if t.label.endswith(" 100%")} == {(1000, 6)}
    for share in ("1%", "10%", "100%"):
        frozen, tuned, new = (trials[f"{way}, {share}"] for way in WAYS)
        assert frozen.start == tuned.start == trials["trunk"]
        assert (frozen.frozen, tuned.frozen, new.frozen, new.start) == (True, False, False, None)
        assert frozen.model_copy(update={"frozen": False}).id == tuned.id
        assert tuned.model_copy(update={"start": None}).id == new.id
    assert trials["trunk"].loss_weights == (0.25, 0.75)


def test_the_trunk_is_the_very_net_of_the_multi_task_chapter():
    shared = ("data", "fit", "net", "tasks")
    beside = multitask.Settings(weights=[0.25], **{key: getattr(SETTINGS, key) for key in shared})
    (net,) = (t for t in multitask.trials(beside, (0,)) if t.label == "multi: λ = 0.25")
    assert net.id == transfer.trials(SETTINGS, (0,))[0].id


# Numbers -------------------------------------------------------------------------------------------------------


def test_every_measurement_by_hand(records):
    found = {(m.metric, m.model, m.seed): m.value for m in transfer.measured(SETTINGS, SEEDS, records)}
    for model, values in ACCURACY.items():
        assert [found["test_accuracy", model, seed] for seed in SEEDS] == values
    assert found["test_accuracy_item", "trunk", 1] == 0.8
    assert found["test_accuracy_loops", "trunk", 1] == 0.9
    assert found["parameters_learnt", "frozen, 1%", 0] == 50
    assert found["parameters_learnt", "new, 1%", 0] == 1000
    assert found["time_s", "frozen, 100%", 2] == 2
    declared = {
        (key, model, seed)
        for key, metric in transfer.metrics(SETTINGS).items()
        if not metric.of_class or metric.answers.label < 3  # the test images of `fitted` have no other class
        for model in metric.models
        for seed in SEEDS
    }
    assert set(found) == declared


def test_the_claim_is_judged_by_the_pairs(records):
    ((judgement,),) = judged(STUDY, records).values()
    assert judgement.verdict == "supported"


# Sentences -----------------------------------------------------------------------------------------------------


def test_sentences(found):
    half = stats.t.ppf(0.975, 2) * 0.01 / 3**0.5
    text = said(found, "With 1% of the labels, the frozen net is more accurate by 0.1100 than a new one")
    assert f"95% interval of the difference, {0.11 - half:+.4f} to {0.11 + half:+.4f}, does not contain 0" in text
    said(found, "With 1% of the labels, the fine-tuned net is exactly as accurate as a new one")
    said(found, "With 10% of the labels, the frozen net is less accurate by 0.0400 than a new one")
    said(found, "At no share of the labels is the frozen net as accurate as a new one with 100%: nearest, at 100%,")
    said(found, "The fine-tuned net needs 10% of the labels to be as accurate as a new one with 100%")
    said(found, "The frozen net learns 50 of its 1,000 parameters (5.0%)")
    said(found, "Learning parity from 100% of the labels took the frozen net 2.0 s, the fine-tuned net 5.0 s")
    assert "0.8000" in said(found, "The trunk's own test accuracy is")


def test_the_table_has_a_row_for_each_way_and_share(found):
    (table,) = found.tables
    assert [(row[0], row[1], row[2], row[3], row[4]) for row in table.rows[:4]] == [
        ("frozen", "1%", 10, 120, 120),
        ("fine-tuned", "1%", 10, 120, 120),
        ("new", "1%", 10, 120, 120),
        ("frozen", "10%", 100, 60, 120),
    ]
    assert table.rows[0][5].values == tuple(ACCURACY["frozen, 1%"])
    assert [row[6] for row in table.rows[:3]] == [50, 1000, 1000]


def test_the_figure_has_a_curve_for_each_way(found):
    (figure,) = found.figures
    (panel,) = figure.panels
    assert [series.name for series in panel.series] == list(WAYS)
    assert panel.series[0].x == (1, 10, 100)
    assert panel.series[0].runs[2] == (0.72, 0.82, 0.86)


@pytest.mark.parametrize("gone", ["trunk", *ACCURACY])
def test_any_part_may_be_missing(fitted, gone):
    labels = {t.id: t.label for t in transfer.trials(SETTINGS, SEEDS)}
    records = {key: record for key, record in records_of(fitted).items() if labels[key] != gone}
    found = transfer.findings(SETTINGS, SEEDS, records)
    assert "3 of 30 trials have not finished" in " ".join(found.warnings)
    way, _, share = gone.partition(", ")
    texts = [s.text for s in found.statements]
    about = [text for text in texts if text.startswith(f"With {share} of the labels")]
    if gone == "trunk":
        assert not any("trunk" in text for text in texts)
    elif way == "new":
        assert not about, "nothing to compare with"
    else:
        assert about
        assert not any(f"the {way} net" in text for text in about)


def test_nothing_has_run():
    found = transfer.findings(SETTINGS, SEEDS, {})
    assert found.statements == ()
    assert [figure.id for figure in found.figures if figure.missing] == ["transfer-labels"]
    assert list(transfer.measured(SETTINGS, SEEDS, {})) == []


def test_one_seed_is_warned_of(fitted):
    found = transfer.findings(SETTINGS, (0,), records_of(fitted, seeds=(0,)))
    assert "Every number here comes from one seed" in found.warnings[0]
