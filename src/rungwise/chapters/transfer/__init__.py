"""Transfer: a further task on a trunk that is trained already, with few labels and with many, beside a new net."""

from rungwise.chapters.transfer.chapter import findings
from rungwise.chapters.transfer.results import measured, metrics
from rungwise.chapters.transfer.settings import Settings, trials

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
