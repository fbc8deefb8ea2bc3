"""Clips through the decoding process: apart from photos, limited, and nobody else's problem."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from PIL import Image

from app.core.errors import BadMedia, Busy, TooLarge
from app.core.settings import Settings
from app.media.decoder.client import Decoder
from app.storage.blobs import LocalBlobs
from ml.media.clip import read
from tests.media.test_refusals import pid
from tests.support import photos
from tests.support.arriving import received
from tests.support.clip_files import KINDS, make, number, uneven
from tests.support.mutations import check_medium, mutated

TIMES = list(range(0, 4000, 40))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make(tmp_path, KINDS["h264 mp4"], TIMES)


def clip_process(decoder: Decoder) -> psutil.Process:
    found = (process.pid for process in decoder.pool.processes if process.role == "clip")
    return psutil.Process(next(found))


def test_facts_times_and_frames_come_through_the_pipe(decoder: Decoder, film: Path) -> None:
    facts = decoder.inspect(film)
    assert (facts.kind, facts.format, facts.codec) == ("clip", "MP4", "h264")
    assert (facts.width, facts.height, facts.frames) == (128, 96, 100)
    assert (facts.fps, facts.duration_s, facts.playable) == (25.0, 4.0, True)
    assert facts.view.startswith(b"\xff\xd8")
    assert np.allclose(decoder.clip_times(film), np.array(TIMES) / 1000)
    frames = decoder.clip_frames(film, [7, 8, 93], 96)
    assert [number(frame) for frame in frames] == [7, 8, 93]


def test_photos_never_load_what_decodes_clips(new_decoder: Decoder, film: Path) -> None:
    path = film.with_name("photo.png")
    Image.new("RGB", (64, 48), "red").save(path)
    new_decoder.inspect(path)
    new_decoder.pixels(path, 96, "shape")
    assert {process.role for process in new_decoder.pool.processes} == {"photo"}
    new_decoder.inspect(film)
    of_photos = psutil.Process(pid(new_decoder)).memory_maps()
    assert not [region for region in of_photos if "av.libs" in region.path]
    assert [
        region for region in clip_process(new_decoder).memory_maps() if "av.libs" in region.path
    ]
    assert not [
        r for r in clip_process(new_decoder).memory_maps() if "torch" in r.path or "cv2" in r.path
    ]


def test_only_an_animated_gif_is_a_clip(decoder: Decoder, tmp_path: Path) -> None:
    still, moving = tmp_path / "still", tmp_path / "moving"
    still.write_bytes(photos.encode(photos.scene(40, 40), "GIF"))
    moving.write_bytes(photos.animation("GIF"))
    assert decoder.inspect(still).kind == "image"
    facts = decoder.inspect(moving)
    assert (facts.kind, facts.frames, facts.playable) == ("clip", 3, False)


def others(decoder: Decoder) -> set[int]:
    """The processes of this one that do not read clips for the decoder."""
    return {child.pid for child in psutil.Process().children()} - {clip_process(decoder).pid}


def busy(known: set[int]) -> psutil.Process:
    """The process that is reading a clip now."""
    (process,) = (p for p in psutil.Process().children() if p.pid not in known)
    return process


@pytest.mark.parametrize("times", [1, 2])
def test_a_crash_in_the_middle(decoder: Decoder, film: Path, tmp_path: Path, times: int) -> None:
    """Once, and nobody notices; each time, and it is the file's fault. The next file works."""
    decoder.inspect(film)
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    kind = KINDS["mjpeg mov"]  # of noise, so that its copy does not fit into the pipe
    noisy = make(tmp_path, kind, TIMES, draw=lambda i: np.roll(noise, 37 * i, 0))
    crashed: set[int] = set()
    known = others(decoder)

    def tell(_: float) -> None:
        process = busy(known)
        if len(crashed) < times and process.pid not in crashed:
            crashed.add(process.pid)
            process.send_signal(signal.SIGSEGV)  # as a bug in a decoder would

    if times == 1:
        decoder.playable_copy(noisy, tmp_path / "copy.mp4", tell)
        assert decoder.inspect(tmp_path / "copy.mp4").frames == 100
    else:
        with pytest.raises(BadMedia, match=r"failed twice.*video editor") as refusal:
            decoder.playable_copy(noisy, tmp_path / "copy.mp4", tell)
        assert refusal.value.status == 400
    assert len(crashed) == times
    assert decoder.inspect(film).frames == 100


