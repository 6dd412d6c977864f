"""Faults of a command's surroundings: one message, a documented exit code, no traceback, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from rungwise.records.environment import environment_here
from rungwise.records.store import Store
from rungwise.study.reading import parse_study
from rungwise.study.study import study_trials
from rungwise.trial import Outcome

STUDY = """
title = "Ärger ≤ 1 漢字"
[[chapter]]
kind = "projection"
data = { source = "digits" }
[[chapter.claim]]
id = "plane"
says = "Zwei Achsen genügen ≥ meistens"
test = { metric = "mean_pair_accuracy", model = "all pairs", above = 0.9 }
"""
Answer = tuple[int, str, str]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="faults of POSIX")


def rungwise(cases: list[tuple[list[str], dict[str, Any]]]) -> list[Answer]:
    """What became of commands with faults in their surroundings."""
    here = Path(__file__).with_name("faults.py")
    done = subprocess.run(
        [sys.executable, here], input=json.dumps(cases), capture_output=True, text=True, check=True, timeout=300
    )
    return [(code, out, err) for code, out, err in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose trial has failed, in a folder, and what is in the way of other commands."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    study = parse_study(STUDY, "study.toml")
    store = Store(folder / "out").create()
    (_, trial), *_ = study_trials(study)
    store.fail(trial, "the loss became nan at step 1", environment_here(device="cpu", threads=1, workers=1))
    (folder / "out" / "study.json").write_text(study.as_json(), encoding="utf-8")
    (folder / "latin" / "trials").mkdir(parents=True)
    (folder / "latin" / "study.json").write_bytes(b"\xff\xfe{")
    (folder / "waits").mkdir()
    os.mkfifo(folder / "waits" / "study.json")
    os.mkfifo(folder / "study-fifo.toml")
    data = folder / "data" / "mnist"
    data.mkdir(parents=True)
    for name, make in (("a-folder", Path.mkdir), ("a-fifo", os.mkfifo)):
        (folder / name / "mnist").mkdir(parents=True)
        make(folder / name / "mnist" / "train-images-idx3-ubyte.gz")
    (folder / "a-link" / "mnist").mkdir(parents=True)
    (folder / "a-link" / "mnist" / "train-images-idx3-ubyte").symlink_to("nowhere")
    return folder


def verbs(place: Path) -> list[list[str]]:
    study, out = str(place / "study.toml"), str(place / "out")
    return [
        ["--help"],
        ["plan", study],
        ["plan", study, "--json"],
        ["report", out],
        ["claims", study],
        ["claims", out],
        ["data", "list"],
        ["data", "check", "digits"],
    ]


@pytest.fixture(scope="module")
def answers(place: Path) -> dict[str, Answer]:
    """Of every case in this module, by name: they share one import of everything."""
    cases: dict[str, tuple[list[str], dict[str, Any]]] = {}
    for number, words in enumerate(verbs(place)):
        for what in ("stdout unread", "stdout full", "stdout closed", "stderr closed"):
            name, how = what.split()
            cases[f"{what} {number}"] = (words, {name: how})
        ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "COLUMNS": "0", "NO_COLOR": "1", "HOME": None}
        cases[f"odd {number}"] = (words, {"env": ascii_only | {"OMP_NUM_THREADS": "abc", "TMPDIR": "/nowhere"}})
        cases[f"gone {number}"] = (words, {"gone": str(place / f"gone-{number}")})
    for name, (words, settings, _) in mistakes(place).items():
        cases[name] = (words, settings)
    return dict(zip(cases, rungwise(list(cases.values())), strict=True))


def mistakes(place: Path) -> dict[str, tuple[list[str], dict[str, Any], str]]:
    """Words, settings, and what the message says."""
    study = str(place / "study.toml")
    epoch = {name: {"env": {"SOURCE_DATE_EPOCH": value}} for name, value in (("word", "abc"), ("huge", "1" + "0" * 20))}
    return {
        "date is a word": (["report", str(place / "out")], epoch["word"], "SOURCE_DATE_EPOCH should be"),
        "date is huge": (["run", study, "--out", str(place / "new")], epoch["huge"], "SOURCE_DATE_EPOCH should be"),
        "no user": (["data", "list"], {"env": {"RUNGWISE_DATA": "~nosuchuser/x"}}, "which is no folder"),
        "data file": (["data", "list"], {"env": {"RUNGWISE_DATA": study}}, "which is no folder"),
        "data: a folder": (["data", "list"], {"env": {"RUNGWISE_DATA": str(place / "a-folder")}}, "it is a folder"),
        "data: a fifo": (["data", "check", "mnist"], {"env": {"RUNGWISE_DATA": str(place / "a-fifo")}}, "a FIFO"),
        "data: a link": (["data", "list"], {"env": {"RUNGWISE_DATA": str(place / "a-link")}}, "leads nowhere"),
        "study.json in latin": (["report", str(place / "latin")], {}, "is not text in UTF-8"),
        "study.json waits": (["claims", str(place / "waits")], {}, "expected a file, got a pipe"),
        "study waits": (["plan", str(place / "study-fifo.toml")], {}, "expected a file, got a pipe"),
        "no chapters": (["run", study, "--out", str(place / "new"), "--chapters", ","], {}, "--chapters should name"),
        "out is a file": (["plan", study, "--out", study], {}, "--out should be a folder"),
        "out is below a file": (["run", study, "--out", f"{study}/below"], {}, "--out should be a folder"),
    }


def test_a_mistake_gets_one_message_and_code_2(answers: dict[str, Answer], place: Path) -> None:
    for name, (_, _, says) in mistakes(place).items():
        code, out, err = answers[name]
        assert (code, out) == (2, ""), (name, err)
        assert says in err, name
        assert err.count("\n") == 1, (name, err)
    assert not (place / "new").exists()


def test_what_nobody_reads_ends_quietly(answers: dict[str, Answer], place: Path) -> None:
    for number, words in enumerate(verbs(place)):
        assert answers[f"stdout unread {number}"][::2] == (141, ""), words


def test_a_full_disk_under_standard_output_is_said(answers: dict[str, Answer], place: Path) -> None:
    for number, words in enumerate(verbs(place)):
        code, _, err = answers[f"stdout full {number}"]
        assert code == 1, words
        assert err.startswith("rungwise: standard output: No space left on device"), words
        assert err.count("\n") == 1, err


def test_closed_streams_are_no_fault(answers: dict[str, Answer], place: Path) -> None:
    for number, words in enumerate(verbs(place)):
        assert answers[f"stdout closed {number}"] == (0, "", ""), words
        code, out, _ = answers[f"stderr closed {number}"]
        assert code == 0, words
        assert out.strip(), words


def test_an_odd_environment_is_no_fault(answers: dict[str, Answer], place: Path) -> None:
    for number, words in enumerate(verbs(place)):
        code, out, err = answers[f"odd {number}"]
        assert (code, err) == (0, ""), words
        assert out.strip(), words
        assert out.isascii(), words


def test_a_working_directory_that_is_gone_is_said(answers: dict[str, Answer], place: Path) -> None:
    for number in range(len(verbs(place))):
        code, _, err = answers[f"gone {number}"]
        assert (code, err) == (
            2,
            "rungwise: the working directory has been deleted; change to another folder (cd)\n",
        )


# Signals ----------------------------------------------------------------------------------------------------------

SCRIPT = """
import contextlib, os, signal, sys
from rungwise.cli.exits import user_errors
from rungwise.cli.signals import listen, unwinding
listen()
with user_errors(), {inside}:
    try:
        {wait}
    finally:
        print("unwound", flush=True)
        {last}
