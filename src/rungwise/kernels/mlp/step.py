"""Training steps of a multilayer perceptron in machine code: where its numbers are stored, and what comes when.

`mlp.layers` draws the forms of activations, `mlp.passes` says what a step does. A step of a batch moves the weights by
the batch before it, which is pending until then, or until the step is flushed:

    step(batch 1)   -                     loss of batch 1
    step(batch 2)   weights by batch 1    loss of batch 2
    flush           weights by batch 2    -

So inputs and gradients of two batches are in memory at once: panels take turns between two places, from step to step.

Padding: a width of n features is stored as a multiple of COLUMNS that is at least n + ROWS, so that a tile that begins
at the last feature may read and write whole. It is no multiple of 256 words: rows of 4,096 bytes took turns in few
lines of the caches, and products backward took a third longer.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.kernels.descent import Constants, Descent, Moments, can_descend, machine_can, threads
from rungwise.kernels.llvm import vectors
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.kernels.mlp.layers import LAYER
from rungwise.kernels.mlp.passes import BACKWARD, FORWARD, LOSS, READ, TRANSPOSE, TRANSPOSE_IMAGES, UPDATE, step
from rungwise.models.mlp import Mlp
from rungwise.models.pixels import scaled

AVX2 = 8
"""Lanes of its vectors."""
MOST_WEIGHTS, MOST_INPUTS = 400_000, 4096
"""Of nets for which this pays with AVX2's vectors. Beyond, MKL's products are faster, and activations of 64 images do
not stay in the second cache. PyTorch's time over that of a step here, on one Zen 3 core, batches of 64:

    inputs    784: hidden 30 1.8, 100 x 2 1.8, 300 x 2 1.1, 500 x 3 .95, 1000 x 2 .9
            3,072:        30 1.2, 100 x 2 1.05, 300 x 2 .95, 500 x 3 .9, 1000 x 2 .8
           12,288:        30 .8, 100 x 2 .85, 300 x 2 .7, 500 x 3 .7, 1000 x 2 .7
"""


def pays(net: Mlp) -> bool:
    """Whether a step here is faster than PyTorch's, with oneDNN's or MKL's products and a fused optimiser."""
    sizes = [layer.weight.numel() for layer in (*net.hidden, net.head)]
    inputs: int = (*net.hidden, net.head)[0].in_features
    return vectors.LANES != AVX2 or (sum(sizes) <= MOST_WEIGHTS and inputs <= MOST_INPUTS)


def can_compile(net: nn.Module, optimiser: torch.optim.Optimizer, precision: str) -> bool:
    """Whether the net is a plain multilayer perceptron on a CPU, all of which learns, by Adam or gradient descent, and
    the machine has what it takes."""
    return (
        type(net) is Mlp
        and net.plain
        and pays(net)
        and can_descend(optimiser)
        and all(p.requires_grad and p.device.type == "cpu" and p.is_contiguous() for p in net.parameters())
        and machine_can(precision)
    )


@dataclass(frozen=True)
class _Plan:
    """What a step of batches of one size needs."""

    program: np.ndarray
    """`_program`."""
    layers: tuple[np.ndarray, np.ndarray]
    """Records of `LAYER` for even and for odd steps: `panels` and `panels_before` change places."""
    workspace: np.ndarray
    """Words for activations and gradients. Zeros at first; what no product writes stays 0."""
    columns: int
    """Images of the batch, padded to whole tiles."""


@dataclass(frozen=True)
class _Pending:
    """A batch whose loss was computed, and by whose gradients the weights are still to be moved."""

    plan: _Plan
    turn: int
    """Which of the plan's two layers."""
    words: int
    """Words of a row of the batch, without padding."""
    constants: Constants
    """Of the optimiser's step."""