def test_damaged_at_random_it_is_read_or_refused(
    decoder: Decoder, film: Path, tmp_path: Path
) -> None:
    """`tests/soak/test_mutated_media.py` does it without end, with every kind of clip."""
    whole, dice = film.read_bytes(), random.Random(5)
    for _ in range(6):
        check_medium(decoder, tmp_path / "file", mutated(whole, dice))
    assert check_medium(decoder, tmp_path / "file", whole)


def test_one_crash_costs_nothing(decoder: Decoder, film: Path) -> None:
    decoder.inspect(film)
    os.kill(clip_process(decoder).pid, signal.SIGSEGV)
    assert decoder.inspect(film).frames == 100


def test_one_that_takes_too_long_is_given_up(tmp_path: Path, film: Path) -> None:
    decoder = Decoder(Settings(home=tmp_path, clip_decode_seconds=1))
    decoder.inspect(film)
    stopped = clip_process(decoder)
    stopped.suspend()
    with pytest.raises(Busy, match="too busy to read the clip within 3 seconds"):
        decoder.clip_times(film)
    assert not stopped.is_running()
    assert decoder.inspect(film).frames == 100
    decoder.close()


def test_limits_come_from_the_settings(tmp_path: Path, film: Path) -> None:
    limits: dict[str, tuple[dict[str, float], str]] = {
        "seconds": ({"max_clip_seconds": 3}, "4 s long: at most 3 s"),
        "frames": ({"max_clip_frames": 99}, "more than 99 frames"),
        "pixels": ({"max_clip_pixels": 128 * 95}, "128 x 96 pixels"),
    }
    for values, words in limits.values():
        decoder = Decoder(Settings(home=tmp_path, **values))  # type: ignore[arg-type]
        with pytest.raises(TooLarge, match=words):
            decoder.inspect(film)
        decoder.close()


