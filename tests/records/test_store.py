"""The store: what is written comes back, whole or not at all, with several writers."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch

from rungwise.data.settings import Data
from rungwise.models.mlp import MlpSettings
from rungwise.records.environment import environment_here
from rungwise.records.errors import StoreError
from rungwise.records.store import Store
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
