"""Before a run: what it will cost, and which learning rate suits it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from ml.errors import MlError
from ml.train.failures import user_errors
from ml.train.spec import RunSpec
from ml.train.task import task_of
from ml.train.trainer import Trainer

LOWEST, HIGHEST = 1e-6, 1.0  # rates that a range test goes through
SMOOTHING = 0.9
DIVERGED = 4.0  # times the lowest smoothed loss: the test ends there


class Cost(TypedDict):
    """What a run will take.

    `seconds` counts decoding and the validation after every epoch; it is an upper bound if decoded
    images or features of frozen blocks are stored already.
    """

    steps: int
    seconds: float
    seconds_per_step: float
    images_per_s: float
    disk_bytes: int
    batch_size: int


class RangePoint(TypedDict):
    """A learning rate, and the smoothed loss after the step that took it."""

    lr: float
    loss: float


def cost(spec: RunSpec, seconds: float = 3.0) -> Cost:
    """Time real steps for about `seconds` on a sample, and estimate what the whole run takes."""
    with user_errors():
        task = task_of(spec.config)
        trainer, per_file = task.sample(spec, task.cost_files)
        step, inputs = _time_step(trainer, seconds)
        batch, epochs = trainer.config.batch_size, spec.config.epochs
        steps = len(spec.train.files) // batch * epochs
        validation = (epochs + 1) * len(spec.val.files) * _time_validation(trainer)
        reading = (len(spec.train.files) + len(spec.val.files)) * per_file
        return {
            "steps": steps,
            "seconds": steps * step + validation + reading,
            "seconds_per_step": step,
            "images_per_s": batch / step,
            "disk_bytes": _own_disk(trainer) + task.cache_bytes(spec, trainer, inputs),
            "batch_size": batch,
        }


def range_test(spec: RunSpec, steps: int = 60) -> Generator[tuple[RangePoint, float], None, None]:
    """Train a throw-away network while the rate of the trunk rises from 1e-6 to 1.

    Yields a point after each step, with the share of the test that is done. Ends early once the
    loss has blown up (Smith 2017, arXiv:1506.01186).
    """
    with user_errors():
        task = task_of(spec.config)
        trainer, _ = task.sample(
            replace(spec, config=replace(spec.config, lr=1.0)), task.range_files
        )
        trainer.set_train_mode()
        mean, lowest = 0.0, math.inf
        for number, (inputs, labels) in enumerate(itertools.islice(_batches(trainer), steps)):
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / max(1, steps - 1))
            mean = SMOOTHING * mean + (1 - SMOOTHING) * _step_at(trainer, rate, inputs, labels)
            loss = mean / (1 - SMOOTHING ** (number + 1))
            if not loss < DIVERGED * lowest:
                return
            lowest = min(lowest, loss)
            yield {"lr": rate, "loss": loss}, (number + 1) / steps


def suggest(curve: Sequence[RangePoint]) -> float:
    """Return the rate where the loss of a range test falls fastest, before it is lowest.

    Raises:
        MlError: It never falls.
    """
    losses = [point["loss"] for point in curve]
    lowest = min(range(len(losses)), key=losses.__getitem__, default=0)
    slopes = {i: losses[i + 1] - losses[i - 1] for i in range(1, min(lowest, len(losses) - 1))}
    if not slopes or min(slopes.values()) >= 0:
        raise MlError("The loss fell at none of the rates tried, so none can be suggested.")
    return curve[min(slopes, key=slopes.__getitem__)]["lr"]


def _batches(trainer: Trainer) -> Iterator[tuple[Any, Tensor]]:
    """Batches of one epoch after the other, without end."""
    for epoch in itertools.count():
        yield from trainer.batches(epoch, 0)


def _time_step(trainer: Trainer, seconds: float) -> tuple[float, Any]:
    """Return median seconds of a step, without the first, and the last batch's inputs."""
    times: list[float] = []
    trainer.set_train_mode()
    ends = time.perf_counter() + seconds
    began = time.perf_counter()
    for number, (inputs, labels) in enumerate(_batches(trainer)):
        trainer.step(inputs, labels, min(number, trainer.steps - 1))
        now = time.perf_counter()
        times.append(now - began)
        began = now
        if len(times) > 2 and now > ends:
            break
    return median(times[1:]), inputs


def _time_validation(trainer: Trainer) -> float:
    """Seconds for one image or clip."""
    began, done = time.perf_counter(), 0.0
    for progress in trainer.evaluate(1):
        done = progress.done
        if time.perf_counter() - began > 1 and done > 0:
            break
    else:
        done = 1.0
    seen: float = done * len(trainer.val.labels)
    return (time.perf_counter() - began) / seen


def _step_at(trainer: Trainer, rate: float, inputs: Any, labels: Tensor) -> float:
    """Do one step with `rate` for the trunk, even if the loss is not finite; return the loss."""
    for group in trainer.optimiser.param_groups:
        group["lr"] = group["peak"] * rate
    torch.manual_seed(trainer.config.seed)
    loss, _ = trainer.gradients(inputs, labels)
    trainer.scaler.unscale_(trainer.optimiser)
    nn.utils.clip_grad_norm_(trainer.network.parameters(), 5.0)
    trainer.scaler.step(trainer.optimiser)
    trainer.scaler.update()
    return loss.item()


def _own_disk(trainer: Trainer) -> int:
    """Bytes of a run's state and checkpoint, at most."""
    weights = sum(t.numel() for t in trainer.network.state_dict().values())
    copies = 2 + (trainer.config.optimiser == "adamw") + (trainer.config.early_stopping > 0)
    own: int = weights * (4 * copies * 2 + 2)  # twice, while a new state is written
    return own
