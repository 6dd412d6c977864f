"""JAX by hand: all steps of an epoch in one compiled scan, over images that stay on the device as uint8.

On a processor, nets with convolutions take compiled steps one by one: XLA ran convolutions inside a scan there twenty
times slower.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from benchmarks.peers.channels_last import pixels, weights
from benchmarks.work import EPSILON, Conv, Net, Pace, Result, Unavailable, Work

State = tuple[Any, Any, Any, Array]
"""Parameters, Adam's two moments, and the number of steps."""


def fit(work: Work, pace: Pace) -> Result:
    if not work.equal:
        raise Unavailable("no defaults of its own: it is written by hand")
    if work.device == "cuda":  # JAX rounds what is multiplied to TF32 there
        jax.config.update("jax_default_matmul_precision", "highest")
    state = _start([(jnp.asarray(kernel), jnp.asarray(bias)) for kernel, bias in weights(work)])
    images = jnp.asarray(work.images.transpose(0, 2, 3, 1))
    labels = jnp.asarray(work.labels.T)
    step = partial(_step, work.net, work.loss_weights, work.rate)

    @partial(jax.jit, donate_argnums=0)
    def run_epoch(state: State, images: Array, labels: Array, order: Array) -> tuple[State, Array]:
        whole = len(order) // work.batch * work.batch
        state, losses = lax.scan(
            lambda state, index: step(state, images[index], labels[index]), state, order[:whole].reshape(-1, work.batch)
        )
        total = losses.sum() * work.batch
        if rest := len(order) - whole:
            state, loss = step(state, images[order[whole:]], labels[order[whole:]])
            total += loss * rest
        return state, total / len(order)

    def run_steps(state: State, order: np.ndarray) -> tuple[State, Array]:
        total = jnp.zeros(())
        for start in range(0, len(order), work.batch):
            index = jnp.asarray(order[start : start + work.batch])
            state, loss = one_step(state, images[index], labels[index])
            total += loss * len(index)
        return state, total / len(order)

    one_step = jax.jit(step, donate_argnums=0)
    stepwise = work.device == "cpu" and any(isinstance(layer, Conv) for layer in work.net.trunk)
    for order in work.orders:
        state, loss = run_steps(state, order) if stepwise else run_epoch(state, images, labels, jnp.asarray(order))
        pace.epoch(float(loss))
    logits = jax.jit(partial(_logits, work.net))(state[0], jnp.asarray(pixels(work.test_images)))
    return Result(tuple(np.asarray(z.argmax(1)) for z in logits))


def _start(parameters: Any) -> State:
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.int32)


def _step(
    net: Net, loss_weights: tuple[float, ...], rate: float, state: State, images: Array, labels: Array
) -> tuple[State, Array]:
    """One step of Adam (Kingma and Ba, 2015, algorithm 1)."""
    parameters, first, second, steps = state
    x = images.astype(jnp.float32) / 127.5 - 1

    def mean_loss(parameters: Any) -> Array:
        tasks = zip(_logits(net, parameters, x), labels.T, loss_weights, strict=True)
        return sum((w * _cross_entropy(z, y) for z, y, w in tasks), start=jnp.zeros(()))

    loss, gradients = jax.value_and_grad(mean_loss)(parameters)
    steps += 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    a, b = (-jnp.expm1(steps * math.log(beta)) for beta in (0.9, 0.999))  # 1 - beta^steps loses digits in float32
    parameters = jax.tree.map(
        lambda p, m, v: p - rate * (m / a) / (jnp.sqrt(v / b) + EPSILON), parameters, first, second
    )
    return (parameters, first, second, steps), loss


def _cross_entropy(logits: Array, labels: Array) -> Array:
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


def _logits(net: Net, parameters: Any, x: Array) -> list[Array]:
    """One array (B, classes) per task, for images (B, H, W, C)."""
    values = iter(parameters)
    for layer in net.trunk:
        kernel, bias = next(values)
        if isinstance(layer, Conv):
            strides, numbers = (layer.stride, layer.stride), ("NHWC", "HWIO", "NHWC")
            x = lax.conv_general_dilated(x, kernel, strides, "SAME", dimension_numbers=numbers)
        else:
            x = x.reshape(len(x), -1) @ kernel
        x = jax.nn.relu(x + bias)
    logits = []
    for head in net.heads:
        z = x.reshape(len(x), -1)
        for number, _ in enumerate(head, 1):
            kernel, bias = next(values)
            z = z @ kernel + bias
            z = jax.nn.relu(z) if number < len(head) else z
        logits.append(z)
    return logits
