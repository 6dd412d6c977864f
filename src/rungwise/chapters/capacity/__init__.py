"""Capacity: two-layer nets of growing width on true and on random labels, and measures of what they can express."""

from rungwise.chapters.capacity.chapter import findings
from rungwise.chapters.capacity.results import measured, metrics
from rungwise.chapters.capacity.settings import Settings, trials

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
