"""Checks of the shipped models of photos: on a sample in tests, on all data in soak."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml import catalogue
from ml.explain.combine import combine
from ml.explain.maps import explain_images
from ml.explain.results import LoadedModel
from ml.localise import Boxed, hits, load_boxed, points
from ml.media.photo import load_rgb, squash
from ml.networks.types import STAGES, Stage
from ml.networks.weights import normalise
from ml.train.tasks.photos.data import SYNSETS

SIX = ("plain", "l2pa", "gated", "gated-grid", "residual", "cbam")
MASKED = SIX[1:]


@lru_cache(maxsize=8)
def model(model_id: str) -> LoadedModel:
    """A shipped model, loaded once."""
    return catalogue.load(entry(model_id))


def entry(model_id: str) -> catalogue.CatalogueEntry:
    """A shipped model's entry in the catalogue."""
    return catalogue.find(model_id, catalogue.entries([]))


def validation(data_dir: Path, first: int, step: int) -> tuple[Tensor, Tensor]:
    """Every `step`th validation image, preprocessed as for an analysis, and the labels."""
    files = sorted((data_dir / "imagenette160" / "val").glob("*/*.*"))[first::step]
    squares = [squash(load_rgb(file), 224).transpose(2, 0, 1) for file in files]
    labels = [list(SYNSETS).index(file.parent.name) for file in files]
    return torch.from_numpy(np.stack(squares)), torch.tensor(labels)


def objects(data_dir: Path, per_class: int = 25) -> Boxed:
    """Images with boxes, `per_class` of each of the ten classes."""
    data = load_boxed(data_dir / "boxed224")
    return some(data, [i for i in range(250) if i % 25 < per_class])


def some(data: Boxed, chosen: Sequence[int]) -> Boxed:
    """A subset of the images with boxes."""
    return Boxed(
        data.images[chosen],
        tuple(data.labels[i] for i in chosen),
        tuple(data.boxes[i] for i in chosen),
        data.small[chosen],
    )


def check_accuracy(model_id: str, images: Tensor, labels: Tensor) -> None:
    """The accuracy is that of the model's JSON, within four standard errors."""
    network = model(model_id).network
    with torch.inference_mode():
        parts = [network(normalise(part)).logits.argmax(1) for part in images.split(20)]
    accuracy = (torch.cat(parts) == labels).float().mean().item()
    expected = entry(model_id).about["metrics"]["accuracy"]
    error = (expected * (1 - expected) / len(labels)) ** 0.5
    assert abs(accuracy - expected) < 4 * error + 0.001


def masks_of(model_id: str, boxed: Boxed) -> dict[Stage, Tensor]:
    """Each stage's masks of all images."""
    parts: dict[Stage, list[Tensor]] = {s: [] for s in STAGES}
    for images in boxed.images.split(20):
        found = explain_images(model(model_id).network, normalise(images), methods=("attention",))
        for stage in STAGES:
            parts[stage].append(found.maps["attention"][stage])
    return {stage: torch.cat(maps) for stage, maps in parts.items()}


def check_places(model_id: str, masks: dict[Stage, Tensor], boxed: Boxed) -> None:
    """On all images with boxes, masks hit the object as often as in the model's JSON."""
    table = entry(model_id).about["localisation"]
    expected = {s["stage"]: s["hit_all"] for s in table if s["method"] == "attention"}
    for stage, maps in masks.items():
        rate = hits(points(maps, 224), boxed.boxes).float().mean().item()
        assert abs(rate - expected[stage]) < 0.03, stage


def check_masks_are_learnt(masks: dict[Stage, Tensor], boxed: Boxed) -> None:
    """No mask is flat, in a corner, always in the same place, or random."""
    count = len(boxed.labels)
    for stage, maps in masks.items():
        check_contrast(stage, maps)
        where = points(maps, 224)
        cells = (where * 7).long()
        corner = ((cells == 0) | (cells == 6)).all(1).float().mean()
        assert corner < 0.25, f"{stage} sits in a corner"
        counts = torch.unique(cells, dim=0, return_counts=True)[1]
        assert len(counts) >= 10, f"{stage} is nearly always in one place"
        assert counts.max() < 0.6 * count, f"{stage} is mostly in one place"
        assert hits(where, boxed.boxes).float().mean() > chance(boxed), f"{stage} points at random"


def check_contrast(stage: str, maps: Tensor) -> None:
    """Masks are not flat, on most images."""
    flat = maps.flatten(1)
    contrast = (flat.amax(1) - flat.amin(1)) / flat.abs().amax(1)
    assert contrast.median() > 0.05, f"{stage} is flat"  # residual: a mean of 320 channels


def check_combined(masks: dict[Stage, Tensor], boxed: Boxed, beyond: float, share: float) -> None:
    """The combined mask hits the object more often than chance, by `beyond`.

    On more than `share` of the images it is brighter on the object than around it.
    """
    maps = combine(list(masks.values()), (56, 56))
    assert hits(points(maps, 224), boxed.boxes).float().mean() > chance(boxed) + beyond
    inside = torch.stack([covered(boxes) for boxes in boxed.boxes])
    on, off = (
        (maps * part).sum((1, 2)) / part.sum((1, 2)).clamp_min(1) for part in (inside, ~inside)
    )
    assert (on > off).float().mean() > share


def check_gradcam(model_id: str, boxed: Boxed) -> None:
    """Late Grad-CAM of the true class hits the object."""
    found = explain_images(
        model(model_id).network, normalise(boxed.images), boxed.labels, methods=("gradcam",)
    )
    hit = hits(points(found.maps["gradcam"]["late"], 224), boxed.boxes).float().mean()
    assert hit > chance(boxed) + 0.1


def covered(boxes: Sequence[tuple[float, float, float, float]]) -> Tensor:
    """A mask (56, 56) of the positions inside any box."""
    places = (torch.arange(56) + 0.5) / 56
    y, x = torch.meshgrid(places, places, indexing="ij")
    inside = [(x > x0) & (x < x1) & (y > y0) & (y < y1) for x0, y0, x1, y1 in boxes]
    return torch.stack(inside).any(0)


def chance(boxed: Boxed) -> float:
    """The probability that a random point is in a box."""
    return torch.stack([covered(boxes) for boxes in boxed.boxes]).float().mean().item()
