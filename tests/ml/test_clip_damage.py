"""What is lost of a clip is told, and the rest is taken: by one rule, whatever the container."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ml.media.clip import decode, read
from ml.media.clip.open import BrokenClip
from tests.support.clip_files import KINDS, Kind, make, number

MJPEG = {"mov": KINDS["mjpeg mov"], "mkv": Kind("mjpeg.mkv", "mjpeg", pix_fmt="yuvj420p")}
PLAIN = {"bf": "0", "g": "10"}
RATE = Fraction(1, 25)
EVEN = {
    "mp4": Kind("cut.mp4", "libx264", PLAIN, unit=RATE),
    "mkv": Kind("cut.mkv", "libx264", PLAIN, unit=RATE),
    "avi": Kind("cut.avi", "mpeg4", PLAIN, unit=RATE),
    "flv": Kind("cut.flv", "libx264", PLAIN, unit=RATE),
}
TIMES = range(0, 2000, 40)  # 50 frames
INDEX_FIRST = {"movflags": "faststart"}


def without(path: Path, numbers: Sequence[int]) -> Path:
    """Overwrite the packets of some frames with zeros."""
    with av.open(path) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for packet in (packets[which] for which in numbers):
        place = data.index(bytes(packet))
        data[place : place + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", MJPEG.values(), ids=MJPEG)
def test_a_frame_that_is_lost_is_told_and_the_one_before_stands_for_it(
    tmp_path: Path, kind: Kind
) -> None:
    path = without(make(tmp_path, kind, TIMES), [49])
    facts, _ = read.inspect(path)
    assert (facts.frames, facts.duration_s) == (50, pytest.approx(2.0, abs=0.05))
    assert facts.note == (
        "The clip is damaged: 1 of 50 frames (2 %) cannot be read, the frame before is shown "
        "instead."
    )
    assert not facts.playable
    assert [number(frame) for frame in read.frames(path, [49, 3, 48], 96)] == [48, 3, 48]


@pytest.mark.parametrize("name", ["mpeg4.ts", "mpeg4.mp4"])
def test_the_first_frames_too(tmp_path: Path, name: str) -> None:
    """Nothing is before them: the next one stands for them, or they are left out."""
    kind = Kind(name, "mpeg4", {"g": "5"}) if name.endswith("mp4") else KINDS["mpeg2 ts"]
    times = TIMES if name.endswith("mp4") else range(50)
    path = make(tmp_path, kind, times)
    if name.endswith("mp4"):
        without(path, [0, 1, 2, 3, 4])
        assert number(read.frames(path, [2], 96)[0]) == 5
        assert "5 of 50 frames (10 %)" in str(read.inspect(path)[0].note)
    else:
        path.write_bytes(path.read_bytes()[188 * 40 :])
        shown = [number(f) for f in read.frames(path, list(range(len(read.times(path)))), 96)]
        assert shown == list(range(shown[0], 50))


def cut_off(folder: Path, kind: Kind, times: range, left: float) -> Path:
    """Cut within the last packet, or leave a share of the file."""
    path = make(folder, kind, times, options=INDEX_FIRST if kind.name.endswith("mp4") else {})
    with av.open(path) as container:
        last = [packet.pos or 0 for packet in container.demux(video=0) if packet.size][-1]
    data = path.read_bytes()
    path.write_bytes(data[: last + 30 if left == 1 else round(last * left)])
    return path


@pytest.mark.parametrize("kind", EVEN.values(), ids=EVEN)
@pytest.mark.parametrize("left", [1, 0.7])
def test_one_that_is_cut_off_is_taken_with_a_note(tmp_path: Path, kind: Kind, left: float) -> None:
    path = cut_off(tmp_path, kind, range(50), left)
    facts, _ = read.inspect(path)
    assert facts.frames == 49 or left < 1
    missing = 50 - facts.frames
    assert facts.duration_s == pytest.approx(facts.frames / 25, abs=0.002)
    assert facts.note == (
        f"The clip is cut off: of its 2.00 s the last {missing / 25:.2f} s ({2 * missing} %) are "
        "missing."
    )
    shown = [number(f) for f in read.frames(path, list(range(facts.frames)), 96)]
    assert shown == list(range(facts.frames))


def test_one_that_lacks_a_frame_before_the_last_too(tmp_path: Path) -> None:
    """The last frame in the file is not the last one that is shown."""
    kind = Kind("b.mp4", "libx264", {"bf": "2", "x264-params": "b-adapt=0"}, unit=RATE)
    facts, _ = read.inspect(cut_off(tmp_path, kind, range(50), 1))
    assert (facts.frames, facts.playable) == (49, False)
    assert facts.note == (
        "The clip is damaged: 1 of 50 frames (2 %) cannot be read, and is left out."
    )


def test_a_clip_of_which_most_is_lost_is_refused(tmp_path: Path) -> None:
    path = without(make(tmp_path, MJPEG["mov"], [0, 500, 1000]), [1, 2])
    with pytest.raises(BrokenClip, match="of its 3 frames only 1"):
        read.inspect(path)


def test_damage_that_was_not_told_of_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large clip is not decoded whole when it arrives."""
    path = without(make(tmp_path, MJPEG["mov"], [0, 500, 1000]), [1])
    assert number(read.frames(path, [1], 96)[0]) == 0
    monkeypatch.setattr(decode, "CHECKED_PIXELS", 128 * 96)
    assert number(read.frames(path, [2], 96)[0]) == 2
    with pytest.raises(BrokenClip, match=r"damaged at 0.50 s"):
        read.frames(path, [1], 96)


def test_a_whole_clip_has_no_note(tmp_path: Path) -> None:
    for kind in (*MJPEG.values(), KINDS["h264 flv"], KINDS["vp9 webm"], KINDS["open gop"]):
        facts, _ = read.inspect(make(tmp_path, kind, TIMES))
        assert facts.note is None, kind.name
        assert np.isclose(facts.duration_s, 2.0, atol=0.06)
