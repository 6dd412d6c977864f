"""Studies that cannot be run: each is refused in one message, with its line, before anything is made."""

import json
import os
import time
from pathlib import Path

import pytest

from rungwise.chapters.mlps.settings import Settings as MlpsSettings
from rungwise.data.settings import Data
from rungwise.runs.run import run_study
from rungwise.study import memory
from rungwise.study.memory import amount, check_study
from rungwise.study.plan import plan
from rungwise.study.reading import parse_study, read_study
from rungwise.study.study import MOST_TRIALS, Study, StudyError
from rungwise.training.augment import Augmentation
from rungwise.training.settings import Recipe

TEXT = """\
title = "x"
seeds = 4

[[chapter]]
kind = "KIND"
name = "part"
data = { source = "digits" }
fit = { epochs = 1 }
nets = { A = { hidden = [8] }, B = { hidden = [9] }, C = { hidden = [10] } }
"""
MLPS = TEXT.replace("KIND", "mlps")
CNNS = TEXT.replace("KIND", "cnns")[: TEXT.index("nets = ")] + "nets = { A = { filters = [8] } }\n"
RESIDUAL = CNNS.replace("{ filters = [8] }", "{ stem = 8, filters = [8], blocks = [1] }")
CLAIM = '[[chapter.claim]]\nid = "t"\nsays = "so"\ntest = { metric = "test_accuracy", TEST }\n'
FLAT = json.dumps({"title": "x", "chapter": [{"kind": "mlps", "data": {"source": "digits"}, "fit": {"epochs": 1},
                                              "nets": {"A": {"hidden": [8]}}}]})  # fmt: skip


def claimed(test: str) -> str:
    return MLPS + CLAIM.replace("TEST", test)


def with_fit(more: str) -> str:
    return MLPS.replace("{ epochs = 1 }", f"{{ epochs = 1, {more} }}")


def with_nets(nets: str) -> str:
    return MLPS[: MLPS.index("nets = ")] + f"nets = {{ {nets} }}\n"