"""
WAIT = "print('ready', flush=True); signal.pause()"


def ended(number: int, inside: str, wait: str = WAIT, last: str = "pass") -> Answer:
    """What a script says to a signal that comes when it is ready."""
    script = SCRIPT.format(inside=inside, wait=wait, last=last)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests may ignore a signal, as a shell's background jobs do interrupts, and nohup SIGHUP;
        # children inherit that.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("name", "code", "says"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "SIGTERM"), ("SIGHUP", 129, "SIGHUP")]
)
def test_a_signal_unwinds_what_writes_and_ends_the_rest(name: str, code: int, says: str) -> None:
    number = getattr(signal, name)
    ended_code, out, err = ended(number, "unwinding()")
    assert (ended_code, out) == (code, "unwound\n")
    assert says in err
    assert "the same command goes on" in err
    assert err.count("\n") == 1
    ended_code, out, err = ended(number, "contextlib.nullcontext()")
    assert (ended_code, out) == (code, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_second_signal_ends_at_once() -> None:
    code, out, err = ended(signal.SIGINT, "unwinding()", last="os.kill(os.getpid(), signal.SIGINT); print('late')")
    assert (code, out, err) == (130, "unwound\n", "")


def test_a_signal_in_a_destructor_is_not_lost() -> None:
    wait = """
        class Late:
            def __del__(self): print('ready', flush=True); signal.pause()
        late = Late()
        del late
        [signal.pause() for _ in range(3)]"""
    code, out, err = ended(signal.SIGTERM, "unwinding()", wait)
    assert (code, out) == (143, "unwound\n")
    assert "Exception ignored" not in err


def test_a_signal_to_all_of_a_run_ends_it_with_one_message_and_no_process_left(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(
        'title = "T"\nseeds = 2\n[[chapter]]\nkind = "mlps"\ndata = { source = "digits" }\n'
        "fit = { epochs = 100000 }\nnets = { A = { hidden = [8] }, B = { hidden = [9] } }\n"
    )
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "rungwise", "run", study, "--out", out, "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    me = psutil.Process(process.pid)
    family: list[psutil.Process] = []
    while not (out / "locks").exists() or not any(path.stat() for path in (out / "locks").iterdir()):
        assert process.poll() is None, process.communicate()  # the trials begin: workers are at them
    family = me.children(recursive=True)
    assert len(family) >= 3
    os.killpg(process.pid, signal.SIGTERM)
    said, err = process.communicate(timeout=60)
    assert (process.returncode, said) == (143, "")
    assert err.splitlines()[-1].startswith("rungwise: told to end (SIGTERM)")
    assert "Traceback" not in err
    assert not psutil.wait_procs(family, timeout=30)[1]
    assert not list((out / "partial").iterdir())
    assert not list((out / "failed").iterdir()), "no trial has failed"


# A full disk ------------------------------------------------------------------------------------------------------


def full_disk(folder: Path, kilobytes: int) -> None:
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"may not mount a small disk here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for a record or two."""
    folder = tmp_path / "disk"
    full_disk(folder, 256)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_trial_that_finds_no_room_leaves_nothing(disk: Path) -> None:
    import numpy as np

    trial = study_trials(parse_study(STUDY, "study.toml"))[0][1]
    store, environment = Store(disk / "out").create(), environment_here(device="cpu", threads=1, workers=1)
    noise = np.random.default_rng(0).random(100_000)
    with pytest.raises(OSError, match="No space left on device") as caught:
        store.save(trial, Outcome(arrays={"noise": noise}), environment, {})
    assert caught.value.filename == str(disk / "out" / "trials" / trial.id)
    assert not list((disk / "out" / "partial").iterdir())
    assert not list((disk / "out" / "trials").iterdir())
    store.save(trial, Outcome(arrays={"noise": noise[:100]}), environment, {})
    assert store.has(trial.id)


