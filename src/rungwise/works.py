"""The functions that carry out trials, by the names under which trials ask for them.

A name is part of the id of every trial that bears it, so it never changes; the function behind it may move. The first
names are the places where the functions once were.
"""

from collections.abc import Callable
from typing import Any

from rungwise.extensions import Registry, load


def _function(name: str, found: Any) -> Callable[..., Any]:
    if not callable(found):
        raise ValueError(f"expected a function that takes a trial and a bench, got {found!r}")
    function: Callable[..., Any] = found
    return function


WORKS = Registry(
    "works",
    "work",
    {
        "rungwise.training.fit:carry_out": "rungwise.training.fit:carry_out",
        "rungwise.training.stacked:fit_many": "rungwise.training.stacked:fit_many",
        "rungwise.training.capacity:fit_and_measure": "rungwise.chapters.capacity.work:fit_and_measure",
        "rungwise.training.perceptron:learn": "rungwise.chapters.perceptrons.work:learn",
        "rungwise.training.perceptron:learn_many": "rungwise.chapters.perceptrons.work:learn_many",
        "rungwise.insight.projection:project": "rungwise.chapters.projection.work:project",
        "rungwise.chapters.audit.work:look": "rungwise.chapters.audit.work:look",
        "rungwise.chapters.audit.work:doubt": "rungwise.chapters.audit.work:doubt",
        "rungwise.insight.seeing:carry_out": "rungwise.chapters.seeing.work:carry_out",
    },
    _function,
)
"""Other packages add theirs under the entry point ``rungwise.works``."""


def work_names() -> dict[str, str]:
    """The address of each work's function."""
    return WORKS.addresses()


def find_work(name: str) -> Callable[..., Any]:
    """The function of that name. A name that nobody registered is its address, as ``package.module:function``.

    Raises ExtensionError where it cannot be imported.
    """
    return WORKS.find(name) if name in work_names() else _function(name, load(name))
