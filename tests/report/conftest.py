"""Hand-made findings that hold every kind of panel and cell."""

import numpy as np
import pytest

from rungwise.evidence.estimate import Estimate
from rungwise.evidence.judgement import Judgement, Number
from rungwise.evidence.paired import Effect, McNemar
from rungwise.findings import (
    Bars,
    Cloud,
    Column,
    Ellipse,
    Figure,
    Findings,
    Formula,
    Heatmap,
    Histogram,
    Images,
    Level,
    Lines,
    Points,
    Series,
    Statement,
    Table,
    Tile,
)
from rungwise.report.document import Document, TrialRow

SEEDS = (0, 1, 2)


@pytest.fixture(scope="session")
def document() -> Document:
    return demo_document()


def demo_document() -> Document:
    trials = [
        TrialRow(
            id=f"{number:016x}",
            label=f"CNN-{number % 5 + 1}",
            chapter="cnns",
            seed=number % 3,
            status="failed" if number == 7 else "done",
            time_s=None if number == 7 else 3.25 * number + 0.5,
            error="the loss was not finite at step 40: lower fit.rate" if number == 7 else None,
        )
        for number in range(21)
    ]
    return Document(
        title="From principal components to multi-task nets",
        created="2026-03-07",
        chapters=(_projection(), _perceptrons(), _nets(), _seeing(), _multitask()),
        environment=(
            ("rungwise", "0.1.0"),
            ("SHA-256", "28e94d53" * 8),
            ("Processor", "2 cores"),
            ("torch", "2.13.0 <cpu> & more"),
        ),
        study='title = "From principal components to multi-task nets"\nseeds = 3\n[[chapter]]\nkind = "mlps"\n',
        trials=tuple(trials),
    )


@pytest.fixture(scope="session")
def judged(document: Document) -> Document:
    """The same with claims of every verdict, in the third and the fifth chapter."""
    return judged_document(document)


def judged_document(document: Document) -> Document:
    first, second, third, fourth, fifth = document.chapters
    own = third.model_copy(update={"claims": _claims_of_nets()})
    tasks = fifth.model_copy(update={"claims": _claims_of_tasks()})
    return document.model_copy(update={"chapters": (first, second, own, fourth, tasks)})


def _claims_of_nets() -> tuple[Judgement, ...]:
    tests = {"p": 0.00004, "p_wilcoxon": 0.0625, "effect": Effect(size=4.96, interval=(1.55, 8.4))}
    trials = tuple(f"{number:016x}" for number in range(10))
    ahead = Number(
        says="test_accuracy of CNN-5 less CNN-1",
        low=0,
        verdict="supported",
        estimate=Estimate(values=(0.0121, 0.0098, 0.0133, 0.0117, 0.0104)),
        mcnemar=tuple(McNemar(seed=seed, first_only=150 + seed, second_only=1000 + seed, p=1e-9) for seed in range(2)),
        trials=trials,
        **tests,
    )
    small = Number(
        says="parameters of CNN-5",
        low=1e06,
        verdict="supported",
        estimate=Estimate(values=(2807274.0,)),
    )
    behind = Number(
        says="test_accuracy of MLP-1 less MLP-5",
        low=0,
        verdict="refuted",
        estimate=Estimate(values=(-0.031, -0.026, -0.029, -0.033, -0.027)),
        p=0.0312,
        p_holm=0.0496,
    )
    return (
        Judgement(
            id="N1",
            says="CNN-5 tells digits apart best, & by more than $10^{-3}$.",
            note="Its source says so of CNN-5 in the text and of CNN-4 in a table.",
            verdict="supported",
            why="All 2 numbers lie where it says.",
            test="paired t",
            n=5,
            numbers=(ahead, small),
            warnings=("With 5 pairs, Wilcoxon's test cannot go below p = 0.0625, whatever the numbers.",),
            trials=trials,
        ),
        Judgement(
            id="N 2",
            says="More layers cost accuracy.",
            verdict="refuted",
            why="test_accuracy of MLP-1 less MLP-5, is -0.0292, claimed to lie above 0; its interval lies elsewhere.",
            test="paired t",
            n=5,
            numbers=(behind,),
        ),
        Judgement(id="N3", says="No condition.", verdict="not run", why="Nothing tests it.", test="", n=0),
    )


