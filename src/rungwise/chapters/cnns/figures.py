"""The figures of the chapter: those of any family of nets, and both families per parameter."""

from rungwise.chapters.cnns.results import Results
from rungwise.chapters.drawing import missing
from rungwise.chapters.family import figures as family
from rungwise.findings import Bars, Figure

PANELS = {
    "accuracy_per_million": "Test accuracy per million parameters",
    "epoch_s_per_million": "Time per epoch per million (s)",
}
ONE_FAMILY = "it shows both CNNs and MLPs, and the nets of one family have no record"


def figures(results: Results) -> tuple[Figure, ...]:
    return (*family.figures(results.cnns), *_against_mlps(results))


def _against_mlps(results: Results) -> tuple[Figure, ...]:
    name, caption = "against-mlps-figure", "Each net of both families, per million parameters."
    if results.mlps is None:
        return ()
    if not results.families:
        return missing(results.cnns.settings.name, {name: caption}, ONE_FAMILY)
    nets = [net for family in results.families.values() for net in family.ran]
    names = tuple(net.name for net in nets)
    panels = tuple(
        Bars(title=title, names=names, values=tuple(net.known(key).values for net in nets))
        for key, title in PANELS.items()
    )
    sizes = {name: [net.mean("parameters") / 1e6 for net in family.ran] for name, family in results.families.items()}
    ranges = "; ".join(f"{name} have {min(m):.2f} to {max(m):.2f} million" for name, m in sizes.items())
    return (
        Figure(
            id=f"{results.cnns.settings.name}-{name}",
            caption=caption,
            alt=f"Test accuracy and time per epoch, per million parameters: {ranges}.",
            panels=panels,
            columns=2,
        ),
    )
