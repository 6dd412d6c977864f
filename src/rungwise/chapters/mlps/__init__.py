"""MLPs: five depths and widths; learning curves; whether more parameters generalise better."""

from rungwise.chapters.family.results import measured, metrics
from rungwise.chapters.mlps.chapter import findings
from rungwise.chapters.mlps.settings import Settings, trials

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
