"""rungwise as processes of their own: started, counted, killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

PATIENCE_S = 30
"""Within which all processes of a killed run are gone; a second or less where the machine is not busy."""
POLL_S = 0.05


class Command:
    """``python -m rungwise WORDS`` in a session of its own, by which all its processes are known."""

    def __init__(self, *words: str | Path, folder: Path) -> None:
        """`folder`: its standard output and error are kept there."""
        folder.mkdir(parents=True, exist_ok=True)
        self.out, self.err = folder / "stdout", folder / "stderr"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rungwise", *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                # Whoever starts this may ignore interrupts, as a shell has its background jobs do; children inherit it.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        self.started = time.monotonic()

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.started

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def others(self) -> list[psutil.Process]:
        """Every process of the session but the first: workers, the server that they fork from, and a tracker."""
        found = []
        for process in psutil.process_iter():
            try:
                if (
                    process.pid != self.process.pid
                    and os.getsid(process.pid) == self.process.pid
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(process)
            except (ProcessLookupError, PermissionError, psutil.Error):  # it has ended meanwhile, or is not ours
                continue
        return found

    def workers(self) -> list[psutil.Process]:
        """Those that trials are carried out in: forked from the server."""
        return [process for process in self.others() if _parent(process) != self.process.pid]

    def wait(self, seconds: float) -> int | None:
        """The exit code; None where it has not ended by then."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill_all(self) -> None:
        """Whatever is left of it."""
        if not self.ended:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for process in self.others():
            process.kill()

    def survivors(self) -> list[psutil.Process]:
        """The processes that are still there after `PATIENCE_S`."""
        end = time.monotonic() + PATIENCE_S
        while (left := self.others()) and time.monotonic() < end:
            time.sleep(POLL_S)
        return left

    def said(self) -> str:
        """On standard error."""
        return self.err.read_text(errors="replace")


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0
