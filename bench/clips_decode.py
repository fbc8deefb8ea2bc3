"""Reading a clip: some frames by PyAV against all by OpenCV; flow against DIS alone."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from bench.report import Row, Section
from bench.timing import Pair, pair
from ml.media import flow
from ml.media.clip import read, scan
from ml.networks.video.sampling import snippets

FRAMES, RATE, SIZE = 300, 30, (320, 240)
SEGMENTS, LENGTH, SIDE = 8, 11, 224
CLIPS = {
    "H.264, 2 key frames": ("h264.mp4", "libx264", {"g": "250", "sc_threshold": "0"}, 0.95),
    "H.264, a key frame a second": ("keys.mp4", "libx264", {"g": "30", "sc_threshold": "0"}, 0.95),
    "MPEG-4, a key frame in 12 frames": ("keys4.mp4", "mpeg4", {"g": "12"}, 0.6),
    "MPEG-4, 2 key frames": ("mpeg4.mp4", "mpeg4", {"g": "250", "bf": "2"}, 0.6),
}


def section(rounds: int) -> Section:
    """Time the reading of 8 x 11 frames, and the flow between them."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_decoding(Path(folder), name, max(5, rounds // 2)) for name in CLIPS]
        frames = _snippets(Path(folder) / CLIPS["H.264, 2 key frames"][0])
        frames = frames.reshape(SEGMENTS, LENGTH, SIDE, SIDE, 3)
    return Section(
        "Clips: decoding and flow",
        (*rows, _flow(frames, max(5, rounds // 4))),
        (
            (
                f"A clip of 10 s, {SIZE[0]} x {SIZE[1]} pixels, {RATE} frames a second: PyAV finds "
                f"all times, decodes what {SEGMENTS} x {LENGTH} frames need and scales these to "
                f"{SIDE} px; OpenCV decodes the whole clip and scales nothing."
            ),
        ),
    )


def _decoding(folder: Path, name: str, rounds: int) -> Row:
    file, codec, options, goal = CLIPS[name]
    path = folder / file
    _write(path, codec, options)
    times = pair(lambda: _snippets(path), lambda: _whole(path), rounds)
    return _row(f"8 x 11 frames of a clip, {name}", "OpenCV, the whole clip", times, goal)


def _flow(frames: np.ndarray, rounds: int) -> Row:
    grey = [[cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in snippet] for snippet in frames]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def bare() -> None:
        for snippet in grey:
            for before, after in itertools.pairwise(snippet):
                dis.calc(before, after, None)

    times = pair(lambda: flow.stack(frames), bare, rounds)
    what = f"Flow of 8 x 10 pairs at {SIDE} px, as bytes"
    return _row(what, "OpenCV's DIS alone, on grey frames", times, 1.1)


def _row(what: str, against: str, times: Pair, goal: float) -> Row:
    return Row(what, against, str(times), f"at most {goal:g} x", times.ratio <= goal)


def _snippets(path: Path) -> np.ndarray:
    scan.forget()  # the scan for frame times is cached otherwise; its cost counts here
    chosen = np.array(snippets(read.times(path).tolist(), SEGMENTS, LENGTH))
    indices, place = np.unique(chosen, return_inverse=True)
    frames = read.frames(path, indices.tolist(), SIDE)
    return frames if len(indices) == chosen.size else frames[place.reshape(chosen.shape)]


def _whole(path: Path) -> None:
    capture = cv2.VideoCapture(str(path))
    while capture.read()[0]:
        pass
    capture.release()


def _write(path: Path, codec: str, options: dict[str, str]) -> None:
    picture = _scene()
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 600_000
        for number in range(FRAMES):
            left, top = _camera(number)
            view = picture[top : top + SIZE[1], left : left + SIZE[0]]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(view), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _camera(number: int) -> tuple[int, int]:
    turn = 2 * np.pi * number / FRAMES
    return 100 + round(90 * np.sin(turn)), 100 + round(70 * np.cos(1.5 * turn))


def _scene() -> np.ndarray:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (44, 52, 3), np.uint8)
    return cv2.resize(coarse, (520, 440), interpolation=cv2.INTER_CUBIC)
