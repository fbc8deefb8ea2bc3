"""What a clip looks like: over white, each frame in its own shape, on an ordinary screen."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from ml.media.clip import read
from ml.media.clip.colours import HLG, PQ
from ml.media.clip.pixels import Converter
from ml.media.clip.source import Picture
from tests.support.clip_files import GREEN, KINDS, RED, make, number
from tests.support.playable import copied

RATE = Fraction(1, 25)
COUNT = 12


def write(
    path: Path,
    codec: str,
    pix_fmt: str,
    draw: Callable[[int], np.ndarray],
    *,
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    count: int = COUNT,
) -> Path:
    """Write frames, RGB or RGBA, at 25 a second."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = draw(0).shape[:2]
        stream.pix_fmt = pix_fmt
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for at in range(count):
            pixels = draw(at)
            frame = VideoFrame.from_ndarray(pixels, "rgba" if pixels.shape[2] == 4 else "rgb24")
            frame.pts, frame.time_base = at, RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def sticker(_: int) -> np.ndarray:
    """A black figure on nothing, and half of a red one."""
    pixels = np.zeros((96, 128, 4), np.uint8)
    pixels[32:64, 16:48, 3] = 255
    pixels[32:64, 80:112] = 255, 0, 0, 128
    return pixels


SEEN = {(48, 32): (0, 0, 0), (48, 96): (255, 127, 127), (10, 10): (255, 255, 255)}


def assert_over_white(pixels: np.ndarray) -> None:
    for (y, x), colour in SEEN.items():
        assert np.abs(pixels[y, x].astype(int) - colour).max() < 16, (y, x)


TRANSPARENT = {
    "VP9": ("clip.webm", "libvpx-vp9", "yuva420p", {"deadline": "realtime"}),
    "VP8": ("clip.webm", "libvpx", "yuva420p", {"auto-alt-ref": "0", "deadline": "realtime"}),
    "VP9 in MKV": ("clip.mkv", "libvpx-vp9", "yuva420p", {"deadline": "realtime"}),
    "ProRes 4444": ("clip.mov", "prores_ks", "yuva444p10le", {"profile": "4444"}),
    "PNG": ("clip.mov", "png", "rgba", {}),
    "QTRLE": ("clip.mov", "qtrle", "argb", {}),
    "FFV1": ("clip.mkv", "ffv1", "bgra", {}),
}


def opened_jpeg(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", TRANSPARENT)
def test_transparent_clips_are_shown_over_white(tmp_path: Path, name: str) -> None:
    file, codec, pix_fmt, options = TRANSPARENT[name]
    path = write(tmp_path / file, codec, pix_fmt, sticker, options=options)
    facts, poster = read.inspect(path)
    assert facts.note == "The clip is transparent in part: it is shown over white."
    assert not facts.playable, "on the page it would lie over the page"
    assert_over_white(opened_jpeg(poster))
    assert_over_white(opened_jpeg(read.thumbnail(path, 128)))
    for frame in read.frames(path, [0, 5, COUNT - 1], (128, 96)):
        assert_over_white(frame)
    copy = copied(path)
    assert_over_white(read.frames(copy, [5], (128, 96))[0])
    assert len(read.times(copy)) == COUNT


def test_the_edge_of_a_figure_is_not_stained_by_what_is_hidden() -> None:
    """Mixed before it is scaled, as a photo is: hidden black does not bleed into white."""
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, ::2] = 255
    small = Converter(8, 8).array(Picture(VideoFrame.from_ndarray(pixels, "rgba")))
    assert small.min() > 250


def test_opaque_clips_have_no_note(tmp_path: Path) -> None:
    """Their format may hold transparency all the same, or bytes that only look like it."""
    solid = np.dstack([np.full((96, 128, 3), 90, np.uint8), np.full((96, 128), 255, np.uint8)])
    bare = solid.copy()
    bare[..., 3] = 0
    for path, codec, pix_fmt, drawn in (
        (tmp_path / "png.mov", "png", "rgba", solid),
        (tmp_path / "raw.avi", "rawvideo", "bgra", bare),
    ):
        write(path, codec, pix_fmt, lambda _, d=drawn: d)
        assert read.inspect(path)[0].note is None
        assert np.abs(read.frames(path, [3], 96).astype(int) - 90).max() < 3


