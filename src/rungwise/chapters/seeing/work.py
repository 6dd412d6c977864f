"""The trial of looking inside one fitted net, with a second one as the judge of what it dreams."""

import time

import numpy as np
import torch
from torch import Tensor, nn

from rungwise.bench import Bench
from rungwise.chapters.seeing.results import layer as layer_name
from rungwise.chapters.seeing.trial import STARTS, VIEWERS, SeeingTrial, key
from rungwise.data.images import ImageSet
from rungwise.insight.activations import activity, dark, maps
from rungwise.insight.dreams import ascend, noise
from rungwise.models.pixels import scaled
from rungwise.records.record import Record
from rungwise.seeding import stream
from rungwise.training.settings import Fit
from rungwise.trial import Outcome, TrialFailed


def carry_out(trial: SeeingTrial, bench: Bench) -> Outcome:
    """Look inside. In the record, L is the name of a layer ("convolution_1"), k a label, S one of `STARTS`:

    - ``kernels_L`` (F, C, k, k), float16, the filters of the layer: the figure of them needs no weights;
    - ``image_k`` (C, H, W), uint8, the first test image of class k; ``maps_k_L`` (F, h, w), float16;
    - ``zero_share_L`` (F,) and ``class_means_L`` (classes, F): as in `Activity`, over the test images;
    - ``start_S`` (C, H, W) and ``dreams_S`` (aims, C, H, W), float16, pixels in [-1, 1];
    - ``net_start_S``, ``judge_start_S`` (classes,), ``net_dreams_S``, ``judge_dreams_S`` (aims, classes): what both
      say of the start and of each dream (row: the class aimed at), as probabilities.

    The summary holds, by layer, ``filters_L``, ``dark_k_L`` and ``dead_L`` (counts), ``sparsity_L`` and
    ``selectivity_L``; and ``net_as_aimed_S`` and ``judge_as_aimed_S``, fractions of the dreams.

    Raises TrialFailed where the test images lack a chosen class.
    """
    test = bench.split(trial.data, trial.seed).test
    shape = tuple(test.images.shape[1:])
    net, judge = (_rebuilt(fit, shape, bench.records[fit.id], bench.device) for fit in trial.needs)  # type: ignore[arg-type]
    out = Outcome()
    shown = _shown(trial, test)

    started = time.perf_counter()
    for label, image in shown.items():
        out.arrays[key("image", label)] = image
        for layer, values in maps(net, torch.from_numpy(image).to(bench.device)).items():
            out.arrays[key("maps", label, layer)] = values.astype(np.float16)
            out.summary[key("dark", label, layer)] = int(dark(values).sum())
    for number, convolution in enumerate(net.trunk.convolutions):  # type: ignore[arg-type,union-attr]
        out.arrays[key("kernels", layer_name(number))] = convolution.weight.cpu().numpy().astype(np.float16)
    _note_activity(out, net, test, len(trial.data.classes), bench.device)
    out.timings["activations_s"] = time.perf_counter() - started

    started = time.perf_counter()
    _note_dreams(out, trial, (net, judge), torch.from_numpy(next(iter(shown.values()))).to(bench.device))
    out.timings["dreams_s"] = time.perf_counter() - started
    return out


def _rebuilt(fit: Fit, shape: tuple[int, int, int], record: Record, device: str) -> nn.Module:
    """The net as its record keeps it, in eval mode, its weights fixed."""
    net = fit.net.build(shape, fit.outputs)
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in record.weights.items()})
    return net.to(device).eval().requires_grad_(False)


def _shown(trial: SeeingTrial, test: ImageSet) -> dict[int, np.ndarray]:
    """The first test image of each chosen class, (C, H, W), uint8, by label."""
    found = {}
    for label in trial.classes:
        places = np.flatnonzero(test.labels == label)
        if len(places) == 0:
            raise TrialFailed(
                f"the test images of {trial.data.facts.name} hold none of class {trial.data.classes[label]!r}: "
                "choose other classes to look at"
            )
        found[label] = test.images[places[0]].copy()
    return found


def _note_activity(out: Outcome, net: nn.Module, test: ImageSet, classes: int, device: str) -> None:
    images = torch.from_numpy(test.images).to(device)
    for layer, seen in activity(net, images, test.labels, classes).items():
        out.arrays[key("zero_share", layer)] = seen.zero_share
        out.arrays[key("class_means", layer)] = seen.class_means
        out.summary |= {
            key("filters", layer): len(seen.zero_share),
            key("dead", layer): seen.dead,
            key("sparsity", layer): seen.sparsity,
        }
        if np.isfinite(seen.selectivity):
            out.summary[key("selectivity", layer)] = seen.selectivity


def _note_dreams(out: Outcome, trial: SeeingTrial, nets: tuple[nn.Module, nn.Module], image: Tensor) -> None:
    """Dreams of the trial's classes from both starts, climbed together, and what both nets say of them."""
    random = stream(trial.seed, "dream")
    labels = np.array(trial.aims)
    origin = scaled(image[None]).contiguous()
    blank = noise(tuple(origin.shape), trial.dream.noise, random).to(image.device)
    shape = tuple(image.shape)
    starts = torch.cat([blank, origin])  # (2, C, H, W)
    aims = torch.from_numpy(labels).to(image.device).repeat(len(starts))
    dreams = ascend(nets[0], starts.repeat_interleave(len(labels), 0), aims, trial.dream, random)
    for name, start, dreamt in zip(STARTS, starts, dreams.reshape(len(starts), len(labels), *shape), strict=True):
        out.arrays[key("start", name)] = start.cpu().numpy().astype(np.float16)
        out.arrays[key("dreams", name)] = dreamt.cpu().numpy().astype(np.float16)
        for viewer, net in zip(VIEWERS, nets, strict=True):
            verdicts = _probabilities(net, dreamt)
            out.arrays[key(viewer, "start", name)] = _probabilities(net, start[None])[0]
            out.arrays[key(viewer, "dreams", name)] = verdicts
            out.summary[key(viewer, "as_aimed", name)] = float((verdicts.argmax(1) == labels).mean())


@torch.no_grad()
def _probabilities(net: nn.Module, x: Tensor) -> np.ndarray:
    """(N, classes), float32: the softmax of the net's logits for x (N, C, H, W), pixels in [-1, 1]."""
    (logits,) = net(x)
    return np.asarray(logits.softmax(1).cpu().numpy())
