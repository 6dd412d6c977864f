"""Labels that nets agree against. Each of the nets was only tested on the image, not trained on it."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

LEAST_NETS = 2
"""Nets of different seeds that must have tested an image."""
LEAST_MARGIN = 3.0
"""In nats, of the mean over the nets: what they say is 20 times as likely to them as the label."""


class Answers(NamedTuple):
    """What one net had wrong, as `chapters.audit.work.doubt` keeps it."""

    tested: np.ndarray
    """(N,), uint64: the keys of its test images."""
    wrong: np.ndarray
    """(m,): the places of those that it takes for another class."""
    given: np.ndarray
    """(m,): their labels."""
    said: np.ndarray
    """(m,): the net's."""
    margin: np.ndarray
    """(m,), float64: the logit of what is said less that of the label."""


class Doubt(NamedTuple):
    """A test image of which every net that tested it says the same other label."""

    net: int
    """The first net that tested it, by its place."""
    place: int
    """Where it is in that net's `wrong`."""
    given: int
    said: int
    nets: int
    margin: float
    """The mean over the nets."""


class Doubts(NamedTuple):
    """What was found."""

    found: tuple[Doubt, ...]
    """Those with the largest margin first."""
    looked: int
    """Images that enough nets tested."""


def doubted(nets: Sequence[Answers]) -> Doubts:
    """The labels that nets agree against, of nets of different seeds. The order of images does not matter.

    Northcutt, Jiang and Chuang, "Confident learning" (2021), look for wrong labels by predictions out of fold too; here
    all nets must agree, and be sure.
    """
    tested = [np.unique(net.tested) for net in nets]
    keys, counts = np.unique(np.concatenate([np.zeros(0, np.uint64), *tested]), return_counts=True)
    enough = dict(zip(keys[counts >= LEAST_NETS].tolist(), counts[counts >= LEAST_NETS].tolist(), strict=True))
    against: dict[tuple[int, int, int], dict[int, int]] = {}
    for number, net in enumerate(nets):
        wrong = net.tested[net.wrong].tolist()
        for place, asked in enumerate(zip(wrong, net.given.tolist(), net.said.tolist(), strict=True)):
            if asked[0] in enough:
                against.setdefault(asked, {}).setdefault(number, place)
    found = [_doubt(asked, places, nets) for asked, places in against.items() if len(places) == enough[asked[0]]]
    sure = [one for one in found if one.margin >= LEAST_MARGIN]
    return Doubts(tuple(sorted(sure, key=lambda one: (-one.margin, one.net, one.place))), len(enough))


def _doubt(asked: tuple[int, int, int], places: Mapping[int, int], nets: Sequence[Answers]) -> Doubt:
    _, given, said = asked
    margin = math.fsum(float(nets[net].margin[place]) for net, place in places.items()) / len(places)
    net, place = next(iter(places.items()))
    return Doubt(net, place, given, said, len(places), margin)
