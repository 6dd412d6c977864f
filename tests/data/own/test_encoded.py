"""Pictures of all modes as pixels, and what is said of files that are none."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rungwise.data.own.encoded import Encoded, decode, each_file, no_bombs, read_header
from rungwise.data.own.found import Header, Size
from rungwise.data.own.headers import quick_header
from rungwise.data.own.places.opening import open_place
from rungwise.data.own.preparation import Preparation
from rungwise.data.own.sizes import Fitting
from tests.data.own.material import encoded, noise, picture, write

GREY = noise(0, (5, 7))
COLOUR = noise(1, (5, 7, 3))


def reason(content: bytes) -> str:
    with pytest.raises(ValueError) as caught, no_bombs():
        decode(content)
    return str(caught.value)


def agrees(content: bytes, pixels: np.ndarray, grey: bool) -> None:
    """The pixels, and what the header says of them."""
    np.testing.assert_array_equal(decode(content), pixels)
    assert read_header(content) == Header(Size(*pixels.shape[:2]), grey)


# Modes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "TGA", "PPM", "GIF"])
def test_grey_pixels_are_as_they_are(kind: str) -> None:
    pixels = decode(encoded(Image.fromarray(GREY), kind))
    np.testing.assert_array_equal(pixels, GREY[:, :, np.newaxis])
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "TGA", "PPM"])
def test_colours_are_as_they_are(kind: str) -> None:
    agrees(encoded(Image.fromarray(COLOUR), kind), COLOUR, False)


def test_one_bit_is_black_and_white() -> None:
    bits = GREY > 127
    agrees(encoded(Image.fromarray(bits)), bits[:, :, np.newaxis] * np.uint8(255), True)


def test_a_palette_is_its_colours() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 128, 255])
    image.putpixel((1, 0), 1)
    agrees(encoded(image), np.array([[[255, 0, 0], [0, 128, 255]]], np.uint8), False)


def test_grey_written_as_colours_is_grey() -> None:
    """In RGB, and in a palette: the header cannot tell, the pixels can."""
    image = Image.fromarray(GREY)
    for written in (image.convert("RGB"), image.convert("P")):
        agrees(encoded(written), GREY[:, :, np.newaxis], False)


def test_transparent_pixels_are_laid_over_the_background() -> None:
    """(alpha * colour + (255 - alpha) * background) / 255, by hand."""
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    content = encoded(Image.fromarray(rgba))
    np.testing.assert_array_equal(decode(content), [[[200, 100, 0], [255, 255, 255], [244, 224, 204]]])
    np.testing.assert_array_equal(decode(content, (0, 0, 10)), [[[200, 100, 0], [0, 0, 10], [40, 20, 8]]])


def test_transparent_grey_is_grey_over_white() -> None:
    pixels = np.array([[[100, 255], [100, 0], [0, 102]]], np.uint8)
    agrees(encoded(Image.fromarray(pixels, "LA")), np.array([[[100], [255], [153]]], np.uint8), True)


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_colour_that_is_called_transparent_is(mode: str) -> None:
    image = Image.new("L", (2, 1), 10)
    image.putpixel((1, 0), 200)
    if mode == "P":
        image = Image.new("P", (2, 1))
        image.putpalette([200, 200, 200, 10, 10, 10])
        image.putpixel((0, 0), 1)
        content = encoded(image, transparency=1)
    else:
        content = encoded(image.convert(mode), transparency=10 if mode == "L" else (10, 10, 10))
    np.testing.assert_array_equal(decode(content), [[[255], [200]]])


def test_a_palette_with_shares_of_transparency() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 100, 0, 10, 10, 10])
    image.putpixel((1, 0), 1)
    np.testing.assert_array_equal(decode(encoded(image, transparency=bytes([51, 255]))), [[[244, 224, 204], [10] * 3]])


def test_inks_become_light() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    pixels = decode(encoded(image, "TIFF"))
    np.testing.assert_array_equal(pixels, np.full((8, 8, 3), (255, 0, 0), np.uint8))
    assert np.abs(decode(encoded(image, "JPEG")).astype(int) - (255, 0, 0)).max() < 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_scaled_not_clipped(kind: str) -> None:
    """65,535 is white, and 257 the first level above black: v * 255 / 65,535, rounded (vision#2218)."""
    values = np.array([[0, 128, 129, 257, 32_768, 65_535]], np.uint16)
    content = encoded(Image.fromarray(values), kind)
    agrees(content, np.array([[[0], [0], [1], [1], [128], [255]]], np.uint8), True)


def test_32_bits_and_floats_are_refused() -> None:
    assert "expected pixels of 8 or 16 bits, got values from 0 to 70000" in reason(
        encoded(Image.fromarray(np.array([[0, 70_000]], np.int32)), "TIFF")
    )
    assert "floating-point" in reason(encoded(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"))


def test_of_an_animation_the_first_picture_is_taken() -> None:
    frames = [Image.fromarray(noise(seed, (4, 4))) for seed in range(3)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode(content), noise(0, (4, 4))[:, :, np.newaxis])


# How a camera was held -----------------------------------------------------------------------------------------

UPRIGHT = np.arange(0, 240, 40, np.uint8).reshape(2, 3)
STORED = {  # what a camera stores of that scene, by the value of EXIF's tag (TIFF 6.0, "Orientation")
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),  # the camera's top was at the right: to be turned clockwise
    7: np.rot90(UPRIGHT, 2).T,
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("turn", STORED)
def test_pictures_stand_upright(kind: str, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    blocks = np.kron(STORED[turn], np.ones((8, 8), np.uint8))  # which JPEG keeps nearly as they are
    more = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(Image.fromarray(np.ascontiguousarray(blocks)), kind, exif=exif, **more)
    pixels = decode(content)
    assert pixels.shape == (16, 24, 1)
    assert np.abs(pixels[4::8, 4::8, 0].astype(int) - UPRIGHT).max() <= 2
    assert read_header(content) == Header(Size(16, 24), kind != "WEBP")


# Files that are none -------------------------------------------------------------------------------------------


def test_what_a_file_is_instead_is_said() -> None:
    assert reason(b"") == "it is empty"
    assert reason(b"  <!DOCTYPE html><html>not found</html>") == "it is a page (HTML, XML or SVG), not an image"
    assert reason(b"version https://git-lfs.github.com/spec/v1\noid sha256:00") == (
        "it is a pointer of Git LFS, not the image: fetch it with `git lfs pull`"
    )
    assert reason(noise(3, (200,)).tobytes()) == "it is no image of a known format"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_truncated_file_is_damaged(kind: str) -> None:
    """Its header may be whole."""
    content = encoded(Image.fromarray(noise(4, (60, 60, 3))), kind)
    half = content[: len(content) // 2]
    assert reason(half).startswith(("it is damaged", "it is no image"))
    assert isinstance(read_header(half), Header | str)
    decode(content)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def test_a_header_that_announces_a_bomb_is_refused() -> None:
    """Twice Pillow's limit is its error, and once its warning: both are refused."""
    for side in (9600, 60_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        content = (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
        )
        assert "as a decompression bomb has" in reason(content)
        with no_bombs():
            assert "as a decompression bomb has" in str(read_header(content))


def test_no_program_is_started_for_a_file(tmp_path: Path) -> None:
    """Pillow takes EPS by its content, whatever it is called, and has Ghostscript run it."""
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    assert Image.open(io.BytesIO(page)).format == "EPS"
    assert reason(page) == "it is no image of a known format"


# Headers that are read without Pillow --------------------------------------------------------------------------


MODES = [*((mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")), ("L", "JPEG"), ("RGB", "JPEG")]


@pytest.mark.parametrize(("mode", "kind"), [*MODES, ("CMYK", "JPEG")])
@pytest.mark.parametrize("turn", [None, 1, 6, 8])
def test_quick_headers_are_those_of_pillow(mode: str, kind: str, turn: int | None) -> None:
    exif = Image.Exif()
    if turn is not None:
        exif[0x0110], exif[0x0112] = "a camera", turn
    image = Image.fromarray(noise(5, (9, 6, 3))).convert("L" if mode == "I;16" else mode)
    image = image.convert("I").convert(mode) if mode == "I;16" else image
    content = encoded(image, kind, **({} if turn is None else {"exif": exif}))
    with Image.open(io.BytesIO(content)) as opened:
        turned = opened.getexif().get(0x0112) in {6, 8}
        grey = opened.mode in {"1", "L", "LA", "I;16"}
    expected = Header(Size(6, 9) if turned else Size(9, 6), grey)
    assert read_header(content) == expected
    quick = quick_header(content)
    assert quick in (expected, None)
    assert (quick is None) == (kind == "PNG" and turn is not None), "Pillow must look at a PNG with EXIF data"
    assert decode(content).shape[:2] == expected.size


def test_progressive_files_and_those_with_a_preview_are_understood() -> None:
    """EXIF has a small picture of its own, with a frame in it."""
    preview = encoded(Image.new("RGB", (4, 4)), "JPEG")
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes()
    image = Image.fromarray(noise(5, (9, 6, 3)))
    content = encoded(image, "JPEG", progressive=True, exif=block + preview, comment=b"\xff\xc0 is a marker")
    assert quick_header(content) == Header(Size(6, 9), False)
    assert decode(content).shape == (6, 9, 3)


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1\0\x20Exif\0\0"]),
)
def test_any_bytes_have_a_header_or_none(content: bytes, start: bytes) -> None:
    assert isinstance(quick_header(start + content), Header | None)


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_headers_that_break_off_are_left_to_pillow(cut: int) -> None:
    for kind in ("PNG", "JPEG"):
        content = encoded(Image.fromarray(noise(5)), kind)[:cut]
        assert quick_header(content) is None or kind == "PNG"


def test_what_is_seen_through_grey_images_may_have_a_colour(tmp_path: Path) -> None:
    content = encoded(Image.fromarray(np.full((8, 8, 2), (100, 0), np.uint8), "LA"))
    place = open_place(write(tmp_path, {"1.png": content}))
    for background, channels in (("white", 1), ("#ff0000", 3)):
        images = Encoded([read_header(content)], each_file(place, ["1.png"]), background)
        assert images.channels() == channels
        ((_, pixels),) = images.decode(Fitting(Size(8, 8), Preparation()))
        assert pixels.shape == (1, channels, 8, 8)


# Many files ----------------------------------------------------------------------------------------------------


def test_all_images_are_decoded_but_the_damaged_ones(tmp_path: Path) -> None:
    names = [f"{number:03}.png" for number in range(130)]
    files = {name: picture(number) for number, name in enumerate(names)}
    files["007.png"], files["099.png"] = b"", files["099.png"][:-30]
    place = open_place(write(tmp_path, files))
    images = Encoded([read_header(files[name]) for name in names], each_file(place, names))
    assert len(images) == 130
    assert images.sizes() == {Size(8, 8): 129}, "an empty one has no size"
    assert images.channels() == 1
    batches = list(images.decode(Fitting(Size(8, 8), Preparation())))
    found = {int(number): image for numbers, pixels in batches for number, image in zip(numbers, pixels, strict=True)}
    assert set(images.damaged) == set(range(130)) - set(found) == {7, 99}
    for number, pixels in found.items():
        np.testing.assert_array_equal(pixels, noise(number)[np.newaxis])
