"""Commands met by faults, as real processes: each forks from one that has imported all of rungwise.

Reads from standard input a list of [words, settings] as JSON, and answers with a list of [exit code, stdout, stderr].
Settings: ``cwd``; ``env``: variables, or null to unset one; ``stdout``: "unread", "full" or "closed"; ``stderr``: the
same.
"""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import rungwise.cli.app
import rungwise.cli.claims_listing
import rungwise.cli.comparison_listing
import rungwise.cli.outcome_listing
import rungwise.comparison.compare
import rungwise.data.inventory
import rungwise.engine.machine
import rungwise.report.notebook
import rungwise.runs.outcome
import rungwise.runs.run  # noqa: F401
from rungwise.cli.main import main

LIMIT_S = 60


def answer(words: list[str], settings: dict[str, Any]) -> tuple[int, str, str]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            signal.alarm(LIMIT_S)
            command(words, settings, {1: out.fileno(), 2: err.fileno()})
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return code, texts[0], texts[1]


def command(words: list[str], settings: dict[str, Any], files: dict[int, int]) -> None:
    """Never returns: the command as ``python -m rungwise`` would run it."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        how = settings.get(name)
        if how == "unread":
            reading, writing = os.pipe()
            os.close(reading)
        else:
            writing = os.open("/dev/full", os.O_WRONLY) if how == "full" else files[number]
        os.dup2(writing, number)
        stream = None if how == "closed" else os.fdopen(number, "w", closefd=False, encoding="utf-8")
        if how == "closed":
            os.close(number)
        elif encoding := settings.get("env", {}).get("PYTHONIOENCODING"):
            stream.reconfigure(encoding=encoding)
        setattr(sys, name, stream)
    for name, value in settings.get("env", {}).items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    if "gone" in settings:
        Path(settings["gone"]).mkdir()
        os.chdir(settings["gone"])
        Path(settings["gone"]).rmdir()
    sys.argv = ["rungwise", *words]
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    for stream in (sys.stdout, sys.stderr):  # what Python does at its end
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            os.write(files[2], f"Exception ignored: {error!r}".encode())
    os._exit(code)


if __name__ == "__main__":
    print(json.dumps([answer(*case) for case in json.load(sys.stdin)]))
