"""Registries: own members stay, other packages' are found, and what cannot be used is told with the package's name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rungwise.balancing import METHODS
from rungwise.chapters import CHAPTERS
from rungwise.extensions import ExtensionError, Registry
from rungwise.models.cnn import CnnSettings
from rungwise.models.families import FAMILIES, families_for
from rungwise.study.reading import parse_study
from rungwise.study.study import StudyError
from rungwise.works import WORKS

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package with one module of its name: with this code, and these lines of entry points."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(package: str, code: str, *lines: str) -> None:
        (tmp_path / f"{package}.py").write_text(code)
        info = tmp_path / f"{package}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")

    return write


NET = """
from typing import Literal
from rungwise.models.net import NetSettings
class Settings(NetSettings):
    family: Literal["{0}"] = "{0}"
    width: int = 1
    def build(self, image, outputs):
        return Net(image, outputs)
"""
MODULE = """
from torch import nn
class Net(nn.Module):
    def __init__(self, image, outputs):
        super().__init__()
        self.head = nn.Linear(image[0] * image[1] * image[2], outputs[0])
    def features(self, x):
        return {"logits": self.head(x.flatten(1))}
    def forward(self, x):
        return (self.features(x)["logits"],)
"""


@pytest.mark.parametrize("registry", [FAMILIES, METHODS, CHAPTERS, WORKS], ids=lambda registry: registry.group)
def test_every_own_member_is_there(registry: Registry[object]) -> None:
    for name in registry.own:
        assert registry.find(name)


def test_another_packages_member_is_found(install: Install) -> None:
    install("pack_found", NET.format("mine"), "[rungwise.models]", "mine = pack_found:Settings", "cnn = pack_found")
    assert FAMILIES.find("mine").__module__ == "pack_found"
    assert FAMILIES.find("cnn") is CnnSettings, "nobody takes a name of ours"
    assert families_for("cnn") == ["cnn", "mine", "residual"]
    assert families_for("trunk") == ["compact", "shared"]


def test_an_unknown_member_is_told_with_the_nearest(install: Install) -> None:
    install("pack_near", "", "[rungwise.models]", "spiral = pack_near:Settings")
    with pytest.raises(ExtensionError, match="no family of nets is called 'spirl'; did you mean 'spiral'"):
        FAMILIES.find("spirl")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such_library", "cannot be imported .ModuleNotFoundError: No module named 'no_such_library'"),
        ("Settings = 1 / 0", "cannot be imported .ZeroDivisionError"),
        ("other = 3", "cannot be imported .AttributeError"),
        ("Settings = int", "expected a subclass of NetSettings, or a module with one as Settings, got <class 'int'>"),
        (
            NET.format("yours"),
            """expected the name in the settings themselves, as family: Literal."mine"..*got 'yours'""",
        ),
        (NET.format("mine").replace("build", "make"), "expected Settings to have build, as NetSettings asks"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_package(install: Install, code: str, says: str) -> None:
    package = f"pack_broken_{abs(hash(code))}"
    install(package, code, "[rungwise.models]", f"mine = {package}:Settings")
    with pytest.raises(ExtensionError, match=says) as error:
        FAMILIES.find("mine")
    told = str(error.value)
    assert told.startswith(f"the package '{package}' 1.5 offers the family of nets 'mine' as '{package}:Settings'")
    assert "If the package is yours, correct it or its entry point, and install it again." in told


def test_one_name_from_two_packages_is_nobodys(install: Install) -> None:
    for package in ("pack_a", "pack_b"):
        install(package, NET.format("mine"), "[rungwise.models]", f"mine = {package}:Settings")
    with pytest.raises(ExtensionError, match=r"'pack_[ab]' 1.5 and .*uninstall all but one"):
        FAMILIES.find("mine")


def test_a_module_that_is_no_chapter_says_what_it_lacks(install: Install) -> None:
    install("pack_chapter", "def trials(settings, seeds): ...", "[rungwise.chapters]", "mine = pack_chapter")
    with pytest.raises(ExtensionError, match="lacks Settings, metrics, measured, findings"):
        CHAPTERS.find("mine")


STUDY = """title = "x"
[[chapter]]
kind = "cnns"
data = { source = "digits" }
fit = { epochs = 1 }
[chapter.nets]
A = { filters = [2] }
B = { family = "mine", NAME = 2 }
"""


def test_faults_of_another_packages_net_are_told_with_their_lines(install: Install) -> None:
    install("pack_lines", NET.format("mine") + MODULE, "[rungwise.models]", "mine = pack_lines:Settings")
    study = parse_study(STUDY.replace("NAME", "width"), "study.toml")
    assert study.chapters[0].nets["B"].width == 2  # type: ignore[attr-defined]
    assert parse_study(study.as_json(), "study.json") == study
    with pytest.raises(
        StudyError, match=r"line 8: unknown setting 'nets.B.wdth'; did you mean 'width'\? Known: family"
    ):
        parse_study(STUDY.replace("NAME", "wdth"), "study.toml")
    with pytest.raises(StudyError, match=r"line 8: nets.B: no family of nets is called 'mien'; did you mean 'mine'\?"):
        parse_study(STUDY.replace("mine", "mien").replace("NAME", "width"), "study.toml")


def test_a_broken_package_is_told_with_the_line_that_asks_for_it(install: Install) -> None:
    install("pack_bad", "import nothing_of_this_name", "[rungwise.models]", "mine = pack_bad:Settings")
    install("pack_worse", "import nothing_of_this_name", "[rungwise.chapters]", "worse = pack_worse")
    text = STUDY.replace("NAME", "width") + '[[chapter]]\nkind = "worse"\n'
    with pytest.raises(StudyError) as error:
        parse_study(text, "study.toml")
    first, second = str(error.value).splitlines()
    assert first.startswith("study.toml, line 8: nets.B: the package 'pack_bad' 1.5 offers the family of nets 'mine'")
    assert second.startswith("study.toml, line 10: the package 'pack_worse' 1.5 offers the kind of chapter 'worse'")


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (
            'return (self.features(x)["logits"],)',
            'return self.features(x)["logits"]',
            "a tuple .*; it returned a Tensor",
        ),
        ("outputs[0])", "3)", r"of shapes \[\(2, 10\)\]; it returned \[\(2, 3\)\]"),
        ("def features", "def stages", "fails on images of shape .1, 28, 28.: AttributeError"),
        ('features(x)["logits"],)', "head(x.flatten(1)),)\n    features = 3", r"needs a method `features\(x\)`"),
        (
            "super().__init__()",
            "super().__init__(); self.drop = nn.Dropout(0.5)",
            "has PyTorch's dropout.*: use .*, or leave it out",
        ),
        ("super().__init__()", "super().__init__(); self.rnn = nn.GRU(2, 2)", "nobody knows how .* of GRU starts"),
        ("outputs[0])", "outputs[0], width=3)", "fails on images .*TypeError.*width"),
    ],
    ids=["no tuple", "classes", "features missing", "no method", "dropout", "start", "build"],
)
def test_a_net_that_is_none_is_told_when_the_study_is_read(install: Install, right: str, wrong: str, says: str) -> None:
    assert right in MODULE
    package = f"pack_{len(wrong)}_{len(says)}"
    code = NET.format("mine") + MODULE.replace(right, wrong)
    install(package, code, "[rungwise.models]", f"mine = {package}:Settings")
    with pytest.raises(StudyError, match=f"study.toml, line 8: B, a net of the family 'mine': .*{says}"):
        parse_study(STUDY.replace("NAME", "width"), "study.toml")
