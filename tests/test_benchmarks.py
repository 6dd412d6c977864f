"""The benchmarks: real processes on tiny nets, and the arithmetic of the tables by hand."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks import colour, large, large_files, rounds, seeds
from benchmarks.cases import CASES, Case, images_of, work_of
from benchmarks.child import Epoch, Ready
from benchmarks.machine import Rates
from benchmarks.peers import PEERS, Peer
from benchmarks.peers.channels_last import weights
from benchmarks.profile import BETWEEN, COLUMNS, DRAWN, OPTIMISER, UPDATE, profile, shares
from benchmarks.rounds import Child, Run, measure
from benchmarks.table import LOSS_TOLERANCE, Load, Row, Spread, Table, markdown, pace, rows
from benchmarks.throughput import compare, run
from benchmarks.watched import watch
from benchmarks.work import Result, Work
from rungwise.kernels.conv import passes as conv_kernels
from rungwise.kernels.conv import step as conv_step
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.study.reading import read_study

RATES = Rates({"float32": 1e11, "bfloat16": 2e11}, bandwidth=1e10)
"""A machine's."""
MLP = Case("tiny MLP", MlpSettings(hidden=(16,)), images=200, batch=32)
SHARED = SharedSettings(filters=(4, 6), shared=(16,), head=(8,))
TASKS = Case("tiny multi-task", SHARED, images=72, source="fashion-mnist", batch=32)
ODD = {
    "failing": "def fit(work, pace):\n    pace.epoch(1.0)\n    raise ValueError('too | much')\n",
    "dying": "import os\n\n\ndef fit(work, pace):\n    os._exit(7)\n",
    "reordered": (
        "import dataclasses\n\nfrom benchmarks.peers import sklearn_mlp\n\n\ndef fit(work, pace):\n"
        "    orders = tuple(order[::-1].copy() for order in work.orders)\n"
        "    return sklearn_mlp.fit(dataclasses.replace(work, orders=orders), pace)\n"
    ),
    "hurried": "def fit(work, pace):\n    pace.epoch(1.0)\n",
}


def work(case: Case, *, equal: bool = True) -> Work:
    return work_of(case, images_of(case, noise=True), 3, equal=equal)


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Child]]:
    """Peers that need only PyTorch and scikit-learn, one whose library is missing, and some that do wrong."""
    folder = tmp_path_factory.mktemp("peers")
    for name, text in ODD.items():
        (folder / f"odd_{name}.py").write_text(text)
    known = [peer for peer in PEERS if peer.name in ("rungwise", "torch-resident", "sklearn")]
    odd = [Peer(name, name, f"odd_{name}", "", "") for name in ODD]
    absent = Peer("absent", "absent", "no_such_library", "", "", "pip install no-such-library")
    made = {peer.name: Child(peer, threads=1) for peer in [*known, *odd, absent]}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)  # processes are given this one's path
        yield made
    for child in made.values():
        child.stop()


@pytest.fixture(scope="module")
def runs(children: dict[str, Child]) -> dict[str, Run]:
    return {run.peer.name: run for run in measure(work(MLP), list(children.values()), lambda: RATES)}


def told(runs: dict[str, Run]) -> dict[str, Row]:
    load = Load(MLP.images, MLP.steps, MLP.flops, MLP.parameters)
    part = rows(list(runs.values()), load, work(MLP).test_labels, equal=True)
    return {row.peer: row for row in part}


def test_equal_work_has_equal_losses(runs: dict[str, Run]) -> None:
    ours, plain, other = (runs[name].losses for name in ("rungwise", "torch-resident", "sklearn"))
    assert len(ours) == 3
    assert ours[2] < ours[0]
    np.testing.assert_allclose(plain, ours, rtol=1e-5)
    np.testing.assert_allclose(other, ours, rtol=LOSS_TOLERANCE)
    assert all(told(runs)[name].same_work for name in ("rungwise", "torch-resident", "sklearn"))


def test_another_order_is_told_as_other_work(runs: dict[str, Run]) -> None:
    assert told(runs)["reordered"].same_work is False


