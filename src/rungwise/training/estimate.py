"""How much memory fitting a net will take, found on PyTorch's "meta" device, which has shapes and no numbers."""

import functools
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from rungwise.data.settings import Data
from rungwise.models.net import NetSettings, Shape
from rungwise.training.evaluate import together
from rungwise.training.memory import peak_bytes
from rungwise.training.settings import Fit, most_stacked
from rungwise.trial import Trial

STATES = {"adam": 2, "sgd": 1, "rmsprop": 1, "adagrad": 1, "muon": 2}
"""Numbers that an optimiser keeps for each weight, at most."""
PROCESS = 500 * 2**20
"""Bytes of a worker without data and nets: Python, PyTorch and compiled code."""
GAPS = 1.2
"""How much more than layers' results the allocator takes, as what is freed leaves gaps. Measured: 1.2 to 1.3."""
COPIES = 3
"""Of what is loaded: the data set, the parts that are drawn from it, and what is copied while they are drawn."""
LABEL = 8
"""Bytes of a label."""
TOO_LARGE = 2**63
"""Bytes that no number of PyTorch's can count: what is said of a net that it cannot even describe."""


class Memory(NamedTuple):
    """Bytes that one trial takes at its peak, estimated."""

    process: int
    data: int
    """The data set, and the parts that are drawn from it."""
    net: int
    """Weights, gradients, the optimiser's numbers and the layers' results for one batch."""

    @property
    def total(self) -> int:
        return self.process + self.data + self.net


def memory_of_fit(trial: Fit) -> Memory:
    """What fitting the trial's net takes, seeds that are trained together included.

    Whole processes that trained eight nets of 0.1 to 1.7 GB on a CPU took at their peak 0.8 to 1.05 of it. In bfloat16
    the results of convolutions take half of what is counted here.
    """
    facts = trial.data.facts
    images = min(trial.fit.batch, trial.data.size)
    needs = _needs(trial.net, facts.image, trial.outputs, images)
    if needs is None:
        return Memory(PROCESS, memory_of_data(trial), TOO_LARGE)
    weights, results, tested = needs
    states = STATES[trial.fit.optimiser] * weights
    forward, backward = (1, 1) if trial.balance is None else trial.balance.passes(len(trial.tasks))
    gradients = weights * (backward + 1 if backward > 1 else 1)
    # Several forward passes are held at once by methods that look ahead, and parts of several backward passes.
    results = results * (2 if forward > 2 else 1) + (results // 3 if backward > 1 else 0)
    results = round(results * GAPS)
    # Machine code keeps weights in an order of its own, beside the net's.
    copies = weights if trial.net.compiled == "cnn" else 0
    casts = 0 if trial.fit.precision == "float32" else weights // 2  # a bfloat16 copy of each weight
    steps = 2 * weights + copies + gradients + states + casts + results  # the warm-up steps on a copy of the net
    tests = weights + copies + gradients + states + casts + tested
    saved = 3 * weights + gradients + states  # for the record: a copy of the weights, and a file of them in memory
    alone = max(steps, tests, saved)
    return Memory(PROCESS, memory_of_data(trial), alone * (most_stacked(trial) if trial.fit.stacked else 1))


def memory_of_data(trial: Trial) -> int:
    """Bytes of the data set, of the parts drawn from it, and of what is copied while they are drawn."""
    facts = trial.data.facts
    return COPIES * (facts.train_images + facts.test_images) * LABEL + _images_held(trial.data) * math.prod(facts.image)


def _images_held(data: Data) -> int:
    """How many images are in memory at once, copies included."""
    facts = data.facts
    if facts.mapped:  # the parts stay in their files, and what is drawn from them is copied
        drawn = data.train_images is not None or data.validation_images is not None or data.turned
        return 2 * (data.size + data.aside) if drawn else 0
    return COPIES * (facts.train_images + facts.test_images)


@functools.cache
def _needs(net: NetSettings, image: Shape, outputs: tuple[int, ...], images: int) -> tuple[int, int, int] | None:
    """Bytes of the weights, of what layers hold in a step on so many images, and of testing; None: beyond count."""
    try:
        with torch.device("meta"):
            module = net.build(image, outputs)
            weights = sum(4 * value.numel() for value in module.state_dict().values())
            learnt = sum(4 * p.numel() for p in module.parameters() if p.requires_grad)

            def step() -> None:
                logits = module(torch.empty(images, *image))
                torch.autograd.backward(torch.stack([_loss(z) for z in logits]).sum())

            @torch.inference_mode()
            def test() -> None:
                module.eval()
                module(torch.empty(together(image), *image))

            results = peak_bytes(step) - learnt  # the gradients are left at the end of it
            return weights, max(0, results), peak_bytes(test)
    except (RuntimeError, TypeError, OverflowError, ValueError) as error:
        if any(word in str(error).lower() for word in ("overflow", "too large", "too long", "int64", "unpack")):
            return None
        raise


def _loss(logits: Tensor) -> Tensor:
    logits = logits.float().flatten(0, -2)  # of an ensemble: (members, images, classes)
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
