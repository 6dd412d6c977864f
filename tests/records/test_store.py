"""The store: what is written comes back, whole or not at all, with several writers."""

import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from rungwise.data.settings import Data
from rungwise.models.mlp import MlpSettings
from rungwise.records.environment import environment_here
from rungwise.records.errors import DamagedRecordError, StoreError
from rungwise.records.found import Found
from rungwise.records.store import ABANDONED_S, Store
from rungwise.training.settings import Fit, Recipe
from rungwise.trial import Outcome

TRIAL = Fit(label="A", data=Data(source="digits"), seed=0, net=MlpSettings(hidden=(3,)), fit=Recipe(epochs=1))
ENVIRONMENT = environment_here(device="cpu", threads=1, workers=1)


def outcome(value: float = 0.5) -> Outcome:
    return Outcome(
        summary={"test_accuracy": value},
        history={"test_accuracy": [0.25, value]},
        arrays={"logits": np.arange(6, dtype=np.float16).reshape(2, 3)},
        weights={"head.bias": torch.tensor([1.0, 2.0])},
        timings={"train_s": 0.1},
        choices={"precision": "float32"},
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "run").create()


def test_a_record_comes_back_as_it_was(store: Store) -> None:
    assert not store.has(TRIAL.id)
    store.save(TRIAL, outcome(), ENVIRONMENT, {"file": "abc"})
    record = store.load(TRIAL.id)
    assert store.has(TRIAL.id)
    assert (record.label, record.status, record.spec) == ("A", "done", TRIAL.spec)
    assert record.summary == {"test_accuracy": 0.5}
    assert record.history == {"test_accuracy": [0.25, 0.5]}
    assert record.environment == ENVIRONMENT
    assert record.data_sha256 == {"file": "abc"}
    assert list(record.arrays) == ["logits"]
    np.testing.assert_array_equal(record.arrays["logits"], outcome().arrays["logits"])
    assert record.arrays["logits"].dtype == np.float16
    assert dict(record.weights)["head.bias"].tolist() == [1.0, 2.0]
    with pytest.raises(KeyError):
        record.arrays["nothing"]
    with pytest.raises(KeyError):
        record.weights["nothing"]


def test_nothing_half_written_is_ever_a_record(store: Store) -> None:
    class Broken(dict):  # type: ignore[type-arg]
        def items(self):  # type: ignore[no-untyped-def]
            raise OSError("disk full")

    broken = outcome()
    broken.weights = Broken({"w": torch.zeros(1)})
    with pytest.raises(OSError):
        store.save(TRIAL, broken, ENVIRONMENT, {})
    assert not store.has(TRIAL.id)
    assert not list((store.root / "partial").iterdir())
    (store.root / "partial" / TRIAL.id).mkdir()  # of a process that was killed
    store.create()
    assert not list((store.root / "partial").iterdir()), "the next run clears it away"
    store.save(TRIAL, outcome(), ENVIRONMENT, {})
    assert store.has(TRIAL.id)


def test_what_a_killed_writer_left_is_cleared_away_an_hour_later(store: Store) -> None:
    old, new = store.root / f".report.html.{'0' * 16}.part", store.root / "failed" / f".x.json.{'1' * 16}.part"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (time.time() - 2 * ABANDONED_S,) * 2)
    store.create()
    assert not old.exists()
    assert new.exists(), "another run may be writing it"


def test_an_index_that_is_wrong_damages_nothing(store: Store) -> None:
    store.save(TRIAL, outcome(), ENVIRONMENT, {})
    store.load(TRIAL.id)
    entries = store.index.entries
    assert entries
    for entry in entries.values():
        entry[2] = "0" * 64
    assert store.load(TRIAL.id).summary == outcome().summary
    assert "0" * 64 not in {entry[2] for entry in entries.values()}, "it is put right"


