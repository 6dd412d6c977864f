"""Projection: what two principal components keep of a data set, and how well lines tell its classes apart."""

from rungwise.chapters.projection.chapter import findings
from rungwise.chapters.projection.results import measured, metrics
from rungwise.chapters.projection.settings import Settings, trials

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
