"""Commands in odd surroundings, each a process of its own."""

import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

from stress.answers import ask_process, judge
from stress.sound import Sound
from stress.tally import Tally

ODD = (
    "",
    " ",
    "0",
    "-1",
    "abc",
    "1" * 20,
    "9" * 400,
    "nan",
    "/nowhere",
    "~nobody/x",
    "ä漢",
    "/dev/null",
    "\udcff",
    "a,b",
    "2,x",
)
VARIABLES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("RUNGWISE_DATA", "HOME", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"), ODD),
    **dict.fromkeys(("COLUMNS", "LINES", "SOURCE_DATE_EPOCH", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), ODD),
    **dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "TERM", "CUDA_VISIBLE_DEVICES", "NUMBA_NUM_THREADS", "TZ"), ODD),
    "LANG": ("", "C", "POSIX", "de_DE.UTF-8", "tr_TR", "xx_YY.zz"),
    "LC_ALL": ("", "C", "POSIX", "de_DE.UTF-8", "tr_TR", "xx_YY.zz"),
    "PYTHONIOENCODING": ("ascii", "latin-1", "utf-16", "utf-8:strict", "cp037"),
    "PYTHONUTF8": ("0", "1"),
    "PYTHONWARNINGS": ("error", "ignore", "abc", "error::DeprecationWarning"),
    "PYTHONHASHSEED": ("0", "1"),
    "PYTHONOPTIMIZE": ("1", "2"),
    "PYTHONDONTWRITEBYTECODE": ("1",),
    "MPLBACKEND": ("agg", "nosuch", "TkAgg"),
}
NOT_OURS = {("PYTHONWARNINGS", "error"), ("PYTHONWARNINGS", "error::DeprecationWarning")}
"""Whoever makes every warning an error asks for the tracebacks of other libraries."""
STREAMS = ("unread", "full", "closed")


class DamagedEnvironments:
    """Every verb that computes nothing, with odd variables, streams or a working directory that is gone."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound

    def __call__(self, chance: random.Random, folder: Path, tally: Tally) -> tuple[str, str]:
        run = folder / "run"
        shutil.copytree(self.sound.folder, run)
        study, heavy = self.sound.study, chance.random() < 1 / 3  # these import PyTorch, which takes seconds
        light = (["claims", study], ["plan", study], ["data", "list"], ["data", "check", "digits"], ["--help"])
        words = chance.choice(
            (["report", run], ["verify", run], ["claims", run], ["run", study, "--out", run], ["doctor"])
            if heavy
            else light
        )
        changed: dict[str, str] = {}
        for _ in range(chance.choice([1, 1, 2, 4])):
            variable = chance.choice(list(VARIABLES))
            value = chance.choice(VARIABLES[variable])
            if (variable, value) not in NOT_OURS:
                changed[variable] = value
        env = {**os.environ, **changed}
        settings, odd = self._settings(chance, folder)
        name = f"{words[0]} with {changed} {odd}"
        try:
            answer = ask_process(*words, env=env, **settings)
        finally:
            for stream in ("stdout", "stderr"):
                if isinstance(number := settings.get(stream), int) and number > 2:
                    os.close(number)
        judge(answer, name, tally)
        return name, f"ended with {answer.code}"

    def _settings(self, chance: random.Random, folder: Path) -> tuple[dict[str, Any], str]:
        """Of the process, and in words."""
        odd = chance.choice(["", "", "", "cwd gone", "stdout", "stderr", "stdin"])
        if odd == "cwd gone":
            gone = folder / "gone"
            gone.mkdir()
            return {"cwd": gone, "preexec_fn": gone.rmdir}, odd
        if odd == "stdin":
            return {"preexec_fn": lambda: os.close(0)}, "stdin closed"
        if not odd:
            return {"stdin": subprocess.DEVNULL}, odd
        how = chance.choice(STREAMS)
        number = 1 if odd == "stdout" else 2
        if how == "closed":
            return {odd: None, "preexec_fn": lambda: os.close(number)}, f"{odd} closed"
        if how == "full":
            return {odd: os.open("/dev/full", os.O_WRONLY)}, f"{odd} full"
        reading, writing = os.pipe()
        os.close(reading)
        return {odd: writing}, f"{odd} unread"
