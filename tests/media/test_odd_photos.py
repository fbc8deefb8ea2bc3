"""Photos as people really have them: read right, and whatever was guessed or left out is said."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageFilter

from app.core.errors import BadMedia
from app.media.decoder.client import Decoder, MediaFacts
from ml.media.cut_jpeg import PASS
from ml.media.photo import load_rgb, verify
from ml.train.tasks.photos.decoding import decode
from tests.support import photos, profiles

Save = Callable[[bytes], Path]
ONE_COLOUR = "nearly of one colour"


def picture(side: int = 96) -> np.ndarray:
    """A smooth picture in 0..1, float32 [side, side, 3], with all tones and many colours."""
    noise = np.random.default_rng(3).random((side, side, 3), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    low, high = smooth.min(), smooth.max()
    return (smooth - low) / (high - low)


def grey() -> np.ndarray:
    one = picture()[..., 0]
    return (one - one.min()) / (one.max() - one.min())


def tiff(values: np.ndarray) -> bytes:
    return photos.encode(Image.fromarray(values), "TIFF")


def seen(decoder: Decoder, path: Path) -> tuple[MediaFacts, np.ndarray]:
    """What the page shows, as numbers, and the facts."""
    facts = decoder.inspect(path)
    return facts, np.asarray(Image.open(io.BytesIO(facts.view)).convert("RGB"), int)


def far(found: np.ndarray, wanted: np.ndarray) -> float:
    """Mean difference in levels: the view is a JPEG."""
    return float(np.abs(found - 255 * (wanted if wanted.ndim == 3 else wanted[..., None])).mean())


NUMBERS = {
    "float of 0..1": (lambda: tiff(grey()), "0 is shown black, 1 white"),
    "float of 0..65535": (lambda: tiff(65535 * grey()), "0 is shown black, 65535 white"),
    "float around zero": (lambda: tiff(grey() * 40 - 20), "-20 is shown black, 20 white"),
    "a faint float": (lambda: tiff(0.5 + 0.05 * grey()), "0.5 is shown black, 0.55 white"),
    "12 bits in 16": (lambda: tiff((4095 * grey()).astype(np.uint16)), "4095 white"),
    "10 bits in a PNG": (
        lambda: photos.encode(Image.fromarray((1023 * grey()).astype(np.uint16)), "PNG"),
        "1023 white",
    ),
    "32-bit integers": (lambda: tiff((1e6 * grey()).astype(np.int32)), "1000000 white"),
}


@pytest.mark.parametrize(("make", "words"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_are_read_by_their_range_and_it_is_said(
    decoder: Decoder, save: Save, make: Callable[[], bytes], words: str
) -> None:
    facts, shown = seen(decoder, save(make()))
    assert far(shown, grey()) < 3
    assert facts.note is not None
    assert words in facts.note
    assert ONE_COLOUR not in facts.note


def test_a_pixel_without_a_number_spoils_no_other(decoder: Decoder, save: Save) -> None:
    values = grey()
    values[:4, :4], values[10, 10], values[11, 11] = np.nan, np.inf, -np.inf
    facts, shown = seen(decoder, save(tiff(values)))
    assert far(shown[20:], grey()[20:]) < 3
    assert "Pixels without a number" in str(facts.note)
    nothing = decoder.inspect(save(tiff(np.full((40, 40), np.nan, np.float32))))
    assert ONE_COLOUR in str(nothing.note)


@pytest.mark.parametrize("kind", [".png", ".tiff"])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_colour_with_fewer_than_16_bits_is_no_black_picture(
    decoder: Decoder, save: Save, kind: str, bits: int
) -> None:
    values = ((2**bits - 1) * picture()).astype(np.uint16)
    data = cv2.imencode(kind, values[..., ::-1])[1].tobytes()
    facts, shown = seen(decoder, save(data))
    assert far(shown, picture()) < 4
    assert f"{2**bits - 1} white" in str(facts.note)


def test_full_16_bits_need_no_note(decoder: Decoder, save: Save) -> None:
    for values in ((65535 * grey()).astype(np.uint16), (65535 * picture()).astype(np.uint16)):
        data = cv2.imencode(".png", values[..., ::-1] if values.ndim == 3 else values)[1].tobytes()
        facts, shown = seen(decoder, save(data))
        assert facts.note is None
        assert far(shown, picture() if values.ndim == 3 else grey()) < 3


@pytest.mark.parametrize("colour", [(0, 0, 0), (40, 90, 200), (255, 255, 255)])
def test_what_is_nearly_of_one_colour_says_so(
    decoder: Decoder, save: Save, colour: tuple[int, int, int]
) -> None:
    image = Image.new("RGB", (200, 200), colour)
    image.paste((255, 0, 0), (0, 0, 10, 10))  # a speck changes nothing
    assert ONE_COLOUR in str(decoder.inspect(save(photos.encode(image, "PNG"))).note)
    image.paste((255, 0, 0), (0, 0, 60, 60))
    assert decoder.inspect(save(photos.encode(image, "PNG"))).note is None


def test_a_phones_heic_photo_is_read(decoder: Decoder, save: Save) -> None:
    image = Image.fromarray((255 * picture(160)).astype(np.uint8)).crop((0, 0, 160, 120))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=95, exif=exif.tobytes())
    path = save(file.getvalue())
    facts, shown = seen(decoder, path)
    assert (facts.kind, facts.format, facts.content_type) == ("image", "HEIC", "image/heic")
    assert (facts.width, facts.height, facts.note) == (120, 160, None)
    assert np.abs(shown - np.asarray(image.transpose(Image.Transpose.ROTATE_270), int)).mean() < 5
    assert decoder.pixels(path, 64, "squash").shape == (64, 64, 3)
    assert max(Image.open(io.BytesIO(decoder.thumbnail(path, 40))).size) == 40
    assert (verify(path).width, verify(path).height) == (120, 160)
    with pytest.raises(BadMedia, match=r"cut off or damaged|not a photo"):
        decoder.inspect(save(file.getvalue()[:-2000]))


def test_of_several_photos_in_a_heic_the_main_one_is_used(decoder: Decoder, save: Save) -> None:
    several = pillow_heif.HeifFile()
    for colour in ("red", "blue"):
        image = Image.new("RGB", (64, 64), colour)
        image.paste("white", (0, 0, 32, 64))
        several.add_from_pillow(image)
    file = io.BytesIO()
    several.save(file, primary_index=1, quality=90)
    facts, shown = seen(decoder, save(file.getvalue()))
    assert facts.note == "The file has 2 photos: its main one is used."
    assert shown[32, 50, 2] > 200 > shown[32, 50, 0]


def jpeg(**options: bool) -> bytes:
    """A photo with detail everywhere, so that its data are spread over its rows."""
    noise = np.random.default_rng(5).integers(0, 255, (160, 240, 3), np.uint8)
    image = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(2))
    return photos.encode(image, "JPEG", quality=90, **options)


def test_a_jpeg_without_its_last_bytes_is_taken(decoder: Decoder, save: Save) -> None:
    whole = jpeg()
    before = np.asarray(load_rgb(save(whole)), int)
    path = save(whole[:-2])
    facts, shown = seen(decoder, path)
    assert facts.note == "The file ends early: its last bytes are missing."
    assert np.abs(shown - before).mean() < 3
    assert np.array_equal(np.asarray(load_rgb(path)), before)
    assert np.array_equal(decode(path, 32), decode(save(whole), 32))


@pytest.mark.parametrize("share", [0.7, 0.9])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_how_much_of_a_cut_jpeg_is_missing_is_said(
    decoder: Decoder, save: Save, share: float, mode: str
) -> None:
    whole = Image.open(io.BytesIO(jpeg())).convert(mode)
    data = photos.encode(whole, "JPEG", quality=90)
    note = decoder.inspect(save(data[: int(share * len(data))])).note
    words = "of the picture, at its bottom, is missing and shown grey."
    assert note is not None
    assert note.endswith(words)
    missing = float(note.removeprefix("The file ends early: ").partition(" %")[0]) / 100
    assert abs(missing - (1 - share)) < 0.06


def test_a_jpeg_of_which_most_is_missing_is_refused(decoder: Decoder, save: Save) -> None:
    plain, progressive = jpeg(), jpeg(progressive=True)
    first_pass = progressive[: progressive.index(PASS, progressive.index(PASS) + 2)]
    for data in (plain[: len(plain) // 3], first_pass):
        with pytest.raises(BadMedia, match=r"is missing\. Save or send it once more"):
            decoder.inspect(save(data))


def test_a_cut_progressive_jpeg_lacks_detail(decoder: Decoder, save: Save) -> None:
    data = jpeg(progressive=True)
    note = decoder.inspect(save(data[: len(data) * 3 // 4])).note
    assert note == "The file ends early: some of its detail may be missing."


PROFILES = {"ProPhoto": profiles.pro_photo, "P3": profiles.display_p3, "Adobe": profiles.adobe_rgb}


@pytest.mark.parametrize("make", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_colours_are_those_of_srgb(
    decoder: Decoder, save: Save, make: Callable[[], bytes], kind: str
) -> None:
    """The reference is the mathematics, by numpy; not the library that the reader uses."""
    stored = np.full((64, 64, 3), (120, 160, 90), np.uint8)
    stored[:, 32:] = (90, 100, 140)
    options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {"quality": 100}
    if kind in {"JPEG", "AVIF"}:
        options["subsampling"] = "4:4:4"
    elif kind == "HEIF":
        options["chroma"] = 444
    profile = make()
    data = photos.encode(Image.fromarray(stored), kind, icc_profile=profile, **options)
    path = save(data)
    wanted = profiles.as_srgb(stored, profile)
    assert np.abs(wanted[0, [5, 60]] - stored[0, [5, 60]].astype(int)).max() >= 8
    for found in (
        decoder.pixels(path, 64, "squash"),
        np.asarray(load_rgb(path)),
        decode(path, 64).transpose(1, 2, 0),
        np.asarray(Image.open(io.BytesIO(decoder.thumbnail(path, 64)))),
        seen(decoder, path)[1],
    ):
        assert np.abs(found[32, [5, 60]].astype(int) - wanted[32, [5, 60]]).max() <= 6
    assert decoder.inspect(path).note is None


def test_a_profile_that_is_srgb_changes_no_number(save: Save) -> None:
    image = Image.fromarray((255 * picture()).astype(np.uint8))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save(photos.encode(image, "PNG", icc_profile=srgb))
    assert np.array_equal(np.asarray(load_rgb(path)), np.asarray(image))


def test_transparent_and_grey_photos_have_profiles_too(decoder: Decoder, save: Save) -> None:
    image = Image.new("RGBA", (64, 64), (120, 160, 90, 255))
    image.paste((0, 0, 0, 0), (32, 0, 64, 64))
    profile = profiles.display_p3()
    _, shown = seen(decoder, save(photos.encode(image, "PNG", icc_profile=profile)))
    wanted = profiles.as_srgb(np.full((1, 1, 3), (120, 160, 90), np.uint8), profile)[0, 0]
    assert np.abs(shown[32, 10] - wanted).max() <= 4
    assert shown[32, 50].min() > 250
    palette = image.convert("RGB").quantize(4)
    _, shown = seen(decoder, save(photos.encode(palette, "PNG", icc_profile=profile)))
    assert np.abs(shown[32, 10] - wanted).max() <= 4
    linear = profiles.grey(1.0)
    for mode in ("L", "LA"):
        plain = Image.linear_gradient("L").convert(mode)
        facts, shown = seen(decoder, save(photos.encode(plain, "PNG", icc_profile=linear)))
        assert facts.note is None
        assert shown[128, 0, 0] == pytest.approx(188, abs=3)  # half the light


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_broken_profile_is_left_out_and_it_is_said(
    decoder: Decoder, save: Save, kind: str
) -> None:
    image = Image.fromarray((255 * picture()).astype(np.uint8))
    for profile in (b"no profile at all", profiles.display_p3()[:200], profiles.grey(1.0)):
        facts, shown = seen(decoder, save(photos.encode(image, kind, icc_profile=profile)))
        assert "colour profile is damaged and was left out" in str(facts.note)
        assert far(shown, picture()) < 4


def test_a_profile_that_cannot_be_unpacked_is_said(decoder: Decoder, save: Save) -> None:
    whole = photos.encode(photos.scene(), "PNG")
    chunk = photos.chunk(b"iCCP", b"icc\0\0this is no zlib stream")
    assert "profile is damaged" in str(decoder.inspect(save(whole[:33] + chunk + whole[33:])).note)


def test_a_png_whose_still_picture_is_no_frame_says_so(decoder: Decoder, save: Save) -> None:
    still, *frames = (Image.new("RGB", (40, 40), c) for c in ("white", "red", "green", "blue"))
    still.paste("black", (0, 0, 20, 40))
    data = photos.encode(
        still, "PNG", save_all=True, append_images=frames, default_image=True, duration=100
    )
    facts, shown = seen(decoder, save(data))
    assert facts.frames == 3
    assert facts.note == (
        "The photo is animated (3 frames): its still picture, none of them, is used."
    )
    assert (shown[20, 10].max() < 10, shown[20, 30].min() > 245) == (True, True)


def test_an_odd_tiff_is_refused_by_name(decoder: Decoder, save: Save) -> None:
    colour = cv2.imencode(".tiff", picture())[1].tobytes()
    with pytest.raises(BadMedia, match="TIFF file stores") as refusal:
        decoder.inspect(save(colour))
    assert refusal.value.status == 415


def test_the_first_page_of_a_pdf_is_drawn_and_it_is_said(decoder: Decoder, save: Save) -> None:
    first, second = (Image.fromarray((255 * p).astype(np.uint8)) for p in (picture(), grey()))
    sheet = first.resize((200, 100)), second.resize((50, 50))
    data = photos.encode(sheet[0], "PDF", save_all=True, append_images=sheet[1:])
    facts, shown = seen(decoder, save(data))
    assert (facts.format, facts.content_type, facts.frames) == ("PDF", "application/pdf", 2)
    assert (facts.width, facts.height) == (2000, 1000)
    assert facts.note == "The PDF has 2 pages: the first is used, drawn at 2000 x 1000 pixels."
    wanted = np.asarray(sheet[0].resize(shown.shape[1::-1]), int)
    assert float(np.abs(shown - wanted).mean()) < 4
    alone = decoder.inspect(save(photos.encode(sheet[0], "PDF"))).note
    assert alone == "The PDF's page is drawn at 2000 x 1000 pixels."


@pytest.mark.parametrize("data", [b"%PDF-1.7\n" + bytes(500), b"%PDF-"])
def test_a_damaged_pdf_is_refused_in_words(decoder: Decoder, save: Save, data: bytes) -> None:
    with pytest.raises(BadMedia, match="This PDF cannot be opened"):
        decoder.inspect(save(data))


def test_notes_add_up(decoder: Decoder, save: Save) -> None:
    pages = [Image.fromarray(np.full((40, 40), 7, np.uint16)) for _ in range(2)]
    note = decoder.inspect(
        save(photos.encode(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    ).note
    assert note is not None
    assert note.startswith("The file has 2 pages: the first is used. The file's numbers go from 7")
    assert ONE_COLOUR in note
