"""What every net here is: a setting in the study file that builds a module with logits and named stages."""

import functools
from abc import abstractmethod
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn

from rungwise.errors import UserError
from rungwise.models.dropout import Dropout
from rungwise.settings import Settings

Shape = tuple[int, int, int]
"""(C, H, W) of one image."""


Role = Literal["mlp", "cnn", "sharing", "trunk"]
"""What a net can be in a study: one of the MLPs, one of the CNNs, a net for any number of tasks (sharing), or such
a net whose tasks share a part that a further task can start from (trunk)."""


MOST_LAYERS = 100
"""Of plain layers in a row: far fewer are trained today without paths around them, as gradients vanish or explode."""


class NetSettings(Settings):
    """An architecture as a study file gives it. A subclass is one file, with ``family: Literal["name"] = "name"``.

    Only `build` must be written; the rest says more in reports than its default does.
    """

    roles: ClassVar[tuple[Role, ...]] = ("mlp", "cnn")

    @property
    def compiled(self) -> str:
        """The name of the code that training may run and that is compiled at its first use on a machine; "": none."""
        return ""

    @abstractmethod
    def build(self, image: Shape, outputs: tuple[int, ...]) -> nn.Module:
        """The module for images of that shape, with one group of logits per task (``outputs``: classes of each).

        It is a `Net`. Its weights are drawn by `initialise` afterwards.
        """

    def fault_on(self, image: Shape) -> str:
        """Why this net can do nothing with images of that shape, and what to do; "" where it can."""
        return ""

    def in_short(self) -> str:
        """Its shape in a cell of a table, as "500 × 9"; the cell's column is headed by the chapter."""
        return ", ".join(f"{name} = {value}" for name, value in self if name != "family") or str(self.family_name())

    def in_words(self) -> str:
        """What it is made of, in a sentence or two of a report."""
        shape = self.in_short()
        return f"A net of the family {self.family_name()}{'' if shape == self.family_name() else f' ({shape})'}."

    def trunk_in_words(self) -> str:
        """What all tasks share, as "convolutions of 8, 16 filters"."""
        return self.in_short()

    def head_in_words(self) -> str:
        """What each task adds."""
        return "its logits"

    def remarks(self, name: str) -> tuple[str, ...]:
        """What a reader must know of the net of that name beside its shape: sentences, "" where there is none.

        A place means the same for all nets of a family, and the report tells them place by place.
        """
        return ()

    def halvings(self) -> Literal["stride", "pool", ""]:
        """How maps halve their sides between convolutions: by a stride of 2, or by 2 × 2 max-pooling; "": otherwise."""
        return ""

    @classmethod
    def family_name(cls) -> str:
        return str(cls.model_fields["family"].default)


class Net(Protocol):
    """The module that `NetSettings.build` returns."""

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Every named stage for images x (N, C, H, W), in order; the last ones are the logits."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """One tensor of logits (N, classes) per task; of an ensemble in training (members, N, classes)."""


@functools.cache
def count_parameters(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> int:
    """Trainable parameters, counted without allocating them."""
    with torch.device("meta"):
        return sum(p.numel() for p in settings.build(image, outputs).parameters() if p.requires_grad)


@functools.cache
def count_flops(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> int:
    """Floating-point operations of one training step on one image: a multiply and an add count as two.

    Products of the forward pass, and of the backward pass for weights and inputs; the first layer needs no gradient
    for its input. Activations, the loss and the optimiser are left out.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        net = settings.build(image, outputs)
        counter = FlopCounterMode(display=False)
        with counter:
            total = torch.stack([logits.sum() for logits in net(torch.empty(1, *image))]).sum()
            torch.autograd.backward(total)
    return int(counter.get_total_flops())


@functools.cache
def has_running_statistics(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> bool:
    """Whether the net has BatchNorm, which keeps statistics of the images beside what it learns."""
    with torch.device("meta"):
        net = settings.build(image, outputs)
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in net.modules())


class Undrawn(nn.Module):
    """A layer that starts at values of its own, which no generator draws."""

    def reset_parameters(self) -> None:
        """Put it back to its start."""
        raise NotImplementedError


class Drawn(nn.Module):
    """A layer that draws its own parameters, as those of positions."""

    def draw(self, generator: torch.Generator) -> None:
        """Draw them afresh, from that generator alone."""
        raise NotImplementedError


@torch.no_grad()
def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights afresh: uniform after Glorot and Bengio (2010), biases 0. See docs/decisions.md.

    Norms start at weights 1, biases 0 and fresh running statistics. Raises UserError for a layer of another kind.
    """
    if fault := _undrawn_layer(net):
        raise UserError(fault)
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, Drawn):
            module.draw(generator)
        elif isinstance(module, RESET):
            module.reset_parameters()


RESET = (nn.BatchNorm2d, nn.BatchNorm1d, nn.LayerNorm, nn.GroupNorm, Undrawn)
"""Layers whose start is no matter of chance."""


def _undrawn_layer(net: nn.Module) -> str:
    """What is wrong with a layer whose weights nobody would draw; "" where there is none."""
    for module in net.modules():
        names = [name for name, _ in module.named_parameters(recurse=False)]
        if names and not isinstance(module, (nn.Linear, nn.Conv2d, Drawn, *RESET)):
            return (
                f"nobody knows how {', '.join(names)} of {type(module).__name__} starts: use Linear, Conv2d and norms "
                "of torch, or derive the layer from Drawn or Undrawn (rungwise.models.net)"
            )
    return ""


@functools.cache
def net_fault(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> str:
    """What a family's module lacks of what a `Net` is, and what to do; "" where it lacks nothing.

    The module is built and asked without memory for its weights.
    """
    try:
        with torch.device("meta"):
            net = settings.build(image, outputs).eval()
            logits = net(torch.empty(2, *image))
    except Exception as error:  # another package's code may raise anything
        return f"its module fails on images of shape {image}: {type(error).__name__}: {error}"
    want = [(2, classes) for classes in outputs]
    asked = f"`forward` returns a tuple of one tensor of logits (images, classes) for each task, here of shapes {want}"
    if not isinstance(logits, tuple) or not all(isinstance(z, Tensor) for z in logits):
        return f"{asked}; it returned a {type(logits).__name__}"
    if (got := [tuple(z.shape) for z in logits]) != want:
        return f"{asked}; it returned {got}"
    if not callable(getattr(net, "features", None)):
        return "its module needs a method `features(x)`, which returns every stage by its name, the logits last"
    dropouts = [module for module in net.modules() if isinstance(module, nn.modules.dropout._DropoutNd)]
    if not all(isinstance(module, Dropout) for module in dropouts):
        return (
            "its module has PyTorch's dropout, which draws from the global generator, so that a seed no longer decides "
            "the result: use rungwise.models.dropout.Dropout, or leave it out"
        )
    return _undrawn_layer(net)
