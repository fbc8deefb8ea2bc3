"""The pointing game: maxima, boxes, small objects, and the baseline of the image's centre."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml.errors import MlError
from ml.explain.prepare import for_inference
from ml.localise import Box, Boxed, hits, load_boxed, points, score
from tests.support import networks as nets


def boxed(*boxes: tuple[Box, ...], side: int = 96) -> Boxed:
    count = len(boxes)
    images = (40 * nets.pictures(count, side) + 128).clamp(0, 255).to(torch.uint8)
    small = torch.tensor([i % 2 == 0 for i in range(count)])
    return Boxed(images, tuple(range(count)), boxes, small)


def write(folder: Path, rows: list[tuple[str, Box]]) -> Path:
    lines = ["file,synset,x0,y0,x1,y1"]
    for name, box in rows:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), "gray").save(file)
        lines.append(",".join([name, file.parent.name, *map(str, box)]))
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_maximum_is_at_the_centre_of_its_cell() -> None:
    maps = torch.zeros(2, 7, 7)
    maps[0, 3, 3] = maps[1, 0, 6] = 1
    where = points(maps, 224)
    np.testing.assert_allclose(where[0], [0.5, 0.5], atol=1 / 224)
    assert where[1, 0] > 6 / 7
    assert where[1, 1] < 1 / 7


def test_any_of_an_images_boxes_counts() -> None:
    boxes = boxed(((0.0, 0.0, 0.2, 0.2), (0.6, 0.4, 0.8, 0.9)), ((0.1, 0.1, 0.3, 0.3),))
    inside, outside = torch.tensor([[0.7, 0.5], [0.2, 0.2]]), torch.tensor([[0.5, 0.7], [0.2, 0.4]])
    assert hits(inside, boxes.boxes).tolist() == [True, True]
    assert hits(outside, boxes.boxes).tolist() == [False, False]


def test_small_objects_cover_less_than_a_quarter(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        [
            ("n01440764/a.png", (0.0, 0.0, 0.4, 0.5)),
            ("n01440764/b.png", (0.0, 0.0, 0.5, 0.5)),
            ("n03888257/c.png", (0.0, 0.0, 0.4, 0.4)),
            ("n03888257/c.png", (0.5, 0.5, 0.9, 0.9)),
        ],
    )
    data = load_boxed(folder)
    assert data.images.shape == (3, 3, 32, 32)
    assert data.labels == (0, 0, 9)
    assert data.small.tolist() == [True, False, False]
    assert [len(b) for b in data.boxes] == [1, 1, 2]


def test_missing_boxes_are_reported(tmp_path: Path) -> None:
    with pytest.raises(MlError, match=r"boxes\.csv"):
        load_boxed(tmp_path)


@pytest.mark.parametrize("mechanism", ["l2pa", "residual"])  # residual masks have channels
def test_a_full_box_is_always_hit_and_a_tiny_one_never(mechanism: str) -> None:
    network = for_inference(nets.lively(mechanism))
    whole, speck = ((0.0, 0.0, 1.0, 1.0),), ((0.9991, 0.9991, 0.9992, 0.9992),)
    found = {(s.stage, s.method): s for s in score(network, boxed(whole, speck, whole, speck), 3)}
    stages = ("early", "medium", "late", "combined")
    assert set(found) == {(s, m) for s in stages for m in ("attention", "gradcam")}
    for figures in found.values():
        assert (figures.hit_all, figures.hit_small) == (0.5, 1.0)
        assert (figures.centre_all, figures.centre_small) == (0.5, 1.0)
        assert figures.contrast > 0
        assert 1 <= figures.cells <= 4


def test_a_flat_map_shows_in_its_contrast_and_corner() -> None:
    """An untrained CBAM: its spatial mask is 0.5 everywhere."""
    from ml.networks.network import NetworkSpec, build_network

    network = build_network(NetworkSpec("cbam", backbone=nets.NARROW)).eval()
    whole = ((0.0, 0.0, 1.0, 1.0),)
    found = {(s.stage, s.method): s for s in score(network, boxed(whole, whole, whole))}
    assert found["medium", "attention"].contrast == 0
    assert found["medium", "attention"].corner == 1
    assert found["medium", "attention"].cells == 1


def test_the_real_boxes_and_the_centre_baseline(data_dir: Path) -> None:
    data = load_boxed(data_dir / "boxed224")
    assert data.images.shape == (250, 3, 224, 224)
    assert [data.labels.count(i) for i in range(10)] == [25] * 10
    assert 60 <= int(data.small.sum()) <= 80
    centre = torch.full((250, 2), 0.5)
    largest = tuple((max(b, key=lambda q: (q[2] - q[0]) * (q[3] - q[1])),) for b in data.boxes)
    alone = hits(centre, largest).float()
    assert alone.mean().item() == pytest.approx(0.80, abs=0.005)  # as the data's README has them
    assert alone[data.small].mean().item() == pytest.approx(0.46, abs=0.005)
