"""Training of nets with dropout, BatchNorm and dense layers: what the seed decides, and which step they take."""

import numpy as np
import pytest
import torch

from rungwise.balancing import fixed
from rungwise.bench import Bench
from rungwise.chapters.capacity.trial import CapacityTrial
from rungwise.data.settings import Data
from rungwise.models.cnn import CnnSettings
from rungwise.models.dropout import seed_dropout
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings
from rungwise.seeding import stream_seed
from rungwise.study.reading import parse_study
from rungwise.study.study import StudyError
from rungwise.testing.material import learner_of
from rungwise.training import fit, learner, steps
from rungwise.training.estimate import memory_of_fit
from rungwise.training.learner import begin
from rungwise.training.optimiser import build_optimiser
from rungwise.training.settings import Fit, Recipe, stackable
from tests.training.test_fit import SPLIT

BENCH = Bench(device="cpu", split=lambda data, seed: SPLIT, records={})
MLP = MlpSettings(hidden=(16, 12), batch_norm=True, dropout=0.3)
CNN = CnnSettings(filters=(16, 16), batch_norm=True, dense=(12,), dropout=0.3)
SHARED = SharedSettings(filters=(16, 16), shared=(12,), dropout=0.3)
TASKS = {"item": "labels", "half": {"low": (0, 1, 2, 3, 4), "high": (5, 6, 7, 8, 9)}}


def trial(net: NetSettings, seed: int = 3, **recipe: object) -> Fit:
    several = {"tasks": TASKS, "loss_weights": (0.5, 0.5)} if "sharing" in net.roles else {}
    settings = {"epochs": 2, "batch": 33, "precision": "float32"} | recipe  # 200 images: a last batch of 2
    data = Data(source="digits")
    return Fit(label="net", data=data, seed=seed, net=net, fit=Recipe(**settings), **several)  # type: ignore[arg-type]


def weights(wanted: Fit) -> dict[str, torch.Tensor]:
    return dict(fit.carry_out(wanted, BENCH).weights)


@pytest.mark.parametrize("net", [MLP, CNN, SHARED], ids=["mlp", "cnn", "shared"])
def test_the_seed_alone_decides_what_is_learnt(net: NetSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    first = weights(trial(net))
    torch.manual_seed(2)
    monkeypatch.setattr(fit, "_warm_up", lambda *given: (0.0, 0))  # it takes no masks from the training
    again, other = weights(trial(net)), weights(trial(net, seed=4))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not any(torch.equal(value, other[name]) for name, value in first.items() if name.endswith("weight"))
    monkeypatch.setattr(learner, "seed_dropout", lambda net, seed: seed_dropout(net, seed + 1))
    masked = weights(trial(net))
    assert any(not torch.equal(value, masked[name]) for name, value in first.items()), "dropout has its own stream"


def test_masks_come_from_a_stream_of_their_own() -> None:
    """With dropout a net starts with the weights that it has without."""
    plain, net = (begin(trial(MlpSettings(hidden=(16,), dropout=p)), (1, 28, 28), {}) for p in (0.0, 0.5))
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in plain.state_dict().items())
    expected = torch.Generator().manual_seed(stream_seed(3, "dropout"))
    x = torch.ones(5, 16)
    assert torch.equal(net.dropout(x), torch.empty(5, 16).bernoulli_(0.5, generator=expected) * 2)  # type: ignore[operator]


