"""What was done, in paragraphs and formulas."""

from itertools import chain, zip_longest

from rungwise.chapters.cnns.settings import Settings
from rungwise.chapters.family import method as family
from rungwise.findings import Formula

FORMULAS = (
    Formula(
        latex=r"h_{l,j} = \max\Big(0,\, b_{l,j} + \sum_{i} K_{l,j,i} * h_{l-1,i}\Big)",
        says=(
            "Filter $j$ of layer $l$ slides one small kernel $K_{l,j,i}$ over each map $i$ of the layer before; "
            "zeros around the map keep its side, which halves, rounding up, between layers."
        ),
    ),
    Formula(
        latex=r"P = \sum_{l=1}^{D} (k^2 f_{l-1} + 1) f_l + (s_D^2 f_D + 1)\, C, \qquad s_l = \lceil s_{l-1} / 2 \rceil",
        says=(
            "Parameters of $D$ convolutions with $f_l$ filters of $k \\times k$ and a dense layer to $C$ classes; "
            "$f_0$ is the number of channels of the image and $s_1$ its side."
        ),
    ),
)


def method(settings: Settings) -> tuple[str, ...]:
    halving = sorted({net.halvings() for net in settings.nets.values()} - {""})
    how = {"stride": "a stride of 2", "pool": "2 × 2 max-pooling"}
    remarks = zip_longest(*(net.remarks(name) for name, net in settings.nets.items()), fillvalue="")
    return (
        *family.method(settings),
        *((f"The side halves between convolutions by {' or '.join(how[h] for h in halving)}.",) if halving else ()),
        *filter(None, chain.from_iterable(remarks)),
    )
