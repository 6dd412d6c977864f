"""The sentences of the chapter: those of any family of nets, and how the CNNs compare with the MLPs."""

from rungwise.chapters.cnns.results import Results
from rungwise.chapters.family import statements as family
from rungwise.chapters.family.results import FamilyResults
from rungwise.chapters.family.statements import chosen_on_test
from rungwise.chapters.results import ids_of
from rungwise.chapters.sentences import compared, paired_in_words, seed_warnings
from rungwise.findings import Statement
from rungwise.words import counted


def statements(results: Results) -> tuple[Statement, ...]:
    return (*family.statements(results.cnns), *_best(results), *_quotients(results))


def _best(results: Results) -> tuple[Statement, ...]:
    """The most accurate net of each family, paired by seed: both see the same test images."""
    if not results.families:
        return ()
    best = {name: max(own.ran, key=lambda r: r.mean("test_accuracy")) for name, own in results.families.items()}
    dense, cnn = best["MLPs"], best["CNNs"]
    difference = cnn.lead(dense)
    if difference is None:
        return ()
    other = f"the best MLP, {dense.name}"
    words = (f"more accurate than {other},", f"less accurate than {other},", f"exactly as accurate as {other}")
    text = (
        f"On the test set the best CNN, {cnn.name}, is {compared(difference, *words)} {paired_in_words(difference)}, "
        f"with {cnn.mean('parameters'):,.0f} against {dense.mean('parameters'):,.0f} parameters."
    )
    trained = {name: _training(own) for name, own in results.families.items()}
    if trained["MLPs"] != trained["CNNs"]:
        text += f" They were trained differently: {trained['CNNs']} against {trained['MLPs']}."
    return (Statement(text=text, trials=(*cnn.ids, *dense.ids)),)


def _training(own: FamilyResults) -> str:
    return f"{own.settings.data.size:,} images for {counted(own.settings.fit.epochs, 'epoch')}"


def _quotients(results: Results) -> tuple[Statement, ...]:
    """What is behind accuracy per parameter: hardly the accuracy."""
    nets = [net for own in results.families.values() for net in own.ran]
    if not nets:
        return ()
    spread = {}
    for key in ("test_accuracy", "parameters"):
        means = [net.mean(key) for net in nets]
        if min(means) <= 0:
            return ()
        spread[key] = max(means) / min(means)
    if spread["parameters"] < 2 * spread["test_accuracy"]:
        return ()
    text = (
        f"Over all nets of both families, the greatest test accuracy is {spread['test_accuracy']:.2f} times the "
        f"least, and the greatest number of parameters {spread['parameters']:.1f} times: accuracy per million "
        "parameters ranks the nets by their size more than by what they can do."
    )
    return (Statement(text=text, trials=ids_of(nets)),)


def warnings(results: Results) -> tuple[str, ...]:
    return (*seed_warnings(results.cnns), *_chosen(results), *_unequal_data(results))


def _chosen(results: Results) -> tuple[str, ...]:
    """How much the choice of the best nets flatters them."""
    nets = {"CNNs": results.cnns.ran}
    if results.families and results.mlps:
        nets["MLPs"] = results.mlps.ran
    return chosen_on_test(nets)


def _unequal_data(results: Results) -> tuple[str, ...]:
    images = {name: own.settings.data.size for name, own in results.families.items()}
    if len(set(images.values())) < 2:
        return ()
    return (
        f"The MLPs were fitted on {images['MLPs']:,} images and the CNNs on {images['CNNs']:,}: the comparison of the "
        "families mixes architecture with data.",
    )
