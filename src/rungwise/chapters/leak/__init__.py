"""Leak: what a split image by image flatters, where images come in groups, as several of one person."""

from rungwise.chapters.leak.chapter import findings
from rungwise.chapters.leak.results import measured, metrics
from rungwise.chapters.leak.settings import Settings, trials

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
