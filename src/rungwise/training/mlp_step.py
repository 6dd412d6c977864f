"""Training steps of a multilayer perceptron in machine code (`mlp_kernels`): where all lies, and what comes when."""

import numpy as np
import torch

from rungwise.balancing.balancer import Batch, Forward, Learner
from rungwise.models.mlp import Mlp
from rungwise.training.evaluate import scaled
from rungwise.training.machine_code import Descent, Memory, can_descend, machine_can, threads
from rungwise.training.mlp_kernels import (
    BACKWARD,
    FORWARD,
    LAYER,
    LOSS,
    READ,
    TURN,
    TURN_IMAGES,
    UPDATE,
    step,
)
from rungwise.training.vectors import COLUMNS, LANES, ROWS


def can_compile(learner: Learner) -> bool:
    """Whether the net is a multilayer perceptron on a CPU, all of which learns, by Adam or gradient descent, and the
    machine has what it takes."""
    return (
        type(learner.net) is Mlp
        and can_descend(learner.optimiser)
        and all(p.requires_grad and p.device.type == "cpu" and p.is_contiguous() for p in learner.net.parameters())
        and machine_can(learner.precision)
    )


class MlpStep:
    """The training steps of a learner that `can_compile`."""

    def __init__(self, learner: Learner) -> None:
        net = learner.net
        assert isinstance(net, Mlp)
        self.descent, self.smoothing = Descent(learner.optimiser), learner.label_smoothing
        self.modules = [*net.hidden, net.head]
        self.parameters = list(net.parameters())
        self.widths = [self.modules[0].in_features, *(module.out_features for module in self.modules)]
        self.pair = 2 if learner.precision == "bfloat16" else 1
        self.values = scaled(torch.arange(256, dtype=torch.uint8).view(1, 1, 1, -1)).flatten().numpy()
        self.plans: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        """By size of batch: the program, the layers, the space for what comes and goes in a step."""
        self.copies: list[list[np.ndarray]] = []
        """Of each layer's weights in bfloat16, in units along rows and along columns."""
        self.absent = torch.zeros(max(self.widths))
        """Where there is no bias."""
        self.held: Memory | None = None
        """The optimiser's memory."""
        self.known: list[tuple[int, int]] = []
        """Where the parameters are, and which version of them, that the copies were made of."""
        self.threads = threads()

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Forward:
        """A step down the gradient of the batch's mean loss; what the net said before it."""
        size = len(batch.images)
        numbers, held = self.descent.begin()
        if self.held is None or held[0] is not self.held[0]:
            self.held, self.plans = held, {}
        known = [(p.data_ptr(), p._version) for p in self.parameters]
        if known != self.known:
            self.known, self.plans = known, {}
            self._copy()
        if size not in self.plans:
            self.plans[size] = self._plan(size)
        program, layers, space = self.plans[size]
        loss, right = step(
            program,
            layers,
            space,
            batch.images.flatten(1).numpy(),
            batch.labels[0].numpy(),
            self.values,
            numbers,
            self.smoothing,
            self.pair,
            _columns(size),
            self.threads,
        )
        return Forward(torch.tensor([loss], dtype=torch.float32), torch.tensor([right]))

    def _copy(self) -> None:
        """Round the weights to bfloat16, where that is the precision."""
        self.copies = []
        for module in self.modules if self.pair == 2 else []:
            outputs, inputs = module.weight.shape
            rows, columns = _room(outputs), _room(inputs)
            whole = torch.zeros(rows, columns, dtype=torch.bfloat16)
            whole[:outputs, :inputs] = module.weight
            by_rows = whole.view(rows // 2, 2, columns).mT.contiguous()
            forms = by_rows.view(torch.int32)[..., 0], whole.view(torch.int32)
            self.copies.append([form.numpy().view(np.uint32) for form in forms])

    def _plan(self, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a batch of that size."""
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
            layer["turned"], layer["deep"] = take(room * columns // pair), take(room * columns // pair)
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
            layer["by_rows"] = layer["by_columns"] = layer["weights"]
            layer["by_rows_distance"] = layer["by_columns_distance"] = module.in_features
        for layer, copies in zip(layers, self.copies, strict=False):
            layer["by_rows"], layer["by_columns"] = (copy.ctypes.data for copy in copies)
            layer["by_rows_distance"], layer["by_columns_distance"] = (copy.shape[1] for copy in copies)
        return self._program(size), layers, _units((taken,), pair)

    def _program(self, size: int) -> np.ndarray:
        """The kinds of work of a step, on which layer, how much of it each: (kinds, 3)."""
        last = len(self.modules) - 1
        rows, blocks = ([-(-width // each) for width in self.widths] for each in (ROWS, LANES))
        program = [(READ, 0, -(-size // self.pair)), (TURN_IMAGES, 0, _columns(size) // LANES)]
        for k in range(last + 1):
            program += [(FORWARD, k, rows[k + 1]), (TURN, k + 1, blocks[k + 1])]
        program[-1] = LOSS, last, 0
        for k in range(last, -1, -1):
            program += [(BACKWARD, k, rows[k]), (UPDATE, k, rows[k + 1])]
        del program[-2]  # nobody asks for the slopes in the images
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
