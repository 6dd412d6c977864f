"""Seeds are added until claims are settled: to the chapters of the claim that is likeliest to be settled per second.

After each round every claim is looked at, by a rule that is valid at every look (`judging.settled`).
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from rungwise.data.given import Given
from rungwise.runs.outcome import Clock
from rungwise.runs.session import Device, begin, open_session
from rungwise.runs.settle_plan import MOST_SEEDS, plan_settling
from rungwise.runs.settle_rounds import Settling
from rungwise.runs.settle_states import Settlement
from rungwise.study.reading import known_metrics
from rungwise.study.study import Study


def settle_study(
    study: Study,
    out: Path | None = None,
    *,
    claims: Sequence[str] = (),
    budget: str | float | None = None,
    most_seeds: int = MOST_SEEDS,
    device: Device = "auto",
    workers: int | None = None,
    offline: bool = False,
    console: Console | None = None,
    quiet: bool = True,
    data: Given | None = None,
) -> Settlement:
    """Add seeds in `out` until the claims of these ids, or all, are settled, then write the report there.

    `budget`: how long that may take, as "30m" or in seconds; None: until all are settled, or have `most_seeds`. The
    others are as for `run_study`, and so are errors; UserError, with every reason in one message and before anything is
    computed, where a claim cannot be settled or the budget holds no look.
    """
    clock, begun = Clock(), begin(study, out, data)
    known = known_metrics(begun.study.chapters)
    planned = plan_settling(begun.study, begun.store, known, claims, budget, most_seeds)
    session = open_session(
        begun,
        planned.study.only(planned.chapters).with_seeds(1),
        device=device,
        workers=workers,
        offline=offline,
        console=console,
        quiet=quiet,
    )
    work = Settling(session, planned.study, planned.aims, known, clock, planned.budget_s, most_seeds)
    work.refuse_small_budget()
    return work.settle(resumed=planned.resumed)
