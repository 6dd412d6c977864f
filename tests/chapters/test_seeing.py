"""The chapter on seeing: from synthetic images through fitted nets and records to findings."""

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from rungwise.bench import Bench
from rungwise.chapters import cnns, seeing
from rungwise.chapters.seeing import work as inside
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.insight.dreams import DreamSettings
from rungwise.models.cnn import CnnSettings
from rungwise.records.record import Environment, Record
from rungwise.training import fit
from rungwise.training.settings import Fit, Recipe
from rungwise.trial import TrialFailed

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip

SETTINGS = seeing.Settings(
    data=Data(source="digits"),
    net=CnnSettings(filters=(4, 6)),
    fit=Recipe(epochs=8, batch=32, rate=0.01, precision="float32"),
    classes=(2, 9),
    dream=DreamSettings(steps=15, rate=0.1, scales=(6, 12), jitter=0, smoothness=1),
)


def images(data, seed):
    """Class k is a bright bar in row k of 12x12 noise: 20 training images and 3 test images of each."""
    random = np.random.default_rng(seed)

    def part(each):
        labels = random.permutation(np.repeat(np.arange(10), each))
        pixels = random.integers(0, 60, (len(labels), 1, 12, 12))
        pixels[np.arange(len(labels)), 0, labels + 1] += 190
        return ImageSet(pixels.astype(np.uint8), labels)

    return Split(data.classes, part(20), part(3), {})


def record(trial, outcome):
    return Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", summary=outcome.summary,
        timings=outcome.timings, environment=HERE, arrays=outcome.arrays,
        weights={name: value.numpy() for name, value in outcome.weights.items()},
    )  # fmt: skip


def run(trials):
    """The records of the trials and of what they need, as an engine makes them."""
    records = {}
    for trial in trials:
        for need in trial.needs:
            if need.id not in records:
                records[need.id] = record(need, fit.carry_out(need, Bench("cpu", images, {})))
        records[trial.id] = record(trial, inside.carry_out(trial, Bench("cpu", images, records)))
    return records


@pytest.fixture(scope="module")
def records():
    torch.set_num_threads(1)
    return run(seeing.trials(SETTINGS, (0, 1)))


def table(findings, name):
    return next(table for table in findings.tables if table.id == name)


# Trials


def test_the_net_is_the_one_of_the_chapter_on_cnns():
    others = cnns.Settings(data=SETTINGS.data, fit=SETTINGS.fit, nets={"CNN-1": SETTINGS.net})
    fitted = {trial.id for trial in cnns.trials(others, (0, 1, 2)) if isinstance(trial, Fit)}
    assert {need.id for trial in seeing.trials(SETTINGS, (0, 1, 2)) for need in trial.needs} == fitted


def test_a_net_that_was_stopped_early_is_the_one_of_the_chapter_on_cnns_too():
    data = Data(source="digits", validation_images=100)
    fit = Recipe(epochs=9, stop={"patience": 2}, class_weights="balanced", clip_norm=1.0)
    own = SETTINGS.model_copy(update={"data": data, "fit": fit})
    others = cnns.Settings(data=data, fit=fit, nets={"CNN-1": own.net})
    assert {need.id for trial in seeing.trials(own, (0, 1)) for need in trial.needs} == {
        trial.id for trial in cnns.trials(others, (0, 1))
    }
    assert " for at most 9 epochs, and then looked into." in seeing.findings(own, (0, 1), {}).method[0]
    assert "at most" not in seeing.findings(SETTINGS, (0, 1), {}).method[0]


@pytest.mark.parametrize(("seeds", "judges"), [((0, 1, 2), [1, 2, 0]), ((4,), [5])])
def test_the_judge_is_the_net_of_the_next_seed(seeds, judges):
    trials = seeing.trials(SETTINGS, seeds)
    assert [trial.net.seed for trial in trials] == [trial.seed for trial in trials] == list(seeds)
    assert [trial.judge.seed for trial in trials] == judges


def test_every_setting_is_part_of_the_identity_and_the_name_is_not():
    (trial,) = seeing.trials(SETTINGS, (0,))
    for change in ({"classes": (2, 3)}, {"dream": DreamSettings(steps=7)}, {"net": CnnSettings(filters=(4, 7))}):
        assert seeing.trials(SETTINGS.model_copy(update=change), (0,))[0].id != trial.id
    assert seeing.trials(SETTINGS.model_copy(update={"name": "another"}), (0,))[0].id == trial.id
    assert trial.flops > 0


