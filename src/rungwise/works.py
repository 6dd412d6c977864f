"""The functions that carry out trials, by the names under which trials ask for them.

A name is part of the id of every trial that bears it, so it never changes; the function behind it may move. The first
names are the places where the functions once were.
"""

from collections.abc import Callable
from typing import Any

from rungwise import extensions

_FUNCTIONS = {
    "rungwise.training.fit:carry_out": "rungwise.training.fit:carry_out",
    "rungwise.training.stacked:fit_many": "rungwise.training.stacked:fit_many",
    "rungwise.training.capacity:fit_and_measure": "rungwise.chapters.capacity.work:fit_and_measure",
    "rungwise.training.perceptron:learn": "rungwise.chapters.perceptrons.work:learn",
    "rungwise.training.perceptron:learn_many": "rungwise.chapters.perceptrons.work:learn_many",
    "rungwise.insight.projection:project": "rungwise.chapters.projection.work:project",
    "rungwise.insight.seeing:carry_out": "rungwise.chapters.seeing.work:carry_out",
}


def work_names() -> dict[str, str]:
    """The address of each work's function; other packages add theirs under the entry point ``rungwise.works``."""
    return extensions.members("works", _FUNCTIONS)


def find_work(name: str) -> Callable[..., Any]:
    """The function of that name. A name that nobody registered is its address, as ``package.module:function``.

    Raises ExtensionError where it cannot be imported.
    """
    function: Callable[..., Any] = extensions.load(work_names().get(name, name))
    return function