def _claims_of_tasks() -> tuple[Judgement, ...]:
    near = Number(
        says="test_accuracy_item of try 3 less try 2",
        low=-0.05,
        high=0.05,
        verdict="not supported",
        estimate=Estimate(values=(0.08, 0.0801, 0.0799)),
        p=0.5,
        effect=Effect(size=0.2, interval=None),
    )
    open_ = Number(
        says="time_s of try 3 less try 2",
        high=0,
        verdict="not distinguishable",
        estimate=Estimate(values=(-3.0, 4.0, -1.5)),
        p=0.9996,
        seeds_needed=1240,
    )
    lacking = Number(says="test_loss of try 4", high=0.4, verdict="not run", estimate=None)
    return (
        Judgement(
            id="T-1", says="Sharing helps.", verdict="not supported", why="Too small.", test="t", n=3, numbers=(near,)
        ),
        Judgement(
            id="T-2",
            says="Sharing saves time.",
            verdict="not distinguishable",
            why="The interval holds 0.",
            test="paired t",
            n=3,
            seeds_needed=1240,
            numbers=(open_, near),
        ),
        Judgement(id="T-3", says="It is done.", verdict="not run", why="No record.", test="", n=0, numbers=(lacking,)),
    )


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _digit(seed: int) -> np.ndarray:
    y, x = np.mgrid[:28, :28]
    a, b = _rng(seed).uniform(9, 18, 2)
    ring = np.exp(-((np.hypot(x - a, y - b) - 7) ** 2) / 4)
    return (255 * ring).astype(np.uint8)


def _projection() -> Findings:
    rng = _rng(1)
    clouds, ellipses = [], []
    for digit in range(10):
        centre = 9 * np.array([np.cos(digit * 0.63), np.sin(digit * 0.63)])
        points = centre + rng.normal(size=(300, 2)) * (2.2, 1.4)
        x, y = (tuple(points[:, axis].tolist()) for axis in (0, 1))
        clouds.append(Cloud(name=str(digit), x=x, y=y))
        ellipse = Ellipse(x=centre[0], y=centre[1], width=8, height=5, angle=0)
        ellipses.append(Cloud(name=str(digit), x=x, y=y, ellipse=ellipse, note=str(digit)))
    pairs = np.full((10, 10), np.nan)
    for a, b in zip(*np.triu_indices(10, 1), strict=True):
        pairs[a, b] = pairs[b, a] = 0.6 + 0.39 * rng.random()
    names = tuple(str(digit) for digit in range(10))
    rows = tuple((str(d), 980 + d, float(rng.normal()), 4.2 + d, None) for d in range(10))
    return Findings(
        kind="projection",
        title="Projection",
        question="How much of the ten digits do two linear components keep apart?",
        method=(
            "1,797 images were projected on their first two principal components, found by eigendecomposition of "
            "the covariance $X^\\top X / (n - 1)$ of the centred pixels. For each of the 45 pairs of digits a "
            "linear support vector machine was fitted to the two components.",
        ),
        formulas=(
            Formula(
                latex=r"C = \frac{1}{n-1} \sum_{i=1}^{n} (x_i - \bar{x})(x_i - \bar{x})^\top, "
                r"\quad C v_k = \lambda_k v_k",
                says=r"The covariance $C$ of $n$ images $x_i$; a component $v_k$ explains "
                r"$\lambda_k / \sum_j \lambda_j$.",
            ),
        ),
        statements=(
            Statement(
                text="Two components keep 28.5% of the variance, and yet tell a pair of digits apart with an "
                "accuracy of 0.841 on average.",
                trials=tuple(f"{n:016x}" for n in range(3)),
            ),
            Statement(text="The easiest pair is 0 and 1 (0.998), the hardest 4 and 9 (0.612).", trials=("ff",)),
        ),
        tables=(
            Table(
                id="projection-digits",
                caption="Where each digit lies in the plane of the first two components.",
                columns=(
                    Column(key="digit", label="Digit"),
                    Column(key="count", label="Images"),
                    Column(key="pc1", label="Centroid, PC1", digits=2),
                    Column(key="variance", label="Variance, PC1", digits=1),
                    Column(key="missing", label="Not run", digits=3),
                ),
                rows=rows,
            ),
            Table(
                id="projection-pairs",
                caption="Every pair of digits.",
                columns=(Column(key="pair", label="Pair"), Column(key="accuracy", label="Accuracy", digits=3)),
                rows=tuple((f"{a} and {b}", float(pairs[a, b])) for a in range(10) for b in range(a + 1, 10)),
            ),
        ),
        figures=(
            Figure(
                id="projection-scatter",
                caption="The images in the plane of their first two components, by digit; right, with the centroid "
                "of each digit and the ellipse that holds 95% of a normal distribution with its covariance.",
                alt="Two scatter plots of ten groups on a ring.",
                columns=2,
                panels=(
                    Points(title="All images", x_label="PC1", y_label="PC2", clouds=tuple(clouds)),
                    Points(title="Centroids", x_label="PC1", y_label="PC2", clouds=tuple(ellipses)),
                ),
            ),
            Figure(
                id="projection-pairs",
                caption="Accuracy of a linear support vector machine for each pair.",
                alt="Histogram and heat map of 45 accuracies.",
                columns=2,
                panels=(
                    Histogram(
                        title="45 pairs",
                        x_label="accuracy",
                        y_label="pairs",
                        values=tuple(pairs[np.triu_indices(10, 1)].tolist()),
                        levels=(Level(name="mean 0.84", values=(0.84,)),),
                    ),
                    Heatmap(title="By pair", rows=names, columns=names, values=pairs),
                ),
            ),
        ),
        seeds=1,
        warnings=(
            "Every number here comes from one seed. Nothing can be said about noise: differences between rows may "
            "be chance. Run with --seeds 5 or more for intervals.",
        ),
    )


