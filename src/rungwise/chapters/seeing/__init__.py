"""Seeing: what the filters of one CNN answer to, and what it dreams of each class."""

from rungwise.chapters.seeing.chapter import findings
from rungwise.chapters.seeing.results import measured, metrics
from rungwise.chapters.seeing.settings import Settings, trials

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