@pytest.mark.parametrize("classes", [(2, 2), (2, 10), (-1, 3)])
def test_classes_are_two_labels_that_exist(classes):
    with pytest.raises(ValidationError, match="two different labels from 0 to 9"):
        seeing.Settings.model_validate({**SETTINGS.model_dump(by_alias=True), "classes": classes})


# Work


def test_a_net_with_batch_norm_dense_layers_and_dropout_is_looked_into():
    """Its layers are its convolutions, after the ReLU; dreams are of the net as it answers, without dropout."""
    net = CnnSettings(filters=(4, 6), batch_norm=True, dense=(12,), dropout=0.5)
    (trial,) = seeing.trials(SETTINGS.model_copy(update={"net": net}), (0,))
    own = run([trial])
    arrays = own[trial.id].arrays
    built = net.build((1, 12, 12), trial.net.outputs).eval()
    built.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in own[trial.net.id].weights.items()})
    assert list(built.features(torch.zeros(1, 1, 12, 12))) == ["convolution 1", "convolution 2", "dense 1", "logits"]
    seen = torch.from_numpy(arrays["image_9"]).float()[None] / 127.5 - 1
    with torch.no_grad():
        maps = built.features(seen)["convolution 2"][0].numpy()
        said = built(torch.from_numpy(arrays["dreams_image"].astype(np.float32)))[0].softmax(1)
    np.testing.assert_allclose(arrays["maps_9_convolution_2"], maps, rtol=2e-3, atol=1e-6)
    assert maps.min() == 0
    np.testing.assert_allclose(arrays["net_dreams_image"], said, atol=5e-3)
    told = seeing.findings(SETTINGS.model_copy(update={"net": net}), (0,), own)
    assert "CNN-1 drops 0.5 of the values of each dense layer in training, after the ReLU." in told.method[0]


def test_the_record_agrees_with_the_nets(records):
    trial = seeing.trials(SETTINGS, (0, 1))[0]
    arrays, summary = records[trial.id].arrays, records[trial.id].summary
    test = images(trial.data, trial.seed).test
    np.testing.assert_array_equal(arrays["image_9"], test.images[np.flatnonzero(test.labels == 9)[0]])
    for viewer, fitted in (("net", trial.net), ("judge", trial.judge)):
        net = fitted.net.build((1, 12, 12), fitted.outputs)
        net.load_state_dict({k: torch.from_numpy(v) for k, v in records[fitted.id].weights.items()})
        dreams = torch.from_numpy(arrays["dreams_image"].astype(np.float32))
        with torch.no_grad():
            stages = net.features(torch.from_numpy(arrays["image_9"]).float()[None] / 127.5 - 1)
            said = net(dreams)[0].softmax(1)
        np.testing.assert_allclose(arrays[f"{viewer}_dreams_image"], said, atol=5e-3)  # dreams are kept as float16
        np.testing.assert_allclose(arrays[f"{viewer}_dreams_image"].sum(1), 1, rtol=1e-5)
        if viewer == "net":
            maps = stages["convolution 2"][0].numpy()
            np.testing.assert_allclose(arrays["maps_9_convolution_2"], maps, rtol=1e-3, atol=1e-6)
            assert summary["dark_9_convolution_2"] == (maps == 0).all((1, 2)).sum()
    assert arrays["dreams_noise"].shape == (10, 1, 12, 12)
    assert abs(arrays["dreams_noise"]).max() <= 1
    np.testing.assert_allclose(arrays["start_image"], arrays["image_2"] / 127.5 - 1, atol=1e-3)


def test_dreams_climb(records):
    for trial in seeing.trials(SETTINGS, (0, 1)):
        arrays = records[trial.id].arrays
        for start in inside.STARTS:
            dreamt = np.diagonal(arrays[f"net_dreams_{start}"])
            assert dreamt.mean() > 0.9 > 0.2 > arrays[f"net_start_{start}"].mean()


