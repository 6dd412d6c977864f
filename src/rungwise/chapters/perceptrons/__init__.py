"""Perceptrons: the simplest learner on pairs of classes, and how its last iterate behaves."""

from rungwise.chapters.perceptrons.chapter import findings
from rungwise.chapters.perceptrons.results import measured, metrics
from rungwise.chapters.perceptrons.settings import Settings, trials

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