def _perceptrons() -> Findings:
    pairs = ("1 v 0", "8 v 3", "4 v 9", "8 v 7", "2 v 9")
    series = tuple(
        Series(
            name=pair,
            x=tuple(range(1, 301)),
            runs=tuple(
                tuple(
                    np.maximum(
                        0.001, 0.3 / (1 + np.arange(300) / (9 + 5 * i)) * _rng(i + 9 * s).uniform(0.8, 1.2, 300)
                    ).tolist()
                )
                for s in SEEDS
            ),
        )
        for i, pair in enumerate(pairs)
    )
    weights = tuple(Tile(pixels=_rng(i).normal(size=(28, 28)), title=pair) for i, pair in enumerate(pairs))
    return Findings(
        kind="perceptrons",
        title="Perceptrons",
        question="Which pairs of digits does a single linear unit separate?",
        method=("Full-batch perceptrons with a rate of 0.01.",),
        statements=(Statement(text="No pair overfits: every gap is below 0.05.", trials=()),),
        figures=(
            Figure(
                id="perceptrons-samples",
                caption="Images of the digits.",
                alt="Fifty small pictures.",
                panels=(Images(tiles=tuple(Tile(pixels=_digit(i)) for i in range(50)), columns=25),),
            ),
            Figure(
                id="perceptrons-error",
                caption="Training error per iteration: mean over seeds with its 95% interval, runs faint.",
                alt="Five falling curves.",
                panels=(
                    Lines(
                        x_label="iteration",
                        y_label="training error",
                        series=series,
                        levels=(Level(name="tolerance", values=(0.001,)),),
                        log_y=True,
                    ),
                ),
            ),
            Figure(
                id="perceptrons-weights",
                caption="Final weights: red speaks for the first digit, blue for the second.",
                alt="Five weight maps.",
                panels=(Images(tiles=weights, columns=5, colours="diverging"),),
            ),
            Figure(
                id="perceptrons-gap",
                caption="Train minus test accuracy.",
                alt="Five bars below the threshold.",
                panels=(
                    Bars(
                        x_label="train − test accuracy",
                        names=pairs,
                        values=tuple(tuple((0.01 * i - 0.01 + _rng(i).normal(0, 0.003, 3)).tolist()) for i in range(5)),
                        levels=(Level(name="overfits from here", values=(0.05,)),),
                    ),
                ),
            ),
        ),
        seeds=3,
    )


def _curves(start: float, end: float, seed: int) -> tuple[tuple[float, ...], ...]:
    epochs = np.arange(10)
    return tuple(
        tuple(
            (end + (start - end) * np.exp(-epochs / 2) + _rng(seed + s).normal(0, abs(start - end) / 60, 10)).tolist()
        )
        for s in SEEDS
    )


