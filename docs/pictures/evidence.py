"""The pictures of docs/evidence.md: `python -m docs.pictures.evidence [FOLDER]` writes them, by default beside it."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from docs.pictures import simulated as drawn
from docs.pictures.paper import BLUE, GREEN, GREY, INK, ORANGE, PALE, cells, interval, rows, save, sheet, simulated
from rungwise.evidence import pool, ranges
from rungwise.evidence.collapse import far
from rungwise.evidence.images import crossed
from rungwise.evidence.medians import median_interval
from rungwise.evidence.power import independent, settles
from rungwise.evidence.sample import new_images
from rungwise.evidence.together import survives


def claim() -> Figure:
    """Five differences, their mean and interval against the region of the claim; and what others would say."""
    figure, (left, right) = sheet(2.7, 2, width_ratios=[1.15, 1])
    values = np.array([-460, -94, 19, -65, 93])
    left.plot(values, np.zeros(5), "o", color=BLUE, ms=7)
    for seed, value in enumerate(values):
        left.annotate(str(seed), (value, 0), (0, 8), textcoords="offset points", ha="center")
    interval(left, -1, ranges.interval(values, "plain"), values.mean(), BLUE)
    left.set_title("MLP-2 less MLP-1, five seeds")
    rows(left, ["each seed", "mean and\n95% interval"])
    left.set_xlabel("difference, in images of 10,000")
    cases = [(30, 75, GREEN), (-70, -20, ORANGE), (-63, 145, BLUE), (-22, 18, GREY)]
    for row, (start, end, colour) in enumerate(cases):
        interval(right, -row, (start, end), (start + end) / 2, colour)
    rows(right, ["supported", "refuted", "not distinguishable", "not supported"])
    right.axvspan(-40, 40, ymax=0.25, color=PALE, zorder=0)
    right.text(44, -3, "too small\nto matter", va="center", fontsize=9)
    right.set_title("Four intervals, four verdicts")
    right.set_xlabel("difference")
    for ax, start, end in ((left, -500, 220), (right, -125, 165)):
        ax.set_xlim(start, end)
        ax.axvspan(0, end, color=GREEN, alpha=0.1, lw=0, zorder=-1)
        ax.axvline(0, color=INK, lw=0.8)
    left.text(212, -1.55, "the claim:\nabove 0", ha="right", color=GREEN)
    return figure


def splits() -> Figure:
    """Intervals of twenty studies whose seeds split one pool: naive, and corrected."""
    figure, axes = sheet(3.2, 2, sharey=True, sharex=True)
    values, truth = drawn.splits()
    for ax, ratio, name in zip(axes, (0, 1 / 3), ("naive", "corrected"), strict=True):
        factor = pool.factor(len(values), ratio)
        low, high = np.array([ranges.interval(study, "share", factor=factor) for study in values.T]).T
        missed = (low > truth) | (high < truth)
        colours = np.where(missed, ORANGE, BLUE)
        ax.hlines(np.arange(len(low)), low, high, colors=list(colours), lw=2.2)
        ax.scatter(values.mean(axis=0), np.arange(len(low)), c=list(colours), s=16)
        ax.axvline(truth, color=INK, lw=1)
        ax.set_title(f"{name}: {missed.sum()} of 20 miss the truth")
        ax.set_xlabel("test accuracy")
        ax.locator_params(axis="x", nbins=5)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    axes[0].set_ylabel("20 studies of 20 seeds each")
    simulated(figure)
    return figure


def images() -> Figure:
    """Which images five seeds have right, and the accuracy's two intervals."""
    figure, (grid, ends) = sheet(2.6, 2, width_ratios=[1.7, 1])
    right = drawn.answers()
    right = right[:, np.argsort(right.sum(axis=0), kind="stable")]
    seeds, count = right.shape
    cells(grid, right, (ORANGE, "#d5e6f3"))
    grid.set_yticks(np.arange(seeds) + 0.5, [f"seed {seed}" for seed in range(seeds)])
    grid.set_xlabel(f"{count} test images, the hard ones first")
    grid.set_title("wrong (orange) or right (pale)")
    by_seed = right.mean(axis=1)
    ends.plot(by_seed, np.zeros(seeds), "o", color=GREY, ms=5)
    interval(ends, -1, ranges.interval(by_seed, "share"), by_seed.mean(), BLUE)
    interval(ends, -2, new_images(crossed(right), "share"), by_seed.mean(), ORANGE)
    rows(ends, ["each seed", "these\nimages", "new\nimages"])
    ends.set_xlabel("accuracy")
    simulated(figure)
    return figure


def inside() -> Figure:
    """The t-interval that leaves the range of an accuracy, the one on the logit scale, and one at the edge."""
    figure, (ax,) = sheet(2.9)
    values = np.array([0.9121, 0.9533, 0.9888, 0.9955, 0.9977])
    ax.axvspan(1, 1.04, color=PALE, zorder=0)
    ax.text(1.02, -1.9, "no accuracy\nlies here", ha="center", va="center", fontsize=9)
    ax.plot(values, np.zeros(5), "o", color=GREY, ms=6)
    interval(ax, -1, ranges.interval(values, "plain"), values.mean(), ORANGE)
    interval(ax, -2, ranges.interval(values, "share"), values.mean(), BLUE)
    ax.plot(np.ones(5), np.full(5, -3), "o", color=GREY, ms=6)
    interval(ax, -3, ranges.binomial([449], [449]), 1, BLUE)
    rows(ax, ["five seeds", "t-interval", "t-interval on\nthe logit scale", "all of 449 right:\nexact binomial"])
    ax.set_xlim(0.85, 1.04)
    ax.set_xlabel("test accuracy")
    simulated(figure)
    return figure