def test_a_disk_that_fills_up_ends_the_run_and_keeps_what_is_done(disk: Path, tmp_path: Path) -> None:
    from rungwise.runs.run import run_study

    text = (
        'title = "T"\nseeds = 3\n[[chapter]]\nkind = "mlps"\ndata = { source = "digits" }\n'
        "fit = { epochs = 1 }\nnets = { A = { hidden = [40] } }\n"
    )
    study = parse_study(text, "study.toml")
    with pytest.raises(OSError, match="No space left on device") as caught:
        run_study(study, disk / "out", workers=1)
    assert str(disk) in str(caught.value.filename)
    done = [trial.id for _, trial in study_trials(study) if Store(disk / "out").has(trial.id)]
    assert 0 < len(done) < 3
    assert not list((disk / "out" / "partial").iterdir())
    assert not list((disk / "out" / "failed").iterdir()), "it is no fault of a trial"


def test_a_script_without_a_guard_runs(tmp_path: Path) -> None:
    """Workers do not import the script, so that it is not run again."""
    (tmp_path / "script.py").write_text(
        "from pathlib import Path\nfrom rungwise import parse_study, run_study\n"
        f"study = parse_study('''{STUDY}''', 'study.toml')\n"
        "print(run_study(study, Path('out'), workers=1))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Run of 'Ärger ≤ 1 漢字' in out: 1 of 1 trial done, 0 failed, 0 not run"
    assert "Traceback" not in done.stderr


def test_a_script_that_workers_would_repeat_is_told_what_to_add(tmp_path: Path) -> None:
    """Workers have to import it, for a class that it defines; they do not run it over and over."""
    (tmp_path / "script.py").write_text(
        "from pathlib import Path\n"
        "from rungwise.chapters.projection.trial import ProjectionTrial\n"
        "from rungwise.data.settings import Data\n"
        "from rungwise.engine.local import LocalEngine\n"
        "from rungwise.engine.processes import refuse_repeated_script\n"
        "from rungwise.records.store import Store\n"
        "class Own(ProjectionTrial):\n"
        "    pass\n"
        "refuse_repeated_script()  # as run_study does\n"
        "trial = Own(label='own', data=Data(source='digits'), seed=0, svm_iterations=10)\n"
        "LocalEngine(device='cpu', workers=1).run([trial], Store(Path('out')).create(), print)\n"
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert 'ScriptError: the call of run_study must stand below `if __name__ == "__main__":`' in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert not list((tmp_path / "out" / "failed").iterdir())
