"""Before a run: what it will cost, and which learning rate suits it."""

from __future__ import annotations

import itertools
import math
import shutil
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ml.catalogue import default_device
from ml.errors import MlError
from ml.train.config import TrainConfig, kind_of
from ml.train.run import SOURCE_SIDE, RunSpec, sentences
from ml.train.tasks.photos.batch_size import settled
from ml.train.tasks.photos.data import LabelledFiles, load
from ml.train.tasks.photos.frozen_features import RESERVE
from ml.train.tasks.photos.initial_weights import starting
from ml.train.tasks.photos.trainer import Trainer
from ml.train.trainer import Loop

T = TypeVar("T")
COST_IMAGES, RANGE_IMAGES = 256, 2048  # of the training split that a trial reads, at most
COST_CLIPS, RANGE_CLIPS = 16, 64  # a clip's snippets take as long to read as many images
LOWEST, HIGHEST = 1e-6, 1.0  # rates that a range test goes through
SMOOTHING = 0.9
DIVERGED = 4.0  # times the lowest smoothed loss: what follows says nothing more
HALF = 2  # bytes of a kept feature


def cost(spec: RunSpec, seconds: float = 3.0) -> dict[str, Any]:
    """Time real steps for about `seconds` on a sample, and say what the whole run will take.

    steps, seconds and disk_bytes are the run's; seconds_per_step, images_per_s and batch_size a
    step's. `seconds` counts decoding and the validation after every epoch; it is an upper bound
    where decoded images or features of frozen blocks are kept already.
    """
    with sentences():
        trainer, per_file = _sampled(spec, spec.config, COST_IMAGES, COST_CLIPS)
        step, features = _time_step(trainer, seconds)
        batch, epochs = trainer.config.batch_size, spec.config.epochs
        steps = len(spec.train.files) // batch * epochs
        validation = (epochs + 1) * len(spec.val.files) * _time_validation(trainer)
        reading = (len(spec.train.files) + len(spec.val.files)) * per_file
        return {
            "steps": steps,
            "seconds": steps * step + validation + reading,
            "seconds_per_step": step,
            "images_per_s": batch / step,
            "disk_bytes": _own_disk(trainer) + _kept_disk(spec, trainer, features),
            "batch_size": batch,
        }


def range_test(spec: RunSpec, steps: int = 60) -> Iterator[dict[str, Any]]:
    """Train a throw-away network while the rate of the trunk rises from 1e-6 to 1.

    Yields {"lr", "loss", "step", "steps"}; loss is smoothed. Ends early once it has blown up
    (Smith 2017, arXiv:1506.01186).
    """
    with sentences():
        config = replace(spec.config, lr=1.0)
        trainer, _ = _sampled(spec, config, RANGE_IMAGES, RANGE_CLIPS)
        trainer.into_training()
        mean, lowest = 0.0, math.inf
        for number, (features, labels) in enumerate(itertools.islice(_batches(trainer), steps)):
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / max(1, steps - 1))
            mean = SMOOTHING * mean + (1 - SMOOTHING) * _step_at(trainer, rate, features, labels)
            loss = mean / (1 - SMOOTHING ** (number + 1))
            if not loss < DIVERGED * lowest:
                return
            lowest = min(lowest, loss)
            yield {"lr": rate, "loss": loss, "step": number + 1, "steps": steps}


def suggest(curve: Sequence[Mapping[str, Any]]) -> float:
    """Return the rate where the loss of a range test falls fastest, before it is lowest.

    MlError when it never falls.
    """
    losses = [float(point["loss"]) for point in curve]
    lowest = min(range(len(losses)), key=losses.__getitem__, default=0)
    slopes = {i: losses[i + 1] - losses[i - 1] for i in range(1, min(lowest, len(losses) - 1))}
    if not slopes or min(slopes.values()) >= 0:
        raise MlError("The loss fell at none of the rates tried, so none can be suggested.")
    return float(curve[min(slopes, key=slopes.__getitem__)]["lr"])


def _sampled(spec: RunSpec, config: TrainConfig, images: int, clips: int) -> tuple[Loop, float]:
    """A trainer on some of the training split, and seconds to read one file."""
    if kind_of(asdict(config)) is not TrainConfig:
        return _sampled_clips(spec, config, clips)
    config = settled(config, len(spec.train.files), default_device(spec.device))
    some = _spread(spec.train, max(images, config.batch_size))
    began = time.perf_counter()
    side = max(SOURCE_SIDE, config.size)
    found = drained(load(some, spec.classes, side, None))
    per_file = (time.perf_counter() - began) / max(1, len(some.files))
    started, device = starting(config, spec.start), default_device(spec.device)
    return Trainer(config, found, found, weights=started.state, device=device), per_file