def collapse() -> Figure:
    """Ten seeds of which one collapsed: the mean's interval and the median's."""
    figure, (ax,) = sheet(2.5)
    values = 0.9965 + 0.0011 * np.random.default_rng(4).standard_normal(10)
    values[6] -= 0.02
    (lost,) = far(dict(enumerate(values)), "higher")
    ax.plot(values, np.zeros(10), "o", color=BLUE, ms=6, alpha=0.8)
    ax.plot(values[lost], 0, "o", color=ORANGE, ms=7)
    ax.annotate(f"seed {lost} lies far from the others", (values[lost], 0), (9, -3), textcoords="offset points")
    interval(ax, -1, ranges.interval(values, "plain"), values.mean(), ORANGE)
    interval(ax, -2, median_interval(values), float(np.median(values)), BLUE)
    rows(ax, ["ten seeds", "mean and\nt-interval", "median and\nexact interval"])
    ax.set_xlabel("test accuracy")
    simulated(figure)
    return figure


def looking() -> Figure:
    """Looks after each seed where there is nothing to find: the t-interval leaves 0 out, the anytime one never does."""
    figure, (ax,) = sheet(3.3)
    found = drawn.looks(seed=58)  # in a third of the draws the t-interval errs on the way, as in this one
    n, mean = found["n"], found["mean"]
    out = np.abs(mean) > found["fixed"]
    ax.fill_between(n, mean - found["anytime"], mean + found["anytime"], color=BLUE, alpha=0.16, lw=0)
    for name, colour, lw in (("anytime", BLUE, 1.8), ("fixed", ORANGE, 1.8)):
        for sign in (-1, 1):
            ax.plot(n, mean + sign * found[name], color=colour, lw=lw)
    ax.plot(n, mean, color=INK, lw=1)
    ax.axhline(0, color=INK, lw=0.8, ls=(0, (4, 3)))
    ax.plot(n[out], np.zeros(out.sum()), "s", color=ORANGE, ms=4)
    first = int(n[out][0])
    text = f"the t-interval leaves 0 out,\nfirst at {first} seeds"
    ax.annotate(text, (first, 0), (first + 6, 1), va="center", arrowprops={"arrowstyle": "-", "color": GREY})
    for label, half, colour in (("anytime", "anytime", BLUE), ("t-interval", "fixed", ORANGE), ("mean", None, INK)):
        place = mean[-1] - (found[half][-1] if half else 0)
        ax.annotate(label, (60, place), (6, -3), textcoords="offset points", color=colour)
    ax.set_xlim(2, 68)
    ax.set_ylim(-1.8, 1.8)
    ax.set_xlabel("seeds so far")
    ax.set_ylabel("difference (truth: 0)")
    simulated(figure)
    return figure


def together() -> Figure:
    """Thirty claims' p in order, against the lines of Holm and of Benjamini and Hochberg."""
    figure, (ax,) = sheet(3.3)
    p, rank = drawn.thirty_claims(), np.arange(1, 31)
    holm, discoveries = (np.array(survives(list(p), method)) for method in ("holm", "benjamini-hochberg"))
    lines = ((np.full(30, 0.05), GREY, "5% each", 9), (0.05 * rank / 30, BLUE, "Benjamini-Hochberg", -15))
    for heights, colour, name, shift in (*lines, (0.05 / (31 - rank), ORANGE, "Holm", -15)):
        ax.plot(rank, heights, color=colour, lw=1.5)
        ax.annotate(name, (21, heights[20]), (0, shift), textcoords="offset points", color=colour)
    kinds = [(holm, ORANGE, "s", "survives both"), (discoveries & ~holm, BLUE, "o", "survives Benjamini-Hochberg")]
    kinds += [((p <= 0.05) & ~discoveries, GREY, "D", "only below 5%"), (p > 0.05, "#b6bcc4", "o", "above 5%")]
    for which, colour, marker, name in kinds:
        ax.plot(rank[which], p[which], marker, color=colour, ms=6, label=f"{name}: {which.sum()}")
    ax.set_yscale("log")
    ax.set_yticks([1, 0.1, 0.01, 0.001, 0.0001, 0.00001], ["1", ".1", ".01", ".001", ".0001", ".00001"])
    ax.minorticks_off()
    ax.set_xlabel("30 claims, by their p")
    ax.set_ylabel("p")
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    simulated(figure)
    return figure


def power() -> Figure:
    """What n seeds could show, for three sizes of the true difference."""
    figure, (ax,) = sheet(3.1)
    seeds = np.arange(2, 41)
    for effect, colour, name in (
        (2, GREEN, "two deviations"),
        (1, BLUE, "one deviation"),
        (0.5, ORANGE, "half of one"),
    ):
        chances = [settles(effect, independent(1), n, 0, None) for n in seeds]
        ax.plot(seeds, chances, "o-", color=colour, ms=3.5, lw=1.4, label=name)
    ax.axhline(0.8, color=GREY, lw=1, ls=(0, (4, 3)))
    ax.text(26, 0.81, "80%", va="bottom")
    ax.axvline(5, color=PALE, lw=6, zorder=0)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("planned seeds")
    ax.set_ylabel("chance to settle the claim")
    ax.legend(frameon=False, fontsize=9.5, loc="lower right", title="true difference", alignment="left")
    return figure


PICTURES = (claim, splits, images, inside, collapse, looking, together, power)


def write(folder: Path) -> list[Path]:
    """Writes each picture into the folder, under its name; matplotlib's settings stay as they were."""
    with plt.rc_context():
        return [save(picture(), folder / f"evidence-{picture.__name__}.svg") for picture in PICTURES]


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
