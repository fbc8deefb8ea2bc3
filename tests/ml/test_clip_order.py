"""The order in which frames are decoded is the truth, and time goes on where the clock jumps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ml.media.clip import read
from ml.media.clip.clock import mended
from ml.media.clip.open import ClipLimits, ClipTooLarge, opened
from ml.media.clip.scan import scan
from tests.support.clip_files import KINDS, Kind, make, number
from tests.support.playable import copied

FRAMES = 60
RATE = Fraction(1, 25)
DEEP = {"g": "60", "bf": "4", "x264-params": "b-adapt=0:b-pyramid=strict"}
SHALLOW = {"g": "30", "bf": "2"}
DEEP_AVI = Kind("h264.avi", "libx264", DEEP, unit=RATE)
HALF_STEPS = Kind("half.avi", "libx264", DEEP, unit=RATE / 2)  # every second chunk is empty
NO_KEYS = Kind("p.mp4", "libx264", {"bf": "0", "g": "30"}, unit=RATE)


def read_whole(path: Path, count: int = FRAMES) -> list[int]:
    """The numbers of all frames, some of them asked for alone."""
    alone = [number(read.frames(path, [index], 96)[0]) for index in (1, count // 2, count - 1)]
    everything = [number(frame) for frame in read.frames(path, list(range(count)), 96)]
    assert alone == [everything[index] for index in (1, count // 2, count - 1)]
    return everything


def assert_read(path: Path, times: list[float], shown: list[int] | None = None) -> None:
    """Order, times and the playable copy are right."""
    shown = list(range(len(times))) if shown is None else shown
    assert np.allclose(read.times(path), times, atol=1e-3)
    assert read_whole(path, len(times)) == shown
    copy = copied(path)
    assert np.allclose(read.times(copy), times, atol=2e-3)
    assert read_whole(copy, len(times)) == shown


def even(count: int = FRAMES) -> list[float]:
    return [index / 25 for index in range(count)]


def packed(folder: Path) -> Path:
    """XviD's packed AVI: a B-frame shares a packet with the frame it needs; a dummy follows."""
    plain = make(
        folder, Kind("plain.avi", "mpeg4", {"g": "30", "bf": "1"}, unit=RATE), range(FRAMES)
    )
    path = folder / "packed.avi"
    with av.open(plain) as source, av.open(path, "w") as target:
        came = source.streams.video[0]
        stream = target.add_stream_from_template(came)
        sent = [bytes(packet) for packet in source.demux(came) if packet.size]
        at = 0
        chunks: list[bytes] = []
        while at < len(sent):
            both = at + 1 < len(sent) and is_b_frame(sent[at + 1])
            chunks += [sent[at] + sent[at + 1], DUMMY] if both else [sent[at]]
            at += 1 + both
        for index, chunk in enumerate(chunks):
            packet = av.Packet(WRITTEN_BY + chunk if index == 0 else chunk)
            packet.stream, packet.time_base = stream, RATE
            packet.pts = packet.dts = index
            packet.is_keyframe = b"\0\0\1\xb0" in chunk or index == 0
            target.mux(packet)
    return path


WRITTEN_BY = b"\0\0\1\xb2DivX503b1393p"  # p: packed
DUMMY = b"\0\0\1\xb6\x51\x8a\x00"  # a picture in which nothing is coded


def is_b_frame(data: bytes) -> bool:
    return data[data.index(b"\0\0\1\xb6") + 4] >> 6 == 2


