"""The clip models that come along: whole, as they say, and the motion stream reads motion."""

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
from ml.attention.base import MECHANISMS
from ml.media import clip, flow
from ml.media.image import load_rgb
from ml.train.clips.config import ClipConfig
from ml.train.clips.data import list_clips
from ml.train.clips.measure import wilson
from ml.train.clips.recipes import shipped
from ml.train.config import configure
from ml.train.data import SYNSETS
from ml.types import STAGES
from ml.video.base import VideoNetwork
from ml.video.inputs import prepare
from ml.video.motion import MOVEMENTS, motion_clip, pair_index, pairs
from ml.video.sampling import segment_bounds, snippets
from ml.video.types import ClipAttended, Sampled

FOLDER = catalogue.SHIPPED / "clips"
FIGHTS = tuple(f"fight-{name}" for name in MECHANISMS)
FILES = sorted(FOLDER.glob("*.safetensors"))
EVERY = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
PROBED = 135  # clips of the moving camera: fifteen of every movement
SIDE = 224


def about(name: str) -> dict:
    return checkpoints.read(FOLDER / f"{name}.safetensors").about


@lru_cache(maxsize=1)
def network(name: str) -> VideoNetwork:
    return checkpoints.load_video(checkpoints.read(FOLDER / f"{name}.safetensors"))


def test_there_are_seven() -> None:
    assert {p.stem for p in FILES} == {*FIGHTS, "camera-motion"}


@EVERY
def test_a_file_is_small_half_precision_and_finite(path: Path) -> None:
    sizes = dict.fromkeys(("rgb", "flow"), 0)
    for name, tensor in load_file(path).items():
        assert tensor.dtype == torch.float16, name
        assert tensor.isfinite().all(), name
        if name.endswith("running_var"):
            assert (tensor >= 0).all(), name
        sizes[name.split(".")[0]] += tensor.numel() * 2
    assert 4_000_000 < min(sizes.values()) <= max(sizes.values()) <= 8_000_000


@EVERY
def test_its_json_says_all(path: Path) -> None:
    said = checkpoints.read(path).about  # which also checks the hash
    metrics, training = said["metrics"], said["training"]
    assert said["kind"] == "clip"
    assert said["stages"] == list(STAGES)
    assert said["input_size"] == SIDE
    for found in (metrics, *metrics["streams"].values()):
        right = round(found["accuracy"] * metrics["clips"])
        assert found["accuracy"] == pytest.approx(right / metrics["clips"])
        assert found["interval"] == pytest.approx(wilson(right, metrics["clips"]), abs=1e-4)
    curves = said["curves"]
    assert [c["epoch"] for c in curves] == list(range(1, training["recipe"]["epochs"] + 1))
    for entry in curves:
        assert np.isfinite(list(entry.values())).all()
        assert {"val_rgb", "val_flow", "val_accuracy"} <= set(entry)
    assert curves[-1]["train_loss"] < curves[0]["train_loss"]
    assert training["best_epoch"] <= training["recipe"]["epochs"]
    assert training["stopped_early"] is False  # no epoch is picked by the validation clips
    assert {"python", "torch"} <= set(training["versions"])
    assert {"av", "opencv-python-headless"} == set(training["clip_versions"])
    assert "ImageNet" in said["weights_origin"]
    assert "/" not in training["data"]
    assert said["licence"]
    json.dumps(said, allow_nan=False)


@EVERY
def test_its_recipe_can_be_asked_for(path: Path) -> None:
    said = checkpoints.read(path).about
    config = configure(
        said["mechanism"], {"architecture": "two_stream", **shipped(path.stem), "seed": 0}
    )
    assert isinstance(config, ClipConfig)
    for name, value in said["training"]["recipe"].items():
        if name not in ("mechanism", "parameters", "stages", "seed"):
            assert getattr(config, name) == value, name


def test_six_fight_models_share_one_recipe() -> None:
    recipes = [about(name)["training"]["recipe"] for name in FIGHTS]
    assert all(recipe == recipes[0] for recipe in recipes)
    assert {about(name)["mechanism"] for name in FIGHTS} == set(MECHANISMS)
    for name in FIGHTS:
        assert about(name)["classes"] == ["fight", "no_fight"]
        assert (about(name)["metrics"]["clips"], about(name)["training"]["train_clips"]) == (
            64,
            161,
        )


@pytest.mark.parametrize("name", [n for n in FIGHTS if n != "fight-plain"])
def test_masks_are_neither_flat_nor_always_the_same(name: str) -> None:
    for stream, stages in about(name)["metrics"]["masks"].items():
        assert set(stages) == set(STAGES)
        alive = [s for s in stages.values() if s["contrast"] > 0.02 and s["varies"] > 0.02]
        assert len(alive) >= 2, (stream, stages)


