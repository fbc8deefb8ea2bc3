"""Films and contact sheets: sizes, times, the maps where they belong, nothing kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from ml.explain.results import Track
from ml.figures import film
from ml.figures.rows import by_moment, sheet_title
from ml.figures.table import Style, draw
from ml.networks.video.types import STREAMS, Pixels

MAPS = np.zeros((2, 4, 4), np.float32)
MAPS[0, :, :2] = 1.0  # first on the left, then on the right
MAPS[1, :, 2:] = 1.0
TIMES = np.array([0.5, 1.5])


def layer(high: float = 1.0, **look: Any) -> film.Layer:
    return film.Layer(MAPS, TIMES, 0.0, high, Style(**{"colormap": "gray", "alpha": 1.0} | look))


def frames(count: int = 20) -> Iterator[tuple[float, Pixels]]:
    for n in range(count):
        yield n * 0.1 + (0.03 if n % 2 else 0), np.full((48, 48, 3), 90, np.uint8)


def test_between_two_moments_a_map_is_their_mixture() -> None:
    one = layer()
    np.testing.assert_array_equal(one.at(0.0), MAPS[0])
    np.testing.assert_array_equal(one.at(9.0), MAPS[1])
    np.testing.assert_allclose(one.at(0.75), 0.75 * MAPS[0] + 0.25 * MAPS[1])
    np.testing.assert_array_equal(layer(high=0.5).at(0.5), MAPS[0])
    raw = film.Layer(MAPS, TIMES, 0.0, 1.0, Style(), raw=True)
    np.testing.assert_array_equal(raw.at(0.75), MAPS[0])
    np.testing.assert_array_equal(raw.at(1.25), MAPS[1])


@pytest.mark.parametrize(
    ("clip", "expected"),
    [((320, 240), (320, 240)), ((1920, 1080), (1280, 720)), ((1080, 1920), (720, 1280)),
     ((7680, 4320), (1280, 720)), ((101, 75), (100, 76)), ((1, 1), (2, 2))],
)  # fmt: skip
def test_sides_are_even_and_at_most_720p(clip: tuple[int, int], expected: tuple[int, int]) -> None:
    assert film.sides(*clip) == expected


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_film_has_its_own_times_and_the_maps(kind: film.Format, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    film.write(path, kind, (96, 64), frames(), layer())
    with av.open(str(path)) as container:
        decoded = list(container.decode(video=0))
    times = [float(frame.pts * frame.time_base) for frame in decoded]
    np.testing.assert_allclose(times, [moment for moment, _ in frames()], atol=2e-3)
    first, last = (decoded[i].to_ndarray(format="rgb24").mean(-1) for i in (0, -1))
    assert first.shape == (64, 96)
    assert first[:, :30].mean() > 200 > 60 > first[:, -30:].mean()
    assert last[:, :30].mean() < 60 < 200 < last[:, -30:].mean()


def test_without_opacity_it_is_the_clip(tmp_path: Path) -> None:
    film.write(tmp_path / "a.mp4", "mp4", (96, 64), frames(5), layer(alpha=0.0))
    with av.open(str(tmp_path / "a.mp4")) as container:
        [first, *_] = container.decode(video=0)
    np.testing.assert_allclose(first.to_ndarray(format="rgb24"), 90, atol=4)


def test_a_film_is_drawn_as_the_page_is(tmp_path: Path) -> None:
    look = {"colormap": "vik", "signed": True, "smooth": False, "threshold": 0.5}
    drawn = film.Layer(MAPS - 0.5, TIMES, -1.0, 1.0, Style(alpha=1.0, **look))
    film.write(tmp_path / "a.mp4", "mp4", (96, 64), frames(1), drawn)
    with av.open(str(tmp_path / "a.mp4")) as container:
        [first] = container.decode(video=0)
    pixels = first.to_ndarray(format="rgb24").astype(int)
    assert pixels[:, :40, 0].mean() > pixels[:, :40, 2].mean() + 50  # half for: red
    assert pixels[:, 56:, 2].mean() > pixels[:, 56:, 0].mean() + 50  # half against: blue


def test_a_sheet_has_a_cell_a_snippet_and_says_when(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    columns = list(zip(("0.25 s", "1.00 s", "1.75 s"), pictures, strict=True))
    tracks = [
        Track(stream, "late", "gradcam", "evidence", "", MAPS, TIMES, "fight") for stream in STREAMS
    ]
    rows = list(by_moment("Gated", "fight  81%", tracks, len(columns)))
    assert [float(cell.values[0, 0]) for cell in rows[0].cells] == [1, 0, 0]  # the nearest moments
    sizes = []
    for count in (1, 2):
        path = tmp_path / f"{count}.png"
        draw(rows[:count], columns, path, "png", Style(scale="row"), aspect=4 / 3)
        sizes.append(Image.open(path).size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[0][1] < sizes[1][1]
    path = tmp_path / "a.svg"
    draw(rows, columns, path, "svg", Style(), title=sheet_title("x.mp4", "late", "gradcam"))
    text = path.read_text()
    for words in ("0.25 s", "1.75 s", "Gated", "motion (flow)", "fight  81%", "Grad-CAM, late"):
        assert words in text
