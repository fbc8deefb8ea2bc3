"""Every kind of photo gives the pixels that a person would see."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.media.decoder.client import Decoder
from ml.media.photo import fitted, load_rgb, made_small, squash
from ml.media.place import Place
from tests.support import photos

Save = Callable[[bytes], Path]
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corner_colours(decoder: Decoder, path: Path) -> list[list[int]]:
    """Colours near the top left, top right and bottom left."""
    pixels = decoder.pixels(path, 32, "squash")
    return [pixels[y, x].tolist() for y, x in ((3, 3), (3, 28), (28, 3))]


def near(found: list[int], wanted: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_the_usual_kinds_are_read(decoder: Decoder, save: Save, kind: str) -> None:
    path = save(photos.encode(photos.scene(), kind))
    facts = decoder.inspect(path)
    assert (facts.format, facts.width, facts.height) == (kind, 120, 80)
    assert (facts.frames, facts.note) == (1, None)
    assert facts.content_type == f"image/{kind.lower()}"
    left, right, _ = corner_colours(decoder, path)
    assert near(left, (200, 30, 30))
    assert near(right, (30, 30, 200))


def test_the_view_is_a_jpeg_that_is_never_enlarged(decoder: Decoder, save: Save) -> None:
    small = Image.open(io.BytesIO(decoder.inspect(save(photos.encode(photos.scene(), "PNG"))).view))
    assert (small.format, small.size) == ("JPEG", (120, 80))
    large = photos.encode(photos.scene(4000, 3000), "JPEG")
    view = Image.open(io.BytesIO(decoder.inspect(save(large)).view))
    assert (view.format, view.mode, view.size) == ("JPEG", "RGB", (1600, 1200))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_as_its_exif_says(decoder: Decoder, save: Save, orientation: int) -> None:
    path = save(photos.rotated_by_exif(orientation))
    facts = decoder.inspect(path)
    assert (facts.width, facts.height) == ((80, 120) if orientation >= 5 else (120, 80))
    colours = corner_colours(decoder, path)
    is_red = [near(colour, (200, 30, 30)) for colour in colours]
    wanted = {
        1: [True, False, True],
        2: [False, True, False],
        3: [False, True, False],
        4: [True, False, True],
        5: [True, True, False],
        6: [True, True, False],
        7: [False, False, True],
        8: [False, False, True],
    }
    assert is_red == wanted[orientation]
    view = np.asarray(Image.open(io.BytesIO(facts.view)))
    assert near(view[4, 4].tolist(), (200, 30, 30)) == is_red[0]


def test_damaged_exif_does_not_spoil_the_photo(decoder: Decoder, save: Save) -> None:
    broken = photos.encode(photos.scene(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff garbage")
    assert decoder.inspect(save(broken)).width == 120


def test_cmyk_becomes_rgb(decoder: Decoder, save: Save) -> None:
    for kind in ("JPEG", "TIFF"):
        path = save(photos.encode(photos.scene().convert("CMYK"), kind))
        left, right, _ = corner_colours(decoder, path)
        assert near(left, (200, 30, 30))
        assert near(right, (30, 30, 200))


@pytest.mark.parametrize(("stored", "shown"), [(0, 0), (32768, 128), (65535, 255), (20000, 78)])
def test_16_bits_are_scaled_not_clipped(
    decoder: Decoder, save: Save, stored: int, shown: int
) -> None:
    path = save(photos.grey16(stored))
    assert corner_colours(decoder, path)[0] == [shown] * 3
    assert decoder.inspect(path).format == "PNG"


def test_16_bit_colour_is_read(decoder: Decoder, save: Save) -> None:
    path = save(photos.colour16(51200, 25600, 0))
    assert near(corner_colours(decoder, path)[0], (200, 100, 0))


def test_what_is_transparent_stands_on_white(decoder: Decoder, save: Save) -> None:
    left, right, _ = corner_colours(decoder, save(photos.palette_with_alpha()))
    assert near(left, WHITE)
    assert near(right, GREEN)
    half = Image.new("RGBA", (40, 40), (255, 0, 0, 128))
    for kind in ("PNG", "WEBP"):
        path = save(photos.encode(half, kind))
        assert near(corner_colours(decoder, path)[0], (255, 127, 127))
    grey = photos.encode(Image.new("LA", (40, 40), (0, 0)), "PNG")
    assert near(corner_colours(decoder, save(grey))[0], WHITE)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_frame_is_used(decoder: Decoder, save: Save, kind: str) -> None:
    path = save(photos.animation(kind))
    facts = decoder.inspect(path)
    assert facts.frames == 3
    assert facts.note == "The photo is animated (3 frames): the first frame is used."
    assert near(corner_colours(decoder, path)[0], RED)


def test_of_a_tiff_the_first_page_is_used(decoder: Decoder, save: Save) -> None:
    facts = decoder.inspect(save(photos.animation("TIFF")))
    assert facts.note == "The file has 3 pages: the first is used."


def test_a_phones_double_photo_is_a_jpeg(decoder: Decoder, save: Save) -> None:
    facts = decoder.inspect(save(photos.animation("MPO")))
    assert (facts.format, facts.content_type) == ("JPEG", "image/jpeg")
    assert (facts.frames, facts.note) == (1, None)


def test_the_command_line_gets_the_same_numbers(decoder: Decoder, save: Save) -> None:
    path = save(photos.encode(photos.scene(333, 517), "JPEG"))
    for size, fit in ((96, "shape"), (224, "squash"), (512, "crop")):
        expected = fitted(load_rgb(path), size, fit)
        assert np.array_equal(decoder.pixels(path, size, fit), expected)


def test_a_photo_made_small_has_the_same_numbers_there(decoder: Decoder, save: Save) -> None:
    path = save(photos.encode(photos.scene(999, 517), "JPEG"))
    place = Place(0.35, 0.8, 0.2)
    pixels = decoder.pixels(path, 224, "shape", place)
    assert np.array_equal(pixels, made_small(load_rgb(path), 224, place))
    elsewhere = decoder.pixels(path, 224, "shape", Place(0.35, 0, 1))
    changed = (pixels != elsewhere).any(2)
    assert changed[40:75, 120:190].mean() > 0.9
    assert not changed[:75, :110].any(), "there is the ground, which stays"


def test_squashing_averages_what_it_shrinks(save: Save) -> None:
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    path = save(photos.encode(Image.fromarray(stripes), "PNG"))
    pixels = squash(load_rgb(path), 64)
    assert pixels.shape == (64, 64, 3)
    assert np.abs(pixels[8:-8, 8:-8].astype(int) - 127).max() <= 8
