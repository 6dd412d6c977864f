"""What was done, in paragraphs and formulas."""

from rungwise.chapters.perceptrons.settings import Settings
from rungwise.findings import Formula

DECISION = Formula(
    latex=r"\hat{y}(x) = \mathrm{sign}(w^\top x + b)",
    says=r"The perceptron's decision: $x$ are the pixels, $w$ the weights, $b$ the bias, and $y = \pm 1$ the "
    r"class.",
)

FORMULAS = {
    "batch": (
        DECISION,
        Formula(
            latex=r"w \leftarrow w + \eta \sum_{i \in M} y_i x_i, \quad b \leftarrow b + \eta \sum_{i \in M} "
            r"y_i, \quad M = \{i : y_i (w^\top x_i + b) \le 0\}",
            says=r"One iteration of the batch rule: all misclassified images $M$ at once, with learning rate "
            r"$\eta$.",
        ),
    ),
    "online": (
        DECISION,
        Formula(
            latex=r"w \leftarrow w + \eta y_i x_i, \quad b \leftarrow b + \eta y_i \quad "
            r"\text{if } y_i (w^\top x_i + b) \le 0",
            says=r"Rosenblatt's online rule: one image $i$ at a time, with learning rate $\eta$.",
        ),
    ),
}


def method(settings: Settings) -> tuple[str, ...]:
    step = {
        "batch": "One iteration adds up all misclassified training images of the pair in one update.",
        "online": "One iteration is an epoch: each training image of the pair once, in a new random order, "
        "with an update after each mistake; its error is the share of mistakes made on the way.",
    }[settings.rule]
    size = f"the {settings.data.size:,} training images of {settings.data.facts.name}"
    pairs = len(settings.label_pairs)
    which = "one pair" if pairs == 1 else f"each of {pairs:,} pairs"
    return (
        f"A perceptron for {which} of classes (the first class of a pair "
        f"is the positive one), on all images of the pair among {size}, pixels scaled to [-1, 1]. Weights "
        f"and bias start standard normal. {step} The learning rate is {settings.rate:g}; training stops at a "
        f"training error of {settings.tolerance:g} or below, and after {settings.iterations:,} iterations in "
        "any case.",
        "The result is the last iterate, not the best one: where a pair is not linearly separable the "
        "weights never settle, and the accuracy depends on the iteration at which training happened to stop. "
        "The test set plays no part in training.",
    )
