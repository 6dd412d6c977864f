"""The sentences of the chapter, computed from records."""

from rungwise.chapters.leak.results import Results
from rungwise.chapters.leak.settings import model_name
from rungwise.chapters.sentences import compared, paired_in_words
from rungwise.findings import Statement


def statements(results: Results) -> tuple[Statement, ...]:
    """Of each net, what the split by image flatters."""
    return tuple(found for net in results.nets for found in _of(results, net))


def _of(results: Results, net: str) -> list[Statement]:
    group, image = (results.estimate("test_accuracy", model_name(net, by)) for by in ("group", "image"))
    flattery, behind = results.estimate("flattery", net), results.behind(net)
    if group is None or image is None or flattery is None:
        return []
    found = compared(flattery, "flatters it", "makes it look worse", "changes nothing")
    text = (
        f"{net} has a test accuracy of {group.mean:.4f} where the split is by group, and of {image.mean:.4f} where it "
        f"is by image: the split by image {found} {paired_in_words(flattery)}."
    )
    if 0 < group.mean < 1 and image.mean > group.mean:
        errors = (1 - group.mean) / (1 - image.mean) if image.mean < 1 else 0
        text += f" Its errors on new groups are {errors:.1f} times as many." if errors else ""
    return [Statement(text=text, trials=tuple(one for ids in behind.values() for one in ids))]
