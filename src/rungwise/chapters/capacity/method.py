"""What was done, in paragraphs and formulas."""

from rungwise.chapters.capacity.settings import Settings
from rungwise.chapters.recipes import recipe_in_words
from rungwise.findings import Formula
from rungwise.words import listed

FORMULAS = (
    Formula(
        latex=r"f(x) = V \max(0,\, U x), \qquad U \in \mathbb{R}^{h \times d}, \quad V \in \mathbb{R}^{c \times h}",
        says="Two layers without biases: $d$ pixels, $h$ hidden units, $c$ classes.",
    ),
    Formula(
        latex=r"\| u_i - u_i^0 \|_2, \qquad \| v_i \|_2",
        says=(
            "Unit capacity and unit impact of hidden unit $i$: how far training has moved its incoming weights, row "
            "$u_i$ of $U$, from their start $u_i^0$; and the norm of its outgoing weights, column $v_i$ of $V$."
        ),
    ),
    Formula(
        latex=r"\| U_0 \|_2 \| V \|_F + \| U - U_0 \|_F \| V \|_F + \sqrt{h}",
        says=r"The measure (Neyshabur et al. 2018): $\| \cdot \|_2$ is the spectral norm, $\| \cdot \|_F$ Frobenius'.",
    ),
    Formula(
        latex=(
            r"R = \frac{3 \sqrt{2}\, (\sqrt{2 c} + 1)}{\gamma} (\| V \|_F + 1) \left( \sqrt{\tfrac{1}{m} \sum_x "
            r"\| a_0(x) \|^2} + \| U - U_0 \|_F \sqrt{\tfrac{1}{m} \sum_x \| x \|^2} + 1 \right)"
        ),
        says=(
            r"The part of the bound that comes from norms: $a_0(x) = \max(0, U_0 x)$ are the activations before "
            r"training, $m$ is the number of training images, and 5% of them have a margin $f(x)_y - \max_{j \neq y} "
            r"f(x)_j$ below $\gamma$."
        ),
    ),
    Formula(
        latex=r"C = \left( R + 3 \sqrt{5 h + \ln \frac{\max(1, \gamma \sqrt{m})}{\delta}} \right)^2",
        says=(
            r"The bound as its authors computed it, with $\delta = 0.01$: test error exceeds the share of training "
            r"images with a margin below $\gamma$ by no more than about $\sqrt{C / m}$."
        ),
    ),
)


def method(settings: Settings) -> tuple[str, ...]:
    data, fit, widths = settings.data, settings.fit, settings.widths
    kinds = listed([f"on {labels} labels" for labels in settings.labels])
    drawn = (
        " Random labels are drawn uniformly, one for each training image, and say nothing of what it shows; the test "
        "labels stay true, so test error on them is that of a net that has only memorised."
        if "random" in settings.labels
        else ""
    )
    looked = "Test numbers are of the last epoch: " + (
        "the test images were looked at once." if fit.evaluate == "end" else "no epoch was selected on the test set."
    )
    return (
        f"Nets of two layers without biases and {listed([f'{width:,}' for width in widths])} hidden units were fitted "
        f"on {data.size:,} training images of {data.facts.name}, {kinds}, pixels scaled to [-1, 1], "
        f"{recipe_in_words(fit)}. Weights start uniform after Glorot and Bengio (2010). For one seed, all nets see the "
        f"same images in the same order.{drawn}",
        "So nets of all widths end equally well fitted, and what differs is how. The experiment is that of Neyshabur "
        "et al. (2018); where images, widths, starting weights and the scale of the pixels are not theirs, numbers are "
        f"not theirs either, but how they change with h can be compared. {looked}",
    )
