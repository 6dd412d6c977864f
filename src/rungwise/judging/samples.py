"""From a claim's conditions and the ledger of measurements to the samples that are judged."""

from collections.abc import Sequence

import numpy as np

from rungwise.evidence.answers import by_image
from rungwise.evidence.conditions import Ref, Wanted
from rungwise.evidence.design import HoldsFor
from rungwise.evidence.images import Crossed, crossed
from rungwise.evidence.measure import scale_of
from rungwise.evidence.paired import ROUNDING, slope
from rungwise.evidence.sample import Sample
from rungwise.judging.ledger import Ledger


def sample(asked: Wanted, chapter: str, holds_for: HoldsFor | None, ledger: Ledger) -> Sample:
    """The values by seed: of one model, of a difference, or of a slope over several models."""
    seeds = ledger.seeds(asked)
    table = np.array([[ledger[ref, asked][seed] for ref in asked.models] for seed in seeds])
    single, metric = len(asked.models) == 1, asked.about[0]
    about = about_of(asked, holds_for, ledger)
    ratio = 0.0 if asked.exact or asked.timing else max(ledger.design(ref).ratio for ref in asked.models)
    return Sample(
        says_of(asked, chapter),
        tuple(slope_of(row) for row in table),
        asked.low,
        asked.high,
        matters=asked.matters,
        difference=not single,
        exact=asked.exact,
        scale=scale_of(asked.metric, metric) if single and not metric.exact else "plain",
        most=metric.most or 1.0 if single else 1.0,
        ratio=ratio,
        trials=metric.trials or ledger.images(asked.models[0], asked, metric) if single else None,
        counted=single and metric.counted,
        rounding=ROUNDING * float(np.abs(table).max(initial=0.0)) if len(seeds) > 1 else 0.0,
        crossed=_crossed(asked, seeds, ledger) if about is not None and not ratio else None,
        holds_for=about,
        median=asked.median,
    )


def slope_of(row: Sequence[float] | np.ndarray) -> float:
    """One seed's number: of one model its value, of two the first less the second, of more the slope over ranks."""
    if len(row) > 2:
        return slope(row)
    return float(row[0] - row[1]) if len(row) == 2 else float(row[0])


def weights(models: int) -> tuple[float, ...]:
    """Of the models' values in a number: 1; 1 and -1; or those of the least-squares slope over ranks."""
    if models < 3:
        return (1.0, -1.0)[:models]
    arms = [rank - (models - 1) / 2 for rank in range(models)]
    square = sum(arm * arm for arm in arms)
    return tuple(arm / square for arm in arms)


def says_of(asked: Wanted, chapter: str) -> str:
    """What is estimated, in words."""
    names = [named(ref, chapter) for ref in asked.models]
    if len(names) == 1:
        return f"{asked.metric} of {names[0]}"
    if len(names) == 2:
        return f"{asked.metric} of {names[0]} less {names[1]}"
    return f"slope of {asked.metric} over {', '.join(names)}"


def named(ref: Ref, chapter: str) -> str:
    """The model's name, with its chapter's where that is another."""
    return ref.model if ref.chapter == chapter else f"{ref.chapter}/{ref.model}"


def about_of(asked: Wanted, holds_for: HoldsFor | None, ledger: Ledger) -> HoldsFor | None:
    """Which images a number is about; None where it is not one of single test images."""
    if asked.exact or asked.timing:
        return None
    own = [ledger.design(ref) for ref in asked.models]
    if any(design.ratio for design in own):
        return "new images"
    if not asked.of_images:
        return None
    if asked.median:
        return "these images"
    return holds_for or ("new images" if any(design.usual == "new images" for design in own) else "these images")


def _crossed(asked: Wanted, seeds: Sequence[int], ledger: Ledger) -> Crossed | None:
    """The number by seed and image; None where the answers were not kept, or not all are about the same images."""
    metrics = [metric.answers for metric in asked.about]
    sides = [
        (ledger.sources(ref, asked), answers)
        for ref, answers in zip(asked.models, metrics, strict=True)
        if answers is not None
    ]
    table = by_image(sides, weights(len(asked.models)), seeds, ledger.reader) if len(seeds) > 1 else None
    return None if table is None else crossed(table)
