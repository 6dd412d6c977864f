"""The sentences of the chapter, and what its reader must be warned of."""

from rungwise.chapters.multitask.cost_statements import cost_statements
from rungwise.chapters.multitask.results import Results
from rungwise.chapters.multitask.verdicts import gain_in_words, paired_tests, verdicts
from rungwise.chapters.multitask.weights import SINGLE_NETS, weights_in_words
from rungwise.chapters.sentences import compared, in_words, paired_in_words, seed_warnings
from rungwise.findings import Statement
from rungwise.words import listed


def statements(results: Results) -> tuple[Statement, ...]:
    return (
        *verdicts(results),
        *_tuned(results),
        *_shown(results),
        *_best_weights(results),
        *_against_single(results),
        *_sharing(results),
        *cost_statements(results),
    )


def _tuned(results: Results) -> tuple[Statement, ...]:
    """Which fixed weights were chosen, and what they gain on the single-task nets."""
    tuned, ran = results.tuned, results.of("fixed")
    if tuned is None or len(ran) < 2 or not results.tuned_apart:
        return ()
    text = (
        f"Of {len(ran)} fixed weights, {weights_in_words(tuned.weights, results.tasks)} has the highest accuracy, "
        f"averaged over the tasks, on the {results.settings.data.aside:,} images set aside: the tuned weights."
    )
    if gain := results.gain_estimate(tuned.name, SINGLE_NETS):
        text += f" On the test images its gain on the single-task nets is {gain_in_words(gain)}."
    return (Statement(text=text, trials=results.record_ids(*(m.name for m in ran), *results.single.values())),)


def _shown(results: Results) -> tuple[Statement, ...]:
    """Which tasks the next sentences are about, and on how many the multi-task net is the better one."""
    if results.shown == results.tasks or results.tuned is None:
        return ()
    tuned = results.tuned
    leads = [results.lead(f"test_accuracy_{task}", tuned.name, single) for task, single in results.single.items()]
    known = [lead.mean for lead in leads if lead]
    if not known:
        return ()
    text = (
        f"On {sum(lead > 0 for lead in known)} of {len(known)} tasks the net at "
        f"{weights_in_words(tuned.weights, results.tasks)} has a higher mean accuracy than the single-task "
        f"net, and on {sum(lead < 0 for lead in known)} a lower one; some of this may be noise. The next sentences are "
        f"about the {len(results.shown)} tasks on which the nets differ most: "
        f"{listed(results.shown)}. The table has all."
    )
    return (Statement(text=text, trials=results.record_ids(tuned.name, *results.single.values())),)


def _best_weights(results: Results) -> tuple[Statement, ...]:
    """For each task, where in the sweep it did best and worst."""
    ran, found = results.of("fixed"), []
    chosen = " This is read off the test images: nothing was chosen by it." if results.tuned_apart else ""
    for task in results.shown:
        each = {m: results.estimate(f"test_accuracy_{task}", m.name) for m in ran}
        means = {m.weights: e for m, e in each.items() if e}
        if len(means) < 2:
            continue
        best, worst = (pick(means, key=lambda w: means[w].mean) for pick in (max, min))
        measure = "mean test accuracy" if results.most_seeds > 1 else "test accuracy"
        text = f"On {task}, all weights give the same {measure}, {in_words(means[best], 4)}."
        if means[best].mean > means[worst].mean:
            text = (
                f"On {task}, {weights_in_words(best, results.tasks)} has the highest {measure}, "
                f"{in_words(means[best], 4)}, and {weights_in_words(worst, results.tasks)} the lowest, "
                f"{in_words(means[worst], 4)}.{chosen}"
            )
        found.append(Statement(text=text, trials=results.record_ids(*(m.name for m in ran))))
    return tuple(found)


def _against_single(results: Results) -> tuple[Statement, ...]:
    """The best weights of the sweep for each task against the single-task net, paired by seed."""
    found = []
    for task in results.shown:
        single, best = results.single[task], results.best(task)
        if best is None:
            continue
        lead = results.lead(f"test_accuracy_{task}", best.name, single)
        if lead is None:
            continue
        other = "the single-task net"
        words = (f"more accurate than {other}", f"less accurate than {other}", f"exactly as accurate as {other}")
        text = (
            f"On {task}, the multi-task net at {weights_in_words(best.weights, results.tasks)} is "
            f"{compared(lead, *words)} {paired_in_words(lead)}."
        )
        if len(results.of("fixed")) > 1:
            text += (
                " It is the best of the sweep on these very images, which favours the multi-task net."
                if not results.tuned_apart
                else " It is the best of the sweep on the images set aside."
            )
        found.append(Statement(text=text, trials=results.record_ids(best.name, single)))
    return tuple(found)


def _sharing(results: Results) -> tuple[Statement, ...]:
    """Every other way to share against the chapter's net, both at equal weights."""
    hard, others = results.equal, results.of("sharing")
    if hard is None:
        return ()
    adjusted, found = {t.model.name: t.p for t in paired_tests(results, others, hard)}, []
    for model in others:
        gain = results.gain_estimate(model.name, hard.name)
        if gain is None:
            continue
        text = f"{model.name} has a gain of {gain_in_words(gain)} on the chapter's own net"
        if model.name in adjusted:
            text += f", adjusted p = {adjusted[model.name]:.2g}"
        sizes = [next(iter(results.values("parameters", name).values())) for name in (model.name, hard.name)]
        text += f", with {sizes[0]:,.0f} parameters against {sizes[1]:,.0f}"
        if ratio := results.estimate("step_time_ratio", model.name):
            text += f" and {ratio.mean:.1f} times the training time for each step"
        found.append(Statement(text=f"{text}.", trials=results.record_ids(model.name, hard.name)))
    return tuple(found)


def warnings(results: Results) -> tuple[str, ...]:
    return (*seed_warnings(results), *_chosen_on_test(results))


def _chosen_on_test(results: Results) -> tuple[str, ...]:
    """Where the accuracy of the best of several weights is the one that it was chosen by."""
    ran = len(results.of("fixed"))
    if ran < 2 or results.tuned_apart:
        return ()
    return (
        f"The best of {ran} weights for a task was chosen by its accuracy on the test set itself, which flatters it."
        + (
            " Set images aside to choose by: validation_images in the chapter's data." if results.of("adaptive") else ""
        ),
    )
