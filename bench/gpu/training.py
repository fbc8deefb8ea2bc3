"""A training epoch with mixed precision against its steps on one batch in memory; peak memory."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Iterator

import torch

from bench.gpu.setup import Line, Result, Setup
from ml.networks.weights import SHIPPED
from ml.train.configure import configure
from ml.train.generators import result_of
from ml.train.tasks.photos.data import list_folder, load
from ml.train.tasks.photos.initial_weights import initial_weights
from ml.train.tasks.photos.trainer import PhotoTrainer

MECHANISM = "gated"
EPOCHS = 3  # that are timed


def measure(setup: Setup) -> Result:
    """Return images a second of an epoch and of its steps alone, and the peak memory."""
    files, classes = list_folder(setup.data / "imagenette160" / "train")
    chosen = files.spread(8) if setup.tiny else files
    images = result_of(load(chosen, classes, 64 if setup.tiny else 160, None))
    settings = {"size": 64, "eval_size": 64, "batch_size": 4} if setup.tiny else {"size": 160}
    config = configure(MECHANISM, settings)
    if setup.on_gpu:
        torch.cuda.reset_peak_memory_stats(setup.device)
    start = initial_weights(config, None, (SHIPPED,))
    trainer = PhotoTrainer(config, images, images, start=start, device=setup.device)
    trainer.set_train_mode()
    whole, alone = [], []
    for epoch in range(1 if setup.tiny else 1 + EPOCHS):
        whole.append(_epoch(trainer, epoch))
        alone.append(_steps(trainer))
    timed = slice(None) if setup.tiny else slice(1, None)  # the first one warms up
    count = trainer.steps_per_epoch * trainer.config.batch_size
    fast, slow = (statistics.median(times[timed]) for times in (alone, whole))
    return {
        "batch": trainer.config.batch_size,
        "amp": trainer.amp,
        "images_per_s": count / slow,
        "in_memory_images_per_s": count / fast,
        "lost_to_data": max(0.0, 1 - fast / slow),
        "peak_bytes": _peak(setup),
    }


def _epoch(trainer: PhotoTrainer, epoch: int) -> float:
    began = time.perf_counter()
    for number, (features, labels) in enumerate(trainer.batches(epoch, 0)):
        trainer.step(features, labels, number)  # ends with numbers on the CPU
    return time.perf_counter() - began


def _steps(trainer: PhotoTrainer) -> float:
    features, labels = next(iter(trainer.batches(0, 0)))
    began = time.perf_counter()
    for number in range(trainer.steps_per_epoch):
        trainer.step(features, labels, number)
    return time.perf_counter() - began


def _peak(setup: Setup) -> int:
    if setup.on_gpu:
        return torch.cuda.max_memory_allocated(setup.device)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def lines(result: Result) -> Iterator[Line]:
    """Yield a line for the data's share of the time, and one for memory."""
    precision = "mixed precision" if result["amp"] else "float32"
    what = f"A training epoch ({MECHANISM}, 160 px, batch {result['batch']}, {precision})"
    yield Line(
        f"{what} against its steps on one batch that is there",
        f"{result['images_per_s']:,.0f} against {result['in_memory_images_per_s']:,.0f} images/s: "
        f"{result['lost_to_data']:.0%} of the time goes to data and frozen blocks",
        "at most 25 %",
        result["lost_to_data"] <= 0.25,
    )
    yield Line("Peak memory of that training", f"{result['peak_bytes'] / 2**30:.2f} GiB")
