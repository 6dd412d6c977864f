"""Results change only with their versions; and a version makes another trial of it, whose old record is still found."""

import json
from typing import ClassVar, Literal

import pytest
import torch
from torch import nn

from rungwise.balancing import METHODS
from rungwise.data.settings import Data
from rungwise.models import net as nets
from rungwise.models.families import FAMILIES
from rungwise.models.mlp import MlpSettings
from rungwise.testing.chapters import carried_out
from rungwise.training.settings import Fit, Recipe
from rungwise.works import WORKS
from tests.published.golden import FILE, TOLERANCE, computed, golden_trials, moved

ADVICE = (
    "Where the results of a work (or net, method, data source) change, raise its result_version by 1; then run "
    "`python -m tests.published.golden`."
)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_results_are_what_they_were_in_their_version():
    golden, found = json.loads(FILE.read_text()), computed()
    assert found.keys() == golden.keys(), ADVICE
    assert {name: one["versions"] for name, one in found.items()} == {
        name: one["versions"] for name, one in golden.items()
    }, ADVICE
    assert list(moved(golden, found)) == [], ADVICE


def test_every_work_net_and_method_has_golden_numbers():
    trials = golden_trials().values()
    together = {"rungwise.training.fit:carry_out", "rungwise.training.stacked:fit_many"}
    assert {trial.work for trial in trials} | together >= set(WORKS.own) - {"rungwise.training.perceptron:learn_many"}
    fits = [trial for trial in trials if isinstance(trial, Fit)]
    assert {trial.net.family_name() for trial in fits} == FAMILIES.own.keys()
    assert {trial.balance.method for trial in fits if trial.balance} == METHODS.own.keys() - {"fixed"}


def test_changed_code_moves_golden_numbers(monkeypatch):
    """Weights that start a hundredth smaller."""
    name = "mlps: MLP, seed 0"
    trial, golden = golden_trials()[name], json.loads(FILE.read_text())
    drawn = nets.initialise

    def smaller(net: nn.Module, *args, **kwargs):
        drawn(net, *args, **kwargs)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(0.99)

    for module in ("rungwise.models.net.initialise", "rungwise.training.learner.initialise"):
        monkeypatch.setattr(module, smaller, raising=False)
    numbers = carried_out([trial])[trial.id].summary
    found = list(moved({name: golden[name]}, {name: {**golden[name], "numbers": numbers}}))
    assert len(found) >= 2, "a change of 1% is well above the tolerance"
    assert list(moved({name: golden[name]}, {name: {"versions": {"work": 2}, "numbers": {}}})) == []
    assert TOLERANCE < 0.01


# Versions and ids -----------------------------------------------------------------------------------------------


class RaisedNet(MlpSettings):
    family: Literal["raised"] = "raised"
    result_version: ClassVar[int] = 3


class RaisedWork(Fit):
    result_version: ClassVar[int] = 2


def fit(kind=Fit, net=MlpSettings(hidden=(3,)), **others):  # noqa: B008
    return kind(label="A", data=Data(source="digits"), seed=0, net=net, fit=Recipe(epochs=1), **others)


def test_the_first_version_is_no_part_of_the_id():
    assert "versions" not in fit().spec
    assert (fit().versions, fit().earlier_ids) == ({}, ())


def test_a_version_above_the_first_makes_another_trial_and_the_old_ids_are_known():
    old, new = fit(), fit(RaisedWork)
    assert new.spec == {**old.spec, "versions": {"work": 2}}
    assert new.id != old.id
    assert new.earlier_ids == (old.id,)
    both = fit(RaisedWork, RaisedNet(hidden=(3,)))
    assert both.versions == {"work": 2, "net": 3}
    assert len(set(both.earlier_ids)) == 5, "of 2 x 3 combinations, all but the present one"
    assert fit(net=RaisedNet(hidden=(3,))).id in both.earlier_ids


def test_what_is_needed_hands_its_version_on():
    old = fit(start=fit(), frozen=False)
    new = fit(start=fit(RaisedWork), frozen=False)
    assert new.id != old.id, "its needs have another id"
    assert old.id in new.earlier_ids


def test_the_version_of_a_data_source_counts(monkeypatch):
    data = Data(source="digits")
    import dataclasses

    data._facts = dataclasses.replace(data.facts, result_version=2)
    raised = fit().model_copy(update={"data": data})
    assert raised.versions == {"source": 2}
    assert raised.earlier_ids == (fit().id,)