def test_memory_does_not_grow_with_the_clip(settings: Settings, tmp_path: Path) -> None:
    peaks = []
    for count in (100, 600):
        kind = KINDS["mpeg4 mp4"]
        times = [40 * i for i in range(count)]
        small = np.zeros((240, 320, 3), np.uint8)
        path = make(tmp_path, kind, times, draw=lambda i, s=small: np.full_like(s, i % 200))
        decoder = Decoder(settings)
        facts = decoder.inspect(path)
        decoder.clip_frames(path, list(range(0, count, count // 80)), 224)
        assert facts.frames == count
        status = Path(f"/proc/{clip_process(decoder).pid}/status").read_text()
        peaks.append(int(status.split("VmHWM:")[1].split()[0]))
        decoder.close()
    assert peaks[1] < 1.2 * peaks[0]


ODD = ["hevc mp4 10 bit", "mpeg4 avi", "mpeg2 ts", "gif", "mjpeg mov"]


@pytest.mark.parametrize("name", ODD)
def test_a_copy_plays_everywhere_with_every_frame_at_its_time(
    decoder: Decoder, tmp_path: Path, name: str
) -> None:
    even = name in {"mpeg4 avi", "mpeg2 ts"}
    kind = KINDS[name]
    times = list(range(30)) if even else uneven(30, kind.unit)
    path = make(tmp_path, kind, times)
    assert not decoder.inspect(path).playable
    copy = tmp_path / "copy.mp4"
    heard: list[float] = []
    decoder.playable_copy(path, copy, heard.append)
    facts = decoder.inspect(copy)
    assert facts.playable
    assert (facts.format, facts.codec, facts.width, facts.height) == ("MP4", "h264", 128, 96)
    assert np.allclose(decoder.clip_times(copy), np.array(times) * float(kind.unit), atol=1e-4)
    frames = decoder.clip_frames(copy, list(range(30)), 96)
    assert [number(frame) for frame in frames] == list(range(30))
    stream = av.open(copy).streams.video[0]
    length = float(stream.duration * stream.time_base)
    last = float((2 * times[-1] - times[-2]) * kind.unit)
    assert length == pytest.approx(last, abs=1e-3), "the last frame is shown as the one before"
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    data = copy.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "a player can start before it has all"
    assert stream.pix_fmt == "yuv420p"


def test_a_copy_is_upright_and_fits(decoder: Decoder, tmp_path: Path) -> None:
    large = np.zeros((900, 1600, 3), np.uint8)
    large[:, :800] = 200
    path = make(tmp_path, KINDS["h264 mov"], [0, 40], rotation=90, draw=lambda _: large)
    copy = tmp_path / "copy.mp4"
    decoder.playable_copy(path, copy)
    assert read.shown(path) == (1600, 900)
    wide = decoder.clip_frames(path, [1], (80, 45))[0]
    assert wide.shape == (45, 80, 3)
    assert wide[:, :35].min() > 150 > 50 > wide[:, 45:].max()
    facts = decoder.inspect(copy)
    assert (facts.width, facts.height) == (1280, 720)
    left, right = decoder.clip_frames(copy, [1], 64)[0][:, [8, 56]].mean((0, 2))
    assert left > 150 > 50 > right
    with av.open(copy) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_a_copy_that_grows_too_large_is_stopped(tmp_path: Path, film: Path) -> None:
    decoder = Decoder(Settings(home=tmp_path, max_clip_bytes=1000))
    with pytest.raises(TooLarge, match="would take more than"):
        decoder.playable_copy(film, tmp_path / "copy.mp4")
    assert decoder.inspect(film).frames == 100
    decoder.close()


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


Send = Callable[[bytes, dict[str, int]], str]


@pytest.fixture
def send(blobs: LocalBlobs, tmp_path: Path) -> Iterator[Send]:
    """Take a file in, with limits; return what kind it was, without keeping it."""
    made: list[Decoder] = []

    def take(data: bytes, limits: dict[str, int]) -> str:
        settings = Settings(home=tmp_path, min_free_bytes=0, **limits)  # type: ignore[arg-type]
        made.append(Decoder(settings))
        chunks = (data[at : at + 1000] for at in range(0, len(data), 1000))
        with received(chunks, blobs, made[-1], settings, "a.bin") as arrived:
            assert arrived.size == len(data)
        return made[-1].inspect(_saved(tmp_path, data)).kind

    yield take
    for decoder in made:
        decoder.close()


def _saved(folder: Path, data: bytes) -> Path:
    path = folder / "again"
    path.write_bytes(data)
    return path


def test_each_kind_has_its_own_size_limit(send: Send, film: Path, blobs: LocalBlobs) -> None:
    clip, photo = film.read_bytes(), photos.encode(photos.scene(300, 300), "PNG")
    small, large = {"max_image_bytes": 100, "max_clip_bytes": 10**6}, 10**6
    assert send(clip, small) == "clip"
    assert send(photo, {"max_image_bytes": large, "max_clip_bytes": 100}) == "image"
    with pytest.raises(TooLarge, match="most that a photo may have"):
        send(photo, small)
    with pytest.raises(TooLarge, match="most that a clip may have"):
        send(clip, {"max_image_bytes": large, "max_clip_bytes": 1000})
    with pytest.raises(TooLarge, match="most that a photo may have"):
        send(photos.encode(photos.scene(300, 300), "GIF"), small)
    assert not [path for path in blobs.root.rglob("*") if path.is_file()]