def square(height: int, width: int, aspect: float) -> np.ndarray:
    """A white square on dark grey, as stored in pixels of this aspect."""
    pixels = np.full((height, width, 3), 60, np.uint8)
    half = height // 4
    across = round(half / aspect)
    pixels[height // 2 - half : height // 2 + half, width // 2 - across : width // 2 + across] = 255
    return pixels


def proportion(pixels: np.ndarray) -> float:
    """Width by height of the white square."""
    white = pixels.mean(-1) > 180
    return float(white.any(0).sum() / white.any(1).sum())


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
def test_a_changing_pixel_aspect_distorts_nothing(tmp_path: Path, codec: str) -> None:
    """As where a broadcast goes over from 4:3 to 16:9, with the same stored size."""
    narrow, wide = Fraction(1), Fraction(4, 3)
    parts = [
        write(tmp_path / f"{k}.ts", codec, "yuv420p", lambda _, a=a: square(96, 128, float(a)),
              options={"bf": "2"}, aspect=a, count=n)
        for k, (a, n) in enumerate([(narrow, 10), (wide, 20)])
    ]  # fmt: skip
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    facts, poster = read.inspect(path)
    assert facts.frames == 30
    assert facts.width / facts.height == pytest.approx(4 / 3, abs=0.02)
    assert "changes its shape" in str(facts.note)
    assert proportion(opened_jpeg(poster)) == pytest.approx(1, abs=0.06)
    for frame in read.frames(path, list(range(30)), (facts.width, facts.height)):
        assert proportion(frame) == pytest.approx(1, abs=0.08)
    copy = copied(path)
    for frame in read.frames(copy, [3, 25], (facts.width, facts.height)):
        assert proportion(frame) == pytest.approx(1, abs=0.08)
    ends = [read.frames(path, [at], (facts.width, facts.height))[0] for at in (0, 29)]
    assert ends[0][2].mean() > 40 > 10 > ends[1][2].mean(), "bars above and below"


def nits(value: float) -> int:
    """The 10-bit code of a grey of so many cd/m2 in PQ, limited range (SMPTE ST 2084)."""
    y = (value / 10_000) ** 0.1593017578125
    code = ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
    return round(64 + 876 * code)


def grey(code: int, transfer: int) -> Picture:
    frame = VideoFrame(64, 48, "yuv420p10le")
    for plane, value in zip(frame.planes, (code, 512, 512), strict=True):
        plane.update(np.full(plane.buffer_size // 2, value, np.uint16).tobytes())
    frame.colorspace, frame.color_primaries, frame.color_range = 9, 9, 1
    frame.color_trc = transfer
    return Picture(frame)


def test_hdr_is_as_bright_as_on_an_ordinary_screen() -> None:
    """By ITU-R BT.2408: grey of 26 cd/m2, white of 203; more is not cut off, but bent."""
    shown = {n: float(Converter(16, 16).array(grey(nits(n), PQ)).mean()) for n in
             (1, 26, 100, 203, 600, 2000)}  # fmt: skip
    assert shown[26] == pytest.approx(255 * (1.055 * (26 / 203) ** (1 / 2.4) - 0.055), abs=6)
    assert 215 < shown[203] < 245
    values = list(shown.values())
    assert values == sorted(values)
    assert values[-1] > values[-2] > values[-3] + 5
    hlg = [float(Converter(16, 16).array(grey(64 + 876 * p // 100, HLG)).mean()) for p in
           (0, 38, 75, 100)]  # fmt: skip
    assert hlg == sorted(hlg)
    assert hlg[0] < 3
    assert hlg[1] == pytest.approx(shown[26], abs=6)
    assert 215 < hlg[2] < 245


@pytest.mark.parametrize(("transfer", "name"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")])
def test_an_hdr_clip_has_a_note_and_a_copy(tmp_path: Path, transfer: str, name: str) -> None:
    tags = f"log-level=none:pools=1:colorprim=bt2020:colormatrix=bt2020nc:transfer={transfer}"
    grey_in = np.full((96, 128, 3), 128, np.uint8)
    path = write(
        tmp_path / "hdr.mp4", "libx265", "yuv420p10le", lambda _: grey_in,
        options={"x265-params": tags},
    )  # fmt: skip
    facts, poster = read.inspect(path)
    assert facts.note == (
        f"The clip has a high dynamic range ({name}): its colours are mapped to an ordinary "
        "screen's."
    )
    seen = opened_jpeg(poster).mean()
    assert abs(seen - 128) > 5
    copy = read.frames(copied(path), [3], 96)
    assert abs(copy.mean() - seen) < 4


def test_of_two_tracks_the_default_one_is_read_and_named(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(path, "w") as container:
        streams = []
        for title, disposition in (("Slides", 0), ("Speaker", 1)):
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            stream.metadata["title"] = title
            stream.disposition = av.stream.Disposition(disposition)
            streams.append(stream)
        for at in range(COUNT):
            for stream, colour in zip(streams, (RED, GREEN), strict=True):
                frame = VideoFrame.from_ndarray(np.full((96, 128, 3), colour, np.uint8), "rgb24")
                frame.pts, frame.time_base = at, RATE
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    facts, _ = read.inspect(path)
    assert facts.note == (
        "The file has 2 video tracks: track 2 (“Speaker”) is used, the default one."
    )
    assert np.abs(read.frames(path, [4], 32).mean((0, 1, 2)) - GREEN).max() < 12
    assert np.abs(read.frames(copied(path), [4], 32).mean((0, 1, 2)) - GREEN).max() < 12
    assert len(read.times(path)) == COUNT


def test_a_picture_that_begins_after_its_file_is_played_from_a_copy(tmp_path: Path) -> None:
    """A player's clock is the file's, and its first second is empty."""
    path = make(tmp_path, KINDS["h264 mp4"], range(1000, 1800, 40))
    facts, _ = read.inspect(path)
    assert not facts.playable
    copy = copied(path)
    assert read.inspect(copy)[0].playable
    assert np.allclose(read.times(copy), read.times(path), atol=1e-3)
    assert number(read.frames(copy, [7], 96)[0]) == 7
