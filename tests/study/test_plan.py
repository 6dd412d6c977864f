"""In which order trials are started."""

from itertools import permutations

from rungwise.chapters.perceptrons.trial import PerceptronTrial
from rungwise.data.settings import Data
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import NetSettings
from rungwise.study.plan import longest_first
from rungwise.training.settings import Fit, Recipe

DIGITS = Data(source="digits")


def net(label: str, settings: NetSettings, epochs: int) -> Fit:
    return Fit(label=label, data=DIGITS, seed=0, net=settings, fit=Recipe(epochs=epochs))


def test_the_longest_first_but_one_for_each_code_that_is_compiled_before_all() -> None:
    cnns = [net(f"cnn {epochs}", CnnSettings(filters=(8, 8)), epochs) for epochs in (30, 20)]
    mlps = [net(f"mlp {epochs}", MlpSettings(hidden=(8,)), epochs) for epochs in (9, 3)]
    pair = PerceptronTrial(
        label="pair", data=DIGITS, seed=0, positive=1, negative=0, rule="batch", rate=1, iterations=10, tolerance=0
    )
    for trials in permutations([*cnns, *mlps, pair]):
        *first, fourth, last = (trial.label for trial in longest_first(trials))
        assert set(first) == {"cnn 30", "mlp 9", "pair"}
        assert (fourth, last) == ("cnn 20", "mlp 3")