def _nets() -> Findings:
    names = tuple(f"{family}-{i}" for family in ("MLP", "CNN") for i in range(1, 6))
    x = tuple(range(1, 11))
    train = tuple(Series(name=n, x=x, runs=_curves(0.8, 0.02 + 0.01 * i, i)) for i, n in enumerate(names))
    test = tuple(Series(name=n, x=x, runs=_curves(0.7, 0.94 + 0.005 * i, i)) for i, n in enumerate(names))
    sizes = (1796010, 2797010, 4799010, 1900510, 2401510, 227306, 383178, 589450, 71226, 2807274)
    clouds = tuple(
        Cloud(
            name=n,
            x=tuple((12 + 9 * i + _rng(i).normal(0, 1, 3)).tolist()),
            y=tuple((0.94 + 0.005 * i + _rng(i).normal(0, 0.001, 3)).tolist()),
            size=float(sizes[i]),
            note=n,
        )
        for i, n in enumerate(names)
    )
    counts = np.diag(_rng(5).integers(900, 1100, 10)) + _rng(6).integers(0, 14, (10, 10))
    rows = tuple(
        (
            n,
            sizes[i],
            Estimate(values=tuple((0.95 + 0.004 * i + _rng(i).normal(0, 0.001, 3)).tolist())),
            Estimate(values=tuple((0.2 - 0.01 * i + _rng(i).normal(0, 0.004, 3)).tolist())),
            Estimate(values=(12.25 * (i + 1),)),
        )
        for i, n in enumerate(names)
    )
    wrong = tuple(Tile(pixels=_digit(i), title=f"{i % 10}, said {(i + 3) % 10} (.99)") for i in range(20))
    return Findings(
        kind="nets",
        title="Multi-layer perceptrons and convolutional nets",
        question="Does a net with more parameters generalise better?",
        method=("Ten nets were trained for 10 epochs with Adam at a rate of 0.001.",),
        formulas=(
            Formula(
                latex=r"\mathcal{L}(\theta) = -\frac{1}{n} \sum_{i=1}^n \log "
                r"\frac{e^{z_{i,y_i}}}{\sum_{k} e^{z_{i,k}}}",
                says=r"The mean cross-entropy of the logits $z_i$ of image $i$ and its label $y_i$.",
            ),
        ),
        statements=(
            Statement(
                text="CNN-5 has the highest test accuracy, 0.986 (95% interval 0.984 to 0.988, n = 3).",
                trials=tuple(f"{n:016x}" for n in range(12)),
            ),
        ),
        tables=(
            Table(
                id="nets-accuracy",
                caption="The nets after their last epoch.",
                columns=(
                    Column(key="net", label="Net"),
                    Column(key="parameters", label="Parameters"),
                    Column(key="test_accuracy", label="Test accuracy", digits=3),
                    Column(key="test_loss", label="Test loss", digits=3),
                    Column(key="time_s", label="Training time (s)", digits=1),
                ),
                rows=(*rows, ("CNN-6", None, None, float("nan"), None)),
            ),
            Table(
                id="nets-differences",
                caption="Differences, paired by seed.",
                columns=(
                    Column(key="pair", label="Pair"),
                    Column(key="difference", label="Difference in test accuracy", digits=4),
                ),
                rows=(
                    ("CNN-1 − MLP-1", Estimate(values=(0.02, 0.021, 0.018))),
                    ("MLP-2 − MLP-1", Estimate(values=(0.001, -0.002))),
                    ("MLP-3 − MLP-1", Estimate(values=(-0.004,))),
                ),
            ),
        ),
        figures=(
            Figure(
                id="nets-learning",
                caption="Learning curves: means strong, single runs faint, the band is the 95% interval.",
                alt="Ten learning curves in two panels.",
                columns=2,
                panels=(
                    Lines(title="Train", x_label="epoch", y_label="loss", series=train, log_y=True),
                    Lines(title="Test", x_label="epoch", y_label="accuracy", series=test),
                ),
            ),
            Figure(
                id="nets-time",
                caption="Accuracy against training time; the area of a marker is the number of parameters.",
                alt="Ten nets; the slower are better.",
                panels=(Points(x_label="training time (s)", y_label="test accuracy", clouds=clouds, log_x=True),),
            ),
            Figure(
                id="nets-confusion",
                caption="Confusion of CNN-1 on the test images.",
                alt="A matrix with a strong diagonal.",
                panels=(
                    Heatmap(
                        x_label="said",
                        y_label="true",
                        rows=tuple("0123456789"),
                        columns=tuple("0123456789"),
                        values=counts.astype(float),
                        digits=0,
                    ),
                ),
            ),
            Figure(
                id="nets-wrong",
                caption="The most confidently wrong test images.",
                alt="Twenty misread digits.",
                panels=(Images(tiles=wrong, columns=10),),
            ),
            Figure(
                id="nets-families",
                caption="Per million parameters.",
                alt="Bars for ten nets in three panels.",
                columns=3,
                panels=tuple(
                    Bars(title=title, names=names, values=tuple((v * 1e4 / s,) for s in sizes), x_label="per million")
                    for title, v in (("Accuracy", 0.9), ("Seconds", 7), ("Loss", 2))
                ),
            ),
        ),
        seeds=3,
    )


