"""A net that starts from a trained one: what it takes over, what of it learns, and what stays as it is."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rungwise.bench import Bench
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.models.collaboration import CollaborationSettings
from rungwise.models.compact import CompactSettings
from rungwise.models.cross_stitch import CrossStitchSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import initialise
from rungwise.records.record import Environment, Record
from rungwise.seeding import stream_seed
from rungwise.training.batches import Resident
from rungwise.training.fit import carry_out
from rungwise.training.learner import begin, build_learner
from rungwise.training.settings import Fit, Recipe

HERE = Environment(
    rungwise="0", commit=None, python="3", libraries={}, platform="", processor="", cores=1, memory_bytes=1,
    threads=1, workers=1, device="cpu", finished_at="",
)  # fmt: skip
IMAGE = (1, 8, 8)
HALVES = {"low": (0, 1, 2, 3, 4), "high": (5, 6, 7, 8, 9)}
PARITY = {"even": (0, 2, 4, 6, 8), "odd": (1, 3, 5, 7, 9)}
SHARED = SharedSettings(filters=(3, 4), shared=(12,), head=(6,))
COMPACT = CompactSettings(filters=(3, 4), shared=(12,), head=(6,))
nets = pytest.mark.parametrize("net", [SHARED, COMPACT], ids=lambda net: net.family)


def images(count: int, seed: int) -> ImageSet:
    """Noise with a bright square whose place is the label: easy to learn."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    pixels = random.integers(0, 60, (count, 1, 8, 8), np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[0, label // 4 * 2 : label // 4 * 2 + 2, label % 4 * 2 : label % 4 * 2 + 2] += 150
    return ImageSet(pixels, labels.astype(np.int64))


SPLIT = Split(tuple("0123456789"), images(90, 1), images(20, 2), {})


def bench(*records: Record) -> Bench:
    return Bench(device="cpu", split=lambda data, seed: SPLIT, records={record.id: record for record in records})


def trunk(net=SHARED, **changes) -> Fit:
    settings = {
        "label": "trunk", "data": Data(source="digits"), "seed": 3, "net": net, "fit": Recipe(epochs=2, batch=32),
        "tasks": {"item": "labels", "half": HALVES}, "loss_weights": (0.5, 0.5),
    }  # fmt: skip
    return Fit(**(settings | changes))


def further(start: Fit, **changes) -> Fit:
    settings = {
        "label": "further", "data": start.data, "seed": start.seed, "net": start.net, "fit": start.fit,
        "tasks": {"parity": PARITY}, "start": start,
    }  # fmt: skip
    return Fit(**(settings | changes))


def trained(trial: Fit, *before: Record) -> Record:
    """The trial's record as the store gives it back: its weights as arrays."""
    outcome = carry_out(trial, bench(*before))
    weights = {name: value.numpy() for name, value in outcome.weights.items()}
    return Record(
        id=trial.id, label=trial.label, spec=trial.spec, status="done", environment=HERE, summary=outcome.summary,
        history=outcome.history, weights=weights,
    )  # fmt: skip


def fresh(trial: Fit) -> torch.nn.Module:
    net = trial.net.build(IMAGE, trial.outputs)
    initialise(net, torch.Generator().manual_seed(stream_seed(trial.seed, "initialisation")))
    return net


def of_heads(name: str) -> bool:
    return name.startswith("heads.")


# What is taken over --------------------------------------------------------------------------------------------


@nets
def test_all_that_the_tasks_share_is_taken_over_and_the_heads_start_afresh(net):
    record = trained(trunk(net))
    wanted = further(trunk(net))
    found, drawn = begin(wanted, IMAGE, {record.id: record}).state_dict(), fresh(wanted).state_dict()
    assert found.keys() == drawn.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, drawn[name] if of_heads(name) else record.weights[name], err_msg=name)
    shared = {name for name in found if not of_heads(name)}
    assert not any(torch.equal(found[name], drawn[name]) for name in shared), "the trunk had moved, biases and all"
    if net is COMPACT:
        assert found["blocks.1.norm.num_batches_tracked"] == 6, "two epochs of three batches"


def test_the_same_head_is_not_taken_over_from_a_net_of_one_task():
    alone = trunk(tasks={"item": "labels"}, loss_weights=(1.0,))
    record, wanted = trained(alone), further(alone, tasks={"label": "labels"})
    found, drawn = begin(wanted, IMAGE, {record.id: record}), fresh(wanted)
    assert torch.equal(found.heads[0][1].weight, drawn.heads[0][1].weight)
    np.testing.assert_array_equal(
        found.trunk.convolutions[0].weight.detach(), record.weights["trunk.convolutions.0.weight"]
    )


def test_without_a_start_all_starts_afresh():
    wanted = trunk()
    for name, value in begin(wanted, IMAGE, {}).state_dict().items():
        assert torch.equal(value, fresh(wanted).state_dict()[name])


def test_columns_of_as_many_tasks_are_taken_over_too():
    start = trunk(CrossStitchSettings(filters=(3, 4)))
    record = trained(start)
    found = begin(
        further(start, tasks={"parity": PARITY, "half": HALVES}, loss_weights=(0.5, 0.5)), IMAGE, {record.id: record}
    )
    np.testing.assert_array_equal(found.junctions[0].units.detach(), record.weights["junctions.0.units"])


