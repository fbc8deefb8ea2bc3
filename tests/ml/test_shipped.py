"""The six models trained here: whole, and on a sample of photos as good as they say.

`make soak` has the whole validation, and what masks are about.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.explain.maps import explain_images
from ml.localise import Boxed
from ml.networks.types import STAGES
from ml.train.tasks.photos.data import SYNSETS
from tests.support import networks as nets
from tests.support import shipped_models as shipped
from tests.support.shipped_models import MASKED, SIX

FILES = sorted(catalogue.SHIPPED.glob("*.safetensors"))
EVERY = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)


def photos() -> list[catalogue.CatalogueEntry]:
    return [e for e in catalogue.entries([]) if e.kind == "image" and not e.imagenet]


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
    """Two images of each class."""
    return shipped.validation(data_dir, 90, 190)


@pytest.mark.parametrize("model_id", SIX)
def test_it_is_as_accurate_as_it_says(
    model_id: str, validation: tuple[torch.Tensor, torch.Tensor]
) -> None:
    shipped.check_accuracy(model_id, *validation)


@pytest.fixture(scope="module")
def objects(data_dir: Path) -> Boxed:
    """Two images with boxes of each class."""
    return shipped.objects(data_dir, per_class=2)


@pytest.mark.parametrize("model_id", MASKED)
def test_the_combined_mask_finds_the_object(model_id: str, objects: Boxed) -> None:
    """And no stage's mask is flat."""
    masks = shipped.masks_of(model_id, objects)
    for stage, maps in masks.items():
        shipped.check_contrast(stage, maps)
    shipped.check_combined(masks, objects, beyond=0.0, share=0.5)


@pytest.mark.parametrize("model_id", SIX)
def test_gradcam_of_the_right_class_points_at_it(model_id: str, objects: Boxed) -> None:
    shipped.check_gradcam(model_id, shipped.some(objects, range(0, 20, 2)))


@pytest.mark.parametrize("model_id", SIX)
def test_softmax_and_sigmoid_masks_keep_their_ranges(model_id: str) -> None:
    kind = shipped.entry(model_id).card()["mask_range"]
    network = shipped.model(model_id).network
    found = explain_images(network, nets.pictures(2, 160), methods=("attention",))
    masks = [found.maps["attention"][s] for s in STAGES] if found.maps else []
    assert bool(masks) == (kind != "none")
    for mask in masks:
        assert mask.min() >= 0
        assert mask.max() <= 1
        if kind == "distribution":
            torch.testing.assert_close(mask.sum((1, 2)), torch.ones(2), atol=1e-4, rtol=0)
