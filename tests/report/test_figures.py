import base64
import io
import itertools
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from rungwise.evidence.estimate import Estimate
from rungwise.findings import Bars, Cloud, Figure, Heatmap, Histogram, Images, Level, Lines, Panel, Points, Series, Tile
from rungwise.report.document import Document
from rungwise.report.figures.drawing import GUTTER, _plot, drawn
from rungwise.report.figures.ink import GROUND, INK, PALETTE, Stroke, legend, strokes
from rungwise.report.figures.panels import band, decimals, spread
from rungwise.report.figures.pictures import Mosaic, coloured_tiles, shares_of
from rungwise.report.figures.points import round_down, short
from rungwise.report.figures.svg import sheet

NAN = float("nan")
EDGES: dict[str, Panel] = {
    "no series": Lines(series=()),
    "no runs": Lines(series=(Series(name="a", x=(), runs=()),), levels=(Level(name="b", values=()),)),
    "an empty run": Lines(series=(Series(name="a", x=(1.0, 2.0), runs=((), (0.5,))),)),
    "all NaN": Lines(series=(Series(name="a", x=(1.0, 2.0), runs=((NAN, NAN), (NAN, NAN), (NAN, NAN))),)),
    "nothing positive on a log axis": Lines(series=(Series(name="a", x=(1.0,), runs=((0.0,),)),), log_y=True),
    "zero on a log axis": Lines(
        series=(Series(name="a", x=(1.0, 2.0), runs=((0.5, 0.0), (0.4, 0.1), (0.1, 0.2))),), log_y=True
    ),
    "a narrow log axis": Lines(series=(Series(name="a", x=(1.0, 2.0), runs=((0.9, 1.1),)),), log_y=True),
    "equal values on a log axis": Points(clouds=(Cloud(name="a", x=(2.0, 2.0), y=(0.0, 1.0)),), log_x=True),
    "zero on a log x axis": Lines(series=(Series(name="a", x=(0.0, 2.0), runs=((0.5, 0.6),)),), log_x=True),
    "no series on a log x axis": Lines(series=(), log_x=True),
    "a level alone": Lines(series=(), levels=(Level(name="b", values=(0.5, 0.6)), Level(name="c", values=(NAN,)))),
    "no clouds": Points(clouds=()),
    "an empty cloud": Points(clouds=(Cloud(name="a", x=(), y=(), note="a", size=3.0),), log_x=True),
    "one point": Points(clouds=(Cloud(name="a", x=(1.0,), y=(2.0,), size=5.0, note="a <b> & $c$"),), log_x=True),
    "NaN points": Points(clouds=(Cloud(name="a", x=(NAN, 1.0), y=(2.0, NAN), note="a"),)),
    "no bars": Bars(names=(), values=()),
    "empty, NaN and negative bars": Bars(names=("a", "b", "c" * 60), values=((), (NAN,), (-1.0, -2.0))),
    "an empty histogram": Histogram(values=(), levels=(Level(name="x", values=(0.1,)),)),
    "equal values": Histogram(values=(0.5, 0.5, NAN)),
    "an empty heat map": Heatmap(rows=(), columns=(), values=np.zeros((0, 0))),
    "a flat heat map": Heatmap(rows=("a",), columns=("b",), values=np.ones((1, 1))),
    "a NaN heat map": Heatmap(rows=("a" * 50,), columns=("b" * 50,), values=np.full((1, 1), NAN)),
    "no images": Images(tiles=()),
    "a flat tile": Images(tiles=(Tile(pixels=np.ones((3, 3))),), colours="diverging"),
    "NaN pixels": Images(tiles=(Tile(pixels=np.full((2, 2), NAN), title="t"),), colours="heat"),
    "NaN in a tile in colour": Images(tiles=(Tile(pixels=np.full((2, 2, 3), NAN)),), colours="diverging"),
    "a flat tile in colour": Images(tiles=(Tile(pixels=np.ones((3, 3, 3))),)),
    "bars of zeros": Bars(names=("a",), values=((0.0, 0.0),), levels=(Level(name="b", values=(0.05,)),)),
    "bars of zeros alone": Bars(names=("a",), values=((0.0,),)),
    "points with levels": Points(
        clouds=(Cloud(name="a", x=(1.0,), y=(2.0,)),),
        levels=(Level(name="always <b>", values=(1.5, 1.6)), Level(name="c", values=())),
    ),
    "muted points alone": Points(clouds=(Cloud(name="a", x=(1.0,), y=(2.0,), muted=True),)),
    "names in many scripts": Heatmap(rows=("日本語", "عربى"), columns=("кошка", "ひらがな"), values=np.eye(2)),
    "a long note without an ellipse": Points(clouds=(Cloud(name="a", x=(1.0,) * 40, y=(2.0,) * 40, note="a" * 50),)),
    "tiles of several sizes": Images(tiles=(Tile(pixels=np.eye(7)), Tile(pixels=np.eye(28))), title="a", x_label="b"),
}


