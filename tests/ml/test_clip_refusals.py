"""Whatever the file is, it works or there is a sentence that says what to do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from ml.errors import MlError
from ml.media.clip import read
from ml.media.clip.open import BrokenClip, ClipLimits, ClipTooLarge, NotAClip
from tests.support.clip_files import KINDS, make, number, picture

H264 = KINDS["h264 mp4"]


def test_every_odd_clip_works_or_says_why(data_dir: Path) -> None:
    paths = sorted((data_dir / "clips_odd").iterdir())
    assert paths
    for path in paths:
        facts, poster = read.inspect(path)
        damaged = path.name == "decord_corrupted.mp4"
        assert ("damaged: 1 of 50 frames" in (facts.note or "")) == damaged
        times = read.times(path)
        assert len(times) == facts.frames
        assert times[0] == 0
        assert (np.diff(times) > 0).all()
        assert poster.startswith(b"\xff\xd8")
        middle = read.frames(path, [facts.frames // 2], 64)
        assert middle.std() > 5, path.name


def test_phone_clips_are_shown_as_they_were_held(data_dir: Path) -> None:
    sizes = {}
    for turn in (0, 90, 180):
        facts, _ = read.inspect(data_dir / "clips_odd" / f"decord_video_{turn}.mov")
        sizes[turn] = facts.width, facts.height
    assert sizes == {0: (568, 320), 90: (320, 568), 180: (568, 320)}


def test_pixels_that_are_not_square_are_shown_square(data_dir: Path) -> None:
    facts, _ = read.inspect(data_dir / "clips_odd" / "mmaction2_demo_armwrestling.mp4")
    assert (facts.width, facts.height) == (427, 256), "340 x 256, each pixel 64:51"


def sound(path: Path) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), "f4"), "fltp", "mono")
        frame.rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def cut_short(path: Path) -> None:
    whole = make(path.parent, KINDS["h264 mov"], list(range(0, 800, 40))).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def no_frames(path: Path) -> None:
    with av.open(path, "w", options={"movflags": "empty_moov"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 64
        container.start_encoding()


def hours(path: Path) -> None:
    make(path.parent, H264, [0, 4 * 3600 * 1000]).rename(path)


def huge(path: Path) -> None:
    flat = np.zeros((4320, 7680, 3), np.uint8)
    make(path.parent, KINDS["mjpeg mov"], [0, 40], draw=lambda _: flat).rename(path)


def many(path: Path) -> None:
    make(path.parent, KINDS["mpeg4 mp4"], list(range(120))).rename(path)


def text(data: str) -> Callable[[Path], None]:
    return lambda path: Path(path).write_text(data) and None


REFUSED: dict[str, tuple[Callable[[Path], object], type[MlError], str]] = {
    "a text": (text("Dear sir or madam,\n" * 300), NotAClip, "not a clip .* use MP4"),
    "nothing": (text(""), NotAClip, "not a clip"),
    "a photo": (lambda path: Image.new("RGB", (64, 64)).save(path, "PNG"), NotAClip, "not a clip"),
    "sound only": (sound, NotAClip, "sound but no pictures"),
    "cut off": (cut_short, BrokenClip, "cut off or damaged"),
    "no frames": (no_frames, BrokenClip, "no frames|no pictures|damaged"),
    "four hours": (hours, ClipTooLarge, "4 h 00 min long: at most 5 min .* Cut"),
    "8K": (huge, ClipTooLarge, "7680 x 4320 pixels, 33.2 million: at most 9.5"),
    "too many frames": (many, ClipTooLarge, "more than 100 frames"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_gets_a_sentence(tmp_path: Path, name: str) -> None:
    write, error, words = REFUSED[name]
    path = tmp_path / "clip.mp4"
    write(path)
    for ask in (read.inspect, read.times):
        with pytest.raises(error, match=words):
            ask(path, ClipLimits(frames=100))


def test_one_frame_works_and_says_so(tmp_path: Path) -> None:
    path = make(tmp_path, H264, [0])
    facts, _ = read.inspect(path)
    assert (facts.frames, facts.fps) == (1, 0.0)
    assert facts.note is not None
    assert "one frame" in facts.note
    assert number(read.frames(path, [0], 96)[0]) == 0


def test_a_limit_that_the_header_hides_holds_all_the_same(tmp_path: Path) -> None:
    """A Matroska file need not say how long it is."""
    kind = KINDS["hevc mkv"]
    path = make(tmp_path, kind, [0, 1000, 9000], options={"live": "1"})
    with pytest.raises(ClipTooLarge, match="9 s long: at most 5 s"):
        read.times(path, ClipLimits(seconds=5))


@pytest.fixture
def address() -> tuple[str, list[str]]:
    """An address, and who has asked there."""
    asked: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def wait() -> None:
        while True:
            try:
                asked.append(str(listening.accept()[1]))
            except OSError:
                return

    threading.Thread(target=wait, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}/clip.mp4", asked


POINTERS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "sdp": "v=0\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=control:{}\n",
    "mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{}</BaseURL></MPD>',
    "asx": '<asx version="3"><entry><ref href="{}"/></entry></asx>',
}


@pytest.mark.parametrize("name", POINTERS)
@pytest.mark.parametrize("inside", ["", "in a container"])
def test_playlists_are_not_followed(
    tmp_path: Path, address: tuple[str, list[str]], name: str, inside: str
) -> None:
    target = make(tmp_path, H264, [0, 40])
    for pointed in (address[0], str(target), target.name):
        path = tmp_path / f"list.{name}"
        head = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" if inside else b""
        path.write_bytes(head + POINTERS[name].format(pointed).encode())
        with pytest.raises((NotAClip, BrokenClip)):
            read.inspect(path)
    assert address[1] == []


def test_a_movie_that_refers_to_another_file_opens_nothing(tmp_path: Path) -> None:
    """QuickTime keeps pictures in other files by name; here such a name stays a name."""
    secret = make(tmp_path, KINDS["h264 mov"], [0, 40, 80])
    data = secret.read_bytes()
    own = b"\0\0\0\x0curl \0\0\0\x01"
    assert own in data
    name = b"h264.mov\0"
    pointing = (12 + len(name)).to_bytes(4, "big") + b"url \0\0\0\0" + name
    path = tmp_path / "pointer.mov"
    path.write_bytes(data.replace(own, pointing))
    with pytest.raises(MlError):
        read.inspect(path)


def test_names_are_only_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pattern, protocol or option in a name means anything."""
    monkeypatch.chdir(tmp_path)
    original = make(tmp_path, H264, [0, 40]).read_bytes()
    for name in ("frame%03d.mp4", "concat:a|b.mp4", "-i x.mp4", "*.mp4", "pipe:0", "http:"):
        path = tmp_path / name
        path.write_bytes(original)
        assert read.inspect(path)[0].frames == 2
    Image.fromarray(picture(0)).save(tmp_path / "photo001.png")
    with pytest.raises((NotAClip, FileNotFoundError, BrokenClip)):
        read.inspect(tmp_path / "photo%03d.png")
