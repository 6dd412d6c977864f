"""The pictures of the pages: that their script writes them, in the size and type that the pages need."""

import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt

from docs.pictures import evidence

ROOT = Path(__file__).parents[1]


def test_the_script_writes_the_pictures_that_the_page_shows(tmp_path: Path) -> None:
    before = {**plt.rcParams, "backend": ""}
    written = evidence.write(tmp_path)
    assert {**plt.rcParams, "backend": ""} == before, "the style is the pictures' own"
    shown = re.findall(r"!\[[^\]]+\]\(pictures/(evidence-\w+\.svg)\)", (ROOT / "docs" / "evidence.md").read_text())
    kept = sorted(path.name for path in (ROOT / "docs" / "pictures").glob("evidence-*.svg"))
    assert sorted(path.name for path in written) == sorted(shown) == kept
    for path in written:
        picture = ElementTree.parse(path).getroot()
        assert picture.get("width") == "518.4pt"  # 691 px
        assert path.stat().st_size <= 40_000
        # Glyphs are drawn in hundredths of a point: at .09 type has 9 pt.
        sizes = [float(size) for size in re.findall(r"scale\(([\d.]+) -", path.read_text())]
        assert min(sizes) >= 0.09


def test_what_is_drawn_says_that_it_is(tmp_path: Path) -> None:
    """All but the claim, whose numbers were measured, and the power, which is computed."""
    for picture in evidence.PICTURES:
        with plt.rc_context():
            words = [text.get_text() for text in picture().texts]
        assert ("simulated" in words) == (picture.__name__ not in ("claim", "power"))
