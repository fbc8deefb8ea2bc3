"""Scale rules, colour tables and the render cache, without a server."""

from __future__ import annotations

import io
import runpy
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from PIL import Image

from app.web.analyses.drawing import npy, png, scale
from app.web.analyses.drawing.colormaps import ROOT, tables
from app.web.http.render_cache import TRUST, RenderCache, Rendered
from ml.explain.combine import combine


@dataclass
class Extent:
    model: str = "gated"
    method: str = "gradcam"
    unit: str = "evidence"
    target: str | None = "tench"
    shape: list[int] = field(default_factory=lambda: [7, 7])
    min: float = -1.0
    max: float = 2.0


EVIDENCE = Extent()
AGAINST = Extent(min=-3.0, max=-1.0)
GATE = Extent(method="attention", unit="gate", target=None, min=0.2, max=0.9)
SHARE = Extent(method="attention", unit="share", target=None, min=0.0, max=0.3)
ROLLOUT = Extent(method="rollout", unit="rollout", target=None, min=0.01, max=0.1)
COMBINED = Extent(unit="combined", shape=[224, 224], min=0.1, max=0.8)
COMBINED_MASK = Extent(method="attention", unit="combined", target=None, min=0.1, max=0.8)


@pytest.mark.parametrize(
    ("extent", "rule", "diverging", "expected"),
    [
        (EVIDENCE, "map", False, (0.0, 2.0)),
        (EVIDENCE, "map", True, (-2.0, 2.0)),
        (AGAINST, "map", False, (0.0, 0.0)),
        (AGAINST, "map", True, (-3.0, 3.0)),
        (EVIDENCE, "absolute", False, (0.0, 20 / 49)),
        (EVIDENCE, "absolute", True, (-20 / 49, 20 / 49)),
        (GATE, "map", False, (0.2, 0.9)),
        (GATE, "map", True, (-0.5, 0.9)),  # the upper half of the colours
        (GATE, "absolute", False, (0.0, 1.0)),
        (SHARE, "map", False, (0.0, 0.3)),
        (SHARE, "absolute", False, (0.0, 8 / 49)),
        (ROLLOUT, "map", False, (0.01, 0.1)),
        (ROLLOUT, "map", True, (-0.08, 0.1)),
        (ROLLOUT, "absolute", False, (0.0, 8 / 49)),
        (COMBINED, "absolute", False, (0.0, 1.0)),
        (COMBINED, "map", False, (0.0, 0.8)),
        (COMBINED, "map", True, (-0.8, 0.8)),
        (COMBINED_MASK, "map", False, (0.1, 0.8)),
    ],
)
def test_the_ends_of_the_colours(
    extent: Extent, rule: scale.Scale, diverging: bool, expected: tuple[float, float]
) -> None:
    assert scale.span(extent, [], rule, diverging=diverging) == pytest.approx(expected)


def test_only_maps_of_a_kind_share_a_scale() -> None:
    others = [
        EVIDENCE,
        Extent(model="cbam", max=9.0),
        Extent(max=4.0),
        Extent(unit="combined", max=99.0),
        Extent(method="layercam", max=50.0),
        GATE,
    ]
    assert scale.span(EVIDENCE, others, "row", diverging=False) == (0.0, 4.0)
    assert scale.span(EVIDENCE, others, "shared", diverging=False) == (0.0, 9.0)
    assert scale.span(EVIDENCE, others, "map", diverging=False) == (0.0, 2.0)
    assert scale.span(GATE, [SHARE, GATE], "shared", diverging=False) == (0.2, 0.9)


def test_the_checked_in_tables_are_what_the_libraries_have() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "make_colormaps.py"))
    text = (ROOT / "static" / "colormaps.json").read_text(encoding="utf-8")
    assert made["document"]() == text
    assert {"viridis", "magma", "inferno", "cividis", "batlow", "vik"} <= set(tables())
    for entry in tables().values():
        assert len(entry.rgb) == 768
        if entry.diverging:  # the middle is neutral: less coloured than the ends
            rgb = np.frombuffer(entry.rgb, np.uint8).reshape(256, 3).astype(int)
            assert np.ptp(rgb[128]) < min(np.ptp(rgb[0]), np.ptp(rgb[255]))


def test_channels_are_averaged_maximised_or_picked() -> None:
    wide = np.array([[[3.0, 0.0]], [[4.0, -2.0]]], np.float32)
    assert npy.channel(wide, "mean").tolist() == [[3.5, -1.0]]
    assert npy.channel(wide, "max").tolist() == [[4.0, 0.0]]
    assert npy.channel(wide, "l2").tolist() == [[5.0, 2.0]]
    assert npy.channel(wide, "1").tolist() == [[4.0, -2.0]]
    assert npy.channel(wide[1], "max").tolist() == [[4.0, -2.0]]
    with pytest.raises(IndexError):
        npy.channel(wide, "2")


def test_stages_are_combined_by_the_rule_of_the_worker() -> None:
    rng = np.random.default_rng(0)
    stages = [rng.normal(0, 1, (side, side + 3)) for side in (28, 14, 7)] + [np.zeros((2, 2))]
    theirs = combine([torch.from_numpy(s)[None] for s in stages], (40, 60))[0]
    np.testing.assert_allclose(npy.combined(stages, [40, 60]), theirs, atol=1e-6)


