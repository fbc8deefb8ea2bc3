"""What the shipped models of clips are held to: on a sample in tests, on more in soak."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.media import flow
from ml.media.clip import read
from ml.media.photo import load_rgb
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import prepare
from ml.networks.video.sampling import segment_bounds, snippets
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
    """What the camera-motion model says of clips, and each stream's pooled features."""

    movements: Tensor  # what the camera does
    looks: Tensor  # what it shows
    logits: Tensor
    scores: dict[str, Tensor]
    pooled: dict[str, Tensor]


def moving(data_dir: Path, count: int, seed: int = 99) -> tuple[list[Sampled], Tensor, Tensor]:
    """Clips of validation images: what a camera does over each, and what each shows."""
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
    """Show so many clips of a moving camera to the model."""
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
        said = [model(prepare(model, clips[i : i + 20])) for i in range(0, count, 20)]
    for hook in hooks:
        hook.remove()
    return Seen(
        movements,
        looks,
        torch.cat([s.logits for s in said]),
        {s: torch.cat([o.streams[s].scores for o in said]) for s in pooled},
        {s: torch.cat(parts) for s, parts in pooled.items()},
    )


def check_motion_is_read(found: Seen, motion: float, look: float, both: float) -> None:
    """Each stream answers for its own half of a class; more than these shares are right."""
    index = pair_index(10, 9)
    moves = torch.tensor(index["flow"])[found.scores["flow"].argmax(1)]
    looks = torch.tensor(index["rgb"])[found.scores["rgb"].argmax(1)]
    pair = found.looks * 9 + found.movements
    assert (moves == found.movements).float().mean() > motion
    assert (looks == found.looks).float().mean() > look
    assert (found.logits.argmax(1) == pair).float().mean() > both


def check_appearance_says_nothing_of_motion(found: Seen) -> None:
    """A linear classifier finds the movement in the motion stream, not in the other."""
    assert _probed(found.pooled["flow"], found.movements) > 0.9
    held = len(found.movements) / 3
    error = (CHANCE * (1 - CHANCE) / held) ** 0.5
    assert _probed(found.pooled["rgb"], found.movements) < CHANCE + 3 * error


def _probed(features: Tensor, labels: Tensor) -> float:
    """Accuracy of a linear classifier on every third clip, learnt on the others."""
    held = torch.arange(len(labels)) % 3 == 0
    x = (features - features[~held].mean(0)) / features[~held].std(0).clamp_min(1e-3)
    y = torch.nn.functional.one_hot(labels, 9).float() - CHANCE
    gram = x[~held] @ x[~held].T + 30 * torch.eye(int((~held).sum()))
    scores = x[held] @ (x[~held].T @ torch.linalg.solve(gram, y[~held]))
    return (scores.argmax(1) == labels[held]).float().mean().item()


def fights(data_dir: Path, chosen: range) -> tuple[Tensor, Tensor]:
    """The motion stream's scores of these validation clips, and their labels."""
    files, classes = list_clips(data_dir / "clips_fight" / "val")
    assert classes == ("fight", "no_fight")
    model = network("fight-plain")
    with torch.inference_mode():
        scores = [
            model.run_stream("flow", prepare(model, [_sampled(files.files[i], 2)]).flow).scores[0]
            for i in chosen
        ]
    return torch.stack(scores), torch.tensor([files.labels[i] for i in chosen])


def _sampled(path: Path, count: int) -> Sampled:
    times = read.times(path)
    chosen = snippets(times.tolist(), count, 11)
    numbers = sorted({n for one in chosen for n in one})
    frames = dict(zip(numbers, read.frames(path, numbers, SIDE), strict=True))
    stacks = np.stack([np.stack([frames[n] for n in one]) for one in chosen])
    bounds = segment_bounds(times.tolist(), count)
    return Sampled(stacks, times[np.array(chosen)], bounds, flow.stack(stacks))