def test_one_warm_time_per_round(runs: dict[str, Run]) -> None:
    run = runs["torch-resident"]
    assert len(run.warm_s) == 1
    assert min(run.import_s, run.first_s, run.last_s, *run.warm_s) > 0
    assert set(run.threads.values()) == {1}


def test_what_goes_wrong_becomes_a_row(runs: dict[str, Run]) -> None:
    assert runs["absent"].error == "not installed: no_such_library (`pip install no-such-library`)"
    assert runs["failing"].error == "ValueError: too | much"
    assert "odd_failing.py" in runs["failing"].trace
    assert runs["dying"].error == "the process ended by itself (exit code 7)"
    assert "1 epochs were fitted instead of 3" in runs["hurried"].error
    rate = pace(list(runs.values()))
    table = Table("tiny", True, 1, True, Load(1, 1, 1, 1), 32, rate, list(told(runs).values()), {})
    machine = {"processor": "p", "threads": 1, "rungwise": "1", "commit": None, "libraries": {}}
    text = markdown(machine, [table])
    assert "float32 products, TFLOP/s 0.1 (0.1–0.1); bfloat16 products, TFLOP/s 0.2 (0.2–0.2); memory, GB/s 10" in text
    assert "| failing | ValueError: too / much |" in text
    assert "| dying | the process ended by itself (exit code 7) |" in text
    assert "The images are noise" in text


def test_several_tasks_and_convolutions(children: dict[str, Child], runs: dict[str, Run]) -> None:
    """The same processes take another work; the one that had died is started anew, and dies again."""
    names = ("rungwise", "torch-resident", "sklearn", "dying")
    ours, plain, other, dead = measure(work(TASKS), [children[name] for name in names], lambda: RATES)
    np.testing.assert_allclose(plain.losses, ours.losses, rtol=1e-5)
    assert other.error == "does not apply: it has perceptrons of one task only"
    assert dead.error == "the process ended by itself (exit code 7)"
    assert ours.result is not None
    assert [len(task) for task in ours.result.predictions] == [12, 12]


def test_defaults_need_not_agree(children: dict[str, Child], runs: dict[str, Run]) -> None:
    able = [children[name] for name in ("rungwise", "torch-resident")]
    found = measure(work(MLP, equal=False), able, lambda: RATES)
    part = told({run.peer.name: run for run in found[:1]})
    assert part["rungwise"].error == ""
    assert found[1].losses[0] != pytest.approx(found[0].losses[0], rel=1e-4)
    load = Load(MLP.images, MLP.steps, MLP.flops, MLP.parameters)
    for row in rows(found, load, work(MLP).test_labels, equal=False):
        assert (row.same_work, row.loss_difference) == (None, None)


def test_ratios_medians_and_shares_by_hand() -> None:
    """Ours 1, 2, 4 s and theirs 3, 2, 2 s: ratios 3, 1, .5, whose median is 1; that of the medians is 1 as well, that
    of the means 1. 100 images of 3e6 operations are 3e8: theirs 1e8, 1.5e8 and 1.5e8 per second, of 1e9, 1e9 and 5e8.
    """
    labels, right = np.array([[0, 1, 1, 0]]), (np.array([0, 1, 0, 0]),)
    names = {peer.name: peer for peer in PEERS}
    fast, slow = (Rates({"float32": rate, "bfloat16": 2 * rate}, bandwidth=7e6) for rate in (1e9, 5e8))
    turns, others = [fast, fast, slow], [slow, slow, slow]
    ours = Run(names["rungwise"], 0, 5, [1, 2, 4], 6, [2.0, 1, 1, 1, 1], others, Result(right, "bfloat16"))
    theirs = Run(names["skorch"], 1, 9, [3, 2, 2], 3, [2.002, 1, 1, 1, 1], turns, Result(right))
    load = Load(images=100, steps=4, flops=3_000_000, parameters=25_000)
    ours_row, row = rows([ours, theirs], load, labels, equal=True)
    assert row.ratio == Spread(median=1, low=0.5, high=3, n=3)
    assert row.epoch_s == Spread(2, 2, 3, 3)
    assert row.images_per_s == Spread(50, pytest.approx(100 / 3), 50, 3)
    assert row.rate_share == Spread(pytest.approx(0.15), pytest.approx(0.1), pytest.approx(0.3), 3)
    # 4 steps of 28 * 25,000 bytes take .1 s each, .4 of 3 and of 2 s; slow products .6 of the last 2 s.
    assert row.floor_share == pytest.approx(0.2)
    assert pace([theirs]) == {
        "float32 products, TFLOP": Spread(1e-3, 5e-4, 1e-3, 3),
        "bfloat16 products, TFLOP": Spread(2e-3, 1e-3, 2e-3, 3),
        "memory, GB": Spread(7e-3, 7e-3, 7e-3, 3),
    }
    assert row.loss_difference == pytest.approx(1e-3)
    assert row.same_work
    assert row.whole_s == 19
    assert row.accuracy == (0.75,)
    assert ours_row.ratio == Spread(1, 1, 1, 3)
    assert ours_row.rate_share == Spread(pytest.approx(0.15), pytest.approx(0.075), pytest.approx(0.3), 3)


