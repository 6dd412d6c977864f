"""The sentences of the chapter, computed from records."""

from rungwise.chapters.projection.results import Results, spread_of
from rungwise.chapters.sentences import in_words, seed_warnings
from rungwise.evidence.estimate import Estimate
from rungwise.findings import Statement


def statements(results: Results) -> tuple[Statement, ...]:
    views, pairs, names = results.views, results.pairs, results.names
    mean = results.measures.of((view.mean_accuracy for view in views), "share")
    if mean is None or not pairs:
        return ()
    share = results.measures.of((sum(view.variance) for view in views), "share")
    assert share is not None
    texts = [
        f"The share of the pixels' variance that two components keep is {in_words(share)}.",
        *_separable(results, mean),
    ]
    for where, axis in (("By the sum of the variances on both components", None), ("On PC1 alone", 0)):
        spreads = {k: spread for k in range(len(names)) if (spread := spread_of(results, k, axis)) is not None}
        if len(spreads) >= 2:
            tight, wide = (pick(spreads, key=lambda k: spreads[k].mean) for pick in (min, max))
            texts.append(
                f"{where}, {names[tight]} forms the tightest cluster, with a variance of "
                f"{in_words(spreads[tight], 2)}, and {names[wide]} the widest, with {in_words(spreads[wide], 2)}."
            )
    ids = tuple(view.id for view in views)
    return tuple(Statement(text=text, trials=ids) for text in texts)


def _separable(results: Results, mean: Estimate) -> list[str]:
    """How well lines tell the pairs apart."""
    pairs, line = results.pairs, "A line in the plane of two components tells"
    if len(pairs) == 1:
        return [f"{line} the two classes apart with an accuracy of {in_words(mean)}."]
    hardest = "; ".join(f"{pair.name}, {in_words(pair.accuracy)}" for pair in pairs[:3])
    return [
        f"{line} a pair of classes apart with an accuracy of {in_words(mean)}, on average over the "
        f"{results.fitted_pairs:,} pairs.",
        f"The hardest pairs, with their accuracies: {hardest}.",
        f"The easiest pair is {pairs[-1].name}, with an accuracy of {in_words(pairs[-1].accuracy)}.",
    ]


def warnings(results: Results) -> tuple[str, ...]:
    return (*seed_warnings(results), *_unconverged(results))


def _unconverged(results: Results) -> tuple[str, ...]:
    """The linear SVMs that had not converged."""
    count = sum(view.unconverged for view in results.views)
    if count == 0:
        return ()
    return (
        f"{count} of the linear SVMs stopped at {results.settings.svm_iterations:,} iterations without converging; "
        "raise svm_iterations.",
    )
