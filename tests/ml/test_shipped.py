"""The six models that come along: whole, as good as they say, with masks about the object."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.explain.combine import combine
from ml.explain.image import LoadedModel, explain_batch
from ml.localise import Boxed, hits, load_boxed, points
from ml.media.image import load_rgb, squash
from ml.train.data import SYNSETS
from ml.types import STAGES
from ml.weights import normalise
from tests.support import networks as nets

SIX = ("plain", "l2pa", "gated", "gated-grid", "residual", "cbam")
MASKED = SIX[1:]
FILES = sorted(catalogue.SHIPPED.glob("*.safetensors"))
EVERY = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)


@lru_cache(maxsize=6)
def model(model_id: str) -> LoadedModel:
    return catalogue.load(catalogue.find(model_id, catalogue.entries([])))


def photos() -> list[catalogue.Entry]:
    return [e for e in catalogue.entries([]) if e.kind == "image"]


def test_there_are_six() -> None:
    assert tuple(e.id for e in photos()) == SIX
    assert tuple(e.mechanism for e in photos()) == SIX
    assert len(FILES) == 6


@EVERY
def test_a_file_is_small_half_precision_and_finite(path: Path) -> None:
    assert path.stat().st_size <= 8_000_000
    for name, tensor in load_file(path).items():
        assert tensor.dtype == torch.float16, name
        assert tensor.isfinite().all(), name
        if name.endswith("running_var"):
            assert (tensor >= 0).all(), name


@EVERY
def test_its_json_says_all(path: Path) -> None:
    about = checkpoints.read(path).about  # which also checks the hash
    assert about["classes"] == list(SYNSETS.values())
    assert about["stages"] == list(STAGES)
    assert about["input_size"] == 224
    assert about["metrics"]["images"] == 3791
    training = about["training"]
    assert len(about["curves"]) == training["recipe"]["epochs"] >= 2
    assert [c["epoch"] for c in about["curves"]] == list(range(1, len(about["curves"]) + 1))
    for entry in about["curves"]:
        assert np.isfinite(list(entry.values())).all()
    assert about["curves"][-1]["train_loss"] < about["curves"][0]["train_loss"]
    last = about["curves"][-1]["val_accuracy"]
    assert last == pytest.approx(about["metrics"]["accuracy"], abs=5e-3)
    assert training["train_images"] == 9103
    assert training["seconds"] > 60
    assert isinstance(training["seed"], int)
    assert {"python", "torch", "torchvision"} <= set(training["versions"])
    assert "ImageNet" in about["weights_origin"]
    assert about["licence"]
    assert "/" not in training["data"]  # no path of the machine that trained it
    stages = {(s["stage"], s["method"]) for s in about["localisation"]}
    kinds = ("gradcam",) if path.stem == "plain" else ("attention", "gradcam")
    assert stages == {(s, k) for s in (*STAGES, "combined") for k in kinds}
    json.dumps(about, allow_nan=False)


def test_no_mechanism_costs_more_than_a_point_and_a_half() -> None:
    accuracy = {e.id: e.about["metrics"]["accuracy"] for e in photos()}
    assert accuracy["plain"] >= 0.97
    assert min(accuracy[m] for m in MASKED) >= accuracy["plain"] - 0.015


@pytest.fixture(scope="module")
def validation(data_dir: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Every twelfth image, as the page would show it to a model."""
    files = sorted((data_dir / "imagenette160" / "val").glob("*/*.*"))[::12]
    squares = [squash(load_rgb(file), 224).transpose(2, 0, 1) for file in files]
    labels = [list(SYNSETS).index(file.parent.name) for file in files]
    return torch.from_numpy(np.stack(squares)), torch.tensor(labels)


@pytest.mark.parametrize("model_id", SIX)
def test_it_is_as_accurate_as_it_says(
    model_id: str, validation: tuple[torch.Tensor, torch.Tensor]
) -> None:
    images, labels = validation
    network = model(model_id).network
    with torch.inference_mode():
        parts = [network(normalise(part)).logits.argmax(1) for part in images.split(20)]
    accuracy = (torch.cat(parts) == labels).float().mean().item()
    entry = catalogue.find(model_id, catalogue.entries([]))
    said = entry.about["metrics"]["accuracy"]
    error = (said * (1 - said) / len(labels)) ** 0.5
    assert abs(accuracy - said) < 3 * error + 0.001


@pytest.fixture(scope="module")
def objects(data_dir: Path) -> Boxed:
    """100 images with boxes, ten of each class."""
    data = load_boxed(data_dir / "boxed224")
    chosen = [i for i in range(250) if i % 25 < 10]
    return Boxed(
        data.images[chosen],
        tuple(data.labels[i] for i in chosen),
        tuple(data.boxes[i] for i in chosen),
        data.small[chosen],
    )


