"""Every number of every published record lies in the range that its metric has."""

from pathlib import Path

import pytest

from rungwise.judging.judge import measurements
from rungwise.quantities import quantity
from rungwise.runs.run import open_run
from rungwise.study.reading import known_metrics

RESULTS = Path(__file__).parents[2] / "results"
RUNS = sorted(path.parent.name for path in RESULTS.glob("*/study.json"))


@pytest.mark.parametrize("name", RUNS)
def test_numbers_lie_in_the_range_of_their_metric(name: str) -> None:
    run = open_run(RESULTS / name)
    known, found = known_metrics(run.study.chapters), measurements(run.study, run.records)
    assert found
    for one in found:
        about, metric = quantity(one.metric), known[one.chapter][one.metric]
        assert about is not None
        assert about.holds(one.value), one
        assert metric.most is None or one.value <= metric.most, one
        assert metric.answers is None or about.range == "from 0 to 1", one
        assert not metric.counted or (one.value * metric.trials) % 1 == pytest.approx(0, abs=1e-6), one
