"""The sentences of a chapter on a family of nets, and a warning of how much choosing the best net flatters it."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from rungwise.chapters.by_class import MACRO_F1
from rungwise.chapters.class_counts import ClassCounts
from rungwise.chapters.family.results import FamilyResults, NetResult, counts_of
from rungwise.chapters.results import ids_of, most_seeds
from rungwise.chapters.sentences import capitalised, compared, in_words, paired_in_words
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Statement
from rungwise.words import listed, some_of


def statements(results: FamilyResults) -> tuple[Statement, ...]:
    """Best and worst on the test set, overfitting, size against accuracy, and how steady training is."""
    ran = sorted(results.ran, key=lambda r: -r.mean("test_accuracy"))
    if not ran:
        return ()
    return (
        *_extremes(ran), *_lead(ran), *_by_macro_f1(ran, counts_of(results)), *_gaps(ran), *_size(ran),
        *_steadiness(ran),
    )  # fmt: skip


def _extremes(ran: Sequence[NetResult]) -> tuple[Statement, ...]:
    """`ran`: nets with records, the most accurate first."""
    measure = "mean test accuracy" if most_seeds(ran) > 1 else "test accuracy"
    high, low = (in_words(r.known("test_accuracy"), 4) for r in (ran[0], ran[-1]))
    top, bottom = (
        [r for r in ran if r.mean("test_accuracy") == end.mean("test_accuracy")] for end in (ran[0], ran[-1])
    )
    if len(ran) == 1:
        text = f"{ran[0].name} reaches a {measure} of {high}."
    elif len(top) == len(ran):
        text = f"{listed([r.name for r in ran])} have the same {measure}, {high}."
    else:
        names = listed([r.name for r in top])
        text = (
            f"{names} {'has' if len(top) == 1 else 'have'} the highest {measure}, {high}; "
            f"{listed([r.name for r in bottom])} the lowest, {low}."
        )
    return (Statement(text=text, trials=ids_of(ran)),)


def _lead(ran: Sequence[NetResult]) -> tuple[Statement, ...]:
    """The first against the second, over the seeds that both have."""
    if len(ran) < 2:
        return ()
    best, second = ran[:2]
    lead = best.lead(second)
    if lead is None:
        return ()
    text = f"On the test set, {_compared_in_words(lead, best, second)}."
    if len(ran) > 2:
        text += " The pair was chosen after seeing the results, which favours a difference."
    return (Statement(text=text, trials=ids_of((best, second))),)


def _by_macro_f1(ran: Sequence[NetResult], counts: ClassCounts | None) -> tuple[Statement, ...]:
    """Where classes are uneven, how the nets rank if each class counts the same. `ran`: the most accurate first."""
    ranked = sorted((net for net in ran if net.values(MACRO_F1)), key=lambda net: -net.mean(MACRO_F1))
    if counts is None or not counts.uneven or not ranked:
        return ()
    text = f"The classes are uneven: {counts.extremes}. By macro F1, in which each class counts the same, "
    best = ranked[0].known(MACRO_F1)
    if len(ranked) < 2:
        text += f"{ranked[0].name} reaches {in_words(best, 4)}."
        return (Statement(text=text, trials=ids_of(ranked)),)
    text += f"{ranked[0].name} is best, {in_words(best, 4)}. {_orders(ran, ranked)}"
    lead = ranked[0].lead(ranked[1], MACRO_F1)
    if lead is not None:
        text += f" {_compared_in_words(lead, *ranked[:2])}."
    return (Statement(text=text, trials=ids_of(ranked)),)


def _orders(ran: Sequence[NetResult], ranked: Sequence[NetResult]) -> str:
    """Whether the nets rank by macro F1 (`ranked`) as by test accuracy (`ran`)."""
    by_accuracy, by_f1 = ([net.name for net in order] for order in (ran, ranked))
    if by_accuracy == by_f1:
        return "The nets rank as by test accuracy."
    return f"They rank otherwise than by test accuracy: {some_of(by_f1)} against {some_of(by_accuracy)}."


def _compared_in_words(lead: Estimate, best: NetResult, second: NetResult) -> str:
    words = (f"leads {second.name}", f"trails {second.name}", f"is level with {second.name}")
    return f"{best.name} {compared(lead, *words)} {paired_in_words(lead)}"


def _gaps(ran: Sequence[NetResult]) -> tuple[Statement, ...]:
    gaps = [(r.name, in_words(gap, 4), gap.mean) for r in ran if (gap := r.estimate("gap"))]
    widest, narrowest = max(gaps, key=lambda gap: gap[2]), min(gaps, key=lambda gap: gap[2])
    text = f"The gap between training and test accuracy is {widest[1]} for {widest[0]}."
    if widest[2] > narrowest[2]:
        text = (
            f"The gap between training and test accuracy is widest for {widest[0]}, {widest[1]}, and narrowest for "
            f"{narrowest[0]}, {narrowest[1]}."
        )
    elif len(gaps) > 1:
        text = f"The gap between training and test accuracy is the same for all, {widest[1]}."
    return (Statement(text=text, trials=ids_of(ran)),)


def _size(ran: Sequence[NetResult]) -> tuple[Statement, ...]:
    """Whether more parameters go with higher test accuracy; a rank correlation needs three nets that differ in both."""
    sizes, accuracies = [r.mean("parameters") for r in ran], [r.mean("test_accuracy") for r in ran]
    if len(ran) < 3 or len(set(sizes)) < 2 or len(set(accuracies)) < 2:
        return ()
    rank = float(stats.spearmanr(sizes, accuracies).statistic)
    text = (
        f"Over the {len(ran)} nets, the rank correlation (Spearman) of parameters with test accuracy is {rank:+.2f}. "
        "With so few nets, which differ in more than size, it describes these nets and no others."
    )
    return (Statement(text=text, trials=ids_of(ran)),)


def _steadiness(ran: Sequence[NetResult]) -> tuple[Statement, ...]:
    moves = [(r.name, move.mean) for r in ran if (move := r.estimate("unsteadiness"))]
    if len(moves) < 2:
        return ()
    most, least = max(moves, key=lambda move: move[1]), min(moves, key=lambda move: move[1])
    if most[1] == least[1]:
        return ()
    text = (
        "Over the second half of training, test accuracy moves from one epoch to the next by "
        f"{most[1]:.4f} on average for {most[0]}, the least steady net, and by {least[1]:.4f} for {least[0]}, the "
        "steadiest."
    )
    return (Statement(text=text, trials=ids_of(ran)),)


def chosen_on_test(families: Mapping[str, Sequence[NetResult]]) -> tuple[str, ...]:
    """A warning where the best of several nets was chosen by test accuracy: its accuracy with the choice and without.

    `families`: nets with records, by what the family is called, as "CNNs".
    """
    chosen = {f"the best of {len(ran)} {name}": ran for name, ran in families.items() if len(ran) > 1}
    if not chosen:
        return ()
    one = len(chosen) == 1
    text = (
        f"{capitalised(listed(list(chosen)))} {'was' if one else 'were'} chosen by {'its' if one else 'their'} "
        f"accuracy on the test set itself, which flatters {'it' if one else 'them'}."
    )
    both = {best: numbers for best, ran in chosen.items() if (numbers := flattery(ran))}
    for best, (flattered, unflattered, seeds) in both.items():
        text += (
            f" {capitalised(best)} has a test accuracy of {flattered:.4f} over {seeds} seeds; chosen on all of them "
            f"but one, and told on the one left out, {unflattered:.4f} on average."
        )
    if both:
        text += " All seeds share the test images: what the choice owes to these images is still in both numbers."
    return (text,)


def flattery(ran: Sequence[NetResult]) -> tuple[float, float, int] | None:
    """Test accuracy of the net with the highest: on the seeds that it was chosen on, and on one left out, averaged.

    Over the seeds that all nets have, the third number; None for fewer than two. The first of equals is chosen.
    """
    seeds = sorted(set.intersection(*(set(result.records) for result in ran)))
    if len(seeds) < 2:
        return None
    by_net = [result.values("test_accuracy") for result in ran]
    accuracies = np.array([[values[seed] for seed in seeds] for values in by_net])  # (nets, seeds)
    left_out = [accuracies[np.delete(accuracies, i, 1).mean(1).argmax(), i] for i in range(len(seeds))]
    return float(accuracies.mean(1).max()), float(np.mean(left_out)), len(seeds)
