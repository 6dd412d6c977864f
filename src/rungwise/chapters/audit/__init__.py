"""Audit: what is strange in the images and labels themselves, and which verdicts that touches."""

from rungwise.chapters.audit.cautions import cautions
from rungwise.chapters.audit.chapter import findings
from rungwise.chapters.audit.results import measured, metrics
from rungwise.chapters.audit.settings import Settings, trials

__all__ = ["Settings", "cautions", "findings", "measured", "metrics", "trials"]
