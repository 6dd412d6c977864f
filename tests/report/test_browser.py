"""The page in a real browser."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rungwise.report.build import write_report
from rungwise.report.document import Document

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PROBE = """
<script>
addEventListener("load", () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument;
  const broken = [...page.querySelectorAll("svg image")].filter(image => image.getBoundingClientRect().width < 1);
  document.title = [
    page.documentElement.clientWidth, page.documentElement.scrollWidth, broken.length,
    page.querySelectorAll("figure svg").length, page.querySelectorAll("math").length,
  ].join(" ");
});
</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overflows_sideways(judged: Document, tmp_path: Path, width: int) -> None:
    page = write_report(judged, tmp_path)
    # A headless window has a least width; a frame within it does not.
    page.write_text(page.read_text().replace("<details", "<details open"))
    probe = tmp_path / "probe.html"
    frame = f'<iframe src="{page.name}" style="border:0;width:{width}px;height:900px"></iframe>'
    probe.write_text(f"<!DOCTYPE html><title></title>{PROBE}{frame}")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    # Scrollbars of a phone take no width. Files may look into each other: the probe reads the report.
    command += ["--hide-scrollbars", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    run = subprocess.run([*command, probe.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r"<title>([\d ]+)</title>", run.stdout)
    assert found, run.stdout[-2000:] + run.stderr[-2000:]
    seen, needed, broken, drawings, formulas = map(int, found[1].split())
    assert seen == width
    assert needed <= width
    assert broken == 0
    assert drawings > sum(len(chapter.figures) for chapter in judged.chapters)
    assert formulas >= 5
