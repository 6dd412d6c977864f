"""What was done, in paragraphs and formulas."""

from rungwise.chapters.seeing.settings import Settings
from rungwise.findings import Formula
from rungwise.words import counted

FORMULAS = (
    Formula(
        latex=r"s_l = \frac{1}{N F_l P_l} \sum_{n=1}^{N} \sum_{f=1}^{F_l} \sum_{p=1}^{P_l} [\, a_{nfp} = 0 \,]",
        says="Sparsity of layer $l$: the share of zeros among the activations $a_{nfp}$ of its $F_l$ filters at their "
        "$P_l$ places for $N$ test images.",
    ),
    Formula(
        latex=r"\sigma_f = \frac{\mu_{\max} - \mu_{\mathrm{rest}}}{\mu_{\max} + \mu_{\mathrm{rest}}}",
        says=r"Class selectivity of filter $f$ (Morcos et al. 2018): $\mu_{\max}$ is its mean activation for the "
        r"class that excites it most, $\mu_{\mathrm{rest}}$ the mean over all other classes. 0: it answers to all "
        "classes alike; 1: to one alone. A layer's value is the mean over its filters that are not dead.",
    ),
    Formula(
        latex=r"J_c(x) = z_c(\tau x) - \gamma V(x), \qquad "
        r"V(x) = \frac{1}{P} \sum_{i,j} \left( (x_{i+1,j} - x_{i,j})^2 + (x_{i,j+1} - x_{i,j})^2 \right)",
        says=r"What a dream of class $c$ climbs: the logit $z_c$ of the image $x$ under a random shift $\tau$, less "
        r"$\gamma$ times its total variation $V$ over its $P$ pixels.",
    ),
    Formula(
        latex=r"x \leftarrow \min\left(1, \max\left(-1,\; x + \eta\, U \frac{g}{\mathrm{rms}(g)} \right)\right), "
        r"\qquad g = U^\top \nabla_x J_c(x)",
        says=r"One step of size $\eta$. $U$ enlarges an image of the scale's side to the net's input (bilinear).",
    ),
)


def method(settings: Settings) -> tuple[str, ...]:
    names, dream = settings.data.classes, settings.dream
    first, second = (names[label] for label in settings.classes)
    filters = ", ".join(map(str, settings.net.filters))
    most = "at most " if settings.fit.stops else ""
    remarks = "".join(f" {remark}" for remark in settings.net.remarks(settings.model) if remark)
    return (
        f"{settings.model} (convolutions with {filters} filters of {settings.net.kernel} × {settings.net.kernel}) was "
        f"fitted to {settings.data.size:,} images of {settings.data.facts.name} for "
        f"{most}{counted(settings.fit.epochs, 'epoch')}, and then looked into. The maps are those of the first test "
        f"image of class {first} and of class {second}, after the ReLU. A filter is dark for an image where its map is "
        f"0 everywhere, and dead where it is dark for every test image.{remarks}",
        f"{_dreamt_in_words(settings)} dreamt of by gradient ascent on its logit, from two starts: noise "
        f"(standard deviation {dream.noise:g} about grey) and the {first} shown. At each of the scales "
        f"{', '.join(map(str, dream.scales))} (the sides at which the image is changed) the ascent takes {dream.steps} "
        f"steps of η = {dream.rate:g}, each under a new random shift of up to {dream.jitter} pixels, with "
        f"γ = {dream.smoothness:g} on the total variation. Pixels stay in [-1, 1].",
        "The judge is a net of the same kind from another seed: other initial weights, another order, and its own draw "
        "of images where the seed draws them. It has no part in the ascent. A start is the same for all classes, so "
        f"that unchanged it would pass as the class aimed at for {'at most ' if settings.dreamt else ''}one of the "
        f"{len(settings.dreamt) or len(names)}.",
    )


def _dreamt_in_words(settings: Settings) -> str:
    """Which classes, as "Each of the 10 classes was"."""
    classes, dreamt = len(settings.data.classes), len(settings.dreamt)
    if not dreamt:
        return f"Each of the {classes:,} classes was"
    which = "" if settings.dreams else " (the two shown, and others evenly spread over the rest)"
    return f"Each of {dreamt:,} of the {classes:,} classes{which} was"
