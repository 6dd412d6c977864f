"""The figures of the chapter: filters, maps, layers and dreams."""

import numpy as np

from rungwise.chapters.drawing import COLOURS, missing, picture
from rungwise.chapters.many import short
from rungwise.chapters.seeing.results import DEPTH, NetView, Results, depth, layer
from rungwise.chapters.seeing.settings import Settings
from rungwise.chapters.seeing.trial import STARTS, key
from rungwise.findings import Figure, Images, Lines, Panel, Series, Tile
from rungwise.insight.activations import mosaic
from rungwise.words import counted


def figures(results: Results) -> tuple[Figure, ...]:
    """Pictures are of the first seed that has finished; curves are of all."""
    settings, views = results.settings, results.views
    if not views:
        return missing(settings.name, _captions(settings))
    shown = f" The net of seed {views[0].trial.seed}." if len(views) > 1 else ""
    return (
        *_filters(results, shown),
        *(_maps(settings, views[0], label, shown) for label in settings.classes),
        _by_layer(results),
        *(_dreams(settings, views[0], start, shown) for start in STARTS),
    )


def _captions(settings: Settings) -> dict[str, str]:
    """What the figures show, by the ends of their ids, in their order."""
    names = settings.data.classes
    maps = {f"maps-{label}": f"The map of every filter for an image of {names[label]}." for label in settings.classes}
    of = _aimed_in_words(settings)
    dreams = {f"dreams-{start}": f"Dreams of {of} from {settings.origin(start)}." for start in STARTS}
    layers = {"layers-figure": "How sparse, how dark and how selective each layer is."}
    return {"filters": "Every filter, one tile each.", **maps, **layers, **dreams}


def _filters(results: Results, shown: str) -> tuple[Figure, ...]:
    settings = results.settings
    if not results.kernels:
        caption = {"filters": _captions(settings)["filters"] + shown}
        return missing(settings.name, caption, *_no_filters(results.views[0]))
    panels, sizes = [], []
    for i, kernels in enumerate(results.kernels):
        filters, inputs = kernels.shape[:2]
        sizes.append(f"{layer(i)}: {filters} filters over {counted(inputs, 'input')}")
        in_colour = i == 0 and settings.data.facts.image[0] == COLOURS
        tiles = tuple(Tile(pixels=picture(kernel) if in_colour else mosaic(kernel)) for kernel in kernels)
        panels.append(Images(title=sizes[-1], tiles=tiles, columns=16, colours="diverging"))
    colours = (
        f" Those of {layer(0)} are in colour: red, green and blue are their three inputs, grey is 0, brighter is "
        "positive and darker negative, on one scale per filter too."
        if settings.data.facts.image[0] == COLOURS
        else ""
    )
    figure = Figure(
        id=f"{settings.name}-filters",
        caption="Every filter, one tile each, with one slice for each of its inputs. Red weights are positive, blue "
        f"ones negative, on one scale per filter.{colours}{shown}",
        alt=f"The weights of every filter as small images. {'; '.join(sizes)}.",
        panels=tuple(panels),
    )
    return (figure,)


def _no_filters(view: NetView) -> tuple[str, str]:
    """Why there are none, and what makes them."""
    own, net = view.record.id, view.trial.net.id
    return (
        f"trial {own} was recorded by a version that did not keep filters, and the weights of its net, {net}, are "
        "not in the folder",
        "Moving both trials' folders away and running the study again computes them anew, with the filters.",
    )


def _maps(settings: Settings, view: NetView, label: int, shown: str) -> Figure:
    name = settings.data.classes[label]
    arrays, summary = view.record.arrays, view.record.summary
    panels: list[Panel] = [
        Images(title=f"The {name}", tiles=(Tile(pixels=picture(arrays[key("image", label)])),), columns=1)
    ]
    for i, filters in enumerate(settings.net.filters):
        maps = arrays[key("maps", label, layer(i))]
        title = f"{layer(i)}: {filters} maps, {summary[key('dark', label, layer(i))]:.0f} of them dark"
        tiles = tuple(Tile(pixels=each) for each in maps)
        panels.append(Images(title=title, tiles=tiles, columns=16, colours="heat"))
    return Figure(
        id=f"{settings.name}-maps-{label}",
        caption=f"The first test image of class {name}, and the map of every filter for it. Black is 0; one scale per "
        f"layer.{shown}",
        alt=f"Activation maps for an image of class {name}. {'; '.join(panel.title for panel in panels[1:])}.",
        panels=tuple(panels),
    )


