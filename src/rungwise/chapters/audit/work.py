"""How images and labels are looked at."""

import time

import numpy as np

from rungwise.bench import Bench
from rungwise.chapters.audit.trial import AuditTrial, DoubtTrial
from rungwise.data.checks.checked import Pooled, check
from rungwise.data.checks.duplicates import pixel_keys
from rungwise.data.images import ImageSet, Split
from rungwise.trial import Outcome

SHOWN = 12
"""Pairs of which a record keeps the pictures."""
WRONG_SHOWN = 200
"""Of the images that a net has wrong: those whose pictures are kept, the surest answers first."""


def look(trial: AuditTrial, bench: Bench) -> Outcome:
    """Check the images of all parts. In the record, PART is one of train, validation and test:

    - ``counts_PART`` (classes,): images of each class; ``blank`` (b,), int64: images of a single colour;
    - ``repeated`` (n, 2): an image and the first with the same pixels; ``near`` (m, 2): an image of another part and
      the training image that it almost is, with ``near_distance`` (m,), 1 less their correlation. Images are numbered
      through the parts in that order;
    - of both ``_labels`` and, where images are files, ``_names`` (n, 2), and ``_pixels`` (at most `SHOWN`, 2, C, H, W)
      of the pairs whose places are in ``_shown``.

    The summary has ``near_looked``, how many images near duplicates were looked for of, and where images are files
    ``series_pairs``, ``series_alike``, ``series_p`` and ``series_within`` (`Series`); ``grouped``: 1 where the split
    keeps groups together.
    """
    split = bench.split(trial.data, trial.seed)
    started = time.perf_counter()
    parts = _parts(split)
    found = check(parts, len(split.classes))
    grouped = split.train.groups is not None and trial.data.split_by == "group"
    out = Outcome(summary={"near_looked": found.near.looked, "grouped": float(grouped)})
    for name, counts in zip(found.sizes, found.counts, strict=True):
        out.arrays[f"counts_{name}"] = counts
    out.arrays["blank"] = found.blank
    again, first = found.repeated
    crossing = found.part_of(again) != found.part_of(first)
    _note_pairs(out, "repeated", np.stack([again, first], 1), parts, np.argsort(~crossing, kind="stable")[:SHOWN])
    near = np.stack([found.near.query, found.near.nearest], 1)
    _note_pairs(out, "near", near, parts, np.arange(len(near))[:SHOWN])
    out.arrays["near_distance"] = found.near.distance
    if found.series is not None:
        kept = {"pairs": found.series.pairs, "alike": found.series.alike, "p": found.series.p}
        out.summary |= {f"series_{name}": float(value) for name, value in kept.items()}
        out.summary["series_within"] = float(found.series.within)
        out.arrays["series_example"] = np.array([found.series.example.encode()])
    out.timings["checks_s"] = time.perf_counter() - started
    return out


def _parts(split: Split) -> dict[str, ImageSet]:
    middle = {} if split.validation is None else {"validation": split.validation}
    return {"train": split.train, **middle, "test": split.test}


def _note_pairs(out: Outcome, what: str, pairs: np.ndarray, parts: dict[str, ImageSet], shown: np.ndarray) -> None:
    images = list(parts.values())
    out.arrays[what] = pairs
    out.arrays[f"{what}_labels"] = np.concatenate([part.labels for part in images])[pairs]
    out.arrays[f"{what}_shown"] = shown
    pixels = Pooled(images)[pairs[shown].reshape(-1)]
    out.arrays[f"{what}_pixels"] = pixels.reshape(len(shown), 2, *images[0].shape)
    if (names := [part.names for part in images if part.names is not None]) and len(names) == len(images):
        out.arrays[f"{what}_names"] = np.concatenate(names)[pairs]


def doubt(trial: DoubtTrial, bench: Bench) -> Outcome:
    """Hold the labels of test images against a net. In the record:

    - ``tested`` (N,), uint64: of each test image the first 64 bits of the SHA-256 of its pixels, by which an image is
      known in other splits;
    - of the m images whose label is not the net's answer: ``wrong`` (m,), their places among the test images;
      ``given`` and ``said`` (m,), both labels; ``margin`` (m,), float64: the logit of what the net says less that of
      the label, in nats; ``names`` (m,) where they are files; surest first;
    - ``pixels`` (at most `WRONG_SHOWN`, C, H, W): of the first of them.
    """
    test, fitted = bench.split(trial.data, trial.seed).test, bench.records[trial.net.id].arrays
    said, logits = fitted["test_predictions"].astype(np.int64), fitted["test_logits"].astype(np.float64)
    wrong = np.flatnonzero(said != test.labels)
    margin = logits[wrong, said[wrong]] - logits[wrong, test.labels[wrong]]
    order = np.lexsort((wrong, -margin))
    wrong, margin = wrong[order], margin[order]
    arrays = {
        "tested": pixel_keys(test.images)["high"].astype(np.uint64),
        "wrong": wrong,
        "given": test.labels[wrong],
        "said": said[wrong],
        "margin": margin,
        "pixels": test.images[wrong[:WRONG_SHOWN]],
    }
    if test.names is not None:
        arrays["names"] = test.names[wrong]
    return Outcome(summary={"wrong_images": float(len(wrong))}, arrays=arrays)
