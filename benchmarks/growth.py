"""How the cost of an epoch grows with images and with parameters: one net at a time, all cores, warm."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from rungwise.bench import Bench
from rungwise.data.images import ImageSet, Split
from rungwise.data.settings import Data
from rungwise.engine.machine import product_rate
from rungwise.models.cnn import CnnSettings
from rungwise.models.mlp import MlpSettings
from rungwise.models.net import NetSettings, count_flops, count_parameters
from rungwise.training.fit import carry_out
from rungwise.training.settings import Fit, Recipe

IMAGE = (1, 28, 28)
IMAGES = (1000, 4000, 16_000)
MIDDLE = 4000
NETS: dict[str, Sequence[NetSettings]] = {
    "MLP": [MlpSettings(hidden=(w, w)) for w in (100, 300, 1000, 2000)],
    "CNN": [CnnSettings(filters=filters) for filters in ((8, 16), (16, 32), (32, 64), (64, 128))],
}
ROUNDS = 3


def run() -> dict[str, Any]:
    """Seconds per epoch, in float32 and batches of 64: each family by images, and by parameters on 4,000 images."""
    rate = product_rate("float32")
    wanted = [(name, nets[1], images) for name, nets in NETS.items() for images in IMAGES]
    wanted += [(name, net, MIDDLE) for name, nets in NETS.items() for net in nets if net != nets[1]]
    seconds: dict[int, list[float]] = {i: [] for i in range(len(wanted))}
    for seed in range(ROUNDS):
        for i, (_, net, images) in enumerate(wanted):
            seconds[i].append(_epoch_s(net, images, seed))
    rows = [
        {
            "family": name,
            "images": images,
            "parameters": count_parameters(net, IMAGE, (10,)),
            "epoch_s": statistics.median(seconds[i]),
            "spread": [min(seconds[i]), max(seconds[i])],
            "us_per_image": 1e6 * statistics.median(seconds[i]) / images,
            "share": count_flops(net, IMAGE, (10,)) * images / statistics.median(seconds[i]) / rate,
        }
        for i, (name, net, images) in enumerate(wanted)
    ]
    return {
        "product_rate_float32": rate,
        "rows": sorted(rows, key=lambda r: (r["family"], r["images"], r["parameters"])),
    }


def markdown(found: dict[str, Any]) -> str:
    """As Markdown."""
    lines = ["| family | images | parameters | s per epoch | from, to | µs per image | share of the product rate |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for row in found["rows"]:
        low, high = row["spread"]
        lines.append(
            f"| {row['family']} | {row['images']:,} | {row['parameters']:,} | {row['epoch_s']:.3f} | {low:.3f}, "
            f"{high:.3f} | {row['us_per_image']:.1f} | {row['share']:.0%} |"
        )
    return "\n".join(lines) + "\n"


def _epoch_s(net: NetSettings, images: int, seed: int) -> float:
    random = np.random.default_rng(seed)
    classes = tuple("0123456789")

    def part(count: int) -> ImageSet:
        return ImageSet(random.integers(0, 256, (count, *IMAGE), np.uint8), random.integers(0, 10, count))

    split = Split(classes, part(images), part(100), {})
    recipe = Recipe(epochs=1, precision="float32", evaluate="end")
    trial = Fit(label="net", data=Data(source="mnist"), seed=seed, net=net, fit=recipe)
    bench = Bench(device="cpu", split=lambda data, seed: split, records={})
    return carry_out(trial, bench).timings["train_s"]