def saved(values: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    np.save(file, values, **options)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 4, 2)])
def test_npy_files_are_read_as_numpy_reads_them(kind: type, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(kind)
    array = npy.load(saved(values))
    assert array.dtype == kind
    np.testing.assert_array_equal(array, values)
    np.testing.assert_allclose(np.array(npy.nested(array, 6), float), values, rtol=1e-5)


def test_nan_and_infinity_become_null() -> None:
    array = npy.load(saved(np.array([[np.inf, np.nan, 1.0]], np.float16)))
    assert npy.nested(array, 6) == [[None, None, 1.0]]


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"PK not an array",
        saved(np.array([{}], dtype=object), allow_pickle=True),
        saved(np.zeros((2, 2))),
        saved(np.asfortranarray(np.zeros((2, 3), np.float16))),
        saved(np.zeros((2, 3), np.float16))[:-1],
    ],
    ids=["empty", "zip", "pickle", "float64", "fortran", "cut short"],
)
def test_other_files_are_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match=r"NPY|float16"):
        npy.load(blob)


@pytest.mark.parametrize("smooth", [True, False])
def test_colours_are_looked_up_as_numpy_would(smooth: bool) -> None:
    values = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    drawn = png.draw(values, png.Style(40, "batlow", 1.0, -0.5, 1.5, smooth))
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    large = np.asarray(Image.fromarray(values).resize((40, 40), how))
    index = np.clip(np.floor((large + 0.5) / 2.0 * 255 + 0.5), 0, 255).astype(int)
    table = np.frombuffer(tables()["batlow"].rgb, np.uint8).reshape(256, 3)
    difference = np.asarray(Image.open(io.BytesIO(drawn))).astype(int) - table[index]
    assert (np.abs(difference).max(-1) > 0).mean() < 0.005  # float32 rounding at a step's edge


def test_below_the_threshold_nothing_is_drawn() -> None:
    values = np.array([[-1.0, -0.4, 0.4, 1.0]])
    photo = Image.new("RGB", (4, 1), (200, 60, 40))
    for colormap, low, shown in (("vik", -1.0, [1, 0, 0, 1]), ("magma", 0.0, [0, 0, 0, 1])):
        style = png.Style(4, colormap, 1.0, low, 1.0, smooth=False, threshold=0.5, grey=True)
        alone = np.asarray(Image.open(io.BytesIO(png.draw(values, style, (4, 1)))))[0]
        assert (alone[:, 3] > 0).tolist() == [bool(one) for one in shown]
        over = np.asarray(Image.open(io.BytesIO(png.draw(values, style, (4, 1), photo))))[0]
        assert [len(set(pixel)) > 1 for pixel in over.tolist()] == [bool(one) for one in shown]
        assert over[1].tolist() == [100, 100, 100]  # the photo's grey
        assert over[3].tolist() == list(tables()[colormap].rgb[-3:])


@pytest.mark.parametrize(
    ("colormap", "seen"), [("magma", [0, 0.5, 1, 1]), ("vik", [1, 0.67, 0.67, 1])]
)
def test_the_photo_shows_where_a_map_is_low(colormap: str, seen: list[float]) -> None:
    photo = Image.new("RGB", (64, 16), (90, 90, 90))
    values = np.array([[0, 0.25, 0.75, 1]]) if colormap == "magma" else np.array([[0, 1, 2, 3]]) / 3
    style = png.Style(64, colormap, 0.8, 0.0, 1.0, smooth=False)
    drawn = np.asarray(Image.open(io.BytesIO(png.draw(values, style, (64, 16), photo))))
    table = np.frombuffer(tables()[colormap].rgb, np.uint8).reshape(256, 3).astype(float)
    colours = table[np.round(255 * values[0]).astype(int)]
    cover = 0.8 * np.array(seen)[:, None]
    np.testing.assert_allclose(drawn[8, 8::16], 90 + cover * (colours - 90), atol=2)


def test_a_map_without_any_range_is_drawn_in_the_first_colour() -> None:
    drawn = png.draw(np.zeros((2, 2)), png.Style(32, "magma", 1.0, 0.0, 0.0))
    assert Image.open(io.BytesIO(drawn)).getcolors() == [(1024, (0, 0, 4))]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def entry(analysis: str, size: int) -> Rendered:
    return Rendered(analysis, bytes(size), "image/png", "tag")


def test_the_cache_forgets_the_least_used_and_never_exceeds_its_size() -> None:
    cache = RenderCache(max_bytes=100, clock=Clock())
    for name in "abcd":
        cache.put(name, entry("one", 25), cache.generation)
    assert cache.any("a") is not None
    cache.put("e", entry("one", 25), cache.generation)
    assert [name for name in "abcde" if cache.any(name)] == ["a", "c", "d", "e"]
    cache.put("big", entry("one", 26), cache.generation)  # over a quarter: not worth the others
    assert cache.any("big") is None
    cache.put("a", entry("one", 20), cache.generation)  # replaced, not counted twice
    cache.put("f", entry("one", 5), cache.generation)
    assert len([name for name in "acdef" if cache.any(name)]) == 5


def test_the_cache_trusts_an_entry_for_a_short_time_only() -> None:
    clock = Clock()
    cache = RenderCache(clock=clock)
    cache.put("a", entry("one", 1), cache.generation)
    assert cache.fresh("a") is not None
    clock.now += TRUST + 0.01
    assert cache.fresh("a") is None
    assert cache.any("a") is not None


def test_what_is_deleted_while_it_is_drawn_is_not_kept() -> None:
    cache = RenderCache()
    generation = cache.generation
    cache.put("a", entry("one", 1), generation)
    cache.put("b", entry("two", 1), generation)
    cache.drop("one")
    assert (cache.any("a"), cache.any("b") is None) == (None, False)
    cache.put("a", entry("one", 1), generation)
    assert cache.any("a") is None
