"""Rungwise's own architectures, balancing methods, chapters and data sets pass what `rungwise.testing` asks of all."""

import importlib
import pkgutil

import pytest

import rungwise.models
from rungwise.balancing import balancing_methods, read_balancer
from rungwise.chapters import chapter_kinds
from rungwise.data.inventory import status
from rungwise.data.sources.catalogue import CATALOGUE
from rungwise.models.cnn import CnnSettings
from rungwise.models.collaboration import CollaborationSettings
from rungwise.models.compact import CompactSettings
from rungwise.models.cross_stitch import CrossStitchSettings
from rungwise.models.families import FAMILIES
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings
from rungwise.models.residual import ResidualSettings
from rungwise.study.reading import parse_study
from rungwise.testing import Check, balancer_checks, chapter_checks, net_checks, source_checks

pytestmark = pytest.mark.usefixtures("one_thread")

NETS = (
    MlpSettings(hidden=(30, 20)),
    MlpSettings(hidden=()),
    MlpSettings(hidden=(30, 20), batch_norm=True, dropout=0.3),
    MlpSettings(hidden=(30,), bias=False, dropout=0.5),
    CnnSettings(filters=(4, 6, 5), halving="stride"),
    CnnSettings(filters=(4, 6, 5), halving="pool"),
    CnnSettings(filters=(3, 2), kernel=5),
    CnnSettings(filters=(4, 6), batch_norm=True, dense=(12, 9), dropout=0.2),
    CnnSettings(filters=(4, 6), halving="pool", batch_norm=True),
    CnnSettings(filters=(4,), dropout=0.2),
    SharedSettings(filters=(4, 5), shared=(12, 9), head=(6,)),
    SharedSettings(filters=(4, 5), halving="pool", head=(6, 4)),
    SharedSettings(filters=(4,)),
    CompactSettings(filters=(4, 6, 5), shared=(9,), head=(7,)),
    SharedSettings(filters=(4, 5), shared=(12,), dropout=0.2),
    SharedSettings(filters=(4,), dropout=0.2),
    CompactSettings(filters=(4, 6)),
    CompactSettings(filters=(4, 6), head=(7,), dropout=0.2),
    CollaborationSettings(filters=(4, 7), head=(8,)),
    CrossStitchSettings(filters=(4, 6), head=(8,)),
    ResidualSettings(stem=4, filters=(6, 5), blocks=(1, 2)),
    ResidualSettings(stem=4, filters=(6,), blocks=(1,), crop=2),
    ResidualSettings(stem=4, filters=(6,), blocks=(1,), members=2),
)
STUDY = parse_study(
    """
title = "Small chapters"
[[chapter]]
kind = "audit"
data = { source = "digits" }
[[chapter]]
kind = "projection"
data = { source = "digits", train_images = 300 }
[[chapter]]
kind = "perceptrons"
data = { source = "digits", train_images = 400 }
pairs = [[8, 3], [1, 0]]
iterations = 60
tolerance = 0.01
[[chapter]]
kind = "mlps"
data = { source = "digits", train_images = 300 }
fit = { epochs = 2, rate = 2e-3 }
nets = { A = { hidden = [12, 12] }, B = { hidden = [] } }
[[chapter]]
kind = "capacity"
data = { source = "digits", train_images = 100 }
fit = { epochs = 2, rate = 2e-3, stop_loss = 1.0 }
widths = [4, 8]
[[chapter]]
kind = "cnns"
data = { source = "digits", train_images = 300 }
fit = { epochs = 2, rate = 3e-3 }
nets = { K = { filters = [2, 3] }, R = { stem = 2, filters = [3], blocks = [1] } }
[[chapter]]
kind = "seeing"
data = { source = "digits" }
fit = { epochs = 2, rate = 3e-3 }
net = { filters = [2, 3] }
classes = [2, 9]
dream = { steps = 2, scales = [8] }
[[chapter]]
kind = "multitask"
data = { source = "digits", train_images = 300 }
fit = { epochs = 1, rate = 3e-3 }
net = { filters = [2], shared = [8] }
weights = [0.25, 1]
methods = { DWA = "dwa" }
sharing = { Stitched = { family = "cross-stitch", filters = [2, 3] } }
[chapter.tasks]
item = "labels"
loops = { none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }
[[chapter]]
kind = "transfer"
data = { source = "digits", train_images = 300 }
fit = { epochs = 1, rate = 3e-3 }
net = { family = "compact", filters = [2, 3] }
weights = 0.5
shares = [0.1, 1]
[chapter.tasks]
item = "labels"
loops = { none = [1, 2, 3, 5, 7], one = [0, 4, 6, 9], two = [8] }
[chapter.task]
small = { yes = [0, 1, 2, 3, 4], no = [5, 6, 7, 8, 9] }
""",
    "small.toml",
)


def test_no_member_is_left_out() -> None:
    assert {net.family_name() for net in NETS} == FAMILIES.own.keys(), "each family needs a net in NETS above"
    kinds = {chapter.kind for chapter in STUDY.chapters} | {"leak"}  # which needs groups: tests/chapters/test_leak.py
    assert kinds == set(chapter_kinds()), "each kind needs a chapter in STUDY"


def test_every_architecture_here_is_registered() -> None:
    for module in pkgutil.iter_modules(rungwise.models.__path__, "rungwise.models."):
        importlib.import_module(module.name)
    found = {f"{one.__module__}:{one.__name__}" for one in subclasses(NetSettings) if "family" in one.model_fields}
    here = {address for address in found if address.startswith("rungwise.models.")}
    assert here <= set(FAMILIES.own.values()), "give it a line in rungwise/models/families.py"


def subclasses(kind: type[NetSettings]) -> set[type[NetSettings]]:
    return {one for sub in kind.__subclasses__() for one in (sub, *subclasses(sub))}


@pytest.mark.parametrize("check", [check for net in NETS for check in net_checks(net)], ids=str)
def test_nets(check: Check) -> None:
    check()


@pytest.mark.parametrize(
    "check",
    [
        check
        for name in sorted(balancing_methods())
        for check in balancer_checks(read_balancer(name), by_place=name == "random")
    ],
    ids=str,
)
def test_balancing_methods(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", [check for chapter in STUDY.chapters for check in chapter_checks(chapter)], ids=str)
def test_chapters(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", [check for name in CATALOGUE for check in source_checks(name)], ids=str)
def test_sources(check: Check) -> None:
    (row,) = (row for row in status() if row.name == check.case.name)
    if not row.complete:
        pytest.skip(f"the files of {row.name} are not on this machine")
    check()
