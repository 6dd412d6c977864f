"""Near duplicates: images that are almost another one, as a copy that was compressed, made brighter or shifted.

The search has two steps. Candidates are the nearest images by the size of their low frequencies, which a shift and a
change of brightness leave as they are, after PCA. These are then compared pixel by pixel, at every shift by at most one
pixel. The thresholds were chosen on data with known copies; docs/own-images.md has what was measured.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

SIDE = 64
"""Pixels of a side up to which images are compared as they are; larger ones are averaged."""
FREQUENCIES = 6
"""Waves across an image, up to which candidates are found by."""
COMPONENTS = 32
SAMPLE = 5000
"""Images that the components are computed from."""
CANDIDATES = 10
"""The nearest images by their frequencies, which are compared in pixels."""
CLOSE = 0.005
"""Of 1 - correlation, below which two images are near duplicates whatever else there is."""
NEAR, RATIO = 0.02, 0.1
"""Or below `NEAR`, where it is less than `RATIO` of that to the last candidate: nearer than images of its kind are."""
MOST_COMPARED = 10**9
"""Pairs of images that distances are computed of. Of more, some images are looked for, evenly spread."""
BYTES = 2**24
"""Of pixels as floats that are held at once."""


class Near(NamedTuple):
    """Pairs of images that are almost the same, the nearest first."""

    query: np.ndarray
    """(n,), int64: the image that was looked for."""
    nearest: np.ndarray
    """(n,), int64: the one that is most like it."""
    distance: np.ndarray
    """(n,), float64: 1 less the correlation of their pixels, at the shift where that is largest; 0: the same image."""
    looked: int
    """How many images were looked for."""


def near_duplicates(queries: np.ndarray, among: np.ndarray) -> Near:
    """Of images (N, C, H, W) those that are near duplicates of one in `among` (M, C, H, W); both uint8.

    Pixels of a single colour are like nothing. Where `among` has fewer than three images, `CLOSE` alone counts.
    """
    none = np.zeros(0, np.int64)
    if not len(queries) or not len(among):
        return Near(none, none, np.zeros(0), len(queries))
    index = _spread(len(queries), max(1, MOST_COMPARED // len(among)))
    candidates = _candidates(_at(queries, index), among)
    distances = _distances(queries, index, among, candidates)
    best = distances.argmin(axis=1)
    nearest, distance = candidates[np.arange(len(index)), best], distances.min(axis=1)
    apart = RATIO * distances.max(axis=1) if candidates.shape[1] > 2 else np.zeros(len(index))
    found = np.flatnonzero((distance < CLOSE) | ((distance < NEAR) & (distance < apart)))
    query, nearest = index[found], nearest[found]
    whole = _in_colour(queries[query], among[nearest]) if queries.shape[1] > 1 else distance[found]
    sure = np.flatnonzero(whole < NEAR)
    order = sure[np.lexsort((query[sure], whole[sure]))]
    return Near(query[order], nearest[order], whole[order].astype(float), len(index))


def _spread(count: int, most: int) -> np.ndarray:
    """Numbers below `count`, all or `most` of them evenly spread."""
    return np.arange(count) if count <= most else np.arange(most) * count // most


def _at(images: np.ndarray, index: np.ndarray) -> np.ndarray:
    return images if len(index) == len(images) else images[index]


# Candidates ----------------------------------------------------------------------------------------------------


def _candidates(queries: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The nearest in `among` of each query by their frequencies, (N, k)."""
    from sklearn.neighbors import NearestNeighbors

    mine, theirs = frequencies(queries), frequencies(among)
    mean, components = _components(theirs)
    search = NearestNeighbors(n_neighbors=min(CANDIDATES, len(among)), algorithm="brute")
    search.fit((theirs - mean) @ components)
    found: np.ndarray = search.kneighbors((mine - mean) @ components, return_distance=False)
    return found


def frequencies(images: np.ndarray) -> np.ndarray:
    """The sizes of the low frequencies of images (N, C, H, W) in grey, (N, F), float32, of length 1 each: a shift and a
    change of brightness or contrast leave them nearly as they are. The constant is left out."""
    made = []
    for rows in chunks(images):
        grey = _grey(rows)
        if not grey.size:
            continue
        waves = np.abs(np.fft.rfft2(grey - grey.mean(axis=(1, 2), keepdims=True)))
        height, width = min(FREQUENCIES, grey.shape[1] // 2), min(FREQUENCIES, waves.shape[2] - 1) + 1
        low = np.concatenate([waves[:, : height + 1, :width], waves[:, -height:, :width]], axis=1)
        flat = low.reshape(len(low), -1)[:, 1:]
        made.append((flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)).astype(np.float32))
    return np.concatenate(made)


