"""The same images written in four formats give a study the same results."""

from pathlib import Path

import numpy as np
import pytest

from rungwise.data.load import load
from rungwise.records.record import Record
from rungwise.runs.run import run_study
from rungwise.study.reading import parse_study
from rungwise.testing.formats import Sample
from tests.data.own import writers

pytestmark = pytest.mark.usefixtures("empty_cache")

STUDY = """
title = "formats"
[[chapter]]
kind = "projection"
data = { source = %(source)r }
[[chapter]]
kind = "perceptrons"
data = { source = %(source)r }
pairs = [["8", "3"]]
iterations = 20
[[chapter]]
kind = "mlps"
data = { source = %(source)r }
fit = { epochs = 2, batch = 50, precision = "float32" }
nets = { MLP = { hidden = [20] } }
[[chapter]]
kind = "cnns"
data = { source = %(source)r, train_images = 200 }
fit = { epochs = 2, batch = 50, precision = "float32" }
nets = { CNN = { filters = [4, 8] } }
"""


@pytest.fixture(scope="module")
def digits() -> Sample:
    """400 of the digits that scikit-learn carries, 100 of them to test with."""
    images = load("digits").train.take(np.arange(400))
    labels = tuple(map(str, images.labels.tolist()))
    return Sample(images.images, labels, ("train",) * 300 + ("test",) * 100)


def results(record: Record) -> dict[str, object]:
    """All that a trial found, times apart."""
    summary = {name: value for name, value in record.summary.items() if not name.endswith(("_s", "_us", "_ms"))}
    arrays = {name: array.tobytes() for name, array in record.arrays.items()}
    weights = {name: array.tobytes() for name, array in record.weights.items()}
    return {"summary": summary, "history": record.history, "arrays": arrays, "weights": weights}


def test_equal_summaries_histories_and_arrays(tmp_path: Path, digits: Sample) -> None:
    found = []
    for write in (writers.folder, writers.npz, writers.pixel_csv, writers.hugging_face):
        place = tmp_path / write.__name__
        place.mkdir()
        study = parse_study(STUDY % {"source": str(write(place, digits))}, "formats.toml")
        records = run_study(study, tmp_path / f"run-{write.__name__}", workers=1).records
        assert len({record.data_sha256["files"] for record in records.values()}) == 1
        found.append({record.label: (results(record), record.data_sha256) for record in records.values()})
    first, *others = found
    assert first.keys() == {"PCA", "8 v 3", "MLP", "CNN"}
    assert all(one["summary"] and one["arrays"] for one, _ in first.values())
    for other in others:
        for label, (content, digests) in other.items():
            assert content == first[label][0], label
            assert digests["pixels"] == first[label][1]["pixels"]
            assert digests["files"] != first[label][1]["files"]
