"""The trial of one perceptron on one pair of classes."""

from typing import ClassVar, Literal

from rungwise.trial import Trial


class PerceptronTrial(Trial):
    """One perceptron on one pair of classes."""

    work: ClassVar[str] = "rungwise.training.perceptron:learn"
    together: ClassVar[str] = "rungwise.training.perceptron:learn_many"

    positive: int
    negative: int
    rule: Literal["batch", "online"]
    rate: float
    iterations: int
    tolerance: float

    @property
    def compiled(self) -> str:
        return "perceptron"

    @property
    def epochs(self) -> int:
        return self.iterations
