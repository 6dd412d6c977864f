"""What a run found, at its end on the terminal. Colour only repeats what words say."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from rungwise.cli.claims_listing import STYLES
from rungwise.evidence.estimate import Estimate
from rungwise.runs.outcome import Best, Found
from rungwise.words import counted


def print_outcome(found: Found, seconds: float, console: Console | None = None) -> None:
    """Print it on standard output; a terminal's lines are broken between words, others not at all."""
    out = _Lines(console or Console(highlight=False))
    for best in found.best:
        out.head("Best of each chapter") if best is found.best[0] else None
        out.line(Text.assemble(f"{best.chapter}: ", (best.model, "bold"), f", {_told(best)}"))
    if found.claims:
        out.head("Claims")
    for verdict, style in STYLES.items():
        if ids := found.claims.get(verdict, ()):
            out.line(Text.assemble((f"{len(ids)} {verdict}", style), f": {', '.join(ids)}"))
    if found.failures:
        out.head("Failed")
    for failure in found.failures:
        alike = " (the numbers differ)" * failure.differ
        out.line(Text.assemble((counted(failure.count, "trial"), "red"), f": {failure.why}{alike}"))
        out.line(Text(", ".join(failure.trials)), indent=4)
    out.head(_tally(found, seconds))
    out.head("The report; open it in a browser:")


class _Lines:
    """Lines with an indent that their continuation keeps."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def head(self, says: str) -> None:
        self.line(Text(says), indent=0)

    def line(self, text: Text, indent: int = 2) -> None:
        if self.console.is_terminal:
            self.console.print(Padding(text, (0, 0, 0, indent), expand=False))
        else:
            self.console.print(Text(" " * indent) + text, soft_wrap=True)


def _told(best: Best) -> str:
    among = f", the best of {best.models}" if best.models > 1 else ", the only one"
    frequent = "" if best.always is None else f"; always the most frequent class: {best.always:.4g}"
    return f"{best.metric} {_number(best.found)}{among}{frequent}"


def _number(found: Estimate) -> str:
    """The mean with its interval and n."""
    interval = "" if found.interval is None else f"95% interval {found.interval[0]:.4g} to {found.interval[1]:.4g}, "
    return f"{found.mean:.4g} ({interval}n = {found.n})"


def _tally(found: Found, seconds: float) -> str:
    """How many trials are done, and how long the command took."""
    left = found.planned - found.done - found.failed
    parts = [f"{found.done} of {counted(found.planned, 'trial')} {'is' if found.planned == 1 else 'are'} done"]
    parts += [f"{found.failed} failed"] * bool(found.failed) + [f"{left} not run"] * bool(left)
    return f"{', '.join(parts)}. It took {_duration(seconds)}."


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