def remuxed(path: Path, target: Path) -> Path:
    """The same packets in another container, with the times that a reader of AVI guesses."""
    with av.open(path) as source, av.open(target, "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return target


@pytest.mark.parametrize("kind", [DEEP_AVI, HALF_STEPS, KINDS["mpeg4 avi B"]], ids=lambda k: k.name)
def test_an_avi_with_b_frames_comes_in_the_order_of_decoding(tmp_path: Path, kind: Kind) -> None:
    every = round(RATE / kind.unit)
    path = make(tmp_path, kind, range(0, FRAMES * every, every))
    assert_read(path, even())
    facts, _ = read.inspect(path)
    assert (facts.frames, facts.fps, facts.duration_s) == (FRAMES, 25.0, FRAMES / 25)
    assert not facts.playable


def test_packed_b_frames_too(tmp_path: Path) -> None:
    assert_read(packed(tmp_path), even())


@pytest.mark.parametrize("name", ["false.mp4", "false.mkv", "false.ts"])
def test_times_that_contradict_the_order_are_not_believed(tmp_path: Path, name: str) -> None:
    """Whatever the container: it was copied from an AVI, with the times of that."""
    path = remuxed(make(tmp_path, HALF_STEPS, range(0, 2 * FRAMES, 2)), tmp_path / name)
    assert read_whole(path) == list(range(FRAMES))
    assert np.allclose(np.diff(read.times(path)), 0.04, atol=0.021)
    facts, _ = read.inspect(path)
    assert facts.note is not None
    assert "do not fit the order of its frames" in facts.note
    assert not facts.playable


def test_a_clip_without_b_frames_is_not_decoded_for_its_times(tmp_path: Path) -> None:
    found = scan(make(tmp_path, NO_KEYS, range(FRAMES)), ClipLimits())
    assert found.trusted
    assert found.as_stored
    assert len(found.order) == FRAMES


def joined(folder: Path, kind: Kind, *starts: int) -> Path:
    """Parts of 30 frames one behind the other, each with a clock of its own."""
    parts = [make(folder, kind, range(start, start + 30)).read_bytes() for start in starts]
    path = folder / f"joined{Path(kind.name).suffix}"
    path.write_bytes(b"".join(parts))
    return path


TS = Kind("part.ts", "libx264", SHALLOW, unit=RATE)
VOB = Kind("part.vob", "mpeg2video", SHALLOW, unit=RATE)


@pytest.mark.parametrize("kind", [TS, KINDS["mpeg2 ts"], VOB], ids=lambda kind: kind.name)
@pytest.mark.parametrize("starts", [(0, 0), (100, 0, 0), (0, 25 * 3600 * 10)], ids=str)
def test_joined_parts_follow_each_other(
    tmp_path: Path, kind: Kind, starts: tuple[int, ...]
) -> None:
    """Where the clock starts anew, goes back or leaps, time goes on."""
    path = joined(tmp_path, kind, *starts)
    count = 30 * len(starts)
    assert_read(path, even(count), [index % 30 for index in range(count)])
    facts, _ = read.inspect(path)
    assert (facts.frames, facts.fps, facts.duration_s) == (
        count,
        25.0,
        pytest.approx(count / 25, abs=0.01),
    )
    assert facts.note is not None
    assert "clock jumps" in facts.note


FLV = Kind("live.flv", "libx264", {"bf": "0"})


@pytest.mark.parametrize("kind", [KINDS["h264 mp4"], KINDS["hevc mkv"], FLV], ids=lambda k: k.name)
def test_a_leap_of_ten_hours_is_not_ten_hours(tmp_path: Path, kind: Kind) -> None:
    times = [*range(0, 1200, 40), *range(36_000_000, 36_001_200, 40)]
    path = make(tmp_path, kind, times)
    assert_read(path, even())
    facts, _ = read.inspect(path)
    assert facts.duration_s == pytest.approx(2.4, abs=0.05)
    assert not facts.playable, "a player would wait for ten hours"
    assert "jumps once" in str(facts.note)


def test_joined_parts_of_a_container_with_its_own_times(tmp_path: Path) -> None:
    """A stream that was broken off and taken up again starts its clock anew."""
    kind = KINDS["h264 flv"]
    parts = [make(tmp_path, kind, range(at, at + 1200, 40)).read_bytes() for at in (0, 7)]
    path = tmp_path / "joined.flv"
    path.write_bytes(parts[0] + parts[1][13:])  # without the second header
    assert_read(path, even(), [index % 30 for index in range(60)])


def test_a_pause_in_a_recorded_screen_stays(tmp_path: Path) -> None:
    """One picture may stand for long: that is no jump."""
    times = [*range(0, 800, 40), *range(30_000, 30_800, 40)]
    path = make(tmp_path, KINDS["h264 mp4"], times)
    assert np.allclose(read.times(path), np.array(times) / 1000)
    facts, _ = read.inspect(path)
    assert facts.note is None
    assert facts.playable


def test_what_is_too_long_is_refused_without_its_header(tmp_path: Path) -> None:
    path = joined(tmp_path, TS, 0, 0, 0)
    with pytest.raises(ClipTooLarge, match=r"3\.6 s long: at most 3 s"):
        read.inspect(path, ClipLimits(seconds=3))


@pytest.mark.parametrize(
    ("stamps", "times", "jumps"),
    [
        ([0, 4, 8, 12], [0, 4, 8, 12], 0),
        ([0, 4, 8, 0, 4, 8], [0, 4, 8, 12, 16, 20], 1),
        ([0, 4, 8, 1000, 1004], [0, 4, 8, 12, 16], 1),
        ([0, 4, 4, 12, 16], [0, 4, 8, 12, 16], 0),
        ([0, 4, None, 12, 16], [0, 4, 8, 12, 16], 0),
        ([0, 4, 900, 12, 16], [0, 4, 8, 12, 16], 0),
        ([0, 4, 8, 2, 6, 4], [0, 4, 8, 12, 16, 20], 2),
        ([100, 200], [100, 200], 0),
        ([7], [7], 0),
    ],
)
def test_the_clock(stamps: list[int | None], times: list[int], jumps: int) -> None:
    assert mended(stamps, 50) == (times, jumps)


def test_each_frame_knows_its_packet_whatever_else_is_read(tmp_path: Path) -> None:
    """PyAV keeps these numbers in one place for all open files."""
    path = make(tmp_path, TS, range(30))
    with opened(path, ClipLimits()) as first, opened(path, ClipLimits()) as second:
        before, packets = list(first.packets()), list(second.packets())
        before.clear()
        found = [picture.packet for packet in packets for picture in second.decode(packet)]
    assert sorted(found) == list(range(30))
