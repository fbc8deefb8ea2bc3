"""Training in two processes over gloo, compared with one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import set_forkserver_preload
from pathlib import Path

import psutil
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from app.core.settings import Settings
from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.train import resume
from ml.train.events import EpochEnd, Event, Finished, Ready, Step
from ml.train.parallel import launch
from ml.train.ranks import ALONE, Ranks
from ml.train.spec import RunSpec
from ml.train.start import train
from ml.train.tasks.photos.trainer import PhotoTrainer
from tests.support import networks as nets
from tests.support import toy_images as toys
from tests.support.processes import command_line

# Shares of 3 and 4; each process draws its own dropout.
CONFIG = replace(toys.QUICK, batch_size=7, parameters={"dropout": 0.0})
Found = dict[str, dict[str, Tensor]]


def first_step(mechanism: str, seed: int, ranks: Ranks = ALONE) -> dict[str, Tensor]:
    """Gradients after one batch in double precision, with the norms' stored statistics.

    On CPUs each process would use the batch statistics of its own share. In single precision,
    rounding alone changes these gradients by some percent: ReLUs switch, and 52 norms over a few
    values amplify it.
    """
    config = replace(CONFIG, mechanism=mechanism, seed=seed)
    images, start = toys.images(16, seed), toys.starting_as(nets.lively(mechanism))
    with nets.narrowed():
        cache = PhotoTrainer(config, images, images, ranks=ranks).frozen_features
        features, labels = next(cache.train_batches(images, 0, 0, torch.device("cpu")))
        torch.set_default_dtype(torch.float64)
        try:
            run = PhotoTrainer(config, images, images, start=start, ranks=ranks)
            run.set_train_mode()
            for norm in run.network.modules():
                if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                    norm.eval()
            loss, right = run.gradients(features.double(), labels)
        finally:
            torch.set_default_dtype(torch.float32)
    numbers = run._whole(loss, right, loss, 0)
    found = {f"grad.{n}": p.grad for n, p in run.network.named_parameters() if p.grad is not None}
    return found | {"told": torch.tensor(numbers, dtype=torch.float64)}


def validation(seed: int, ranks: Ranks = ALONE) -> dict[str, Tensor]:
    """The results of validation on three batches of images."""
    images, start = toys.images(70, 900 + seed), toys.starting_as(nets.lively("plain"))
    with nets.narrowed():
        run = PhotoTrainer(CONFIG, toys.images(16), images, start=start, ranks=ranks)
    found = toys.drained(run.evaluate(1))
    return {
        "shares": torch.tensor([found.loss, found.accuracy], dtype=torch.float64),
        "predicted": torch.tensor(found.predicted.tolist()),
        "confidence": torch.from_numpy(found.confidence),
    }


def computed(folder: Path, mechanisms: Sequence[str], seed: int = 0) -> list[Found]:
    """Results of two processes: `first_step` by mechanism, and `validation`."""
    set_forkserver_preload([__name__])  # torch is imported once for both
    given = (str(folder), tuple(mechanisms), seed)
    mp.start_processes(_one_rank, given, nprocs=2, start_method="forkserver")
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def _one_rank(rank: int, folder: str, mechanisms: Sequence[str], seed: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    ranks = Ranks(rank, 2)
    found = {name: first_step(name, seed, ranks) for name in mechanisms}
    torch.save(found | {"validation": validation(seed, ranks)}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def check_gradients(shared: Sequence[Found], mechanism: str, seed: int = 0) -> None:
    """Each process has the gradients of a single process."""
    alone = first_step(mechanism, seed)
    assert max(t.abs().max().item() for n, t in alone.items() if n.startswith("grad.")) > 0.01
    for rank in shared:
        assert rank[mechanism].keys() == alone.keys()
        for name, expected in alone.items():
            near = 1e-5 * max(1.0, expected.abs().max().item())  # views are in single precision
            torch.testing.assert_close(rank[mechanism][name], expected, rtol=0, atol=near, msg=name)


def check_validation(shared: Sequence[Found], seed: int = 0) -> None:
    """Each process has the whole validation of a single process."""
    alone = validation(seed)
    for rank in shared:
        assert rank["validation"].keys() == alone.keys()
        assert all(torch.equal(rank["validation"][name], alone[name]) for name in alone)


def run_of(folder: Path, epochs: int = 3, train: int = 7, size: int = 32) -> RunSpec:
    """A run on two devices, with two steps per epoch for seven images of each class."""
    data = toys.folder(folder / "data", train=train, val=5)
    return toys.run_of(
        data,
        folder,
        replace(CONFIG, epochs=epochs, size=size, eval_size=size),
        probes=(0, 5),
        devices=2,
        save_seconds=0,
        weights=tuple(Settings().weights_dirs),
    )


def until(events: Iterator[Event], kind: type[Event], step: int = 0) -> list[Event]:
    """Read events to the first of a kind at that step or later; the ranks may be further."""
    reported: list[Event] = []
    for event in events:
        reported.append(event)
        if isinstance(event, kind) and event.step >= step:
            return reported
    raise AssertionError("the run ended before")


def rank_processes(parent: psutil.Process | None = None) -> list[psutil.Process]:
    """The ranks that a process, this one by default, has started."""
    children = (parent or psutil.Process()).children()
    return [p for p in children if "--multiprocessing-fork" in command_line(p)]


def train_all(spec: RunSpec) -> None:
    """Run to the end; for a process of its own."""
    for _ in train(spec):
        pass


def check_kill(events: Iterator[Event], which: int = -1) -> None:
    """Kill one of the ranks: the run ends with a sentence, and no process is left."""
    ranks = rank_processes()
    assert len(ranks) == 2
    ranks[which].kill()
    with pytest.raises(MlError, match=r"killed.*Resume"):
        list(events)
    assert not rank_processes()


def check_stop(spec: RunSpec, events: Iterator[Event]) -> None:
    """Close the run: its processes save the state and exit."""
    events.close()  # type: ignore[attr-defined]
    assert not rank_processes()
    assert (spec.folder / resume.NAME).is_file()


def check_end(spec: RunSpec, events: Sequence[Event], least: int) -> None:
    """The run resumed from step `least` or later, and ended with a checkpoint of all epochs."""
    ready = next(e for e in events if isinstance(e, Ready))
    assert least <= ready.first_step < ready.steps
    steps = [e.step for e in events if isinstance(e, Step)]
    assert steps == list(range(ready.first_step + 1, ready.steps + 1))
    ended = [e for e in events if isinstance(e, EpochEnd)][-1]
    assert ended.predicted.shape == ended.confidence.shape == (len(spec.val.files),)
    cells = sum((-(-spec.config.eval_size // stride)) ** 2 for stride in (8, 16, 32))
    assert [m.values.shape for m in ended.probes] == [(2, cells)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert checkpoints.read(finished.path).about == finished.about
    assert finished.about["training"]["devices"] == spec.devices
    epochs = [c["epoch"] for c in finished.about["curves"]]
    assert epochs == list(range(1, spec.config.epochs + 1))
    assert not (spec.folder / launch.FOLDER).exists()
