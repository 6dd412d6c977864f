"""Keras 3, on the backend that the environment names: `compile` and `fit` over arrays in memory."""

from typing import Any

import keras
import numpy as np

from benchmarks.peers.channels_last import pixels, weights
from benchmarks.work import UNCORRECTED_EPSILON, Conv, Dense, Pace, Result, Work


def fit(work: Work, pace: Pace) -> Result:
    keras.utils.clear_session()
    if work.device == "cuda":
        _multiply_exactly(work.equal)
    model, several = build(work), len(work.net.heads) > 1
    losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in work.net.heads]
    metrics: list[Any] | None = None
    if not work.equal:
        metrics = [["accuracy"]] * len(losses) if several else ["accuracy"]
    model.compile(
        optimizer=keras.optimizers.Adam(work.rate, **({"epsilon": UNCORRECTED_EPSILON} if work.equal else {})),
        loss=losses if several else losses[0],
        loss_weights=list(work.loss_weights) if several else None,
        metrics=metrics,
    )
    turns = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: pace.epoch(logs["loss"]))
    if work.equal:
        for order in work.orders:
            x, y = pixels(work.images[order]), _by_task(work.labels[:, order])
            model.fit(x, y, batch_size=work.batch, shuffle=False, verbose=0, callbacks=[turns])
    else:
        x, y = pixels(work.images), _by_task(work.labels)
        model.fit(x, y, batch_size=work.batch, epochs=work.epochs, callbacks=[turns])
    answers = model.predict(pixels(work.test_images), batch_size=1000, verbose=0)
    return Result(tuple(logits.argmax(1) for logits in (answers if several else [answers])))


def build(work: Work) -> Any:
    """The net with the given weights, or with Keras's own."""
    channels, height, width = work.net.image
    x = images = keras.Input((height, width, channels))
    made: list[Any] = []

    def apply(layer: Conv | Dense, x: Any, activation: str | None = "relu") -> Any:
        if isinstance(layer, Conv):
            made.append(keras.layers.Conv2D(layer.filters, layer.kernel, layer.stride, "same", activation=activation))
        else:
            x = keras.layers.Flatten()(x) if len(x.shape) > 2 else x
            made.append(keras.layers.Dense(layer.width, activation=activation))
        return made[-1](x)

    for layer in work.net.trunk:
        x = apply(layer, x)
    outputs = []
    for head in work.net.heads:
        z = x
        for layer in head:
            z = apply(layer, z, None if layer is head[-1] else "relu")
        outputs.append(z)
    model = keras.Model(images, outputs if len(outputs) > 1 else outputs[0])
    if work.equal:
        for part, values in zip(made, weights(work), strict=True):
            part.set_weights(values)
    return model


def _multiply_exactly(yes: bool) -> None:
    """Whether products on a GPU are in float32 instead of what the library below rounds to TF32."""
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest" if yes else None)
    else:
        import torch

        torch.backends.cudnn.allow_tf32 = not yes


def _by_task(labels: np.ndarray) -> Any:
    return list(labels) if len(labels) > 1 else labels[0]
