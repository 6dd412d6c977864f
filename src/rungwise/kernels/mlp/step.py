"""Training steps of a multilayer perceptron in machine code (`mlp_kernels`): where all lies, and what comes when."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.kernels.descent import Descent, Memory, Numbers, can_descend, machine_can, threads
from rungwise.kernels.llvm.vectors import COLUMNS, LANES, ROWS
from rungwise.kernels.mlp.passes import BACKWARD, FORWARD, LAYER, LOSS, READ, TURN, TURN_IMAGES, UPDATE, step
from rungwise.models.mlp import Mlp
from rungwise.models.pixels import scaled


def can_compile(net: nn.Module, optimiser: torch.optim.Optimizer, precision: str) -> bool:
    """Whether the net is a multilayer perceptron on a CPU, all of which learns, by Adam or gradient descent, and the
    machine has what it takes."""
    return (
        type(net) is Mlp
        and can_descend(optimiser)
        and all(p.requires_grad and p.device.type == "cpu" and p.is_contiguous() for p in net.parameters())
        and machine_can(precision)
    )


@dataclass(frozen=True)
class _Plan:
    """Of batches of a size."""

    program: np.ndarray
    layers: tuple[np.ndarray, np.ndarray]
    """For steps in turn: what comes into a layer in the one has another place in the next."""
    space: np.ndarray
    """For what comes and goes in a step."""
    columns: int
    """Of the batch, with those that fill tiles."""


@dataclass(frozen=True)
class _Lesson:
    """A batch that was answered and is still to be learnt from."""

    plan: _Plan
    turn: int
    """Of the plan's layers."""
    units: int
    """Of the batch."""
    numbers: Numbers
    """Of the optimiser's step."""


