"""Odd words on the command line: each is understood or refused in one message."""

import os
import random
import shutil
from pathlib import Path

from stress.answers import ask, judge
from stress.sound import Sound
from stress.tally import Tally

VERBS = ("run", "plan", "report", "verify", "claims", "compare", "data list", "data check", "data fetch", "data", "rnu")
OPTIONS = (
    *(
        "--out",
        "--seeds",
        "--chapters",
        "--device",
        "--workers",
        "--offline",
        "--quiet",
        "--json",
        "--metric",
        "--margin",
    ),
    *("--times", "--seal", "--report", "--help", "--version", "--nothing", "--", "-", "-x", "--out=", "--seeds=1"),
)
VALUES = (
    *(
        "",
        " ",
        "-1",
        "0",
        "1",
        "2",
        "1.5",
        "nan",
        "inf",
        "1e9",
        "9" * 5000,
        "True",
        "auto",
        "cpu",
        "cuda",
        "tpu",
        "0x10",
    ),
    *(
        ",",
        "mlps",
        "mlps,mlps",
        "mlps,cnn",
        "MLPS",
        "all",
        "test_accuracy",
        "\n",
        "\x1b[31m",
        "ä漢",
        "\udcff",
        "x" * 5000,
    ),
    *(
        "{study}",
        "{run}",
        "{folder}",
        "{file}",
        "{fifo}",
        "{empty}",
        "{link}",
        "{file}/below",
        "{folder}/new",
        "nowhere",
    ),
    *("/dev/null", "/dev/full", "/proc/self/mem", "~nobody/x", "a\0b", "con", ".", "quick", "quik", "mnist", "digits"),
)


class DamagedOptions:
    """Random verbs with random words after them. What would compute is given a folder in which all is done."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound

    def __call__(self, chance: random.Random, folder: Path, tally: Tally) -> tuple[str, str]:
        places = self._places(folder)
        verb = chance.choice(VERBS).split()
        words = list(verb)
        right = {"run": "{study}", "plan": "{study}", "claims": "{run}", "report": "{run}", "verify": "{run}"}
        if verb[0] in right and chance.random() < 0.6:
            words.append(right[verb[0]])
        for _ in range(chance.randint(0, 4)):
            words.append(chance.choice(OPTIONS if chance.random() < 0.5 else VALUES))
        if verb[0] == "run":  # whatever is right about it, it finds its work done
            words += ["--seeds", "2", "--out", chance.choice(["{run}", "{run}", "{file}", "{file}/below", ""])]
        if words[:2] == ["data", "fetch"] and words[2:3] in (["mnist"], ["digits"]):
            words[2] = "minst"  # nothing is downloaded
        words = [_filled(word, places) for word in words]
        name = " ".join(words).replace(str(folder), "")
        answer = ask(*words)
        judge(answer, name, tally)
        return name, f"ended with {answer.code}"

    def _places(self, folder: Path) -> dict[str, Path]:
        names = ("study", "run", "folder", "file", "fifo", "empty", "link")
        places = {name: folder / name for name in names}
        places["study"] = self.sound.study
        shutil.copytree(self.sound.folder, places["run"])
        places["folder"].mkdir()
        (places["folder"] / "inside").write_text("x")
        places["file"].write_text("x")
        os.mkfifo(places["fifo"])
        places["empty"].touch()
        places["link"].symlink_to("nowhere")
        return places


def _filled(word: str, places: dict[str, Path]) -> str:
    for name, place in places.items():
        word = word.replace(f"{{{name}}}", str(place))
    return word
