"""What was tried, and what was found wrong."""

import sys
import time
from collections import Counter
from collections.abc import Callable


class Tally:
    """Counts cases and keeps what was found, and says both as they come."""

    def __init__(self, what: str, total: int, say: Callable[[str], object] | None = None) -> None:
        """`say` takes a line; by default it goes to standard output at once."""
        self.what, self.total = what, total
        self.say = say or (lambda line: print(line, flush=True))
        self.tried = 0
        self.counts: Counter[str] = Counter()
        """How the cases ended, in words."""
        self.faults: list[str] = []
        self.started = time.monotonic()

    def case(self, name: str, outcome: str) -> None:
        """A case is over."""
        self.tried += 1
        self.counts[outcome] += 1
        self.say(f"[{self.tried}/{self.total}] {name}: {outcome}")

    def fault(self, name: str, wrong: str) -> None:
        """Something that should not be."""
        self.faults.append(f"{name}: {wrong}")
        self.say(f"FOUND {name}: {wrong}")

    def check(self, right: bool, name: str, wrong: str) -> bool:
        """A fault where it is not right."""
        if not right:
            self.fault(name, wrong)
        return right

    def end(self) -> int:
        """Say all in one line; the exit code."""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.most_common())
        seconds = time.monotonic() - self.started
        self.say(f"{self.what}: {self.tried} tried in {seconds:.0f} s ({outcomes}), {len(self.faults)} found wrong.")
        return 1 if self.faults else 0


def finish(tally: Tally) -> None:
    """End the command."""
    sys.exit(tally.end())