def _sampled_clips(spec: RunSpec, config: TrainConfig, most: int) -> tuple[Loop, float]:
    from ml.train.tasks.clips.prepare import clips

    count = max(2, min(most, len(spec.train.files)))
    some = _spread(spec.train, count)
    few = replace(spec, config=config, train=some, val=_spread(spec.val, -(-count // 4)))
    began = time.perf_counter()
    trainer, _ = drained(clips(few, None))
    read = len(some.files) + len(few.val.files)
    return trainer, (time.perf_counter() - began) / read


def _spread(files: LabelledFiles, most: int) -> LabelledFiles:
    """So many of a split at most, evenly chosen."""
    count = min(len(files.files), most)
    chosen = [len(files.files) * i // count for i in range(count)]
    labels = tuple(files.labels[i] for i in chosen)
    return LabelledFiles(tuple(files.files[i] for i in chosen), labels)


def drained(work: Generator[Any, None, T]) -> T:
    """Let a generator work to its end, and return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            found: T = ended.value
            return found


def _batches(trainer: Loop) -> Iterator[tuple[Any, Tensor]]:
    """Batches of one epoch after the other, without end."""
    for epoch in itertools.count():
        yield from trainer.batches(epoch, 0)


def _time_step(trainer: Loop, seconds: float) -> tuple[float, Any]:
    """Median seconds of a step with its batch, without the first; the last batch's features."""
    times: list[float] = []
    trainer.into_training()
    ends = time.perf_counter() + seconds
    began = time.perf_counter()
    for number, (features, labels) in enumerate(_batches(trainer)):
        trainer.step(features, labels, min(number, trainer.steps - 1))
        now = time.perf_counter()
        times.append(now - began)
        began = now
        if len(times) > 2 and now > ends:
            break
    return median(times[1:]), features


def _time_validation(trainer: Loop) -> float:
    """Seconds for one image or clip."""
    began, done = time.perf_counter(), 0.0
    for told in trainer.evaluate(1):
        done = told.done
        if time.perf_counter() - began > 1 and done > 0:
            break
    else:
        done = 1.0
    seen: float = done * len(trainer.val.labels)
    return (time.perf_counter() - began) / seen


def _step_at(trainer: Loop, rate: float, features: Any, labels: Tensor) -> float:
    """One step with `rate` for the trunk, and its loss; whatever comes of it."""
    for group in trainer.optimiser.param_groups:
        group["lr"] = group["peak"] * rate
    torch.manual_seed(trainer.config.seed)
    loss, _ = trainer.gradients(features, labels)
    trainer.scaler.unscale_(trainer.optimiser)
    nn.utils.clip_grad_norm_(trainer.network.parameters(), 5.0)
    trainer.scaler.step(trainer.optimiser)
    trainer.scaler.update()
    return loss.item()


def _own_disk(trainer: Loop) -> int:
    """Bytes of a run's state and checkpoint, at most."""
    weights = sum(t.numel() for t in trainer.network.state_dict().values())
    copies = 2 + (trainer.config.optimiser == "adamw") + (trainer.config.early_stopping > 0)
    own: int = weights * (4 * copies * 2 + 2)  # twice, while a new state is written
    return own


def _kept_disk(spec: RunSpec, trainer: Loop, features: Any) -> int:
    """Bytes that a run keeps in the cache, at most: decoded files, features of frozen blocks."""
    train, val = len(spec.train.files), len(spec.val.files)
    if not isinstance(trainer, Trainer):
        c: Any = trainer.config
        snippet = (3 + 2 * c.flow_length) * c.size_kept**2
        return int(snippet * (train * c.snippets + val * c.test_segments))
    if spec.cache is None:
        return 0
    pixels = 3 * max(SOURCE_SIDE, spec.config.size) ** 2 * (train + val)
    if not trainer.config.frozen_blocks or trainer.device.type != "cpu":
        return pixels
    larger = (spec.config.eval_size / spec.config.size) ** 2
    a_view = features[0].numel() * HALF
    kept = int(a_view * (train * spec.config.epochs + val * larger))
    room = max(0, shutil.disk_usage(_existing(spec)).free - RESERVE)
    return pixels + min(kept, room)


def _existing(spec: RunSpec) -> str:
    """The cache's folder, or the nearest one above it that is there."""
    assert spec.cache is not None
    return str(next(p for p in (spec.cache, *spec.cache.absolute().parents) if p.exists()))
