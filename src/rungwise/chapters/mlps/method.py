"""What was done, in paragraphs and formulas."""

from rungwise.chapters.family import method as family
from rungwise.chapters.family.settings import FamilySettings
from rungwise.findings import Formula
from rungwise.models.mlp import MlpSettings


def method(settings: FamilySettings) -> tuple[str, ...]:
    return (*family.method(settings), *family.remarks(settings))


def formulas(settings: FamilySettings) -> tuple[Formula, ...]:
    normed = any(isinstance(net, MlpSettings) and net.batch_norm for net in settings.nets.values())
    more = " With BatchNorm a unit has two in place of its bias." if normed else ""
    return (
        Formula(
            latex=r"h_l = \max(0,\, W_l h_{l-1} + b_l), \qquad h_0 = x",
            says="Each hidden layer is an affine map and a ReLU; $x$ holds the pixels of one image.",
        ),
        Formula(
            latex=r"p_c = \frac{e^{z_c}}{\sum_k e^{z_k}}, \qquad L = -\frac{1}{N} \sum_{i=1}^{N} \log p_{y_i}(x_i)",
            says=(
                "The last layer gives one logit $z_c$ per class, softmax turns them into probabilities, and the loss "
                "is their cross-entropy with the labels $y_i$, in nats."
            ),
        ),
        Formula(
            latex=r"P = \sum_{l=1}^{D+1} (n_{l-1} + 1)\, n_l",
            says=(
                "Parameters of $D$ hidden layers of widths $n_l$: one weight per pair of neighbours and one bias each."
                f"{more}"
            ),
        ),
    )
