"""What was done, in paragraphs and formulas."""

from rungwise.chapters.projection.settings import Settings
from rungwise.findings import Formula
from rungwise.insight.projection import ALL_PAIRS_UP_TO, NEAREST_PAIRS

FORMULAS = (
    Formula(
        latex=r"C = \frac{1}{n-1} X^\top X, \qquad C v_k = \lambda_k v_k",
        says="The principal components $v_1$ and $v_2$ are the eigenvectors of the covariance $C$ of the "
        r"centred images $X$ (one row each) with the largest eigenvalues; $\lambda_k$ is the variance along "
        r"$v_k$.",
    ),
    Formula(
        latex=r"(x - \mu)^\top \Sigma^{-1} (x - \mu) \le \chi^2_{2;\,0.95} = -2 \ln 0.05",
        says=r"The ellipse that holds 95% of a Gaussian with a class's centroid $\mu$ and covariance "
        r"$\Sigma$.",
    ),
    Formula(
        latex=r"\min_{w, b} \tfrac{1}{2} (\lVert w \rVert^2 + b^2) + \sum_i \max(0, 1 - y_i (w^\top x_i + "
        r"b))^2",
        says=r"A linear support vector machine: $y_i = \pm 1$ is the class of the point $x_i$; squared hinge "
        "loss, as LinearSVC has it.",
    ),
)


def method(settings: Settings) -> tuple[str, ...]:
    data = settings.data
    which = f"All {data.size:,}" if data.train_images is None else f"{data.size:,} randomly drawn"
    return (
        f"{which} training images of {data.facts.name} were scaled to [-1, 1] and projected on their first two "
        "principal components (eigenvectors of the covariance matrix). The sign of a component is arbitrary: "
        "it is chosen so that its entry of largest absolute value is positive, and with several seeds so "
        "that all agree with the first.",
        f"For {_pairs_in_words(len(data.classes))}, a linear support vector machine (at most "
        f"{settings.svm_iterations:,} iterations) was fitted to the pair's points in these two dimensions; "
        "its accuracy is that on the same points: how separable they are, not how well the line generalises.",
    )


def _pairs_in_words(classes: int) -> str:
    """Which pairs are fitted an SVM, as "each of the 45 pairs of classes"."""
    pairs = classes * (classes - 1) // 2
    if classes > ALL_PAIRS_UP_TO:
        return (
            f"each of the {NEAREST_PAIRS:,} pairs of classes whose centroids are nearest (of {pairs:,} pairs, too many "
            "to fit all; the others are easier to tell apart)"
        )
    return "the two classes" if pairs == 1 else f"each of the {pairs:,} pairs of classes"
