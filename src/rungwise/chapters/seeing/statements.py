"""The sentences of the chapter, computed from records."""

from collections.abc import Sequence

import numpy as np

from rungwise.chapters.seeing.results import DEPTH, NetView, Results, depth, layer
from rungwise.chapters.seeing.trial import STARTS, VIEWERS
from rungwise.chapters.sentences import in_words
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Statement
from rungwise.words import counted


def statements(results: Results) -> tuple[Statement, ...]:
    if not results.views:
        return ()
    return (*_by_layer(results), *_dreams(results))


def _by_layer(results: Results) -> list[Statement]:
    """How each number changes from the first layer to the last."""
    settings, views = results.settings, results.views
    count = len(settings.net.filters)
    if count < 2:
        return []
    found = []
    for name, words in DEPTH.items():
        values = depth(views, name)
        defined = values[np.isfinite(values).all(axis=1)]
        change = results.measures.of(defined[:, -1] - defined[:, 0])
        if change is None:
            continue
        first, last = defined[:, 0].mean(), defined[:, -1].mean()
        rising = int((np.diff(defined, axis=1) > 0).all(axis=1).sum())
        text = (
            f"From {layer(0)} to {layer(count - 1)}, {words} goes from {first:.3f} to {last:.3f}, a change of "
            f"{in_words(change)}{_doubt(change)}; it rises at every layer in {rising} of "
            f"{counted(len(defined), 'net')}."
        )
        found.append(Statement(text=text, trials=_ids(views)))
    return found


def _doubt(change: Estimate) -> str:
    if change.interval is None or not change.interval[0] <= 0 <= change.interval[1]:
        return ""
    return ", which cannot be told from no change"


def _dreams(results: Results) -> list[Statement]:
    """How many dreams the net and the judge classify as the class aimed at."""
    settings, views = results.settings, results.views
    aims = views[0].aims
    total = len(aims) * len(views)
    found = []
    for start in STARTS:
        net, judge = (sum(int(v.passed(w, start).sum()) for v in views) for w in VIEWERS)
        net_before, judge_before = (
            sum(int((v.before(w, start).argmax() == aims).sum()) for v in views) for w in VIEWERS
        )
        trust = results.measures.of((view.aimed("judge", start).mean() for view in views), "share")
        assert trust is not None
        text = (
            f"Of {total} dreams from {settings.origin(start)}, {settings.model} classifies {net} as the class "
            f"aimed at, and the judge, which had no part in them, {judge}; unchanged, the start would pass "
            f"{net_before} and {judge_before} times. "
            f"The judge's mean probability of the class aimed at is {in_words(trust)}."
        )
        found.append(Statement(text=text, trials=_ids(views)))
    return found


def _ids(views: Sequence[NetView]) -> tuple[str, ...]:
    return tuple(view.record.id for view in views)
