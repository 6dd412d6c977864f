"""What was done, in paragraphs."""

from rungwise.chapters.leak.settings import Settings
from rungwise.chapters.recipes import kept_in_words, recipe_in_words


def method(settings: Settings) -> tuple[str, ...]:
    data, facts = settings.data, settings.data.facts
    images, share = facts.train_images + facts.test_images, data.test_share
    return (
        f"{facts.name} has {images:,} images of {facts.groups:,} groups, {images / max(1, facts.groups):.1f} images a "
        "group on average. Images of one group have more in common than their class: a person, a place, a day. A net "
        f"that has seen some of them may know the others by that. Of all images, {facts.mates:.1%} have another image "
        "of their own class in their group: these are the ones whose class a net can have seen in the group before.",
        f"Each seed splits the images twice, with {share:.0%} of each class to test on. By group: whole groups are "
        "drawn, and no group is on both sides. By image: images are drawn one by one, whatever their group. The same "
        f"net with the same initial weights was fitted to both, {recipe_in_words(settings.fit)}. Test numbers are of "
        f"{kept_in_words(settings.fit, data)}.",
        "The split by group asks what will be asked of the net: images of groups that it has never seen. Flattery is "
        "the test accuracy by image less that by group, for each seed. Its interval allows for the images that the "
        "seeds share.",
    )
