"""The nets that are fitted, and the works that peers get of them."""

import pickle
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.work import Conv, Dense, Net, Shape, Weights, Work
from rungwise.data.errors import DataError
from rungwise.data.images import ImageSet
from rungwise.data.load import load
from rungwise.data.settings import Data
from rungwise.data.split import split
from rungwise.data.tasks import Task, task_labels
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.multitask import SharedSettings
from rungwise.models.net import NetSettings, count_flops, count_parameters
from rungwise.seeding import stream_seed
from rungwise.training.batches import Resident
from rungwise.training.learner import begin
from rungwise.training.settings import Fit, Recipe

SEED = 0


@dataclass(frozen=True)
class Case:
    name: str
    settings: NetSettings
    images: int
    """Per epoch: as many as take each peer seconds, not minutes."""
    source: str = "mnist"
    batch: int = 64
    rate: float = 1e-3
    shape: Shape | None = None
    """Of noise (C, H, W), with as many classes as the data set has, which is then not read."""

    @property
    def tasks(self) -> dict[str, Task]:
        """Those of the reference study."""
        if not isinstance(self.settings, SharedSettings):
            return {"label": "labels"}
        return {"item": "labels", "group": {"shoes": (5, 7, 9), "gendered": (3, 6, 8), "unisex": (0, 1, 2, 4)}}

    @property
    def loss_weights(self) -> tuple[float, ...]:
        return (1.0,) if len(self.tasks) == 1 else (0.25, 0.75)

    @property
    def image(self) -> Shape:
        return self.shape or Data(source=self.source).facts.image

    def trial(self, epochs: int, *, equal: bool) -> Fit:
        precision = "float32" if equal else "auto"
        recipe = Recipe(epochs=epochs, batch=self.batch, rate=self.rate, precision=precision, evaluate="end")
        return Fit(
            label=self.name,
            data=Data(source=self.source),
            seed=SEED,
            net=self.settings,
            fit=recipe,
            tasks=self.tasks,
            loss_weights=self.loss_weights,
        )

    @property
    def flops(self) -> int:
        """Of one training step on one image."""
        return count_flops(self.settings, self.image, self.trial(1, equal=True).outputs)

    @property
    def parameters(self) -> int:
        return count_parameters(self.settings, self.image, self.trial(1, equal=True).outputs)

    @property
    def steps(self) -> int:
        """Per epoch."""
        return -(-self.images // self.batch)


CASES = (  # the reference study's nets
    Case("MLP-1", MlpSettings(hidden=(1000,) * 2), 5_000),
    Case("MLP-3", MlpSettings(hidden=(1000,) * 5), 2_048),
    Case("CNN-1", CnnSettings(filters=(32, 64, 128)), 2_048),
    Case("CNN-3", CnnSettings(filters=(128,) * 3), 1_024),
    Case(
        "multi-task",
        SharedSettings(filters=(32, 64, 128), shared=(3136,), head=(1024, 100)),
        1_024,
        "fashion-mnist",
    ),
)


@dataclass(frozen=True)
class Images:
    train: ImageSet
    test: ImageSet
    """A sixth as many."""
    drawn: bool
    """Whether they are noise: it is asked for, or the data set is not on this machine."""


def images_of(case: Case, *, noise: bool = False) -> Images:
    """The first images that the seed draws of the case's data set; noise where it isn't there, or is asked for."""
    tests = max(1, case.images // 6)
    try:
        if noise or case.shape is not None:
            raise DataError("noise is asked for")
        dataset = load(case.source, offline=True)
    except DataError:
        random = np.random.default_rng(SEED)
        return Images(_noise(case, case.images, random), _noise(case, tests, random), drawn=True)
    parts = split(dataset, Data(source=case.source, train_images=case.images), SEED)
    return Images(parts.train, parts.test.take(np.arange(tests)), drawn=False)


def _noise(case: Case, count: int, random: np.random.Generator) -> ImageSet:
    """Noise with a bright column whose place is the label, so that there is something to learn."""
    labels = random.integers(0, 10, count)
    pixels = random.integers(0, 60, (count, *case.image), np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[:, :, 2 * label + 3] += 150
    return ImageSet(pixels, labels.astype(np.int64))


def work_of(case: Case, images: Images, epochs: int, *, equal: bool, device: str = "cpu") -> Work:
    """What every peer gets. Initial weights and orders of equal work are those that rungwise draws itself."""
    trial = case.trial(epochs, equal=equal)
    labels, test_labels = (
        np.stack([task_labels(task, part) for task in case.tasks.values()]) for part in (images.train, images.test)
    )
    net = describe(case.settings, case.image, trial.outputs)
    return Work(
        net=net,
        images=images.train.images,
        labels=labels,
        test_images=images.test.images,
        test_labels=test_labels,
        loss_weights=case.loss_weights,
        batch=case.batch,
        rate=case.rate,
        epochs=epochs,
        equal=equal,
        weights=_weights(trial, net) if equal else (),
        orders=_orders(trial, images.train) if equal else (),
        device=device,
        trial=pickle.dumps(trial),
    )


def describe(settings: NetSettings, image: Shape, outputs: tuple[int, ...]) -> Net:
    """A net of rungwise's in no library's words."""
    match settings:
        case MlpSettings(bias=True):
            return Net(image, tuple(map(Dense, settings.hidden)), ((Dense(outputs[0]),),))
        case CnnSettings(halving="stride"):
            return Net(image, _convolutions(settings), ((Dense(outputs[0]),),))
        case SharedSettings(halving="stride"):
            heads = tuple((*map(Dense, settings.head), Dense(classes)) for classes in outputs)
            return Net(image, _convolutions(settings) + tuple(map(Dense, settings.shared)), heads)
    raise ValueError(f"peers have no net like {settings!r}")


def _convolutions(settings: CnnSettings | SharedSettings) -> tuple[Conv | Dense, ...]:
    return tuple(Conv(filters, settings.kernel, 2 if i else 1) for i, filters in enumerate(settings.filters))


def _weights(trial: Fit, net: Net) -> tuple[Weights, ...]:
    """The weights that rungwise's net starts from, layer by layer; its own order is that of `Net.layers`."""
    values = [value.numpy() for value in begin(trial, net.image, {}).state_dict().values()]
    weights = tuple(zip(values[::2], values[1::2], strict=True))
    widths = [layer.filters if isinstance(layer, Conv) else layer.width for layer in net.layers]
    if [weight.shape[0] for weight, _ in weights] != widths:
        raise ValueError(
            f"rungwise's layers are not those that peers build: {widths} and {[w.shape for w, _ in weights]}"
        )
    return weights


def _orders(trial: Fit, train: ImageSet) -> tuple[np.ndarray, ...]:
    """The order of the images in each epoch, drawn as rungwise draws it."""
    random = torch.Generator().manual_seed(stream_seed(trial.seed, "order"))
    resident = Resident.of(train, trial, "cpu")
    return tuple(torch.cat(resident.shuffled(trial.fit.batch, random)).numpy() for _ in range(trial.fit.epochs))
