"""The pictures of the scenes: the same for every network, with boxes that are where things are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ml.study.scenes import LARGE, LITTLE, SHARES, Photos, Scene, boxed224
from ml.train.tasks.photos.data import Images
from tests.ml.study import toy

SIDE = 64


def plain_photos(count: int = 12, classes: int = 3) -> Images:
    """Every photo of a class has the same even colour, so grounds are of their photo's colour."""
    labels = torch.arange(count) % classes
    images = (60 * (labels + 1)).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE)
    names = tuple(str(i) for i in range(classes))
    return Images(images.contiguous(), labels, names, (Path("a.png"),) * count)


def whole(scene: Scene) -> tuple[Tensor, list[tuple[float, ...]]]:
    batches = list(scene.batches(5))
    assert [batch.start for batch in batches] == list(range(0, len(scene.labels), 5))
    assert torch.equal(torch.cat([batch.labels for batch in batches]), scene.labels)
    boxes = [box for batch in batches for (box,) in batch.boxes]
    return torch.cat([batch.pictures for batch in batches]), boxes


def scenes(photos: Photos) -> list[Scene]:
    placed = [photos.placed(name, 10) for name in SHARES]
    return [*placed, photos.several(10), photos.pieces(10)]


@pytest.mark.parametrize("number", range(6))
def test_a_photo_is_in_its_box_and_the_ground_is_of_another_class(number: int) -> None:
    scene = scenes(Photos(plain_photos(), 3, SIDE))[number]
    pictures, boxes = whole(scene)
    share = [*SHARES.values(), LARGE, SHARES["placed35"]][number]
    for picture, box, label in zip(pictures, boxes, scene.labels, strict=True):
        left, top, right, bottom = (round(edge * SIDE) for edge in box)
        assert (right - left, bottom - top) == (round(share * SIDE),) * 2
        inside = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        inside[top:bottom, left:right] = True
        assert ((picture == 60 * (label + 1)).all(0) == inside).all()


def test_two_others_stand_beside_and_none_is_covered() -> None:
    photos = plain_photos(60, 30)  # so many classes that three of a picture seldom agree
    pictures, _ = whole(Photos(photos, 0, SIDE).several(20))
    areas = [picture[0].unique(return_counts=True)[1].tolist() for picture in pictures]
    little, large = round(LITTLE * SIDE) ** 2, round(LARGE * SIDE) ** 2
    expected = sorted([little, little, large, SIDE**2 - 2 * little - large])
    assert sum(sorted(counts) == expected for counts in areas) > 10


def test_networks_and_scenes_see_the_same() -> None:
    split = toy.photos(30)[0]
    photos = Photos(split, 1, SIDE)
    for scene, again in zip(scenes(photos), scenes(Photos(split, 1, SIDE)), strict=True):
        assert torch.equal(scene.labels, photos.ordinary().labels[:10])
        (pictures, boxes), (same, as_before) = whole(scene), whole(again)
        assert torch.equal(pictures, same)
        assert boxes == as_before
        part, _ = scene.draw(4, 7)  # a picture does not depend on its batch
        assert torch.equal(part, pictures[4:7])
    other, _ = whole(Photos(split, 2, SIDE).placed("placed50", 10))
    assert not torch.equal(other, whole(photos.placed("placed50", 10))[0])


def test_where_a_photo_is_does_not_depend_on_its_size() -> None:
    photos = Photos(toy.photos(30)[0], 1, SIDE)
    large, small = (whole(photos.placed(name, 10))[1] for name in ("placed50", "placed15"))
    for (x, y, right, _), (x2, y2, right2, _) in zip(large, small, strict=True):
        free, free2 = 1 - (right - x), 1 - (right2 - x2)
        assert (x / free, y / free) == pytest.approx((x2 / free2, y2 / free2), abs=0.04)


@pytest.mark.parametrize(
    ("count", "sizes"), [(10, [5, 5]), (11, [5, 6]), (12, [5, 5, 2]), (1, [1])]
)
def test_no_photo_is_left_alone_in_a_batch(count: int, sizes: list[int]) -> None:
    scene = Photos(plain_photos(30), 0, SIDE).placed("placed25", count)
    assert [len(batch.labels) for batch in scene.batches(5)] == sizes


def test_ordinary_photos_are_all_of_them_and_boxed_ones_keep_their_boxes() -> None:
    split, boxed = toy.photos(30)
    photos = Photos(split, 5, toy.SIDE)
    ordinary = photos.ordinary()
    pictures, boxes = ordinary.draw(0, 30)
    assert torch.allclose(pictures, split.images[photos.order].float(), atol=1e-2)
    assert boxes == ((),) * 30
    assert photos.order.sort()[0].tolist() == list(range(30))
    (batch,) = boxed224(boxed).batches()
    assert batch.boxes == boxed.boxes
    assert torch.equal(batch.pictures, boxed.images)