def test_weights_that_are_no_file_are_damaged_and_none_are_not(store: Store) -> None:
    store.save(TRIAL, outcome(), ENVIRONMENT, {})
    weights = store.folder(TRIAL.id) / "weights.safetensors"
    weights.unlink()
    assert dict(store.verify(TRIAL.id).weights) == {}
    weights.mkdir()
    with pytest.raises(DamagedRecordError, match=r"weights\.safetensors is no file"):
        store.verify(TRIAL.id)
    with pytest.raises(DamagedRecordError, match=r"weights\.safetensors is no file"):
        len(store.load(TRIAL.id).weights)


def test_a_record_whose_content_cannot_be_used_is_left_out_and_remembered(store: Store) -> None:
    trials = [TRIAL.model_copy(update={"seed": seed}) for seed in range(5)]
    for trial in trials:
        store.save(trial, outcome(0.1 * trial.seed), ENVIRONMENT, {})
    ids, bad = {trial.id for trial in trials}, trials[3].id

    def work(found: Found) -> set[str]:
        for trial_id, record in found.records.items():
            record.arrays["logits"].reshape(5 if trial_id == bad else 6)
        return set(found.records)

    assert store.reading(ids, work) == ids - {bad}
    assert store.read(ids).damaged == {
        bad: f"trials/{bad}: what it holds cannot be used (ValueError: cannot reshape array of size 6 into shape (5,))"
    }
    with pytest.raises(ZeroDivisionError):  # no record is to blame
        store.reading(ids, lambda found: 1 / 0)


def test_the_first_of_two_writers_stays(store: Store) -> None:
    store.save(TRIAL, outcome(0.1), ENVIRONMENT, {})
    store.save(TRIAL, outcome(0.9), ENVIRONMENT, {})
    assert store.load(TRIAL.id).summary == {"test_accuracy": 0.1}
    assert not list((store.root / "partial").iterdir())


def test_a_failure_is_kept_until_the_trial_is_done(store: Store) -> None:
    store.fail(TRIAL, "the loss became nan", ENVIRONMENT, "Traceback ...")
    failed = store.failures({TRIAL.id, "other"})[TRIAL.id]
    assert (failed.status, failed.error, failed.traceback) == ("failed", "the loss became nan", "Traceback ...")
    assert not store.has(TRIAL.id)
    store.save(TRIAL, outcome(), ENVIRONMENT, {})
    assert store.failures({TRIAL.id}) == {}


def test_a_damaged_record_is_named(store: Store) -> None:
    store.save(TRIAL, outcome(), ENVIRONMENT, {})
    path = store.root / "trials" / TRIAL.id / "record.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(StoreError, match=r"record\.json: it is no JSON.*computes the trial anew"):
        store.load(TRIAL.id)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write to .*--out"):
        Store(tmp_path / "file").create()


def test_numbers_that_are_not_finite_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="test_accuracy is nan, expected from 0 to 1"):
        store.save(TRIAL, outcome(float("nan")), ENVIRONMENT, {})
    assert not store.has(TRIAL.id)


def _hold(root: Path, held: object, done: object) -> None:
    with Store(root).lock(TRIAL.id):
        (Store(root).root / "partial" / TRIAL.id).mkdir()
        held.set()  # type: ignore[attr-defined]
        done.wait(300)  # type: ignore[attr-defined]


def test_what_another_process_is_writing_is_left_alone(store: Store) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(store.root, held, done))
    process.start()
    try:
        assert held.wait(300)
        store.create()
        assert (store.root / "partial" / TRIAL.id).is_dir()
        process.kill()
        process.join()
        store.create()
        assert not (store.root / "partial" / TRIAL.id).exists(), "the lock went with the process"
    finally:
        process.kill()
        process.join()


def test_a_record_is_plain_json(store: Store) -> None:
    store.save(TRIAL, outcome(), ENVIRONMENT, {})
    folder = store.root / "trials" / TRIAL.id
    assert sorted(path.name for path in folder.iterdir()) == ["arrays.npz", "record.json", "weights.safetensors"]
    assert json.loads((folder / "record.json").read_text())["version"] == 2
