"""The gradients of a multilayer perceptron by hand (Rumelhart, Hinton and Williams 1986).

Autograd finds the same ones, but keeping its graph costs more than the products of a small net do.
"""

import torch
import torch.nn.functional as F

from rungwise.balancing.balancer import Batch, Forward, Learner
from rungwise.models.linear import pays, times
from rungwise.models.mlp import Mlp
from rungwise.training.evaluate import scaled


def can_do_by_hand(learner: Learner) -> bool:
    """Whether the net is a multilayer perceptron on a CPU, all of which learns."""
    parameters = list(learner.net.parameters())
    return type(learner.net) is Mlp and all(p.requires_grad and p.device.type == "cpu" for p in parameters)


@torch.no_grad()
def backpropagate(learner: Learner, batch: Batch) -> Forward:
    """Give each parameter the gradient of the batch's mean loss, and return what the net says of it, without a graph.

    Products are as those of `Learner.forward`: in bfloat16 where that is the precision, with the loss in float32.
    """
    net = learner.net
    assert isinstance(net, Mlp)
    dtype = torch.bfloat16 if learner.precision == "bfloat16" else torch.float32
    layers = [*net.hidden, net.head]
    weights = [layer.weight.to(dtype) for layer in layers]
    products = [times if pays(layer.weight, dtype) else F.linear for layer in layers]
    x = scaled(batch.images).flatten(1).to(dtype)
    inputs = []  # (B, width) of each layer
    for layer, weight, product in zip(layers, weights, products, strict=True):
        inputs.append(x)
        x = product(x, weight, None if layer.bias is None else layer.bias.to(dtype))
        if layer is not net.head:
            x.relu_()
    logits, labels, smoothing = x.float(), batch.labels[0], learner.label_smoothing
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    right = (logits.argmax(1) == labels).sum()
    slope = logits.softmax(1)  # of the loss in what a layer puts out, (B, width)
    if smoothing:
        slope -= smoothing / slope.shape[1]
    slope.scatter_add_(1, labels[:, None], slope.new_full((len(labels), 1), smoothing - 1)).div_(len(labels))
    slope = slope.to(dtype)
    for layer, weight, product, x in reversed(list(zip(layers, weights, products, inputs, strict=True))):
        layer.weight.grad = product(slope.T, x.T).float()
        if layer.bias is not None:
            layer.bias.grad = slope.sum(0).float()
        if x is not inputs[0]:
            slope = torch.ops.aten.threshold_backward(product(slope, weight.T), x, 0)
    return Forward(loss[None], right[None])
