"""The sentences of the chapter, computed from records."""

from rungwise.chapters.audit.results import Results
from rungwise.chapters.sentences import seed_warnings
from rungwise.evidence.caution import Caution
from rungwise.findings import Statement
from rungwise.words import counted

GROUPS = (
    "Say which images belong together (a table with a column group, or the setting group_column), so that a split "
    "keeps them together. The command rungwise run leak --data PATH --groups TABLE measures by how much a split image "
    "by image flatters."
)
LOOK = (
    "Each of these labels is wrong, or the image is hard for this net: only a person who looks at the images can say "
    "which."
)
NOT_TESTED = " The labels of training images were not checked."
"""Where all seeds train on the same images."""


def statements(results: Results, found: tuple[Caution, ...]) -> tuple[Statement, ...]:
    if not results.views:
        return ()
    view, texts = results.views[0], [one.told for one in found]
    if not texts:
        texts = [f"Nothing was found in {counted(view.images, 'image')} that makes verdicts on them doubtful."]
    if view.series is not None and view.series.hints and not view.grouped:
        texts.append(GROUPS)
    if results.doubts is not None and results.doubts.found:
        texts.append(LOOK if results.settings.data.facts.test_by_seed else LOOK + NOT_TESTED)
    return tuple(Statement(text=text, trials=results.ids) for text in texts)


def warnings(results: Results) -> tuple[str, ...]:
    """What a reader must know of the number of runs, where it matters: of one split and no net, it does not."""
    several = results.settings.asked or results.settings.data.facts.test_by_seed
    return seed_warnings(results) if several or results.done < results.planned else ()
