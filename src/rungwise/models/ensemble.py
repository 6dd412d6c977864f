"""Several nets of one shape that learn by themselves and answer as one (Lakshminarayanan et al. 2017, NeurIPS)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Ensemble(nn.Module):
    """Nets of one task that start apart and see the same batches.

    In training it tells what each says, (members, N, classes), so that each has a loss of its own; otherwise what all
    say together, `answers`.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """The stages of the first member, then what all say."""
        first, *others = self.members
        stages: dict[str, Tensor] = first.features(x)  # type: ignore[operator]
        told = torch.stack([stages["logits"], *(member(x)[0] for member in others)])
        return {**stages, "logits": told if self.training else answers(told)}

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.features(x)["logits"],)


def members(net: nn.Module) -> Sequence[nn.Module]:
    """The nets that a net is made of: itself, where it is not an ensemble."""
    return list(net.members) if isinstance(net, Ensemble) else [net]


def answers(logits: Tensor) -> Tensor:
    """The logs of the mean probabilities, (N, classes), of the logits of each member, (members, N, classes)."""
    return F.log_softmax(logits.float(), -1).logsumexp(0) - math.log(len(logits))