def _by_layer(results: Results) -> Figure:
    settings, views, band = results.settings, results.views, results.measures.band("share")
    count = len(settings.net.filters)

    def curves(legend: str, name: str, *, share: bool = False) -> Series:
        rows = [np.divide(view.layers(name), settings.net.filters if share else 1).tolist() for view in views]
        return Series(name=legend, x=tuple(range(1, count + 1)), runs=tuple(map(tuple, rows)))

    dark = tuple(
        curves(f"the {settings.data.classes[label]} shown", f"dark_{label}", share=True) for label in settings.classes
    )
    everything = "all test images"
    drawn = {
        "Sparsity": (curves(everything, "sparsity"),),
        "Share of filters that stay dark": (*dark, curves(everything, "dead", share=True)),
        "Class selectivity": (curves(everything, "selectivity"),),
    }
    means = "; ".join(
        f"{words}: {', '.join(map(_number, depth(views, name).mean(axis=0)))}" for name, words in DEPTH.items()
    )
    return Figure(
        id=f"{settings.name}-layers-figure",
        caption="How sparse, how dark and how selective each layer is. A filter that is dark for all test images is "
        "dead." + (" Strong: mean over seeds; faint: single runs." if len(views) > 1 else ""),
        alt=f"By layer, from the first to the last, as means over {counted(len(views), 'net')}. {means}.",
        panels=tuple(
            Lines(title=title, x_label="convolution", series=series, markers=True, **band)
            for title, series in drawn.items()
        ),
        columns=3,
    )


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "undefined"


def _dreams(settings: Settings, view: NetView, start: str, shown: str) -> Figure:
    names, arrays = [short(name) for name in settings.data.classes], view.record.arrays
    said, net, judge = view.said("judge", start), view.aimed("net", start), view.aimed("judge", start)
    titles = [
        f"{names[aim]}: {net[c]:.2f} / {judge[c]:.2f}" + (f" (says {names[said[c]]})" if said[c] != aim else "")
        for c, aim in enumerate(view.trial.aims)
    ]
    pictures = [arrays[key("start", start)], *arrays[key("dreams", start)]]
    tiles = tuple(
        Tile(pixels=_pixels(picture), title=title) for picture, title in zip(pictures, ["start", *titles], strict=True)
    )
    origin = settings.origin(start)
    itself = start == "image" and settings.classes[0] in view.trial.aims
    same = " One of them aims at the class that the image already is." if itself else ""
    each = "some classes" if settings.dreamt else "each class"
    return Figure(
        id=f"{settings.name}-dreams-{start}",
        caption=f"Dreams of {_aimed_in_words(settings)} from {origin}: the class aimed at, and the probability that "
        f"the net / the judge give it.{same}{shown}",
        alt=f"A dream of {each} from {origin}, with the probability that the net / the judge give it: "
        f"{'; '.join(titles)}.",
        panels=(Images(tiles=tiles, columns=6),),
    )


def _aimed_in_words(settings: Settings) -> str:
    """ "every class", "20 of 200 classes"."""
    classes = len(settings.data.classes)
    return f"{len(settings.dreamt)} of {classes:,} classes" if settings.dreamt else "every class"


def _pixels(image: np.ndarray) -> np.ndarray:
    """(C, H, W) in [-1, 1] as a tile's pixels, uint8: -1 is black, or none of a colour; 1 is white, or all of it."""
    return np.asarray(np.rint((picture(image.astype(np.float32)) + 1) * 127.5).astype(np.uint8))