def figure_of(*panels: Panel, columns: int = 1) -> Figure:
    return Figure(id="f", caption="c", alt="a", panels=panels, columns=columns)


@pytest.mark.parametrize("width", [263.0, 356.0])
def test_the_numbers_of_bars_end_within_the_panel(width: float) -> None:
    names = tuple("a name of many letters"[:n] for n in (22, 3))
    canvas, _ = _plot(Bars(names=names, values=((-2.0, 0.1, 0.3), (-0.5, 0.2))), width, {})
    renderer = FigureCanvasAgg(canvas).get_renderer()
    ends = [text.get_window_extent(renderer).x1 for text in canvas.axes[0].texts]
    assert len(ends) == 2
    assert max(ends) <= canvas.bbox.x1


def ids(svg: str) -> list[str]:
    return re.findall(r'\bid="([^"]*)"', svg)


def the_image(svg: str) -> np.ndarray:
    found = re.search(r"data:image/png;base64,([^\"]+)", svg)
    assert found is not None
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


@pytest.mark.parametrize("panel", EDGES.values(), ids=EDGES.keys())
def test_edge_cases_draw_as_well_formed_svg(panel: Panel) -> None:
    drawing = drawn(figure_of(panel), "f")
    ElementTree.fromstring(drawing.panels[0])
    ElementTree.fromstring(sheet(drawing.panels, drawing.legend, 1, GUTTER))


def test_every_figure_stands_within_a_page(document: Document) -> None:
    every = [figure for chapter in document.chapters for figure in chapter.figures]
    seen: list[str] = []
    for number, figure in enumerate(every):
        drawing = drawn(figure, f"f{number}")
        assert len(drawing.panels) == len(figure.panels)
        for svg in drawing.panels:
            ElementTree.fromstring(svg)
            assert INK not in svg
            assert "<style" not in svg
            assert "<metadata" not in svg
            assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) == set(ids(svg))
            seen += ids(svg)
    assert len(seen) == len(set(seen)) > 0


def test_drawing_twice_gives_the_same_bytes_and_leaves_matplotlib_alone(document: Document) -> None:
    before = dict(matplotlib.rcParams)
    figure = document.chapters[2].figures[0]
    assert drawn(figure, "f") == drawn(figure, "f")
    assert dict(matplotlib.rcParams) == before


def test_many_points_become_one_picture() -> None:
    x = tuple(range(3000))
    few = drawn(figure_of(Points(clouds=(Cloud(name="a", x=x[:50], y=x[:50]),))), "f").panels[0]
    many = drawn(figure_of(Points(clouds=(Cloud(name="a", x=x, y=x),))), "f").panels[0]
    assert "data:image/png" not in few
    assert "data:image/png" in many
    assert len(many) < 200_000


def test_a_curve_of_one_epoch_is_a_mark() -> None:
    def curve(*runs: float) -> str:
        series = Series(name="a", x=tuple(range(1, len(runs) + 1)), runs=(runs,))
        return drawn(figure_of(Lines(series=(series,))), "f").panels[0]

    mark = f'fill: {PALETTE[0]}"'
    assert mark in curve(0.5)
    assert mark not in curve(0.5, 0.6)