@pytest.fixture(scope="module")
def moving(data_dir: Path) -> tuple[list[Sampled], torch.Tensor, torch.Tensor]:
    """Clips of validation images: what a camera does over each, and what each shows."""
    files = sorted((data_dir / "imagenette160" / "val").glob("*/*"))[7 :: 3700 // PROBED][:PROBED]
    found, movements = [], []
    for i, file in enumerate(files):
        movement = (i * 5 + i // 9) % 9
        frames = motion_clip(
            np.asarray(load_rgb(file)),
            MOVEMENTS[movement],
            np.random.default_rng([99, i]),
            size=SIDE,
        )[None]
        still = np.zeros((1, 11))
        found.append(Sampled(frames, still, np.zeros((1, 2)), flow.stack(frames)))
        movements.append(movement)
    looks = [list(SYNSETS).index(file.parent.name) for file in files]
    return found, torch.tensor(movements), torch.tensor(looks)


@pytest.fixture(scope="module")
def seen(
    moving: tuple[list[Sampled], torch.Tensor, torch.Tensor],
) -> tuple[ClipAttended, dict[str, torch.Tensor]]:
    """What the camera-motion model says of them, and each stream's pooled features."""
    model = network("camera-motion")
    pooled: dict[str, list[torch.Tensor]] = {"rgb": [], "flow": []}
    hooks = [
        getattr(model, stream).register_forward_hook(
            lambda _m, _i, out, s=stream: pooled[s].append(out.pooled)
        )
        for stream in pooled
    ]
    with torch.inference_mode():
        batches = [moving[0][first : first + 20] for first in range(0, PROBED, 20)]
        said = [model(prepare(model, batch)) for batch in batches]
    for hook in hooks:
        hook.remove()
    logits = torch.cat([s.logits for s in said])
    streams = {
        s: type(said[0].streams[s])(
            torch.cat([o.streams[s].logits for o in said]),
            torch.cat([o.streams[s].consensus for o in said]),
            {},
        )
        for s in pooled
    }
    whole = ClipAttended(logits, streams, said[0].weights)
    return whole, {s: torch.cat(parts) for s, parts in pooled.items()}


def test_motion_is_read_on_images_never_seen(
    moving: tuple[list[Sampled], torch.Tensor, torch.Tensor],
    seen: tuple[ClipAttended, dict[str, torch.Tensor]],
) -> None:
    _, movements, looks = moving
    attended, _ = seen
    index = pair_index(10, 9)
    classes = list(pairs(tuple(SYNSETS.values()), MOVEMENTS))
    assert about("camera-motion")["classes"] == classes
    motion = torch.tensor(index["flow"])[attended.streams["flow"].scores.argmax(1)]
    look = torch.tensor(index["rgb"])[attended.streams["rgb"].scores.argmax(1)]
    both = attended.logits.argmax(1)
    assert (motion == movements).float().mean() > 0.95
    assert (look == looks).float().mean() > 0.80
    assert (both == looks * 9 + movements).float().mean() > 0.78


def probed(features: torch.Tensor, labels: torch.Tensor) -> float:
    """Accuracy of a linear classifier on every third clip, learnt on the others."""
    held = torch.arange(len(labels)) % 3 == 0
    x = (features - features[~held].mean(0)) / features[~held].std(0).clamp_min(1e-3)
    y = torch.nn.functional.one_hot(labels, 9).float() - 1 / 9
    gram = x[~held] @ x[~held].T + 30 * torch.eye(int((~held).sum()))
    scores = x[held] @ (x[~held].T @ torch.linalg.solve(gram, y[~held]))
    return (scores.argmax(1) == labels[held]).float().mean().item()


def test_appearance_says_nothing_of_the_motion(
    moving: tuple[list[Sampled], torch.Tensor, torch.Tensor],
    seen: tuple[ClipAttended, dict[str, torch.Tensor]],
) -> None:
    movements = moving[1]
    by_flow = probed(seen[1]["flow"], movements)
    by_rgb = probed(seen[1]["rgb"], movements)
    assert by_flow > 0.9
    assert by_rgb < 1 / 9 + 3 * (1 / 9 * 8 / 9 / (PROBED / 3)) ** 0.5
    control = about("camera-motion")["metrics"]["rgb_on_motion"]  # trained for it, as hard
    low, high = control["interval"]
    assert low < 1 / 9 < high


def sampled(path: Path, count: int) -> Sampled:
    times = clip.times(path)
    chosen = snippets(times.tolist(), count, 11)
    numbers = sorted({n for one in chosen for n in one})
    frames = dict(zip(numbers, clip.frames(path, numbers, SIDE), strict=True))
    stacks = np.stack([np.stack([frames[n] for n in one]) for one in chosen])
    bounds = segment_bounds(times.tolist(), count)
    return Sampled(stacks, times[np.array(chosen)], bounds, flow.stack(stacks))


def test_fights_are_told_by_motion(data_dir: Path) -> None:
    files, classes = list_clips(data_dir / "clips_fight" / "val")
    assert classes == ("fight", "no_fight")
    chosen = range(1, 64, 4)
    labels = torch.tensor([files.labels[i] for i in chosen])
    model = network("fight-plain")
    with torch.inference_mode():
        scores = torch.stack(
            [
                model.run_stream("flow", prepare(model, [sampled(files.files[i], 2)]).flow).scores[
                    0
                ]
                for i in chosen
            ]
        )
    right = (scores.argmax(1) == labels).float().mean().item()
    assert right > 0.6
    assert scores[labels == 0, 0].mean() > scores[labels == 1, 0].mean()
