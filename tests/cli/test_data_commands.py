"""What the verbs of ``rungwise data`` print of data sets that are here in part, unpacked or not at all."""

import gzip
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rungwise.cli.data import data_app

HEADER = b"\0\0\x08\1" + (60_000).to_bytes(4, "big")


def answer(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(data_app, list(words))
    return done.exit_code, done.output


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RUNGWISE_DATA, with nothing in it, and no cache."""
    monkeypatch.setenv("RUNGWISE_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own" / "kmnist").mkdir(parents=True)
    return tmp_path / "own"


def test_each_data_set_is_a_line_and_its_licence_another(own: Path) -> None:
    (own / "kmnist" / "train-labels-idx1-ubyte").write_bytes(HEADER + bytes(60_000))
    code, out = answer("list")
    lines = dict(re.findall(r"^(\S+) +(.*\n.*)$", out, re.M))
    assert code == 0
    assert lines["kmnist"].startswith(
        "60,000 train  10,000 test   10 classes  28 x 28 grey     incomplete: RUNGWISE_DATA ("
    )
    assert re.search(r"\n +licence: CC BY-SA 4\.0 ", lines["kmnist"])
    assert lines["cifar10"].startswith("50,000 train  10,000 test   10 classes  32 x 32 colour   not on this machine")
    assert lines["emnist-balanced"].startswith("112,800 train  18,800 test   47 classes")


def test_a_check_says_what_it_was_held_against(own: Path) -> None:
    labels = HEADER + bytes(60_000)
    (own / "kmnist" / "train-labels-idx1-ubyte").write_bytes(labels)
    (own / "kmnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(4) + labels[4:10_008]))
    code, out = answer("check", "kmnist")
    assert code == 1
    images, train, _, test = out.splitlines()
    assert images == "train-images-idx3-ubyte: not on this machine"
    assert train.startswith(
        "train-labels-idx1-ubyte: checked by shape only: no published checksum of the unpacked file ("
    )
    assert re.match(r"t10k-labels-idx1-ubyte: not the expected file \(SHA-256 \w{64}, expected 20bb9a0e", test)