FAULTS = {
    # name: (text, line, what is said); names that end in json are JSON
    "a trend of one model": (claimed('trend = "rises", over = ["A", "A", "A"]'), 13, "'over' names the model 'A' "),
    "twice in of": (claimed('best = "A", of = ["B", "C", "B"]'), 13, "claim t: 'of' names the model 'B' twice; name "),
    "all and a name": (claimed('best = "A", of = ["all", "B"]'), 13, "'of' names the model 'B' twice, as 'all' and as"),
    "by its chapter, too": (claimed('model = ["A", "part/A"], above = 0.5'), 13, "twice, as 'A' and as 'part/A'"),
    "twice in better": (claimed('better = ["A", "A"], than = "B"'), 13, "'better' names the model 'A' twice"),
    "twice in equal": (claimed('equal = "A", to = ["B", "B"], within = 0.1'), 13, "'to' names the model 'B' twice"),
    "against itself": (claimed('better = ["A", "B"], than = ["B", "C"]'), 13, "both name the model 'B', which cannot"),
    "best of itself": (claimed('best = "A", of = ["A", "B"]'), 13, "'best' and 'of' both name the model 'A'"),
    "a condition twice": (
        MLPS + CLAIM.replace("{ metric", "[{ metric").replace("TEST }", 'best = "A" }, { metric = "test_accuracy", '
                                                              'best = "A" }]'),
        13, "condition 2 stands there twice; give each once",
    ),
    "a net called all": (with_nets("all = { hidden = [8] }"), 9, "nets.all: claims mean every model by the name 'all'"),
    "a net with a slash": (with_nets('"a/b" = { hidden = [8] }'), 9, "nets.a/b: expected a name without '/'"),
    "a net of 300 letters": (with_nets(f'{"a" * 300} = {{ hidden = [8] }}'), 9, "at most 100 bytes, as it becomes"),
    "two nets that are one": (
        with_nets("A = { hidden = [8] }, B = { hidden = [8] }"), 9, "'A' and 'B' are the same in everything but their",
    ),
    "a chapter called all": (MLPS.replace('"part"', '"all"'), 6, "name: claims mean every model by the name 'all'"),
    "a chapter of 300 letters": (MLPS.replace('"part"', f'"{"a" * 300}"'), 6, "name: expected a name of at most 100 b"),
    "a number of 5000 digits": ("title = 'x'\nseeds = 1" + 5000 * "0", 2, "got a number of 5,001 digits"),
    "5000 digits, json": ('{"seeds": 1' + 5000 * "0" + "}", 1, "got a number of 5,001 digits"),
    "5000 digits in base 16": ("seeds = 0x" + 5000 * "f", 1, "at most 300 characters, got 5,002 characters"),
    "2000 lists": ("\na = " + 2000 * "[" + 2000 * "]", 2, "at most 100 tables or lists inside each other, got more"),
    "2000 tables": ("a = " + 2000 * "{a = " + "1" + 2000 * "}", 1, "at most 100 tables or lists inside each other"),
    "2000 lists, json": ('{\n"a": ' + 2000 * "[" + 2000 * "]" + "}", 2, "at most 100 tables or lists"),
    "a key of 50000 parts": (50_000 * "a." + "b = 1", 1, "at most 100 tables or lists inside each other"),
    "a table of 50000 parts": ("[" + 50_000 * "a ." + "b]", 1, "at most 100 tables or lists inside each other"),
    "keys twice, json": (FLAT[:-1] + ',\n"title": "y"}', 2, "the key 'title' stands here for the second time"),
    "inner keys twice, json": (FLAT.replace('"A": {', '"A": {"hidden":\n[1],\n'), 3, "the key 'hidden' stands here"),
    "an escaped key twice, json": (FLAT[:-1] + ',\n"\\u0074itle": "y"}', 2, "the key 'title' stands here for the seco"),
    "a list, json": ("[1]", 1, "expected a JSON object, as rungwise writes it, got a list"),
    "nan, json": (FLAT.replace("1}", "NaN}", 1), 1, "fit.epochs: input should be a valid integer, got nan"),
    "half a character, json": (FLAT.replace('"x"', '"\\ud800"'), 1, "title: expected text that can be written as"),
    "half a name, json": (FLAT.replace('"A"', '"\\ud800"'), 1, "nets: expected text that can be written as UTF-8"),
    "a key that moves the cursor": ('title = "x"\n"\\u001b[2J" = 1', 2, r"unknown setting '\x1b[2J'"),
    "a title that does": ('title = "\\u001b[2J"', 1, r"title: expected text without control characters, got '\x1b'"),
    "no title": (MLPS.replace('"x"', '""'), 1, "title: string should have at least 1 character"),
    "seeds = true": (MLPS.replace("seeds = 4", "seeds = true"), 2, "seeds: input should be a valid integer, got true"),
    "seeds = 4.0": (MLPS.replace("seeds = 4", "seeds = 4.0"), 2, "seeds: input should be a valid integer, got 4.0"),
    "a rate that is text": (with_fit('rate = "1e-3"'), 8, "fit.rate: input should be a valid number, got '1e-3'"),
    "a huge rate": (with_fit("rate = 1e31"), 8, "fit.rate: input should be less than or equal to 10000"),
    "an infinite rate": (with_fit("rate = 1e999"), 8, "fit.rate: input should be a finite number, got inf"),
    "momentum of 1": (with_fit("momentum = 1"), 8, "fit.momentum: input should be less than 1, got 1"),
    "epochs without end": (with_fit("epochs = 10000000").replace("epochs = 1, ", ""), 8, "less than or equal to 1"),
    "a cutout of all": (with_fit("augment = { cutout = 28 }"), 8, "fit.augment.cutout = 28 blackens whole images, as "),
    "a shift of all": (with_fit("augment = { shift = 100 }"), 8, "fit.augment.shift = 100.0 moves images out of sight"),
    "a crop of all": (RESIDUAL.replace("stem", "crop = 14, stem"), 9, "A: crop = 14 leaves nothing of images of 28"),
    "a large kernel": (CNNS.replace("[8]", "[8], kernel = 56"), 9, "A: kernel: the outer weights of kernels of 56"),
    "1000 layers": (with_nets(f"A = {{ hidden = {[8] * 1000} }}"), 9, "nets.A.hidden: list should have at most 100 it"),
    "1000 blocks": (RESIDUAL.replace("[1]", "[1000]"), 9, "nets.A.blocks[0]: input should be less than or equal to"),
    "10^6 members": (RESIDUAL.replace("stem", "members = 1000000, stem"), 9, "nets.A.members: input should be less"),
    "a net of a list": (CNNS.replace("{ filters = [8] }", "{ family = [] }"), 9, "no family of nets is called []"),
    "too many trials": (
        with_nets(", ".join(f"n{n} = {{ hidden = [{n}] }}" for n in range(1, 102))).replace("= 4", "= 1000"), 2,
        "the study has 101,000 trials, of which 101,000 are in the chapter 'part'; expected at most 100,000",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_once_with_its_line(name: str) -> None:
    text, line, says = FAULTS[name]
    file = "study.json" if name.endswith("json") else "study.toml"
    with pytest.raises(StudyError) as error:
        parse_study(text, file)
    (told,) = [one for one in str(error.value).splitlines() if says in one] or [str(error.value)]
    assert told.startswith(f"{file}, line {line}: "), told
    assert says in told
    assert len(told) < 400
    if "unknown setting" not in says and "title" not in name:
        assert str(error.value) == told, "one fault, one line"


@pytest.mark.parametrize("file", ["study.toml", "study.json"])
def test_a_file_of_too_many_keys_is_refused_within_seconds(file: str) -> None:
    def text(keys: int) -> str:
        if file.endswith("json"):
            return json.dumps({f"a{n}": 1 for n in range(keys)})
        return "\n".join(f"a{n}=1" for n in range(keys))

    started = time.perf_counter()
    for keys, says in (
        (300_000, "expected at most 1,000,000 characters"),
        (60_000, "expected at most 50,000 settings and list items, got 60,000"),
        (40_000, "more faults"),
    ):
        with pytest.raises(StudyError, match=says) as error:
            parse_study(text(keys), file)
        assert len(str(error.value).splitlines()) <= 21
    assert time.perf_counter() - started < 30, "a second or two on an idle machine"


@pytest.mark.parametrize(
    "text",
    ['"""' + '\\"""' * 200_000, '{"' + '\\"' * 300_000, "x = '''" + "''x" * 200_000, "[" * 900_000, '"' * 900_000],
)
def test_quotes_and_brackets_without_end_are_refused_at_once(text: str) -> None:
    started = time.perf_counter()
    for file in ("x.toml", "x.json"):
        with pytest.raises(StudyError):
            parse_study(text, file)
    assert time.perf_counter() - started < 30


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"#" + b"x" * 1_000_000, "expected at most 1,000,000 bytes, got more"),
        ("title = 'x'".encode("utf-16"), "it is not text in UTF-8 but in UTF-16; save it as UTF-8"),
        (b"title = 'x'\n\nseeds = '\xff'", "it is not text in UTF-8: byte 0xff in line 3; save it as UTF-8"),
        (b"", "line 1: a study needs at least one [[chapter]] table"),
        (b"\xef\xbb\xbf", "line 1: a study needs at least one [[chapter]] table"),
    ],
)
def test_a_file_that_is_no_study(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError) as error:
        read_study(str(path))
    assert says in str(error.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "study.toml")
    with pytest.raises(StudyError, match="expected a file, got a pipe or a device"):
        read_study(str(tmp_path / "study.toml"))


