"""The peers by name. A new one is one file here, with a function `fit(work, pace) -> Result`, and one line.

`fit` builds the work's net, fits it for `work.epochs` epochs, calls `pace.epoch` with the mean training loss after
each, and predicts the classes of the test images. See `benchmarks.work` and, as an example, `torch_resident`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    module: str
    equal: str
    """How it does equal work, beyond what all do."""
    default: str
    """What its defaults are; "" where it has none of its own and takes no part."""
    install: str = ""
    """How to get what it needs; "" where rungwise needs it itself."""
    environment: dict[str, str] = field(default_factory=dict)
    """Set in its process before anything is imported."""


BENCH = "pip install 'rungwise[bench]'"
_PACKAGE = "benchmarks.peers"

PEERS = (
    Peer(
        "rungwise",
        "rungwise",
        f"{_PACKAGE}.rungwise_fit",
        "its whole trial, with accuracies in training and, with several tasks, AdaTask's dominance every 20 steps",
        'as a study has it: `precision = "auto"`, Glorot initialisation',
    ),
    Peer(
        "torch-loader",
        "PyTorch, DataLoader",
        f"{_PACKAGE}.torch_loader",
        "images one by one through a Dataset and a DataLoader",
        "`DataLoader(batch_size, shuffle=True)`, images scaled one by one in the Dataset; float32",
    ),
    Peer(
        "torch-resident",
        "PyTorch, resident data",
        f"{_PACKAGE}.torch_resident",
        "images as one uint8 tensor, batches by index",
        "resident data with an order and weights of its own; float32",
    ),
    Peer(
        "torch-compile",
        "PyTorch, torch.compile",
        f"{_PACKAGE}.torch_compile",
        "resident data, `torch.compile(net)`; its caches on disk are off",
        "resident data with an order and weights of its own; float32",
        environment={"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"},
    ),
    Peer(
        "torch-tuned",
        "PyTorch, tuned by hand",
        f"{_PACKAGE}.torch_tuned",
        "resident data, channels last, fused Adam",
        "as in equal work, and bfloat16 autocast where the processor multiplies it in hardware",
    ),
    Peer(
        "keras-jax",
        "Keras 3 on JAX",
        f"{_PACKAGE}.keras_fit",
        "one `fit` per epoch over images in the given order; Adam's epsilon 3.2e-10, for it is not corrected for bias",
        '`compile(Adam, metrics=["accuracy"])` and one `fit` over images scaled beforehand; Adam\'s epsilon 1e-7',
        BENCH,
        {"KERAS_BACKEND": "jax"},
    ),
    Peer(
        "keras-torch",
        "Keras 3 on PyTorch",
        f"{_PACKAGE}.keras_fit",
        "as Keras 3 on JAX",
        "as Keras 3 on JAX",
        BENCH,
        {"KERAS_BACKEND": "torch"},
    ),
    Peer(
        "jax-by-hand",
        "JAX, jitted by hand",
        f"{_PACKAGE}.jax_by_hand",
        "resident uint8 images, Adam written out; an epoch as one compiled `lax.scan`, with convolutions step by step",
        "",
        BENCH,
    ),
    Peer(
        "lightning",
        "Lightning",
        f"{_PACKAGE}.lightning_trainer",
        "resident batches; logger, checkpoints and progress bar off",
        "`Trainer(max_epochs)` with logger, checkpoints and progress bar, a DataLoader with `shuffle=True`",
        BENCH,
    ),
    Peer(
        "skorch",
        "skorch",
        f"{_PACKAGE}.skorch_net",
        "resident batches as `iterator_train`",
        "`NeuralNet.fit` over float32 images scaled beforehand, `shuffle=True`; no validation split, though it has one",
        BENCH,
    ),
    Peer(
        "sklearn",
        "scikit-learn MLPClassifier",
        f"{_PACKAGE}.sklearn_mlp",
        "`alpha=0`, one `partial_fit` per epoch over images in the given order, Adam's epsilon as Keras 3's",
        "`alpha=1e-4` (its loss counts that penalty), `partial_fit` with its own shuffle over images scaled beforehand",
    ),
)