def _components(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (F,) and the leading principal components (F, k) of features (N, F), by a sample of them."""
    some = features[_spread(len(features), SAMPLE)]
    mean = some.mean(axis=0)
    _, vectors = np.linalg.eigh((some - mean).T @ (some - mean))
    return mean, np.ascontiguousarray(vectors[:, ::-1][:, :COMPONENTS])


# Comparison ----------------------------------------------------------------------------------------------------


def _distances(queries: np.ndarray, index: np.ndarray, among: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """1 - correlation in grey of each query with its candidates, (n, k), float32."""
    found = np.empty(candidates.shape, np.float32)
    size = 4 * min(SIDE**2, queries.shape[2] * queries.shape[3]) * candidates.shape[1]
    step = max(1, BYTES // size)
    for start in range(0, len(index), step):
        rows = slice(start, start + step)
        own = candidates[rows]
        there, place = np.unique(own, return_inverse=True)
        mine = np.repeat(_grey(queries[index[rows]]), own.shape[1], axis=0)
        other = _grey(among[there])[place.reshape(-1)]
        found[rows] = _shifted_distance(mine[:, None], other[:, None]).reshape(own.shape)
    return found


def _in_colour(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """1 - correlation over all channels of images (n, C, H, W), pair by pair: (n,)."""
    found = [np.zeros(0, np.float32)]
    for start in range(0, len(these), step := max(1, BYTES // (4 * these[:1].size or 1))):
        mine, other = (_reduced(part[start : start + step]) for part in (these, those))
        found.append(_shifted_distance(mine, other))
    return np.concatenate(found)


def _shifted_distance(mine: np.ndarray, other: np.ndarray) -> np.ndarray:
    """1 - the largest correlation of pictures (n, C, H, W), float32, at shifts of at most a pixel: (n,).

    The inner part of the one is compared with as large parts of the other. Sizes below 4 pixels are not shifted.
    """
    height, width = mine.shape[2:]
    by_y, by_x = int(height >= 4), int(width >= 4)
    inner = mine[:, :, by_y : height - by_y, by_x : width - by_x]
    inner = inner - inner.mean(axis=(1, 2, 3), keepdims=True)
    own = np.einsum("nchw,nchw->n", inner, inner)
    best = np.full(len(mine), -1, np.float32)
    for y in range(2 * by_y + 1):
        for x in range(2 * by_x + 1):
            part = other[:, :, y : y + inner.shape[2], x : x + inner.shape[3]]
            mean = part.mean(axis=(1, 2, 3))
            spread = np.einsum("nchw,nchw->n", part, part) - mean * mean * inner[0].size
            product, size = np.einsum("nchw,nchw->n", inner, part), own * spread
            known = (own > inner[0].size * 1e-2) & (spread > inner[0].size * 1e-2)  # else it is a single colour
            best = np.maximum(best, np.where(known, product / np.sqrt(np.where(known, size, 1)), -1))
    distance: np.ndarray = np.maximum(0, 1 - best)
    return distance


def _grey(images: np.ndarray) -> np.ndarray:
    """(n, H, W), float32, about 0: the mean of the channels, at most `SIDE` pixels on a side."""
    grey: np.ndarray = _reduced(images).mean(axis=1) - np.float32(127.5)
    return grey


def _reduced(images: np.ndarray) -> np.ndarray:
    """Images (n, C, H, W) as float32 of at most `SIDE` pixels on a side, by the mean of blocks; edges that fill no
    block are left out."""
    count, channels, height, width = images.shape
    block = -(-max(height, width) // SIDE)
    if block == 1 or min(height, width) < block:
        return np.asarray(images, np.float32)
    high, wide = height // block, width // block
    top, left = (height - high * block) // 2, (width - wide * block) // 2
    inner = np.asarray(images[:, :, top : top + high * block, left : left + wide * block], np.float32)
    reduced: np.ndarray = inner.reshape(count, channels, high, block, wide, block).mean(axis=(3, 5))
    return reduced


def chunks(images: np.ndarray) -> Iterator[np.ndarray]:
    """Images (N, ...), some at a time."""
    step = max(1, BYTES // (4 * images[:1].size or 1))
    return (images[start : start + step] for start in range(0, len(images), step))