@pytest.mark.parametrize(
    ("start", "net", "told"),
    [
        (SHARED, SHARED.model_copy(update={"filters": (3, 5)}), r"shape \(4, 3, 3, 3\) in the one and of shape \(5, 3"),
        (
            SHARED,
            SHARED.model_copy(update={"shared": (12, 9)}),
            r"shared.2.weight is absent in the one and of shape \(9, 12\)",
        ),
        (SHARED, COMPACT, r"convolutions.0.weight is of shape \(3, 1, 3, 3\) in the one and absent"),
        (*[CollaborationSettings(filters=(3, 4))] * 2, "absent in the other. Give both the same net, of a family"),
    ],
)
def test_nets_that_share_different_parts_are_refused(start, net, told):
    with pytest.raises(ValueError, match=told):
        begin(further(trunk(start), net=net), IMAGE, {})


# What learns ---------------------------------------------------------------------------------------------------


@nets
def test_a_frozen_trunk_stays_to_the_last_bit(net):
    record = trained(trunk(net))
    wanted = further(trunk(net), frozen=True)
    found, drawn = trained(wanted, record), fresh(wanted)
    for name, value in found.weights.items():
        if of_heads(name):
            assert not np.array_equal(value, drawn.state_dict()[name]), f"{name} has learnt"
        else:
            np.testing.assert_array_equal(value, record.weights[name], err_msg=name)
    head = sum(p.numel() for p in drawn.heads.parameters())
    assert found.summary["parameters_learnt"] == head == (12 + 1) * 6 + (6 + 1) * 2
    assert found.summary["parameters"] == sum(p.numel() for p in drawn.parameters())


@nets
def test_a_trunk_that_learns_on_moves(net):
    record = trained(trunk(net))
    found = trained(further(trunk(net)), record)
    moved = {
        name: not np.array_equal(value, record.weights[name])
        for name, value in found.weights.items()
        if not of_heads(name)
    }
    assert all(moved.values()), moved
    assert "parameters_learnt" not in found.summary


def test_a_frozen_trunk_is_in_eval_mode_and_asks_for_no_gradient():
    record, wanted = trained(trunk(COMPACT)), further(trunk(COMPACT), frozen=True)
    net = begin(wanted, IMAGE, {record.id: record})
    assert {name for name, p in net.named_parameters() if p.requires_grad} == {
        name for name, _ in net.named_parameters() if of_heads(name)
    }
    assert not any(module.training for module in (net.blocks, *net.blocks.modules(), *net.shared.modules()))
    assert all(module.training for module in (net, *net.heads.modules()))
    stages = net.features(torch.randn(5, *IMAGE))
    assert {name for name, stage in stages.items() if stage.requires_grad} == {"logits 1"}, "no graph below the head"
    learning = build_learner(
        further(trunk(COMPACT), frozen=True), net, {"train": Resident.of(SPLIT.train, wanted, "cpu")}, "float32"
    ).optimiser
    assert [id(p) for group in learning.param_groups for p in group["params"]] == [
        id(p) for p in net.heads.parameters()
    ]
    assert net.blocks[0].norm.training is False, "building a learner leaves the modes alone"


@nets
def test_a_frozen_net_learns_as_its_head_alone_does_on_the_trunks_features(net):
    record = trained(trunk(net))
    recipe = Recipe(epochs=3, batch=40, optimiser="sgd", rate=0.05, momentum=0.5, precision="float32")
    wanted = further(trunk(net), frozen=True, fit=recipe)
    found = trained(wanted, record)

    plain = fresh(wanted)
    plain.load_state_dict(
        {n: v if of_heads(n) else torch.tensor(record.weights[n]) for n, v in plain.state_dict().items()}
    )
    with torch.no_grad():
        features = plain.eval().features(torch.from_numpy(SPLIT.train.images).float() / 127.5 - 1)["shared"]
    labels = torch.from_numpy(SPLIT.train.labels) % 2
    optimiser = torch.optim.SGD(plain.heads.parameters(), lr=0.05, momentum=0.5)
    order = torch.Generator().manual_seed(stream_seed(wanted.seed, "order"))
    for _ in range(3):
        for index in torch.randperm(90, generator=order).split(40):
            optimiser.zero_grad()
            F.cross_entropy(plain.heads[0](features[index]), labels[index]).backward()
            optimiser.step()
    for name, value in plain.heads.state_dict().items():
        np.testing.assert_allclose(found.weights[f"heads.{name}"], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_same_further_task_gives_the_same_bits():
    record = trained(trunk(COMPACT))
    first, second = (trained(further(trunk(COMPACT)), record) for _ in range(2))
    assert first.history == second.history
    for name, value in first.weights.items():
        np.testing.assert_array_equal(value, second.weights[name])


# Identity ------------------------------------------------------------------------------------------------------


def test_where_a_net_starts_from_is_part_of_its_identity():
    alone = trunk(tasks={"parity": PARITY}, loss_weights=(1.0,))
    tuned, frozen = further(trunk()), further(trunk(), frozen=True)
    assert len({alone.id, tuned.id, frozen.id, further(trunk(loss_weights=(0.25, 0.75))).id}) == 4
    assert tuned.needs == (trunk(),)
    assert tuned.spec["needs"] == [trunk().id]
    assert not {"start", "frozen", "needs"} & alone.spec.keys(), "a net that starts afresh is the trial it always was"
    assert further(trunk(label="called otherwise")).id == tuned.id
    with pytest.raises(ValueError, match="a frozen trunk needs a trained net to come from"):
        trunk(frozen=True)