class MlpStep:
    """The training steps of a net that `can_compile`. A step's weights are moved when the next one begins, or by
    `flush`."""

    def __init__(self, net: Mlp, optimiser: torch.optim.Optimizer, precision: str, label_smoothing: float) -> None:
        self.descent, self.smoothing = Descent(optimiser), label_smoothing
        self.modules = [*net.hidden, net.head]
        self.parameters = list(net.parameters())
        self.widths = [self.modules[0].in_features, *(module.out_features for module in self.modules)]
        self.per_word = 2 if precision == "bfloat16" else 1
        self.values = scaled(torch.arange(256, dtype=torch.uint8).view(1, 1, 1, -1)).flatten().numpy()
        self.plans: dict[int, _Plan] = {}
        """By size of batch."""
        self.pending: _Pending | None = None
        self.copies: list[np.ndarray] = []
        """Each layer's weights in bfloat16, words along outputs: (outputs / 2, inputs), padded."""
        self.no_bias = torch.zeros(max(self.widths))
        """Stands in for a bias that a layer does not have, and for its moments."""
        self.moments: Moments | None = None
        """The optimiser's."""
        self.versions: list[tuple[int, int]] = []
        """Each parameter's address and version when the copies were made, or at the step after."""
        self.threads = threads()

    @torch.no_grad()
    def __call__(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        """A step down the gradient of the mean loss of images (B, C, H, W), uint8, with labels (B,), int64.

        Returns that loss, in nats, and how many labels the net had right, both from before the step.

        Raises RuntimeError where weights or the optimiser's memory were changed before the last step was flushed.
        """
        size = len(images)
        if self.pending is not None and self.pending.plan is not self.plans.get(size):
            self.flush()
        if self._changed():
            self._copy()
        constants, moments = self.descent.begin()
        if self.moments is None or moments[0] is not self.moments[0]:
            self._refuse_pending()
            self.moments, self.plans = moments, {}
        if size not in self.plans:
            self.plans[size] = self._plan(size)
        plan, pending = self.plans[size], self.pending
        turn = 0 if pending is None else 1 - pending.turn
        arrays = images.flatten(1).numpy(), labels.numpy()
        found = self._step(plan, plan.program, turn, arrays, constants)
        self.pending = _Pending(plan, turn, -(-size // self.per_word), constants)
        return found

    @torch.no_grad()
    def flush(self) -> None:
        """Have the net's weights be those after the last step. Raises RuntimeError as a step does."""
        if (pending := self.pending) is None:
            return
        self._changed()
        program = np.array([(UPDATE, k, -(-width // ROWS)) for k, width in enumerate(self.widths[1:])])
        nothing = np.zeros((0, 0), np.uint8), np.zeros(0, np.int64)
        self._step(pending.plan, program, 1 - pending.turn, nothing, pending.constants)
        self.pending = None

    def _step(
        self,
        plan: _Plan,
        program: np.ndarray,
        turn: int,
        arrays: tuple[np.ndarray, np.ndarray],
        constants: Constants,
    ) -> tuple[float, int]:
        """A program on images and labels, and on the pending batch. Without one `constants` only say which optimiser it
        is: each has its own machine code."""
        words = 0
        if self.pending is not None:
            words, constants = self.pending.words, self.pending.constants
        found: tuple[float, int] = step(
            program,
            plan.layers[turn],
            plan.workspace,
            *arrays,
            self.values,
            words,
            constants,
            self.smoothing,
            self.per_word,
            plan.columns,
            self.threads,
        )
        return found

    def _changed(self) -> bool:
        """Whether the weights were changed by others than steps, or moved in memory. Steps write past torch, so that
        versions stay."""
        versions = [(p.data_ptr(), p._version) for p in self.parameters]
        if versions == self.versions:
            return False
        self._refuse_pending()
        self.versions, self.plans = versions, {}
        return True

    def _refuse_pending(self) -> None:
        if self.pending is not None:
            raise RuntimeError(
                "the net's weights or its optimiser's memory were changed before the last step was flushed: call "
                "flush() first"
            )

    def _copy(self) -> None:
        """Round the weights to bfloat16, where that is the precision; from then on updates keep the copies."""
        self.copies = []
        for module in self.modules if self.per_word == 2 else []:
            outputs, inputs = module.weight.shape
            rows, columns = _padded(outputs), _padded(inputs)
            whole = torch.zeros(rows, columns, dtype=torch.bfloat16)
            whole[:outputs, :inputs] = module.weight
            by_outputs = whole.view(rows // 2, 2, columns).mT.contiguous()
            self.copies.append(by_outputs.view(torch.int32)[..., 0].numpy().view(np.uint32))

    def _plan(self, size: int) -> _Plan:
        """The workspace of batches of a size, and the records that say where in it each form is stored."""
        per_word, columns, taken = self.per_word, _padded_images(size), 0
        layers = np.zeros(len(self.widths), LAYER)

        def take(words: int) -> int:
            nonlocal taken
            taken += words
            return taken - words

        for number, width in enumerate(self.widths):
            layer, padded = layers[number], _padded(width)
            layer["batch_words"], layer["images_row"] = columns // per_word, padded
            for form in ("panels", "panels_before", "by_features"):
                layer[form] = take(padded * columns // per_word)
            layer["by_batch"] = layer["by_features"] if per_word == 1 else take(padded * columns // per_word)
            if number == 0:
                layer["by_batch"] = take(columns * padded)
                continue
            before = layers[number - 1]
            before["inputs"], before["outputs"] = self.widths[number - 1], width
            before["gradient_by_features"] = before["gradient_by_batch"] = take(padded * columns // per_word)
            if per_word == 2:
                before["gradient_by_batch"] = take(padded * columns // per_word)
        self._enter_parameters(layers)
        other = layers.copy()
        other["panels"], other["panels_before"] = layers["panels_before"], layers["panels"]
        return _Plan(self._program(size), (layers, other), _words((taken,), per_word), columns)

    def _enter_parameters(self, layers: np.ndarray) -> None:
        """Enter the addresses of parameters, moments and copies, which stay alive and in place as long as the plan:
        `_changed` and `__call__` drop plans when one of them is replaced."""
        assert self.moments is not None
        places = iter(zip(self.parameters, *self.moments, strict=True))
        for layer, module in zip(layers, self.modules, strict=False):
            absent = self.no_bias, self.no_bias, self.no_bias
            weights, bias = next(places), absent if module.bias is None else next(places)
            layer["weights"], layer["first"], layer["second"] = (tensor.data_ptr() for tensor in weights)
            layer["bias"], layer["bias_first"], layer["bias_second"] = (tensor.data_ptr() for tensor in bias)
            layer["has_bias"] = module.bias is not None
            layer["by_outputs"], layer["by_outputs_row"] = layer["weights"], module.in_features
        for layer, copy in zip(layers, self.copies, strict=False):
            layer["by_outputs"], layer["by_outputs_row"] = copy.ctypes.data, copy.shape[1]

    def _program(self, size: int) -> np.ndarray:
        """The kinds of work of a step, on which layer, how much of it each: (kinds, 3). Much is counted in images or
        pairs of them, in LANES rows, or in ROWS rows."""
        last = len(self.modules) - 1
        rows, blocks = ([-(-width // each) for width in self.widths] for each in (ROWS, LANES))
        program = [(READ, 0, -(-size // self.per_word)), (TRANSPOSE_IMAGES, 0, _padded_images(size) // LANES)]
        for k in range(last + 1):
            program += [(FORWARD, k, rows[k + 1]), (TRANSPOSE, k + 1, blocks[k + 1])]
        program[-1] = LOSS, last, 0
        program += [(BACKWARD, k, rows[k]) for k in range(last, 0, -1)]  # the images' gradient is not needed
        return np.array(program)


def _words(shape: tuple[int, ...], per_word: int) -> np.ndarray:
    """Words, zeros; torch allocates them, so that they count as a tensor's memory (see `training.memory`)."""
    return torch.zeros(shape, dtype=torch.int32).numpy().view(np.float32 if per_word == 1 else np.uint32)


def _padded_images(size: int) -> int:
    """A batch's columns in whole tiles."""
    return -(-size // COLUMNS) * COLUMNS


def _padded(width: int) -> int:
    """Rows or columns that so many features are stored in, as the module says above."""
    padded = -(-(width + ROWS) // COLUMNS) * COLUMNS
    return padded if padded % 256 else padded + COLUMNS