def test_a_filter_made_dead_is_counted(records):
    trial = seeing.trials(SETTINGS, (0, 1))[0]
    weights = {name: np.array(value) for name, value in records[trial.net.id].weights.items()}
    weights["trunk.convolutions.0.weight"][1] = 0
    weights["trunk.convolutions.0.bias"][1] = -1
    changed = {**records, trial.net.id: records[trial.net.id].model_copy(update={"weights": weights})}
    before, after = records[trial.id].summary, inside.carry_out(trial, Bench("cpu", images, changed)).summary
    assert before["dead_convolution_1"] == 0
    assert after["dead_convolution_1"] == after["dark_2_convolution_1"] == after["dark_9_convolution_1"] == 1


def test_the_same_trial_gives_the_same_bits(records):
    trial = seeing.trials(SETTINGS, (0, 1))[1]
    again = inside.carry_out(trial, Bench("cpu", images, records))
    assert again.summary == records[trial.id].summary
    assert again.arrays.keys() == records[trial.id].arrays.keys()
    for name, array in again.arrays.items():
        np.testing.assert_array_equal(array, records[trial.id].arrays[name])


def test_a_class_without_test_images_is_named(records):
    def none_of_9(data, seed):
        split = images(data, seed)
        return Split(split.classes, split.train, split.test.take(split.test.labels != 9), {})

    (trial, _) = seeing.trials(SETTINGS, (0, 1))
    with pytest.raises(TrialFailed, match="none of class '9'"):
        inside.carry_out(trial, Bench("cpu", none_of_9, records))


# Findings


def test_tables_are_the_records(records):
    found = seeing.findings(SETTINGS, (0, 1), records)
    own = [records[trial.id] for trial in seeing.trials(SETTINGS, (0, 1))]
    names = ("dark_2", "dark_9", "dead", "sparsity", "selectivity")
    for i, row in enumerate(table(found, "seeing-layers").rows, 1):
        assert row[:2] == (f"convolution {i}", SETTINGS.net.filters[i - 1])
        for name, cell in zip(names, row[2:], strict=True):
            assert cell.values == tuple(record.summary[f"{name}_convolution_{i}"] for record in own)
    rows = table(found, "seeing-dreams").rows
    assert [row[:2] for row in rows] == [(start, str(k)) for start in ("noise", "the 2") for k in range(10)]
    assert rows[3][2].values == tuple(float(record.arrays["net_dreams_noise"][3, 3]) for record in own)
    assert rows[17][5].values == tuple(float(record.arrays["net_start_image"][7]) for record in own)
    assert found.seeds == 2


def test_statements_count_dreams_and_name_their_trials(records):
    found = seeing.findings(SETTINGS, (0, 1), records)
    own = [records[trial.id] for trial in seeing.trials(SETTINGS, (0, 1))]
    right = {
        (viewer, start): sum(round(10 * record.summary[f"{viewer}_as_aimed_{start}"]) for record in own)
        for viewer in inside.VIEWERS
        for start in inside.STARTS
    }
    texts = [statement.text for statement in found.statements]
    for start, name in (("noise", "noise"), ("image", "the 2")):
        (text,) = [text for text in texts if text.startswith(f"Of 20 dreams from {name}")]
        assert f"classifies {right['net', start]} as the class aimed at" in text
        assert f"no part in them, {right['judge', start]};" in text
        assert "pass 2 and 2 times" in text  # the same start for all classes is one of them
    change = np.mean([r.summary["sparsity_convolution_2"] - r.summary["sparsity_convolution_1"] for r in own])
    (sparsity,) = [text for text in texts if "sparsity" in text]
    assert f"a change of {change:.3f} (95% interval" in sparsity
    assert all(set(s.trials) == {record.id for record in own} for s in found.statements)


def test_figures_show_every_filter_map_and_dream(records):
    figures = {figure.id: figure for figure in seeing.findings(SETTINGS, (0, 1), records).figures}
    assert [len(panel.tiles) for panel in figures["seeing-filters"].panels] == [4, 6]
    assert [panel.tiles[0].pixels.shape for panel in figures["seeing-filters"].panels] == [(4, 4), (9, 9)]
    for label in SETTINGS.classes:
        assert [len(panel.tiles) for panel in figures[f"seeing-maps-{label}"].panels] == [1, 4, 6]
    for start in inside.STARTS:
        (panel,) = figures[f"seeing-dreams-{start}"].panels
        assert len(panel.tiles) == 1 + 10
        assert all(tile.pixels.dtype == np.uint8 for tile in panel.tiles)
    runs = figures["seeing-layers-figure"].panels[0].series[0].runs
    own = [records[trial.id].summary for trial in seeing.trials(SETTINGS, (0, 1))]
    assert runs == tuple((s["sparsity_convolution_1"], s["sparsity_convolution_2"]) for s in own)