@pytest.mark.parametrize(
    "net",
    [
        MlpSettings(hidden=(16,), dropout=0.3),
        MlpSettings(hidden=(16,), batch_norm=True),
        CnnSettings(filters=(16, 16), dropout=0.3),
        CnnSettings(filters=(16, 16), batch_norm=True),
        CnnSettings(filters=(16, 16), dense=(12,)),
        SHARED,
    ],
    ids=["mlp dropout", "mlp norm", "cnn dropout", "cnn norm", "cnn dense", "shared dropout"],
)
def test_machine_code_leaves_such_nets_alone(net: NetSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has: the same nets without these layers would be taken."""
    from rungwise.kernels.conv import step as conv
    from rungwise.kernels.mlp import step as mlp

    monkeypatch.setattr(conv, "pays", lambda precision: True)
    monkeypatch.setattr(mlp, "pays", lambda net: True)
    monkeypatch.setattr(mlp, "machine_can", lambda precision: True)
    plain = type(net).model_validate(net.model_dump(exclude={"dropout", "batch_norm", "dense"}))
    outputs = trial(net).outputs
    for settings, known in ((plain, True), (net, False)):
        module = settings.build((1, 28, 28), outputs)
        optimiser = build_optimiser(trial(net).fit, module)
        found = conv.can_compile(module, "float32") or mlp.can_compile(module, optimiser, "float32")
        assert found == known
        assert bool(settings.compiled) == known
    told = fit.carry_out(trial(net), BENCH).choices
    assert told["step"] == "autograd"
    assert not {"convolutions", "dense"} & told.keys()


def test_nets_with_such_layers_are_never_stacked() -> None:
    assert stackable(trial(MlpSettings(hidden=(16,)), stacked=True))
    assert not stackable(trial(MlpSettings(hidden=(16,), dropout=0.5), stacked=True))
    assert not stackable(trial(MlpSettings(hidden=(16,), batch_norm=True), stacked=True))


def test_no_graph_holds_a_step_with_dropout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "keeps_on_gpu", lambda optimiser: True)
    for share in (0.0, 0.5):
        net = MlpSettings(hidden=(8,), dropout=share).build((1, 8, 8), (4,))
        balancer = fixed.Settings().build(learner_of(net, (1, 8, 8), (4,)))
        assert steps.can_capture(balancer) == (share == 0)


def test_statistics_of_batch_norm_are_in_the_record() -> None:
    kept = fit.carry_out(trial(MLP), BENCH).weights
    assert kept["norms.0.running_mean"].abs().sum() > 0
    assert kept["norms.0.num_batches_tracked"] == 2 * -(-200 // 33)


def test_a_last_batch_of_one_image_is_learnt_from() -> None:
    out = fit.carry_out(trial(MLP, batch=199), BENCH)
    assert np.isfinite(out.history["train_loss"]).all()


def test_memory_is_estimated_without_taking_it() -> None:
    """A mask of each layer and what it leaves, of 1,000 numbers for each of 1,000 images; the last mask is gone by the
    time that most is held."""
    plain, dropped = (trial(MlpSettings(hidden=(1000, 1000), dropout=p), batch=1000) for p in (0.0, 0.5))
    assert memory_of_fit(dropped).net >= memory_of_fit(plain).net + 3 * 4 * 1000 * 1000


def test_capacity_is_of_plain_nets() -> None:
    data, recipe = Data(source="digits"), Recipe(epochs=1, stop_loss=0.1)
    net = MlpSettings(hidden=(4,), bias=False, dropout=0.5)
    with pytest.raises(ValueError, match="leave batch_norm and dropout out"):
        CapacityTrial(label="c", data=data, seed=0, net=net, fit=recipe)


@pytest.mark.parametrize(
    ("kind", "net", "says"),
    [
        ("mlps", "{ hidden = [4], dropout = 1 }", "nets.A.dropout: input should be less than 1, got 1"),
        ("cnns", "{ filters = [4], dropout = 1.5 }", "nets.A.dropout: input should be less than 1, got 1.5"),
        ("cnns", "{ filters = [4], dropout = -0.1 }", "nets.A.dropout: "),
        ("cnns", "{ filters = [4], dense = 128 }", "nets.A.dense: "),
        ("cnns", "{ filters = [4], batch_norm = 1 }", "nets.A.batch_norm: "),
        ("mlps", "{ hidden = [], dropout = 0.5 }", "nets.A: dropout is of hidden layers, and hidden = [] has none"),
        ("mlps", "{ hidden = [], batch_norm = true }", "nets.A: batch_norm is of hidden layers"),
    ],
)
def test_what_is_refused_is_said_in_one_line(kind: str, net: str, says: str) -> None:
    text = f'title = "x"\n[[chapter]]\nkind = "{kind}"\ndata = {{ source = "digits" }}\nfit = {{ epochs = 1 }}\n'
    with pytest.raises(StudyError) as error:
        parse_study(f"{text}nets = {{ A = {net} }}\n", "study.toml")
    assert len(str(error.value).splitlines()) == 1
    assert says in str(error.value), error.value
