"""Checks of the shipped models of clips: on a sample in tests, on more in soak."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.explain.sample import sample_clip
from ml.media import flow
from ml.media.photo import load_rgb
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import prepare
from ml.networks.video.types import Sampled
from ml.train.tasks.clips.camera_motion import MOVEMENTS, motion_clip, pair_index
from ml.train.tasks.clips.data import list_clips
from ml.train.tasks.photos.data import SYNSETS

FOLDER = catalogue.SHIPPED / "clips"
SIDE = 224
CHANCE = 1 / len(MOVEMENTS)


@lru_cache(maxsize=1)
def network(name: str) -> VideoNetwork:
    """A shipped network."""
    return checkpoints.load_video(checkpoints.read(FOLDER / f"{name}.safetensors"))


@dataclass(frozen=True)
class Seen:
    """Labels of clips, the camera-motion model's outputs, and each stream's pooled features."""

    movements: Tensor  # labels of the camera's movement
    looks: Tensor  # labels of the picture
    logits: Tensor
    scores: dict[str, Tensor]
    pooled: dict[str, Tensor]


def moving(data_dir: Path, count: int, seed: int = 99) -> tuple[list[Sampled], Tensor, Tensor]:
    """Clips over validation images, with the labels of their movements and appearances."""
    images = sorted((data_dir / "imagenette160" / "val").glob("*/*"))
    first = (7 + seed - 99) % (3700 // count)
    files = images[first :: 3700 // count][:count]
    found, movements = [], []
    for i, file in enumerate(files):
        movement = (i * 5 + i // 9) % 9
        rng = np.random.default_rng([seed, i])
        frames = motion_clip(np.asarray(load_rgb(file)), MOVEMENTS[movement], rng, size=SIDE)[None]
        found.append(Sampled(frames, np.zeros((1, 11)), np.zeros((1, 2)), flow.stack(frames)))
        movements.append(movement)
    looks = [list(SYNSETS).index(file.parent.name) for file in files]
    return found, torch.tensor(movements), torch.tensor(looks)


def seen(data_dir: Path, count: int, seed: int = 99) -> Seen:
    """Run the model on `count` clips of a moving camera."""
    clips, movements, looks = moving(data_dir, count, seed)
    model = network("camera-motion")
    pooled: dict[str, list[Tensor]] = {"rgb": [], "flow": []}
    hooks = [
        getattr(model, stream).register_forward_hook(
            lambda _m, _i, out, s=stream: pooled[s].append(out.pooled)
        )
        for stream in pooled
    ]
    with torch.inference_mode():
        outputs = [model(prepare(model, clips[i : i + 20])) for i in range(0, count, 20)]
    for hook in hooks:
        hook.remove()
    return Seen(
        movements,
        looks,
        torch.cat([o.logits for o in outputs]),
        {s: torch.cat([o.streams[s].scores for o in outputs]) for s in pooled},
        {s: torch.cat(parts) for s, parts in pooled.items()},
    )


def check_motion_is_read(found: Seen, motion: float, look: float, both: float) -> None:
    """Each stream predicts its own half of the class, with more than these accuracies."""
    index = pair_index(10, 9)
    moves = torch.tensor(index["flow"])[found.scores["flow"].argmax(1)]
    looks = torch.tensor(index["rgb"])[found.scores["rgb"].argmax(1)]
    pair = found.looks * 9 + found.movements
    assert (moves == found.movements).float().mean() > motion
    assert (looks == found.looks).float().mean() > look
    assert (found.logits.argmax(1) == pair).float().mean() > both


def check_appearance_says_nothing_of_motion(found: Seen) -> None:
    """A linear classifier predicts the movement from the flow stream, not from RGB."""
    assert _probed(found.pooled["flow"], found.movements) > 0.9
    held = len(found.movements) / 3
    error = (CHANCE * (1 - CHANCE) / held) ** 0.5
    assert _probed(found.pooled["rgb"], found.movements) < CHANCE + 3 * error


def _probed(features: Tensor, labels: Tensor) -> float:
    """Accuracy of a linear classifier on every third clip, trained on the others."""
    held = torch.arange(len(labels)) % 3 == 0
    x = (features - features[~held].mean(0)) / features[~held].std(0).clamp_min(1e-3)
    y = torch.nn.functional.one_hot(labels, 9).float() - CHANCE
    gram = x[~held] @ x[~held].T + 30 * torch.eye(int((~held).sum()))
    scores = x[held] @ (x[~held].T @ torch.linalg.solve(gram, y[~held]))
    return (scores.argmax(1) == labels[held]).float().mean().item()


def fights(data_dir: Path, chosen: range) -> tuple[Tensor, Tensor]:
    """The flow stream's scores of these validation clips, and their labels."""
    files, classes = list_clips(data_dir / "clips_fight" / "val")
    assert classes == ("fight", "no_fight")
    model = network("fight-plain")
    with torch.inference_mode():
        scores = [
            model.run_stream(
                "flow", prepare(model, [sample_clip(files.files[i], segments=2, fit="squash")]).flow
            ).scores[0]
            for i in chosen
        ]
    return torch.stack(scores), torch.tensor([files.labels[i] for i in chosen])