class MlpStep:
    """The training steps of a net that `can_compile`. A step's weights are moved when the next one begins, or by
    `flush`."""

    def __init__(self, net: Mlp, optimiser: torch.optim.Optimizer, precision: str, label_smoothing: float) -> None:
        self.descent, self.smoothing = Descent(optimiser), label_smoothing
        self.modules = [*net.hidden, net.head]
        self.parameters = list(net.parameters())
        self.widths = [self.modules[0].in_features, *(module.out_features for module in self.modules)]
        self.pair = 2 if precision == "bfloat16" else 1
        self.values = scaled(torch.arange(256, dtype=torch.uint8).view(1, 1, 1, -1)).flatten().numpy()
        self.plans: dict[int, _Plan] = {}
        """By size of batch."""
        self.lesson: _Lesson | None = None
        self.copies: list[np.ndarray] = []
        """Of each layer's weights in bfloat16, in units along rows."""
        self.absent = torch.zeros(max(self.widths))
        """Where there is no bias."""
        self.held: Memory | None = None
        """The optimiser's memory."""
        self.known: list[tuple[int, int]] = []
        """Where the parameters are, and which version of them, that the copies were made of."""
        self.threads = threads()

    @torch.no_grad()
    def __call__(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        """A step down the gradient of the mean loss of images (B, C, H, W), uint8, with labels (B,), int64.

        Returns that loss, in nats, and how many labels the net had right, both from before the step.

        Raises RuntimeError where weights or the optimiser's memory were changed before the last step was flushed.
        """
        size = len(images)
        if self.lesson is not None and self.lesson.plan is not self.plans.get(size):
            self.flush()
        if self._changed():
            self._copy()
        numbers, held = self.descent.begin()
        if self.held is None or held[0] is not self.held[0]:
            self._must_be_flushed()
            self.held, self.plans = held, {}
        if size not in self.plans:
            self.plans[size] = self._plan(size)
        plan, lesson = self.plans[size], self.lesson
        turn = 0 if lesson is None else 1 - lesson.turn
        arrays = images.flatten(1).numpy(), labels.numpy()
        found = self._step(plan, plan.program, turn, arrays, numbers)
        self.lesson = _Lesson(plan, turn, -(-size // self.pair), numbers)
        return found

    @torch.no_grad()
    def flush(self) -> None:
        """Have the net's weights be those after the last step. Raises RuntimeError as a step does."""
        if (lesson := self.lesson) is None:
            return
        self._changed()
        program = np.array([(UPDATE, k, -(-width // ROWS)) for k, width in enumerate(self.widths[1:])])
        nothing = np.zeros((0, 0), np.uint8), np.zeros(0, np.int64)
        self._step(lesson.plan, program, 1 - lesson.turn, nothing, lesson.numbers)
        self.lesson = None

    def _step(
        self, plan: _Plan, program: np.ndarray, turn: int, arrays: tuple[np.ndarray, np.ndarray], numbers: Numbers
    ) -> tuple[float, int]:
        """A program on images and labels, and on the last lesson."""
        used = 0
        if self.lesson is not None:
            used, numbers = self.lesson.units, self.lesson.numbers
        found: tuple[float, int] = step(
            program,
            plan.layers[turn],
            plan.space,
            *arrays,
            self.values,
            used,
            numbers,
            self.smoothing,
            self.pair,
            plan.columns,
            self.threads,
        )
        return found

    def _changed(self) -> bool:
        """Whether the weights are others than they were, or lie elsewhere."""
        known = [(p.data_ptr(), p._version) for p in self.parameters]
        if known == self.known:
            return False
        self._must_be_flushed()
        self.known, self.plans = known, {}
        return True

    def _must_be_flushed(self) -> None:
        if self.lesson is not None:
            raise RuntimeError(
                "the net's weights or its optimiser's memory were changed before the last step was flushed: call "
                "flush() first"
            )

    def _copy(self) -> None:
        """Round the weights to bfloat16, where that is the precision."""
        self.copies = []
        for module in self.modules if self.pair == 2 else []:
            outputs, inputs = module.weight.shape
            rows, columns = _room(outputs), _room(inputs)
            whole = torch.zeros(rows, columns, dtype=torch.bfloat16)
            whole[:outputs, :inputs] = module.weight
            by_rows = whole.view(rows // 2, 2, columns).mT.contiguous()
            self.copies.append(by_rows.view(torch.int32)[..., 0].numpy().view(np.uint32))

    def _plan(self, size: int) -> _Plan:
        assert self.held is not None
        pair, columns, taken = self.pair, _columns(size), 0
        layers = np.zeros(len(self.widths), LAYER)

        def take(units: int) -> int:
            nonlocal taken
            taken += units
            return taken - units

        for number, width in enumerate(self.widths):
            layer, room = layers[number], _room(width)
            layer["units"], layer["images_distance"] = columns // pair, room
            for form in ("turned", "turned_before", "deep"):
                layer[form] = take(room * columns // pair)
            layer["wide"] = layer["deep"] if pair == 1 else take(room * columns // pair)
            if number == 0:
                layer["wide"] = take(columns * room)
                continue
            before = layers[number - 1]
            before["inputs"], before["outputs"] = self.widths[number - 1], width
            before["slope_deep"] = before["slope_wide"] = take(room * columns // pair)
            if pair == 2:
                before["slope_wide"] = take(room * columns // pair)
        places = iter(zip(self.parameters, *self.held, strict=True))
        for layer, module in zip(layers, self.modules, strict=False):
            absent = self.absent, self.absent, self.absent
            weights, bias = next(places), absent if module.bias is None else next(places)
            layer["weights"], layer["first"], layer["second"] = (tensor.data_ptr() for tensor in weights)
            layer["bias"], layer["bias_first"], layer["bias_second"] = (tensor.data_ptr() for tensor in bias)
            layer["has_bias"] = module.bias is not None
            layer["by_rows"], layer["by_rows_distance"] = layer["weights"], module.in_features
        for layer, copy in zip(layers, self.copies, strict=False):
            layer["by_rows"], layer["by_rows_distance"] = copy.ctypes.data, copy.shape[1]
        other = layers.copy()
        other["turned"], other["turned_before"] = layers["turned_before"], layers["turned"]
        return _Plan(self._program(size), (layers, other), _units((taken,), pair), columns)

    def _program(self, size: int) -> np.ndarray:
        """The kinds of work of a step, on which layer, how much of it each: (kinds, 3)."""
        last = len(self.modules) - 1
        rows, blocks = ([-(-width // each) for width in self.widths] for each in (ROWS, LANES))
        program = [(READ, 0, -(-size // self.pair)), (TURN_IMAGES, 0, _columns(size) // LANES)]
        for k in range(last + 1):
            program += [(FORWARD, k, rows[k + 1]), (TURN, k + 1, blocks[k + 1])]
        program[-1] = LOSS, last, 0
        program += [(BACKWARD, k, rows[k]) for k in range(last, 0, -1)]  # nobody asks for the slopes in the images
        return np.array(program)


def _units(shape: tuple[int, ...], pair: int) -> np.ndarray:
    """Room for units of float32, or of pairs of bfloat16; counted as a tensor's (see `training.memory`)."""
    return torch.zeros(shape, dtype=torch.int32).numpy().view(np.float32 if pair == 1 else np.uint32)


def _columns(size: int) -> int:
    return -(-size // COLUMNS) * COLUMNS


def _room(width: int) -> int:
    """Rows or columns for so many features and a tile that begins with the last; not a multiple of 256 units, rows of
    which would take turns in few lines of the caches."""
    room = -(-(width + ROWS) // COLUMNS) * COLUMNS
    return room if room % 256 else room + COLUMNS
