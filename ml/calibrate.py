"""Calibrating a model on files: its logits for them, a temperature, and when it should abstain."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml.calibration.domain import Scores, all_scores
from ml.calibration.record import Calibration, calibrate, choose_rule
from ml.errors import MlError
from ml.explain.results import LoadedModel
from ml.explain.sample import sample_clip
from ml.layouts.synsets import SYNSETS
from ml.media.clip import read
from ml.media.photo import fitted, load_rgb
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import prepare
from ml.networks.weights import imagenet_classes, normalise
from ml.train.spec import LabelledFiles
from ml.train.tasks.clips.data import SUFFIXES as CLIP_SUFFIXES
from ml.train.tasks.photos.data import SUFFIXES

FRAMES = 8  # of a clip among the others, evenly spread
BATCH = 16


@dataclass(frozen=True)
class Others:
    """Files that show none of a model's classes, and the name of where they are from."""

    files: tuple[Path, ...]
    data: str


def find_others(folders: Sequence[Path], classes: Sequence[str]) -> Others:
    """List photos and clips anywhere below `folders` but those named after one of `classes`.

    Raises:
        MlError: There are none.
    """
    known = {synset for synset, name in SYNSETS.items() if name in classes}
    files = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES | CLIP_SUFFIXES
        and path.name.split("_")[0] not in known
        and path.parent.name not in known | set(classes)
    ]
    names = " + ".join(folder.name for folder in folders)
    if not files:
        raise MlError(f"No photos or clips in {names} that show none of the classes.")
    return Others(tuple(files), names)


def run(
    model: LoadedModel,
    files: LabelledFiles,
    data: str,
    others: Others | None = None,
    *,
    imagenet: LoadedModel | None = None,
    rate: float = 0.05,
    seed: int = 0,
) -> Generator[float, None, Calibration]:
    """Calibrate a model on a validation split; yield the share done (0..1).

    Args:
        model: The model; of photos or of clips, as the files are.
        files: The split, which the model was not trained on.
        data: What the split is called.
        others: What shows none of the classes; without it, or if no rule tells it apart better
            than chance, the model never abstains.
        imagenet: The 1000-class model, for the rule that asks it.
        rate: The share of the split on which the model may abstain.
        seed: Of halves and resamples.

    Raises:
        MlError: A file of the split cannot be read.
    """
    total = len(files.files) + (len(others.files) if others else 0)
    models: list[LoadedModel] = [model]
    of_photos = not isinstance(model.network, VideoNetwork)
    if imagenet and of_photos and set(model.classes) <= set(imagenet.classes):
        models.append(imagenet)
    own: list[list[Tensor]] = []
    for path in files.files:
        own.append(_answers(models, path))
        yield len(own) / total
    mine = [torch.cat(parts) for parts in zip(*own, strict=True)]
    record = calibrate(mine[0], torch.tensor(files.labels), data, seed)
    if others is None:
        return record
    foreign: list[list[Tensor]] = []
    groups: list[Path] = []
    for number, path in enumerate(others.files):
        logits = _readable(models, path)
        if logits is not None:
            foreign.append(logits)
            groups += [path] * len(logits[0])
        yield (len(own) + number + 1) / total
    if not foreign:
        raise MlError(f"None of the files in {others.data} can be read.")
    theirs = [torch.cat(parts) for parts in zip(*foreign, strict=True)]
    inside, outside = (_scores(model, record.temperature, x) for x in (mine, theirs))
    return replace(record, domain=choose_rule(inside, outside, groups, others.data, rate, seed))


def _scores(model: LoadedModel, temperature: float, logits: Sequence[Tensor]) -> dict[str, Scores]:
    """Return each rule's scores (N,), from a model's logits and, if they are there, ImageNet's."""
    own = logits[0] / temperature
    if len(logits) == 1:
        return all_scores(own)
    return all_scores(own, logits[1], [imagenet_classes().index(name) for name in model.classes])


def _readable(models: Sequence[LoadedModel], path: Path) -> list[Tensor] | None:
    try:
        return _answers(models, path)
    except MlError:  # a damaged file among the others says nothing of a model
        return None


def _answers(models: Sequence[LoadedModel], path: Path) -> list[Tensor]:
    """Return the logits of a model, and of the 1000-class one, which every model asks again."""
    return [_logits(models[0], path), *(_shared_logits(model, path) for model in models[1:])]


@torch.inference_mode()
def _logits(model: LoadedModel, path: Path) -> Tensor:
    """Return a model's logits for a file: (1, K), or (F, K) for the frames of a clip."""
    if isinstance(model.network, VideoNetwork):
        batch = prepare(model.network, [sample_clip(path)], model.device)
        return model.network(batch).logits.float().cpu()  # type: ignore[no-any-return]
    images = normalise(_pictures(path).to(model.device))
    return model.network(images).logits.float().cpu()  # type: ignore[no-any-return]


_shared_logits = cache(_logits)


def _pictures(path: Path, size: int = 224) -> Tensor:
    """Return a photo as the app shows it to models, or frames of a clip: uint8 (F, 3, h, w)."""
    if path.suffix.lower() not in CLIP_SUFFIXES:
        try:
            photo = fitted(load_rgb(path), size, "shape")
        except MlError as error:
            raise MlError(f"{path.name} cannot be read. {error.detail}") from error
        return torch.from_numpy(photo.transpose(2, 0, 1)[None].copy())
    count = len(read.times(path))
    chosen = sorted({int((i + 0.5) * count / FRAMES) for i in range(FRAMES)})
    frames = read.frames(path, chosen, size).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(frames))