def test_without_rungwise_there_is_nothing_to_compare_with() -> None:
    theirs = Run(PEERS[1], 1, 9, [3.0], 3, [2.0] * 3, [RATES], Result((np.array([0]),)))
    (row,) = rows([theirs], Load(1, 1, 1, 1), np.array([[0]]), equal=True)
    assert (row.ratio, row.same_work) == (None, None)


def test_colour_images_are_equal_work(children: dict[str, Child]) -> None:
    """Nets on images of a shape that no data set has here."""
    case = Case("tiny colour CNN", CnnSettings(filters=(4, 6)), images=72, batch=32, shape=(3, 17, 30))
    assert case.parameters == 4 * (3 * 16 + 1) + 6 * (4 * 16 + 1) + 10 * (6 * 9 * 15 + 1)
    ours, plain = measure(work(case), [children[name] for name in ("rungwise", "torch-resident")], lambda: RATES)
    assert not ours.error
    np.testing.assert_allclose(plain.losses, ours.losses, rtol=1e-5)


def test_the_nets_on_colour_images_are_those_of_the_studies() -> None:
    known = [
        {
            net.model_dump_json()
            for chapter in read_study(name).chapters
            for net in getattr(chapter, "nets", {}).values()
        }
        for name in ("reference", "quick")
    ]
    cases = list(colour._cases(tuple(colour.NETS)))
    for case in cases:
        assert case.settings.model_dump_json() in known[case.name.startswith("quick")]
    assert {case.image for case in cases} == {(3, 32, 32), (3, 64, 64)}
    assert {peer.name for peer in colour.peers()} == {"rungwise", "torch-resident", "torch-fused", "torch-tuned"}
    for peer in colour.peers():
        assert find_spec(peer.module) is not None


def test_files_of_large_data_hold_classes_that_can_be_told(tmp_path: Path) -> None:
    images, labels = (np.load(path) for path in large_files.make(tmp_path, 3000))
    assert (images.shape, images.dtype, labels.shape, labels.dtype) == ((3000, 3, 32, 32), "uint8", (3000,), "int64")
    means = np.stack([images[:2000][labels[:2000] == k].mean(0) for k in range(10)])
    told = ((images[2000:, None] - means) ** 2).sum((2, 3, 4)).argmin(1)
    assert (told == labels[2000:]).mean() == pytest.approx(0.91, abs=0.03)  # a label of ten is drawn anew
    before = images.copy()
    assert (np.load(large_files.make(tmp_path, 3000)[0]) == before).all()


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"needs 30800000.0 GB for the images, and has"):
        large_files.make(tmp_path, 10**13)
    assert not list(tmp_path.iterdir())


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="Linux alone tells anonymous memory apart"
)


@needs_proc
def test_pages_of_files_do_not_count(tmp_path: Path) -> None:
    """130 MB: in memory they count, in a mapped file, all of which is read, they do not."""
    np.save(tmp_path / "images.npy", np.ones((1 << 14, 8, 32, 32), np.uint8))
    mapped, resident = (watch(large.read, tmp_path / "images.npy", load) for load in ("mapped", "resident"))
    assert resident.peak_bytes - mapped.peak_bytes > 100 << 20
    assert len(mapped.found) == large.ROUNDS
    assert min(mapped.found) > 0
    assert mapped.seconds > 0


