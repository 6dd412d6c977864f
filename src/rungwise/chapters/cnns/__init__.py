"""CNNs: five architectures; accuracy against parameters and time; against the MLPs."""

from rungwise.chapters.cnns.chapter import findings
from rungwise.chapters.cnns.settings import Settings, trials
from rungwise.chapters.family.results import measured, metrics

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
