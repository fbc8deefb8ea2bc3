"""Folders of images, augmentation on tensors, and the cache of frozen features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ml.errors import MlError
from ml.media.photo import load_rgb, squash
from ml.train.tasks.photos.data import Images, augment, batches, load_folder
from ml.train.tasks.photos.placed import placed
from ml.train.tasks.photos.trainer import PhotoTrainer
from tests.support import toy_images as toys

FROZEN = replace(toys.QUICK, frozen_blocks=6, epochs=1)
pytestmark = pytest.mark.usefixtures("narrow")


def test_a_folder_is_read_in_order(tmp_path: Path) -> None:
    root = toys.folder(tmp_path, train=3) / "train"
    (root / "disc" / "notes.txt").write_text("not an image")
    data = load_folder(root, 40)
    assert data.images.shape == (6, 3, 40, 40)
    assert data.images.dtype == torch.uint8
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.classes == ("disc", "stripes")
    expected = squash(load_rgb(root / "stripes" / "1.png"), 40)
    assert np.array_equal(data.images[4].permute(1, 2, 0).numpy(), expected)


def test_synsets_are_given_their_names(tmp_path: Path) -> None:
    for name in ("n03445777", "n01440764"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (20, 20)).save(tmp_path / name / "a.jpg")
    assert load_folder(tmp_path, 16).classes == ("tench", "golf ball")


def test_a_training_image_stands_as_its_exif_says(
    tmp_path: Path, photo_array: np.ndarray, save_photo: Callable[..., Path]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "only").mkdir()
    path = save_photo(photo_array, "only/turned.jpg", exif=exif)
    found = load_folder(tmp_path, 64).images[0].permute(1, 2, 0).numpy()
    assert np.array_equal(found, squash(load_rgb(path), 64))


@pytest.mark.parametrize("kind", ["missing", "empty", "no images"])
def test_a_folder_without_images_gets_a_sentence(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "data"
    if kind != "missing":
        (folder / "class").mkdir(parents=True)
    if kind == "no images":
        (folder / "class" / "a.txt").write_text("")
    with pytest.raises(MlError, match="one folder for each class"):
        load_folder(folder, 64)


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    root = toys.folder(tmp_path, train=1) / "train"
    (root / "disc" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    with pytest.raises(MlError, match=r"0\.png"):
        load_folder(root, 32)


def test_decoded_images_are_kept_and_noticed_when_they_change(tmp_path: Path) -> None:
    root, cache = toys.folder(tmp_path / "data", train=2) / "train", tmp_path / "cache"
    first = load_folder(root, 32, cache).images
    assert torch.equal(load_folder(root, 32, cache).images, first)
    assert len(list(cache.iterdir())) == 1
    Image.new("RGB", (48, 48), "white").save(root / "disc" / "0.png")
    changed = load_folder(root, 32, cache).images
    assert (changed[0] == 255).all()
    assert torch.equal(changed[1:], first[1:])


def test_an_epoch_sees_every_image_once_in_an_order_of_its_own() -> None:
    data = toys.images(24)
    epochs = [torch.cat(list(batches(data, 8, 5, e))).tolist() for e in (0, 1)]
    assert [sorted(e) for e in epochs] == [list(range(24))] * 2
    assert epochs[0] != epochs[1]
    assert epochs[0] == torch.cat(list(batches(data, 8, 5, 0))).tolist()
    assert epochs[0] != torch.cat(list(batches(data, 8, 6, 0))).tolist()
    assert torch.cat(list(batches(data, 8, 5, 0, start=1))).tolist() == epochs[0][8:]
    assert [len(b) for b in batches(data, 10, 5, 0)] == [10, 10]


def test_augmentation_is_a_function_of_its_seed() -> None:
    images = toys.images(6).images
    first = augment(images, 48, seed=1)
    assert first.shape == (6, 3, 48, 48)
    assert first.min() >= 0
    assert first.max() <= 255
    torch.rand(3)
    assert torch.equal(augment(images, 48, seed=1), first)
    assert (augment(images, 48, seed=2) - first).abs().mean() > 1


def test_augmentation_flips_crops_and_keeps_what_is_there() -> None:
    """On pictures of their own coordinates: half are mirrored, sides are 3:4 to 4:3."""
    place = torch.linspace(0, 255, 64)
    across, down = place.expand(64, 64), place[:, None].expand(64, 64)
    images = torch.stack([across, down, torch.zeros(64, 64)]).expand(400, 3, 64, 64)
    out = augment(images.to(torch.uint8), 64, seed=0)
    x, y = out[:, 0], out[:, 1]
    slope_x, slope_y = (x[:, 32, 40] - x[:, 32, 24]), (y[:, 40, 32] - y[:, 24, 32])
    assert (slope_y > 0).all()  # never upside down
    assert 0.4 < (slope_x < 0).float().mean() < 0.6
    ratio = slope_x.abs() / slope_y  # contrast changes both alike
    assert 0.7 < ratio.min() < 0.8
    assert 1.25 < ratio.max() < 1.4


def test_validation_sees_what_explaining_sees() -> None:
    """Strength 0 is a plain resize: enlarging, the same pixels as `squash` to rounding."""
    images = toys.images(3, size=40).images
    unchanged = augment(images, 40, seed=9, strength=0)
    torch.testing.assert_close(unchanged, images.float(), atol=0.01, rtol=0)
    for source, found in zip(images, augment(images, 64, seed=9, strength=0), strict=True):
        expected = squash(Image.fromarray(source.permute(1, 2, 0).numpy()), 64)
        assert np.abs(found.permute(1, 2, 0).numpy() - expected).max() <= 1
    larger = F.interpolate(images.float(), size=64, mode="bilinear", align_corners=False)
    torch.testing.assert_close(augment(images, 64, 0, strength=0), larger, atol=0.01, rtol=0)


def test_placed_views_are_small_copies_on_pieces_of_the_next_photo() -> None:
    """On photos of one colour each, whose views are white: what is white is the placed view."""
    colours = torch.arange(8, dtype=torch.uint8)[:, None, None, None].expand(8, 3, 64, 64) * 20
    data = Images(colours.contiguous(), torch.arange(8), ("a",), ())
    views, index = torch.full((8, 3, 64, 64), 255.0), torch.randperm(8)
    out = placed(views, data, index, seed=3, share=1)
    grounds = (index.roll(-1) * 20).float()[:, None, None].expand(8, 64, 64)
    white = out[:, 0] == 255
    assert torch.equal(out[:, 0][~white], grounds[~white])
    areas = white.float().mean((1, 2))
    assert 0.15**2 * 0.8 < areas.min() < 0.3
    assert 0.5 < areas.max() <= 1
    edges = torch.stack([white[:, 0].any(1), white[:, -1].any(1), white[:, :, 0].any(1)])
    assert not edges.all(1).any()  # anywhere, not always at one border
    assert torch.equal(placed(views, data, index, seed=3, share=1), out)
    assert not torch.equal(placed(views, data, index, seed=4, share=1), out)
    assert torch.equal(placed(views[4:], data, index, 3, 1, slice(4, 8)), out[4:])


def test_the_share_of_placed_views_is_as_asked() -> None:
    data = toys.images(400)
    views, index = data.images.float(), torch.arange(400)
    out = placed(views, data, index, seed=0, share=0.25)
    changed = (out != views).flatten(1).any(1).float().mean()
    assert 0.19 < changed < 0.31
    assert torch.equal(placed(views, data, index, seed=0, share=0), views)


def losses(cache: Path | None, size: int = 64) -> list[float]:
    run = PhotoTrainer(FROZEN, toys.images(16, size=size), toys.images(8, 900, size), cache=cache)
    told = [(getattr(p, "loss", None), getattr(p, "val_loss", None)) for p in run.run()]
    return [x for pair in told for x in pair if x is not None]


def test_the_cache_of_frozen_features_changes_nothing(tmp_path: Path) -> None:
    without, first, again = losses(None), losses(tmp_path), losses(tmp_path)
    assert first == again
    assert first[0] == pytest.approx(without[0], abs=5e-3)  # features rounded to float16
    assert first == pytest.approx(without, abs=0.06)  # and what Adam makes of that in a step
    files = sorted(p for p in tmp_path.rglob("*") if p.is_file())
    assert files
    assert not [p for p in files if ".part" in p.name]


def test_the_cache_is_read_not_made_again(tmp_path: Path) -> None:
    losses(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npy")}
    losses(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npy")} == before


def test_the_cache_knows_other_images_of_the_same_names(tmp_path: Path) -> None:
    losses(tmp_path, size=96)
    assert losses(tmp_path) == losses(tmp_path / "fresh")


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"size": 48}, {"augmentation": 0.5}, {"placed": 0.5}]
)
def test_the_cache_knows_other_runs(tmp_path: Path, change: dict[str, float]) -> None:
    def steps(cache: Path) -> list[float]:
        run = PhotoTrainer(
            replace(FROZEN, **change), toys.images(16), toys.images(8, 900), cache=cache
        )
        return [p.loss for p in run.run() if hasattr(p, "loss")]

    losses(tmp_path / "a")
    assert steps(tmp_path / "a") == steps(tmp_path / "b")


def test_a_module_among_the_frozen_blocks_is_refused() -> None:
    """Training starts behind them, so the module of the early stage would be left out."""
    with pytest.raises(MlError, match="frozen"):
        replace(FROZEN, mechanism="cbam", frozen_blocks=7)
