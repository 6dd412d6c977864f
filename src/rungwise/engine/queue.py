"""Which trials come next."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rungwise.engine.engine import Event
from rungwise.records.store import Store
from rungwise.trial import Trial

RETRY_S = 0.5
"""How long to wait before asking again for a trial that another run is computing."""


class Queue:
    """What is still to be done, in order, and what has happened."""

    def __init__(
        self,
        trials: Sequence[Trial],
        store: Store,
        tell: Callable[[Event], None],
        beside: Callable[[Trial], int],
    ) -> None:
        """`beside`: how many trials like one are carried out at the same time."""
        self.tell = tell
        self.store = store
        self.done: set[str] = set()
        self.failed: set[str] = set()
        self.waiting: list[Trial] = []
        self.running: set[str] = set()
        self.alone: set[str] = set()
        """Of the trials that are to be tried each by itself."""
        self.not_before: dict[str, float] = {}
        """When to ask again for a trial that another run is computing."""
        for trial in trials:
            if store.has(trial.id):
                self.note(trial, "found", {}, "")
            else:
                self.waiting.append(trial)
        self.kinds = {trial.id: trial.kind for trial in self.waiting if trial.most_together > 1}
        """Of the trials that others may be carried out together with."""
        counts, like = (
            Counter(self.kinds.values()),
            {trial.kind: trial for trial in self.waiting if trial.id in self.kinds},
        )
        self.share = {kind: -(-count // beside(like[kind])) for kind, count in counts.items()}
        """How many of a kind go together: so few that every worker has some."""

    def left(self) -> int:
        return len(self.waiting) + len(self.running)

    def next(self, suits: Callable[[Trial], bool] = lambda _: True) -> list[Trial]:
        """The first trial that suits and whose needs are done, with others of its kind that may be carried out together
        with it; trials whose needs failed are told as failed on the way."""
        group: list[Trial] = []
        kind: str | None = None
        for trial in list(self.waiting):
            if group and self.kinds.get(trial.id) != kind:
                continue
            broken = next((need for need in trial.needs if need.id in self.failed), None)
            if broken is not None:
                self.waiting.remove(trial)
                self.failed.add(trial.id)
                self.tell(Event("failed", trial, error=f"it needs {broken.label} (seed {broken.seed}), which failed"))
            elif (
                suits(trial)
                and time.monotonic() > self.not_before.get(trial.id, 0)
                and self.done.issuperset(need.id for need in trial.needs)
            ):
                self.waiting.remove(trial)
                self.running.add(trial.id)
                group.append(trial)
                kind = self.kinds.get(trial.id)
                if kind is None or len(group) == min(self.share[kind], trial.most_together):
                    break
        return group

    def part(self, trials: Sequence[Trial]) -> None:
        """Put trials of which one may have brought the worker down back, each to be tried by itself."""
        for trial in trials:
            self.running.discard(trial.id)
            self.kinds.pop(trial.id, None)
            self.alone.add(trial.id)
        self.waiting[:0] = trials

    def note(self, trial: Trial, what: str, values: Mapping[str, float], error: str) -> bool:
        """Take a worker's message; True where it was the last one about the trial."""
        if what in ("started", "progress"):
            self.tell(Event(what, trial, values))  # type: ignore[arg-type]
            return False
        self.running.discard(trial.id)
        self.alone.discard(trial.id)
        if what == "busy":
            self.not_before[trial.id] = time.monotonic() + RETRY_S
            self.waiting.append(trial)
            return True
        (self.failed if what == "failed" else self.done).add(trial.id)
        self.tell(Event(what, trial, values, error))  # type: ignore[arg-type]
        return True