def _seeing() -> Findings:
    filters = tuple(Tile(pixels=_rng(i).normal(size=(4, 4))) for i in range(32))
    maps = tuple(Tile(pixels=np.maximum(0, _rng(i).normal(-0.5, 1, (14, 14))) * (i % 5 > 0)) for i in range(64))
    return Findings(
        kind="seeing",
        title="Seeing inside a convolutional net",
        question="What do its filters answer to?",
        method=("Activation maps after each ReLU for one image of a 2 and one of a 9.",),
        statements=(Statement(text="13 of 64 filters stay dark.", trials=("0000000000000001",)),),
        figures=(
            Figure(
                id="seeing-filters",
                caption="The filters of the first layer.",
                alt="32 small patterns.",
                panels=(Images(tiles=filters, columns=16, colours="diverging"),),
            ),
            Figure(
                id="seeing-maps",
                caption="Activation maps of the second layer.",
                alt="Two grids of 64 maps.",
                columns=2,
                panels=tuple(Images(title=f"A {digit}", tiles=maps, columns=8, colours="heat") for digit in (2, 9)),
            ),
            Figure(
                id="seeing-one",
                caption="A single image.",
                alt="One digit.",
                panels=(Images(tiles=(Tile(pixels=_digit(3), title="a single picture with a long title"),)),),
            ),
        ),
        seeds=1,
    )


def _multitask() -> Findings:
    weights = (0.0, 0.25, 0.5, 0.75, 1.0)

    def runs(values: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple((np.array(values) + _rng(s).normal(0, 0.004, 5)).tolist()) for s in SEEDS)

    series = (
        Series(name="items", x=weights, runs=runs((0.1, 0.88, 0.9, 0.91, 0.915))),
        Series(name="groups", x=weights, runs=runs((0.95, 0.952, 0.951, 0.945, 0.33))),
    )
    levels = (
        Level(name="items alone", values=(0.914, 0.916, 0.917)),
        Level(name="groups alone", values=(0.949, 0.95, 0.953)),
    )
    return Findings(
        kind="multitask",
        title="Multi-task learning",
        question="Does one net for two tasks cost accuracy?",
        method=("The two losses are weighted by $\\lambda$ and $1 - \\lambda$.",),
        formulas=(
            Formula(latex=r"\mathcal{L} = \lambda \mathcal{L}_1 + (1 - \lambda) \mathcal{L}_2", says="The loss."),
        ),
        tables=(
            Table(
                id="multitask-empty",
                caption="Nothing has run.",
                columns=(Column(key="a", label="Setting"), Column(key="b", label="Accuracy", digits=3)),
                rows=(),
            ),
        ),
        figures=(
            Figure(
                id="multitask-sweep",
                caption="Both accuracies against $\\lambda$; the dotted lines are single-task nets.",
                alt="Two curves that cross.",
                panels=(Lines(x_label="λ", y_label="test accuracy", series=series, levels=levels, markers=True),),
            ),
        ),
        warnings=("2 of 21 trials have not finished; their rows are empty.",),
        seeds=0,
    )
