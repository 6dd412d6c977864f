"""Names that docs or other packages use stay valid, or warn for a version."""

import importlib
import subprocess
import sys

import pytest

import rungwise

DOCUMENTED = (
    "rungwise.errors:UserError",
    "rungwise.balancing.balancer:Balancer",
    "rungwise.balancing.balancer:BalancerSettings",
    "rungwise.balancing.balancer:Batch",
    "rungwise.balancing.balancer:Forward",
    "rungwise.balancing.balancer:Learner",
    "rungwise.balancing.dwa:Settings",
    "rungwise.perceptron.estimator:Perceptron",
)


@pytest.mark.parametrize("name", rungwise.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(rungwise, name).__name__.rpartition(".")[2] == name


@pytest.mark.parametrize("address", DOCUMENTED)
def test_documented_names_are_there(address: str) -> None:
    module, _, name = address.partition(":")
    assert getattr(importlib.import_module(module), name).__name__ == name


def test_a_name_that_moved_warns_and_is_the_same() -> None:
    from rungwise.models import perceptron
    from rungwise.perceptron.estimator import Perceptron

    with pytest.warns(DeprecationWarning, match=r"import Perceptron from rungwise\.perceptron\.estimator .* 0\.3"):
        assert perceptron.Perceptron is Perceptron
    with pytest.raises(AttributeError, match="Perzeptron"):
        perceptron.Perzeptron  # noqa: B018


def test_a_public_name_is_no_module_after_that_was_imported() -> None:
    """``rungwise.plan`` was the function at first, and the module once somebody had imported that."""
    program = "import rungwise, rungwise.study.plan, rungwise.judging.judge; print(rungwise.plan, rungwise.load)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("<function plan")
    assert "<function load" in done.stdout
