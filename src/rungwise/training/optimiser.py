"""The optimiser of a recipe."""

import torch
from torch import Tensor, nn

from rungwise.models.ensemble import members
from rungwise.optimisers.adam import Adam
from rungwise.optimisers.muon import Muon
from rungwise.training.settings import Recipe
from rungwise.trial import TrialFailed


def build_optimiser(recipe: Recipe, net: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser over all parameters that learn; fused where there is such a kernel: one pass over the
    memory per step. On a GPU its counts, and rates that change, are there too, so that a captured step can read them.

    Raises TrialFailed where there is nothing for Muon to move.
    """
    learning = [p for p in net.parameters() if p.requires_grad]
    on_gpu = learning[0].is_cuda

    def there(rate: float) -> float | Tensor:
        return torch.tensor(rate, device=learning[0].device) if on_gpu and recipe.schedule != "constant" else rate

    match recipe.optimiser:
        case "adam":
            if decay := recipe.weight_decay:
                return torch.optim.AdamW(
                    learning, there(recipe.rate), weight_decay=decay, fused=True, capturable=on_gpu
                )
            return Adam(learning, there(recipe.rate), fused=True, capturable=on_gpu)
        case "rmsprop":
            return torch.optim.RMSprop(learning, recipe.rate)
        case "adagrad":
            return torch.optim.Adagrad(learning, recipe.rate, fused=True)
        case "sgd":
            rate, momentum, decay = there(recipe.rate), recipe.momentum, recipe.weight_decay
            return torch.optim.SGD(learning, rate, momentum=momentum, weight_decay=decay, fused=True)
        case "muon":
            matrices = ([p for p in one.parameters() if p.requires_grad and p.ndim > 1] for one in members(net))
            inner = [weight for own in matrices for weight in own[1:-1]]
            if not inner:
                raise TrialFailed(
                    "muon moves the weights of the layers between the first and the last, and this net has none: give "
                    'it another layer, or choose optimiser = "adam"'
                )
            rest = [p for p in learning if all(p is not weight for weight in inner)]
            rates = there(recipe.rate), there(recipe.adam_rate)
            return Muon(inner, rest, rates[0], recipe.momentum, rates[1], capturable=on_gpu)