def test_findings_are_pure_and_go_into_json(records):
    first, second = (seeing.findings(SETTINGS, (0, 1), records).model_dump_json() for _ in range(2))
    assert first == second
    assert json.loads(first)["kind"] == "seeing"


def test_findings_without_records_have_empty_rows():
    found = seeing.findings(SETTINGS, (0, 1), {})
    assert found.seeds == 0
    assert found.statements == ()
    assert all("no trial that it shows has a record" in figure.missing for figure in found.figures)
    assert table(found, "seeing-layers").rows[0] == ("convolution 1", 4, None, None, None, None, None)
    assert all(row[2:] == (None,) * 5 for row in table(found, "seeing-dreams").rows)
    assert "2 of 2 trials have not finished" in found.warnings[0]


def test_findings_with_one_of_two_seeds(records):
    _, second = seeing.trials(SETTINGS, (0, 1))
    found = seeing.findings(SETTINGS, (0, 1), {second.id: records[second.id]})
    assert found.seeds == 1
    assert all(statement.trials == (second.id,) for statement in found.statements)
    assert found.figures[0].panels, "the filters are in the record: that of the fitted net is not needed"
    assert table(found, "seeing-dreams").rows[0][3] == str(records[second.id].arrays["judge_dreams_noise"][0].argmax())
    assert len(found.warnings) == 2  # one seed; one trial missing


def without(records, *names):
    """The records, less the weights of all of them and the arrays whose names begin with one of `names`."""
    return {
        id: one.model_copy(
            update={"weights": {}, "arrays": {k: v for k, v in one.arrays.items() if not k.startswith(names)}}
        )
        for id, one in records.items()
    }


def test_the_filters_are_shown_from_a_record_without_weights(records):
    trial = seeing.trials(SETTINGS, (0, 1))[0]
    fitted, look = records[trial.net.id], records[trial.id]
    for number, size in enumerate(SETTINGS.net.filters, 1):
        kernels = look.arrays[f"kernels_convolution_{number}"]
        assert kernels.shape[0] == size
        assert np.array_equal(kernels, fitted.weights[f"trunk.convolutions.{number - 1}.weight"].astype(np.float16))
    whole = seeing.findings(SETTINGS, (0, 1), records)
    assert seeing.findings(SETTINGS, (0, 1), without(records, "none")).model_dump_json() == whole.model_dump_json()


def test_the_filters_of_an_older_record_are_those_of_the_weights(records):
    older = {
        id: one.model_copy(update={"weights": records[id].weights}) for id, one in without(records, "kernels").items()
    }
    found = seeing.findings(SETTINGS, (0, 1), older).model_dump_json()
    assert found == seeing.findings(SETTINGS, (0, 1), records).model_dump_json()


def test_lost_filters_are_told_in_their_place(records):
    trial = seeing.trials(SETTINGS, (0, 1))[0]
    whole = seeing.findings(SETTINGS, (0, 1), records)
    found = seeing.findings(SETTINGS, (0, 1), without(records, "kernels"))
    assert [figure.id for figure in found.figures] == [figure.id for figure in whole.figures]
    first, *others = found.figures
    assert not first.panels
    assert trial.id in first.missing
    assert trial.net.id in first.missing
    assert "run" in first.missing
    assert not any(figure.missing for figure in others)


def test_an_undefined_selectivity_is_left_out(records):
    own = [trial.id for trial in seeing.trials(SETTINGS, (0, 1))]
    summary = {k: v for k, v in records[own[0]].summary.items() if k != "selectivity_convolution_2"}
    changed = {**records, own[0]: records[own[0]].model_copy(update={"summary": summary})}
    found = seeing.findings(SETTINGS, (0, 1), changed)
    assert table(found, "seeing-layers").rows[1][6].n == 1
    assert "of 1 net." in next(s.text for s in found.statements if "selectivity" in s.text)
    assert json.loads(found.model_dump_json())  # NaN becomes null
