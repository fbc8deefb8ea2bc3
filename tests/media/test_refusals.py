"""What cannot be read is refused with a sentence, and the decoder goes on."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import BadMedia, SightlineError, TooLarge
from app.media.decoder.client import Decoder
from tests.support import photos
from tests.support.mutations import check_medium, mutated

Save = Callable[[bytes], Path]
GOOD = photos.encode(photos.scene(), "JPEG")
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage\n"


WEBP = photos.encode(photos.scene(300, 300), "WEBP")
REFUSED = {
    "text": (b"Dear sir or madam,\n" * 50, BadMedia, 415, "not a photo"),
    "zeros": (b"\0" * 1000, BadMedia, 415, "not a photo"),
    "three bytes of JPEG": (b"\xff\xd8\xff", BadMedia, 415, "not a photo"),
    "HEIC": (HEIC, BadMedia, 415, "HEIC"),
    "SVG": (SVG, BadMedia, 415, "use JPEG, PNG"),
    "EPS": (EPS, BadMedia, 415, "use JPEG, PNG"),
    "half a JPEG": (GOOD[: len(GOOD) // 2], BadMedia, 400, "cut off or damaged"),
    "a cut PNG": (photos.encode(photos.scene(), "PNG")[:-60], BadMedia, 400, "cut off"),
    "a cut WebP": (WEBP[:-40], BadMedia, 400, "cut off or damaged"),
    "a PNG without pixels": (photos.png_header_only(100, 100), BadMedia, 400, "cut off"),
    "a text bomb": (photos.png_text_bomb(), BadMedia, 400, "cut off or damaged"),
    "81 megapixels promised": (photos.png_header_only(9000, 9000), TooLarge, 413, "81 million"),
    "a bomb": (photos.png_bomb(9000), TooLarge, 413, "at most 80 million"),
    "30000 x 1": (photos.png_header_only(30000, 1), TooLarge, 413, "30000 x 1 pixels"),
    "30000 x 20": (photos.png_header_only(30000, 20), TooLarge, 413, "may exceed 20000"),
    "1 x 1": (photos.png_header_only(1, 1), BadMedia, 400, "at least 8"),
    "1 x 1 GIF": (photos.encode(photos.scene(1, 1), "GIF"), BadMedia, 400, "1 x 1 pixels"),
}


@pytest.mark.parametrize(("data", "kind", "status", "words"), REFUSED.values(), ids=REFUSED)
def test_the_reason_helps(
    decoder: Decoder, save: Save, data: bytes, kind: type[SightlineError], status: int, words: str
) -> None:
    path = save(data)
    with pytest.raises(kind, match=words) as refusal:
        decoder.inspect(path)
    assert refusal.value.status == status
    assert refusal.value.detail.endswith((".", ")"))
    with pytest.raises(kind):
        decoder.pixels(path, 224, "shape")


def test_a_refusal_costs_no_new_process(new_decoder: Decoder, save: Save) -> None:
    new_decoder.warm()
    first = pid(new_decoder)
    for data in (b"text", GOOD[:500], photos.png_header_only(9000, 9000)):
        with pytest.raises(SightlineError):
            new_decoder.inspect(save(data))
    assert new_decoder.inspect(save(GOOD)).width == 120
    assert pid(new_decoder) == first


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_damaged_at_random_it_is_read_or_refused(
    decoder: Decoder, tmp_path: Path, kind: str
) -> None:
    """`tests/soak/test_mutated_media.py` does it without end."""
    whole = photos.encode(photos.scene(), kind)
    dice = random.Random(kind)
    for _ in range(4):
        check_medium(decoder, tmp_path / "file", mutated(whole, dice))
    assert check_medium(decoder, tmp_path / "file", whole)


def pid(decoder: Decoder) -> int:
    return next(process.pid for process in decoder.pool.processes if process.role == "photo")