def covered(boxes: tuple[tuple[float, float, float, float], ...]) -> torch.Tensor:
    """Which of 56 x 56 places lie in a box."""
    places = (torch.arange(56) + 0.5) / 56
    y, x = torch.meshgrid(places, places, indexing="ij")
    inside = [(x > x0) & (x < x1) & (y > y0) & (y < y1) for x0, y0, x1, y1 in boxes]
    return torch.stack(inside).any(0)


def chance(boxed: Boxed) -> float:
    """How often a random point lies in a box."""
    return torch.stack([covered(boxes) for boxes in boxed.boxes]).float().mean().item()


@lru_cache(maxsize=6)
def masks_of(model_id: str, objects: Boxed) -> dict[str, torch.Tensor]:
    """Each stage's shown masks of all the images."""
    parts: dict[str, list[torch.Tensor]] = {s: [] for s in STAGES}
    for images in objects.images.split(20):
        found = explain_batch(model(model_id).network, normalise(images), methods=("attention",))
        for stage in STAGES:
            parts[stage].append(found.maps["attention"][stage])
    return {stage: torch.cat(maps) for stage, maps in parts.items()}


@pytest.mark.parametrize("model_id", MASKED)
def test_masks_point_where_the_table_says(model_id: str, objects: Boxed) -> None:
    """The 100 images against the JSON's figures on all 250."""
    about = catalogue.find(model_id, catalogue.entries([])).about
    said = {s["stage"]: s["hit_all"] for s in about["localisation"] if s["method"] == "attention"}
    for stage, maps in masks_of(model_id, objects).items():
        found = hits(points(maps, 224), objects).float().mean().item()
        assert found == pytest.approx(said[stage], abs=0.12), stage


@pytest.mark.parametrize("model_id", MASKED)
def test_learnt_masks_are_about_the_object(model_id: str, objects: Boxed) -> None:
    """No mask is flat, in a corner or always in one place, and none points at random."""
    at_random = chance(objects)
    for stage, maps in masks_of(model_id, objects).items():
        flat = maps.flatten(1)
        contrast = (flat.amax(1) - flat.amin(1)) / flat.abs().amax(1)
        assert contrast.median() > 0.05, f"{stage} is flat"  # residual: a mean of 320 channels
        where = points(maps, 224)
        cells = (where * 7).long()
        corner = ((cells == 0) | (cells == 6)).all(1).float().mean()
        assert corner < 0.25, f"{stage} sits in a corner"
        counts = torch.unique(cells, dim=0, return_counts=True)[1]
        assert len(counts) >= 10, f"{stage} is nearly always in one place"
        assert counts.max() < 60, f"{stage} is mostly in one place"
        assert hits(where, objects).float().mean() > at_random, f"{stage} points at random"


@pytest.mark.parametrize("model_id", MASKED)
def test_the_combined_mask_finds_the_object(model_id: str, objects: Boxed) -> None:
    """Far more often than a random point, and brighter there than around it on most images."""
    stages = list(masks_of(model_id, objects).values())
    maps = combine(stages, (56, 56))
    assert hits(points(maps, 224), objects).float().mean() > chance(objects) + 0.15
    inside = torch.stack([covered(boxes) for boxes in objects.boxes])
    on, off = (
        (maps * part).sum((1, 2)) / part.sum((1, 2)).clamp_min(1) for part in (inside, ~inside)
    )
    assert (on > off).float().mean() > 0.65


@pytest.mark.parametrize("model_id", SIX)
def test_gradcam_of_the_right_class_points_at_it(model_id: str, objects: Boxed) -> None:
    one = slice(0, 100, 4)
    some = Boxed(objects.images[one], objects.labels[one], objects.boxes[one], objects.small[one])
    found = explain_batch(
        model(model_id).network, normalise(some.images), some.labels, methods=("gradcam",)
    )
    hit = hits(points(found.maps["gradcam"]["late"], 224), some).float().mean()
    assert hit > chance(some) + 0.1


@pytest.mark.parametrize("model_id", SIX)
def test_softmax_and_sigmoid_masks_keep_their_ranges(model_id: str) -> None:
    kind = catalogue.find(model_id, catalogue.entries([])).card()["mask_range"]
    found = explain_batch(model(model_id).network, nets.pictures(2, 224), methods=("attention",))
    masks = [found.maps["attention"][s] for s in STAGES] if found.maps else []
    assert bool(masks) == (kind != "none")
    for mask in masks:
        assert mask.min() >= 0
        assert mask.max() <= 1
        if kind == "distribution":
            torch.testing.assert_close(mask.sum((1, 2)), torch.ones(2), atol=1e-4, rtol=0)