@needs_proc
def test_work_that_ends_without_an_answer_is_told() -> None:
    with pytest.raises(RuntimeError, match="_exit ended with exit code 3 and no answer"):
        watch(os._exit, 3)


@needs_proc
def test_an_epoch_on_a_mapped_file() -> None:
    found = large.run(2000)
    assert found["file_bytes"] == pytest.approx(2000 * 3072, rel=0.01)
    assert found["train_accuracy"] > 0.8
    assert 50 << 20 < found["peak_bytes"] < large.MOST_BYTES
    text = large.markdown(found)
    assert "One epoch of CNN 16-32 on 1,980 of them" in text
    assert "**more than" not in text
    assert "**more than the 2 GiB" in large.markdown({**found, "peak_bytes": large.MOST_BYTES})


def test_the_published_nets_have_descriptions() -> None:
    """As many parameters as rungwise counts, in every net."""
    for case in CASES:
        net = work_of(case, images_of(CASES[0], noise=True), 1, equal=False).net
        (channels, height, width), total = net.image, 0
        size = channels * height * width
        for layer in net.trunk:
            if hasattr(layer, "filters"):
                total += layer.filters * (channels * layer.kernel**2 + 1)
                channels, height, width = layer.filters, -(-height // layer.stride), -(-width // layer.stride)
                size = channels * height * width
            else:
                total += layer.width * (size + 1)
                size = layer.width
        for head in net.heads:
            inner = size
            for layer in head:
                total += layer.width * (inner + 1)
                inner = layer.width
        assert total == case.parameters


def test_channels_last_takes_flattened_maps_in_its_own_order() -> None:
    """A dense layer after maps gives the same from maps (C, H, W) and, turned, from (H, W, C)."""
    case = Case("cnn", CnnSettings(filters=(3, 5)), images=8)
    given = work(case)
    maps = np.random.default_rng(0).normal(size=(5, 14, 14)).astype(np.float32)
    turned, _ = weights(given)[-1]
    np.testing.assert_allclose(
        maps.transpose(1, 2, 0).ravel() @ turned, given.weights[-1][0] @ maps.ravel(), rtol=1e-3, atol=1e-5
    )
    assert weights(given)[0][0].shape == (4, 4, 1, 3)


def test_what_is_measured_is_told_after_each_net(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.throughput.rates", lambda device: RATES)
    ours = [peer for peer in PEERS if peer.name == "rungwise"]
    other = Case("another MLP", MlpSettings(hidden=(8,)), images=100, batch=32)
    told = [[(table.net, table.equal) for table in tables] for _, tables in compare([MLP, other], ours, 1, noise=True)]
    first = [("tiny MLP", True), ("tiny MLP", False)]
    assert told == [first, [first[0], ("another MLP", True), first[1], ("another MLP", False)]]


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="'torch' is none of rungwise, "):
        run(full=False, cases=[], peers=["torch"], pairs=1, images=None, device="cpu", out=tmp_path)


def test_a_gpu_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--device cuda needs a GPU"):
        run(full=False, cases=[], peers=[], pairs=1, images=None, device="cuda", out=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.gpu
def test_seeds_side_by_side_on_a_gpu() -> None:
    (trial, *_) = (one for one in seeds.nets(full=False).values() if one.data.source == "digits")
    for way in seeds.ways("cuda"):
        seeds.carry_out_all([trial.model_copy(update={"seed": k}) for k in range(10)], way.stacked, "cuda", way.lanes)


@dataclass
class Operator:
    """What `shares` reads of a profiler's event."""

    name: str
    self_cpu_time_total: float
    cpu_parent: "Operator | None" = None


def test_shares_of_a_profile_by_hand() -> None:
    step = Operator("Optimizer.step#Adam.step", 10e3)
    drawing = Operator("images", 0)
    events = [
        Operator("aten::mkldnn_convolution", 20e3),
        Operator("aten::convolution_backward", 30e3),
        step,
        Operator("aten::mm", 5e3, Operator("aten::addmm", 0, step)),
        drawing,
        Operator("aten::copy_", 5e3, drawing),
        Operator("aten::argmax", 5e3),
        Operator("dense layers", 3e3),
        Operator(UPDATE, 2e3),
        Operator("autograd::engine::evaluate_function: AddmmBackward0", 4e3),
        Operator("AddmmBackward0", 3e3),
        Operator("torch::autograd::CopyBackwards", 3e3),
    ]
    found = shares(events, 0.1)  # type: ignore[arg-type]
    assert {part: share for part, share in found.items() if share} == pytest.approx(
        {
            "convolutions, forward": 0.2,
            "convolutions, backward": 0.3,
            OPTIMISER: 0.15,
            DRAWN: 0.05,
            "other operators": 0.05,
            "dense layers": 0.03,
            UPDATE: 0.02,
            BETWEEN: 0.2,  # autograd's 10 ms and the 10 that no event has
        }
    )


def test_a_profile_of_real_steps_adds_up() -> None:
    case = Case("tiny CNN", CnnSettings(filters=(4, 6)), images=64, batch=32)
    found = profile(case.trial(1, equal=False), images_of(case, noise=True), steps=3)
    assert list(found["shares"]) == list(COLUMNS)
    assert sum(found["shares"].values()) == pytest.approx(1)
    spent = {part for part, share in found["shares"].items() if share > 0}
    assert spent >= {"convolutions, forward", "convolutions, backward", OPTIMISER, DRAWN}
    assert "BatchNorm" not in spent


def test_a_profile_of_steps_in_machine_code_tells_their_parts() -> None:
    case = Case("tiny MLP", MlpSettings(hidden=(40, 30)), images=64, batch=32)
    found = profile(case.trial(1, equal=False), images_of(case, noise=True), steps=3)
    assert sum(found["shares"].values()) == pytest.approx(1)
    spent = {part for part, share in found["shares"].items() if share > 0}
    assert spent >= {"dense layers", "copies between formats", "loss", UPDATE, DRAWN}
    assert OPTIMISER not in spent


def test_a_profile_of_convolutions_in_machine_code_tells_their_parts() -> None:
    case = Case("whole tiles", CnnSettings(filters=(32, 32)), images=64, batch=32)
    found = profile(case.trial(1, equal=False), images_of(case, noise=True), steps=3)
    assert sum(found["shares"].values()) == pytest.approx(1)
    spent = {part for part, share in found["shares"].items() if share > 0}
    assert spent >= {"convolutions, backward", "convolutions, forward", "copies between formats"}
    assert conv_step.multiply is conv_kernels.multiply  # watched no longer


def test_each_round_has_its_own_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no peer always follows the same one, whose threads or pages may still be on the machine's mind."""
    asked: list[str] = []

    @dataclass
    class Fake:
        peer: Peer

        def start(self) -> Ready:
            return Ready(0.0)

        def ask(self, message: object) -> Epoch:
            asked.append(self.peer.name)
            return Epoch(1.0, 2.0)

    def yardstick() -> Rates:
        asked.append("the machine")
        return RATES

    monkeypatch.setattr(rounds, "PAUSE_S", 0.0)
    fakes = [Fake(peer) for peer in PEERS[:6]]
    given = work_of(MLP, images_of(MLP, noise=True), 5, equal=True)
    found = measure(given, fakes, yardstick)  # type: ignore[arg-type]
    names = [peer.name for peer in PEERS[:6]]
    assert asked[6 : 6 + 3 * 12 : 2] == ["the machine"] * 18, "before each warm epoch"
    told = [name for name in asked if name != "the machine"]
    turns = [told[6 * k : 6 * k + 6] for k in range(5)]
    assert turns[0] == names
    assert all(sorted(turn) == sorted(names) for turn in turns)
    assert len({tuple(turn) for turn in turns}) == 5
    assert [run.peer.name for run in found] == names
    assert all(len(run.losses) == 5 for run in found)
    assert all(run.rates == [RATES] * 3 for run in found)
