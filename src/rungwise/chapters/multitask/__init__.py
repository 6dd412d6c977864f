"""Multi-task: several tasks in one net; ways to balance and to share them; single-task nets as the baseline."""

from rungwise.chapters.multitask.chapter import findings
from rungwise.chapters.multitask.metrics import metrics
from rungwise.chapters.multitask.models import trials
from rungwise.chapters.multitask.results import measured
from rungwise.chapters.multitask.settings import Settings

__all__ = ["Settings", "findings", "measured", "metrics", "trials"]