def test_a_file_name_with_a_null_is_refused() -> None:
    with pytest.raises(StudyError):
        read_study("a\0b.toml")


# What the machine cannot hold -----------------------------------------------------------------------------------


LARGE = {
    "10^30 units": with_nets(f"A = {{ hidden = [1{30 * '0'}] }}"),
    "10^13 parameters": with_nets("A = { hidden = [10000000000] }"),
    "10^6 filters": CNNS.replace("[8]", "[1000000]"),
    "10^24 products": CNNS.replace("[8]", "[1000000000000, 1000000000000]"),
    "10^6 images": CNNS.replace("[8]", "[100000, 100]").replace("epochs = 1", "epochs = 1, batch = 1000000"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_net_beyond_the_memory_is_refused_before_anything_is_made(name: str, tmp_path: Path) -> None:
    study = parse_study(LARGE[name], "study.toml")
    with pytest.raises(StudyError, match=r"study.toml, line 9: A: training it would take .* of memory") as error:
        run_study(study, tmp_path / "out", device="cpu", workers=1)
    assert f"this machine has {amount(memory.memory_limit())}: choose a smaller net or batch" in str(error.value)
    assert not (tmp_path / "out").exists()


def test_the_plan_shows_the_memory_and_refuses_what_cannot_be_counted() -> None:
    rows = plan(parse_study(LARGE["10^13 parameters"], "study.toml"), lambda _: 1e11)
    assert {row.parameters for row in rows} == {7_950_000_000_010}
    assert rows[0].memory_bytes > 6 * 4 * 7_950_000_000_010 > memory.memory_limit()
    with pytest.raises(
        StudyError, match="line 9: A: training it would take more than 8 EiB of memory, and this machine"
    ):
        plan(parse_study(LARGE["10^30 units"], "study.toml"), lambda _: 1e11)


def test_workers_that_fit_alone_and_not_together(monkeypatch: pytest.MonkeyPatch) -> None:
    study = parse_study(MLPS, "study.toml")
    one = max(row.memory_bytes for row in plan(study, lambda _: 1e11))
    monkeypatch.setattr(memory, "memory_limit", lambda: 2 * one)
    check_study(study, workers=2)
    with pytest.raises(StudyError, match=r"12 trials at a time would take up to .* has .* GiB: use --workers [2-4]$"):
        check_study(study, workers=100)
    monkeypatch.setattr(memory, "memory_limit", lambda: one - 1)
    with pytest.raises(StudyError, match=r"line 9: .: training it would take about"):
        check_study(study, workers=1)


def test_on_a_gpu_nets_are_held_against_its_memory() -> None:
    study = parse_study(MLPS, "study.toml")
    check_study(study, workers=8, device="cuda", gpu_bytes=2**30)
    with pytest.raises(StudyError, match="and this GPU has 1 MiB: choose a smaller net"):
        check_study(study, workers=8, device="cuda", gpu_bytes=2**20)


def test_a_study_made_in_python_is_checked_before_it_runs(tmp_path: Path) -> None:
    def made(**fit: object) -> Study:
        recipe = Recipe.model_validate({"epochs": 1, **fit})
        nets = {"A": {"hidden": [8]}, "B": {"hidden": [9]}}
        return Study(title="x", chapter=[MlpsSettings(data=Data(source="digits"), fit=recipe, nets=nets)])

    check_study(made())
    with pytest.raises(StudyError, match=r"^fit.augment.cutout = 28 blackens whole images"):
        run_study(made(augment=Augmentation(cutout=28)), tmp_path / "out", device="cpu")
    with pytest.raises(StudyError, match="the study has 200,000 trials"):
        run_study(made().with_seeds(MOST_TRIALS), tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("size", "says"), [(2**20, "1 MiB"), (1.5 * 2**30, "1.5 GiB"), (999 * 2**30, "999 GiB"), (2**63, "8 EiB")]
)
def test_amounts_in_words(size: int, says: str) -> None:
    assert amount(int(size)) == says
