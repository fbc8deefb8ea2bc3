"""The 1000-class network that comes along, for photos and, averaged over frames, for clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.catalogue import IMAGENET_CLIP_ID, IMAGENET_ID
from ml.explain.explain import explain
from ml.explain.results import LoadedModel
from ml.media.photo import load_rgb, squash
from ml.networks import weights
from ml.networks.video.types import Sampled
from ml.train.tasks.photos.data import SYNSETS
from tests.support import shipped_models as shipped

EXAMPLES = Path(__file__).resolve().parents[2] / "static" / "examples"
CHURCH = squash(load_rgb(EXAMPLES / "church.jpg"), 224)


@pytest.fixture(scope="module")
def photos() -> LoadedModel:
    return shipped.model(IMAGENET_ID)


@pytest.fixture(scope="module")
def clips() -> LoadedModel:
    return shipped.model(IMAGENET_CLIP_ID)


def three_frames() -> Sampled:
    """The church, then half of it, then noise: a clip of three moments."""
    grain = np.random.default_rng(0).integers(0, 255, CHURCH.shape, np.uint8)
    frames = np.stack([CHURCH, np.where(np.arange(224)[:, None, None] < 112, CHURCH, 0), grain])
    times, edges = np.array([[0.5], [1.5], [2.5]]), np.arange(4.0)
    bounds = np.stack([edges[:-1], edges[1:]], 1)
    return Sampled(frames[:, None], times, bounds, np.empty((3, 0, 2, 224, 224), np.uint8))


def test_the_file_is_the_one_that_its_card_describes() -> None:
    checkpoint = checkpoints.read(weights.SHIPPED / weights.FILE_NAME)  # which checks the hash
    about = checkpoint.about
    assert about["checkpoint"]["bytes"] == checkpoint.path.stat().st_size < 8_000_000
    assert tuple(about["classes"]) == weights.imagenet_classes()
    assert len(set(about["classes"])) >= 998  # ImageNet has two cranes and two maillots
    assert set(SYNSETS.values()) <= set(about["classes"])  # the ten are called the same
    assert "BSD-3-Clause" in about["licence"]
    for words in ("int8", "500 images", "python -m ml weights"):
        assert words in about["weights_origin"]


def test_both_are_first_and_shown_unless_another_is_chosen() -> None:
    known = catalogue.entries()
    for kind, first in (("image", IMAGENET_ID), ("clip", IMAGENET_CLIP_ID)):
        cards = [entry.card() for entry in known if entry.kind == kind]
        assert cards[0]["id"] == first
        assert cards[0]["default"] is True
        assert cards[0]["head"] == "imagenet"
        assert cards[0]["curves"] == []
    default = [e.id for e in known if e.kind == "clip" and e.card()["default"]]
    assert default == [IMAGENET_CLIP_ID, "camera-motion"]
    titles = [entry.title for entry in known]
    assert len(set(titles)) == len(titles)
    assert not any("_" in title for title in titles)
    clip = catalogue.find(IMAGENET_CLIP_ID, known).card()
    assert (clip["streams"], clip["metrics"]) == (["rgb"], {})
    assert clip["checkpoint"] == catalogue.find(IMAGENET_ID, known).card()["checkpoint"]


def test_a_folder_of_ones_own_replaces_it(tmp_path: Path) -> None:
    """Of other weights, the card does not say how good they are."""
    state = {
        k: v.half() for k, v in weights.read_local(weights.SHIPPED / weights.FILE_NAME).items()
    }
    state["classifier.1.bias"] += 1
    weights.save_file(state, tmp_path / weights.FILE_NAME)
    entry = catalogue.find(IMAGENET_ID, catalogue.entries([tmp_path]))
    assert entry.path == tmp_path / weights.FILE_NAME
    assert entry.checkpoint_sha256 == checkpoints.hash_of(entry.path)
    assert entry.card()["metrics"] == {}
    built = catalogue.build(entry).mechanism.classifier[1].bias
    assert torch.equal(built, state["classifier.1.bias"].float())


def test_a_clips_answer_is_the_mean_of_its_frames(photos: LoadedModel, clips: LoadedModel) -> None:
    sampled = three_frames()
    alone = [explain(photos, Sampled.of_photo(frame)) for frame in sampled.rgb]
    both = explain(clips, sampled)
    logits = np.stack([one.logits for one in alone])
    np.testing.assert_allclose(both.logits, logits.mean(0), atol=2e-3)
    scores = both.clip
    assert scores is not None
    np.testing.assert_allclose(scores.streams["rgb"].logits, logits, atol=2e-3)
    added = scores.shares["rgb"].sum() + scores.rest
    assert added == pytest.approx(both.logits[both.target_index], abs=1e-4)
    assert set(scores.shares) == {"rgb"}


def test_gradcam_over_time_is_that_of_each_frame(photos: LoadedModel, clips: LoadedModel) -> None:
    sampled = three_frames()
    late = {t.stage: t for t in explain(clips, sampled, target="church").tracks}["late"]
    assert late.values.shape == (3, 7, 7)
    np.testing.assert_allclose(late.times, [0.5, 1.5, 2.5])
    for frame, found in zip(sampled.rgb, late.values, strict=True):
        alone = explain(photos, Sampled.of_photo(frame), target="church")
        expected = next(t.values[0] for t in alone.tracks if t.stage == "late")
        np.testing.assert_allclose(found, expected, atol=2e-2)


def test_the_church_is_a_church(photos: LoadedModel) -> None:
    result = explain(photos, Sampled.of_photo(CHURCH), methods=())
    assert result.classes[int(result.logits.argmax())] == "church"


def test_it_is_as_accurate_as_it_says(data_dir: Path, photos: LoadedModel) -> None:
    """On 20 images of ImageNet's validation split, near the share of its card."""
    data, right = shipped.objects(data_dir, per_class=2), np.zeros(2)
    names = list(SYNSETS.values())
    for pixels, label in zip(data.images, data.labels, strict=True):
        photo = Sampled.of_photo(pixels.permute(1, 2, 0).contiguous().numpy())
        order = explain(photos, photo, methods=()).logits.argsort()[::-1]
        five = [photos.classes[i] for i in order[:5]]
        right += [five[0] == names[label], names[label] in five]
    assert abs(right[0] - 20 * 0.664) <= 6
    assert right[1] >= 15


def test_it_recognises_photos(data_dir: Path, photos: LoadedModel) -> None:
    """Of thirty photos, at least twenty have the class of their file name among the top five."""
    right = 0
    files = sorted((data_dir / "photos").glob("*.jpg"))
    for file in files:
        result = explain(photos, Sampled.of_photo(squash(load_rgb(file), 224)), methods=())
        five = [photos.classes[i] for i in result.logits.argsort()[-5:]]
        right += file.stem.split("_", 1)[1].replace("_", " ") in five
    assert len(files) == 30
    assert right >= 20
