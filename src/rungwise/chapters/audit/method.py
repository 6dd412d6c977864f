"""What was done, in paragraphs."""

from rungwise.chapters.audit.settings import Settings
from rungwise.data.checks.series import PERMUTATIONS
from rungwise.findings import Formula

FORMULAS = (
    Formula(
        latex=r"I = \frac{n \sum_{i} \langle x_i, x_{i+1} \rangle}{m \sum_i \langle x_i, x_i \rangle}",
        says="Moran's I of a series: the correlation of images that follow each other in number. $x_i$ are the "
        "features of an image less the mean of its class, $m$ the number of neighbours; 0 where neighbours are as "
        "alike as any.",
    ),
)


def method(settings: Settings) -> tuple[str, ...]:
    facts = settings.data.facts
    seed = " Each seed splits them anew, and each split was looked at." if facts.test_by_seed else ""
    asked = (
        f" Labels were compared with the answers of {settings.asked}: each seed's net was asked about its test images."
        if settings.asked
        else ""
    )
    return (
        f"All images of {facts.name} were looked at as nets see them, also those that no net is trained on.{seed}"
        f"{asked}",
        "The number of a file is the last one in its name. Features of an image are the sizes of its low frequencies, "
        "and the mean and spread of each channel. The p of a series comes from "
        f"{PERMUTATIONS} random orders within the classes: it is the share of those in which neighbours are at least "
        "as much alike. It is doubled, as numbers may run through all classes or within each, and both are tried.",
        "What was found is told beside each verdict on these images. Nothing is removed or changed.",
    )
