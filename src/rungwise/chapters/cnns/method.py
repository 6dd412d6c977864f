"""What was done, in paragraphs and formulas."""

from rungwise.chapters.cnns.settings import Settings
from rungwise.chapters.family import method as family
from rungwise.findings import Formula
from rungwise.models.cnn import CnnSettings


def formulas(settings: Settings) -> tuple[Formula, ...]:
    _, height, width = settings.data.facts.image
    square = height == width
    return (
        Formula(
            latex=r"h_{l,j} = \max\Big(0,\, b_{l,j} + \sum_{i} K_{l,j,i} * h_{l-1,i}\Big)",
            says=(
                "Filter $j$ of layer $l$ slides one small kernel $K_{l,j,i}$ over each map $i$ of the layer before; "
                f"zeros around the map keep its {'side, which halves' if square else 'sides, which halve'}, rounding "
                "up, between layers."
            ),
        ),
        _parameters_of_squares(_more(settings)) if square else _parameters_of_oblongs(_more(settings)),
    )


def _more(settings: Settings) -> str:
    """What some nets have beyond the formula for parameters."""
    plain = [net for net in settings.nets.values() if isinstance(net, CnnSettings)]
    norm = " With BatchNorm a filter has two in place of its bias." if any(net.batch_norm for net in plain) else ""
    dense = " Dense layers in between have one per pair of neighbours and a bias each."
    return norm + (dense if any(net.dense for net in plain) else "")


def _parameters_of_squares(more: str) -> Formula:
    return Formula(
        latex=r"P = \sum_{l=1}^{D} (k^2 f_{l-1} + 1) f_l + (s_D^2 f_D + 1)\, C, \qquad s_l = \lceil s_{l-1} / 2 \rceil",
        says=(
            "Parameters of $D$ convolutions with $f_l$ filters of $k \\times k$ and a dense layer to $C$ classes; "
            f"$f_0$ is the number of channels of the image and $s_1$ its side.{more}"
        ),
    )


def _parameters_of_oblongs(more: str) -> Formula:
    return Formula(
        latex=r"P = \sum_{l=1}^{D} (k^2 f_{l-1} + 1) f_l + (s_D t_D f_D + 1)\, C, \qquad "
        r"s_l = \lceil s_{l-1} / 2 \rceil, \quad t_l = \lceil t_{l-1} / 2 \rceil",
        says=(
            "Parameters of $D$ convolutions with $f_l$ filters of $k \\times k$ and a dense layer to $C$ classes; "
            f"$f_0$ is the number of channels of the image, $s_1$ its height and $t_1$ its width.{more}"
        ),
    )


def method(settings: Settings) -> tuple[str, ...]:
    halving = sorted({net.halvings() for net in settings.nets.values()} - {""})
    how = {"stride": "a stride of 2", "pool": "2 × 2 max-pooling"}
    _, height, width = settings.data.facts.image
    halves = "The side halves" if height == width else "The sides halve"
    return (
        *family.method(settings),
        *((f"{halves} between convolutions by {' or '.join(how[h] for h in halving)}.",) if halving else ()),
        *family.remarks(settings),
    )