def words_of(svg: str) -> list[str]:
    return [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text") if text.text]


def test_a_logarithmic_x_axis_has_its_ticks_where_the_data_are() -> None:
    def ticks(x: tuple[float, ...], columns: int = 1) -> list[str]:
        panel = Lines(series=(Series(name="a", x=x, runs=((0.5,) * len(x),)),), log_x=True)
        words = words_of(drawn(figure_of(panel, panel, columns=columns), "f").panels[0])
        return [word for word in words if float(word) >= 64]  # the y axis ends below

    powers = tuple(float(2**k) for k in range(6, 14))
    assert ticks(powers) == [str(2**k) for k in range(6, 14)]
    assert ticks(powers, columns=2) == [str(2**k) for k in range(6, 14, 2)]
    assert ticks(tuple(float(x) for x in range(64, 20_000, 100))) == ["100", "1000", "10000"]


def test_widths_are_evenly_spaced_on_a_logarithmic_x_axis() -> None:
    panel = Lines(series=(Series(name="a", x=(1.0, 10.0, 100.0), runs=((1.0, 1.0, 1.0),)),), log_x=True, markers=True)
    svg = drawn(figure_of(panel), "f").panels[0]
    marks = sorted({float(x) for x in re.findall(r'<use [^>]*x="([0-9.]+)"[^>]*fill: ' + PALETTE[0], svg)})
    assert len(marks) == 3
    assert marks[1] - marks[0] == pytest.approx(marks[2] - marks[1], abs=0.01)


def test_words_with_markup_and_dollars_are_shown_as_they_are() -> None:
    panel = Lines(title="<b>", series=(Series(name="s", x=(1.0,), runs=((1.0,),)),), y_label="$x$ & y")
    texts = [text.text for text in ElementTree.fromstring(drawn(figure_of(panel), "f").panels[0]).iter() if text.text]
    assert {"<b>", "$x$ & y"} <= set(texts)


def test_equal_names_look_the_same_in_every_panel_and_ten_differ() -> None:
    def lines(*names: str) -> Lines:
        return Lines(series=tuple(Series(name=name, x=(0.0, 1.0), runs=((0.0, 1.0),)) for name in names))

    names = [str(i) for i in range(12)]
    entries = legend(figure_of(lines(*names), lines(*reversed(names)), columns=2))
    assert [entry.name for entry in entries] == names
    assert len({(entry.colour, entry.dashes) for entry in entries[:10]}) == 10


def test_a_group_named_beside_its_points_is_not_in_the_legend() -> None:
    clouds = (Cloud(name="a", x=(1.0,), y=(1.0,), note="a"), Cloud(name="b", x=(2.0,), y=(1.0,)))
    assert [entry.name for entry in legend(figure_of(Points(clouds=clouds)))] == ["b"]


def test_colours_are_legible_on_white_and_on_the_dark_page() -> None:
    def luminance(colour: str) -> float:  # WCAG 2
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for colour in PALETTE:
        assert 1.05 / (luminance(colour) + 0.05) >= 2.5
        assert (luminance(colour) + 0.05) / (luminance("#15171b") + 0.05) >= 2.5


def test_settings_of_the_reader_do_not_change_a_figure() -> None:
    lines = Lines(series=(Series(name="a", x=(1.0, 2.0), runs=((0.1, 0.5),)),))
    figure = Figure(id="f", caption="c", alt="a", panels=(lines,))
    plain = drawn(figure, "f").panels
    with matplotlib.rc_context({"figure.constrained_layout.use": True}):
        assert drawn(figure, "f").panels == plain
    with matplotlib.rc_context({"figure.autolayout": True, "font.size": 30.0}):
        assert drawn(figure, "f").panels == plain


def test_the_band_is_the_interval_of_the_estimates() -> None:
    values = np.random.default_rng(0).uniform(0.8, 1, size=(4, 5))
    values[:, 4] = 1.0  # all the same: a band of no width
    for scale, ratio in (("plain", 0.0), ("share", 0.0), ("positive", 0.3)):
        low, high = band(values, Lines(series=(), scale=scale, ratio=ratio))
        for column, ends in enumerate(zip(low, high, strict=True)):
            found = Estimate(values=tuple(values[:, column]), scale=scale, ratio=ratio).interval
            assert ends == pytest.approx(found or (1.0, 1.0), rel=1e-12)
        assert scale != "share" or high.max() <= 1


def test_names_move_apart_no_more_than_needed() -> None:
    assert spread([0.0, 1.0], 0.5) == [0.0, 1.0]
    assert spread([0.5, 0.5], 0.2) == pytest.approx([0.4, 0.6])
    assert spread([0.9, 0.0, 0.9, 0.85], 0.1) == pytest.approx([0.8833, 0.0, 0.9833, 0.7833], abs=1e-4)
    moved = sorted(spread([0.1, 0.11, 0.3, 0.31, 0.32], 0.1))
    assert all(b - a >= 0.1 - 1e-12 for a, b in itertools.pairwise(moved))


def test_round_and_short_numbers() -> None:
    assert [round_down(value) for value in (26_395_689, 1_000, 0.03, 7)] == [2e7, 1000, pytest.approx(0.02), 5]
    assert [short(value) for value in (2e7, 500_000, 20)] == ["20 M", "500 k", "20"]
    assert [decimals(values) for values in ([0.0308, -0.01], [152.0, 0.5], [1234.0], [NAN], [0.0])] == [4, 0, 0, 0, 0]


def test_a_grey_tile_spans_black_to_white_and_bytes_keep_their_scale() -> None:
    real, whole = coloured_tiles(
        Images(tiles=(Tile(pixels=np.array([[-1.0, 3.0]])), Tile(pixels=np.array([[51, 102]], dtype=np.uint8))))
    )
    assert real[0, :, 0].tolist() == [0, 255]
    assert whole[0, :, 0].tolist() == [51, 102]


def test_heat_shares_one_scale_and_diverging_has_zero_in_the_middle() -> None:
    weak, strong = np.array([[0.0, 1.0]]), np.array([[0.0, 2.0]])
    heat = coloured_tiles(Images(tiles=(Tile(pixels=weak), Tile(pixels=strong)), colours="heat"))
    inferno = matplotlib.colormaps["inferno"]
    assert heat[0][0, 1].tolist() == list(inferno(0.5, bytes=True))
    assert heat[1][0, 1].tolist() == list(inferno(1.0, bytes=True))
    (tile,) = coloured_tiles(Images(tiles=(Tile(pixels=np.array([[0.0, -1.0, 4.0]])),), colours="diverging"))
    red_blue = matplotlib.colormaps["RdBu_r"]
    assert [pixel.tolist() for pixel in tile[0]] == [list(red_blue(share, bytes=True)) for share in (0.5, 0.375, 1.0)]


def test_a_tile_in_colour_keeps_its_colours() -> None:
    whole, real = coloured_tiles(
        Images(
            tiles=(
                Tile(pixels=np.array([[[51, 102, 0], [255, 0, 3]]], dtype=np.uint8)),
                Tile(pixels=np.array([[[-1.0, 3.0, 1.0], [NAN, 0.0, 0.0]]])),
            )
        )
    )
    assert whole[0].tolist() == [[51, 102, 0, 255], [255, 0, 3, 255]]
    assert real[0].tolist() == [[0, 255, 128, 255], [0, 0, 0, 0]], "from the least to the greatest of all three"


def test_weights_in_colour_are_grey_where_they_are_zero_and_share_one_scale() -> None:
    weights = np.array([[[0.0, 2.0, -4.0], [4.0, 0.0, 0.0]]], dtype=np.float16)
    (tile,) = coloured_tiles(Images(tiles=(Tile(pixels=weights),), colours="diverging"))
    assert tile[0].tolist() == [[128, 191, 0, 255], [255, 128, 128, 255]]
    (half,) = coloured_tiles(Images(tiles=(Tile(pixels=weights / 2),), colours="diverging"))
    assert half.tolist() == tile.tolist(), "each tile has its own scale"


def test_a_mosaic_is_one_picture_with_the_tiles_in_their_places() -> None:
    tiles = tuple(Tile(pixels=np.full((28, 28), 10 * i, dtype=np.uint8)) for i in range(5))
    svg = drawn(figure_of(Images(tiles=tiles, columns=3)), "f").panels[0]
    assert svg.count("<image") == 1
    assert "pixelated" in svg
    pixels = the_image(svg)
    assert pixels.shape == (28 * 2 + 2, 28 * 3 + 4, 4)
    assert [pixels[14 + 30 * row, 14 + 30 * column, 0] for row in (0, 1) for column in range(3)][:5] == [
        0,
        10,
        20,
        30,
        40,
    ]
    assert pixels[14, 28, 3] == 0  # the gap
    assert pixels[50, 70, 3] == 0  # no sixth tile


def test_titles_stand_above_their_tiles() -> None:
    tiles = tuple(Tile(pixels=np.zeros((28, 28)), title=f"true {i}, said {9 - i}") for i in range(4))
    mosaic = Mosaic(Images(tiles=tiles, columns=2), 400)
    assert [x for x, _, _ in mosaic.titles] == [14, 44, 14, 44]
    for _, y, text in mosaic.titles:
        assert mosaic.pixels[int(y) - 1, :, 3].max() == 0, text


def heat_map(classes: int, value: float = 3.0) -> Heatmap:
    names = tuple(f"a class of a long name, {k}" for k in range(classes))
    values = np.full((classes, classes), value)
    values[0, 0] = 0
    return Heatmap(rows=names, columns=names, values=values, digits=2)


@pytest.mark.parametrize("classes", [10, 11, 20])
def test_numbers_have_room_in_their_cells_and_names_at_the_edges(classes: int) -> None:
    drawing = drawn(figure_of(heat_map(classes, 0.25)), "f")
    (svg,) = drawing.panels
    width, _ = sizes(svg)
    assert width == pytest.approx(540 if classes > 10 else 356)
    canvas, _ = _plot(heat_map(classes, 0.25), width, {})
    ax, renderer = canvas.axes[0], FigureCanvasAgg(canvas).get_renderer()
    cell = ax.get_window_extent().width / classes
    assert max(text.get_window_extent(renderer).width for text in ax.texts) < cell
    edges = [label.get_window_extent(renderer) for label in (*ax.get_yticklabels(), *ax.get_xticklabels())]
    assert min(box.x0 for box in edges) >= -1
    assert min(box.y0 for box in edges) >= -1
    if classes > 10:
        assert min(text.get_fontsize() for text in ax.texts) > 5


def test_zeros_of_a_large_heat_map_have_no_number() -> None:
    shown = {classes: drawn(figure_of(heat_map(classes)), "f").panels[0].count(">0<") for classes in (10, 11)}
    assert shown == {10: 1, 11: 0}


def sizes(svg: str) -> tuple[float, float]:
    root = ElementTree.fromstring(svg)
    return float(root.get("width", "").removesuffix("pt")), float(root.get("height", "").removesuffix("pt"))


def test_letters_that_the_font_has_not_are_text_without_a_warning() -> None:
    names = ("日本語の長い名前", "b")
    (svg,) = drawn(figure_of(Heatmap(rows=names, columns=names, values=np.eye(2))), "f").panels
    assert svg.count("日本語の長い名前") == 2


@pytest.mark.filterwarnings("ignore:Glyph")
def test_letters_that_the_font_has_not_have_room() -> None:
    names = ("日本語の長い名前", "b")
    latin = ("a" * len(names[0]), "b")
    widths = [
        _plot(Heatmap(rows=rows, columns=("c", "d"), values=np.eye(2)), 356, {})[0].axes[0].get_position().x0
        for rows in (names, latin)
    ]
    assert (widths[0] - widths[1]) * 356 > 8 * 0.3 * 8, "room for letters that are twice as wide"


def test_muted_points_lie_behind_and_take_no_colour() -> None:
    clouds = (
        Cloud(name="others", x=(0.0, 1.0), y=(0.0, 1.0), muted=True),
        Cloud(name="one", x=(0.5,), y=(0.5,)),
        Cloud(name="two", x=(0.2,), y=(0.5,)),
    )
    figure = figure_of(Points(clouds=clouds))
    strokes = {stroke.name: stroke for stroke in legend(figure)}
    assert strokes["others"].colour == GROUND
    assert [strokes[name].colour for name in ("one", "two")] == list(PALETTE[:2])
    canvas, _ = _plot(figure.panels[0], 356, strokes)
    orders = [collection.get_zorder() for collection in canvas.axes[0].collections]
    assert orders[0] < min(orders[1:])
    assert "muted" not in Cloud(name="a", x=(), y=()).model_dump(mode="json")


@pytest.mark.parametrize("note", ["ankle boot", "leaf with rust"])
def test_a_long_note_hides_none_of_its_points(note: str) -> None:
    x, y = np.random.default_rng(0).normal(0, 0.1, (2, 200))
    far = Cloud(name="b", x=(3.0,), y=(3.0,))
    cloud = Cloud(name="a", x=tuple(x), y=tuple(y), note=note)
    canvas, _ = _plot(Points(clouds=(cloud, far)), 356, legend_of(cloud, far))
    renderer, ax = FigureCanvasAgg(canvas).get_renderer(), canvas.axes[0]
    (plate,) = (text for text in ax.texts if text.get_text() == note)
    box = plate.get_window_extent(renderer)
    hidden = sum(box.contains(*place) for place in ax.transData.transform(np.column_stack([x, y])))
    assert (hidden == 0) == (note == "leaf with rust")
    assert ax.get_window_extent().x0 - 1 <= box.x0


def test_a_level_among_points_is_a_line_with_its_name() -> None:
    cloud = Cloud(name="a", x=(1.0, 2.0), y=(0.2, 0.9))
    panel = Points(clouds=(cloud,), levels=(Level(name="always cat", values=(0.4, 0.6)),))
    canvas, _ = _plot(panel, 356, legend_of(cloud))
    (line,) = canvas.axes[0].lines
    assert list(line.get_ydata()) == [0.5, 0.5]
    assert "always cat" in [text.get_text() for text in canvas.axes[0].texts]
    assert "levels" not in Points(clouds=()).model_dump(mode="json"), "findings without any stay as they were"


def legend_of(*clouds: Cloud) -> dict[str, Stroke]:
    return strokes((Points(clouds=clouds),))


def test_bars_of_zeros_stand_before_the_threshold() -> None:
    panel = Bars(names=("a",), values=((0.0, 0.0),), levels=(Level(name="threshold", values=(0.05,)),))
    canvas, _ = _plot(panel, 356, {})
    assert canvas.axes[0].get_xlim() == pytest.approx((0, 0.0625), rel=0.1)


def test_heat_map_shares_run_from_the_least_to_the_greatest() -> None:
    shares = shares_of(np.array([[0.0, 5.0], [10.0, np.nan]]))
    assert shares[0].tolist() == pytest.approx([0.06, 0.505])
    assert shares[1, 0] == pytest.approx(0.95)
    assert np.isnan(shares[1, 1])


def test_plots_of_a_row_stand_level() -> None:
    def lines(title: str) -> Lines:
        return Lines(title=title, series=(Series(name="a", x=(0.0, 1.0), runs=((0.0, 1.0),)),))

    panels = drawn(figure_of(lines("short"), lines("long " * 20), lines("alone"), columns=2), "f").panels
    boxes = [[float(n) for n in ElementTree.fromstring(svg).get("viewBox", "").split()] for svg in panels]
    assert boxes[0][1] < 0 == boxes[1][1] == boxes[2][1]
    assert boxes[0][3] == pytest.approx(boxes[1][3], abs=0.1)
    assert boxes[2][3] == pytest.approx(boxes[0][3] + boxes[0][1], abs=0.1)


def test_a_sheet_carries_its_own_ground_and_legend() -> None:
    series = tuple(Series(name=f"net <{i}>", x=(0.0, 1.0), runs=((0.0, 1.0),)) for i in range(10))
    drawing = drawn(figure_of(Lines(series=series), Lines(series=series), columns=2), "f")
    tree = ElementTree.fromstring(sheet(drawing.panels, drawing.legend, 2, GUTTER))
    space = "{http://www.w3.org/2000/svg}"
    assert tree.findall(f"{space}rect")[0].get("fill") == "#ffffff"
    panels = tree.findall(f"{space}svg")
    assert float(panels[0].get("width", "")) < float(panels[1].get("x", ""))
    assert {f"net <{i}>" for i in range(10)} <= {text.text for text in tree.iter(f"{space}text")}
