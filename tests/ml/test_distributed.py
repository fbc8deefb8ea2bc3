"""Two processes over gloo compute what one does, and a killed one ends the run resumably."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.train import state
from ml.train.data import list_folder
from ml.train.events import EpochEnd, Event, Finished, Ready, Saved, Step
from ml.train.loop import Trainer
from ml.train.ranks import ALONE, Ranks
from ml.train.run import RunSpec, train
from tests.support import networks as nets
from tests.support import toy_images as toys

CONFIG = replace(toys.QUICK, batch_size=7, epochs=3)  # shares of 3 and 4


def first_step(mechanism: str, ranks: Ranks) -> dict[str, Tensor]:
    """Gradients and statistics of the norms after one batch, in double precision.

    In single precision rounding alone moves these gradients by some percent: ReLUs switch, and 52
    norms over a few values amplify it. Double precision shows whether the sums are the right ones.
    """
    config = replace(CONFIG, mechanism=mechanism)
    images, weights = toys.images(16), nets.lively(mechanism).state_dict()
    features, labels = next(
        Trainer(config, images, images, ranks=ranks).prefix.train_batches(
            images, 0, 0, torch.device("cpu")
        )
    )
    torch.set_default_dtype(torch.float64)
    run = Trainer(config, images, images, weights=weights, ranks=ranks)
    run.into_training()
    torch.manual_seed(5)
    loss, right = run.gradients(features.double(), labels)
    torch.set_default_dtype(torch.float32)
    numbers = run._whole(loss, right, loss, 0)
    found = {f"grad.{n}": p.grad for n, p in run.network.named_parameters() if p.grad is not None}
    found |= {f"norm.{n}": b for n, b in run.network.named_buffers()}
    return found | {"told": torch.tensor(numbers, dtype=torch.float64)}


def validation(ranks: Ranks) -> list[float]:
    images = toys.images(70, seed=900)
    weights = nets.lively("plain").state_dict()
    run = Trainer(CONFIG, toys.images(16), images, weights=weights, ranks=ranks)
    found = toys.drained(run.evaluate(1))
    return [found.loss, found.accuracy, *found.predicted.tolist(), *found.confidence.tolist()]


def one_rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    ranks = Ranks(rank, 2)
    found: dict[str, object] = {name: first_step(name, ranks) for name in nets.names()}
    torch.save(found | {"validation": validation(ranks)}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Tensor]]]:
    """What each of two processes computed."""
    folder = tmp_path_factory.mktemp("ranks")
    mp.spawn(one_rank, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


@pytest.mark.parametrize("mechanism", nets.names())
def test_gradients_are_those_of_one_process(
    mechanism: str, shared: list[dict[str, dict[str, Tensor]]]
) -> None:
    alone = first_step(mechanism, ALONE)
    assert max(t.abs().max().item() for n, t in alone.items() if n.startswith("grad.")) > 0.01
    for rank in shared:
        assert rank[mechanism].keys() == alone.keys()
        for name, expected in alone.items():
            torch.testing.assert_close(rank[mechanism][name], expected, rtol=0, atol=1e-6, msg=name)


def test_validation_is_shared_and_whole(shared: list[dict[str, dict[str, Tensor]]]) -> None:
    assert shared[0]["validation"] == shared[1]["validation"] == validation(ALONE)


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    data = toys.folder(tmp_path / "data", train=14, val=5)
    (training, classes), (val, _) = list_folder(data / "train"), list_folder(data / "val")
    return RunSpec(
        config=CONFIG,
        classes=classes,
        train=training,
        val=val,
        folder=tmp_path / "run",
        cache=tmp_path / "cache",
        data_name="toys",
        data_fingerprint="toys-28-10",
        probes=(0, 5),
        device="cpu",
        devices=2,
        save_seconds=0,
    )


def until_saved(events: Iterator[Event], step: int) -> list[Event]:
    told: list[Event] = []
    for event in events:
        told.append(event)
        if isinstance(event, Saved) and event.step >= step:
            return told
    raise AssertionError("the run ended before")


def ranks_of(folder: Path) -> list[psutil.Process]:
    """The processes that work on this run, and nobody else's."""
    mine = psutil.Process().children(recursive=True)
    return [p for p in mine if "ml.train.rank" in p.cmdline() and str(folder) in p.cmdline()[-1]]


def test_killed_rank_then_stopped_then_finished(spec: RunSpec) -> None:
    """Twelve steps in three tries: the first loses a rank, the second is stopped."""
    events = train(spec)
    until_saved(events, 3)
    workers = [p for p in ranks_of(spec.folder) if "torch.distributed.run" not in p.cmdline()]
    assert len(workers) == 2
    workers[-1].kill()
    with pytest.raises(MlError, match=r"killed.*Resume"):
        list(events)
    assert not ranks_of(spec.folder)

    events = train(spec)
    told = until_saved(events, 6)
    assert next(e.first_step for e in told if isinstance(e, Ready)) >= 3
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 300
    assert not ranks_of(spec.folder)
    assert (spec.folder / state.NAME).is_file()

    told = list(train(spec))
    ready = next(e for e in told if isinstance(e, Ready))
    assert ready.first_step >= 6
    assert [e.step for e in told if isinstance(e, Step)] == list(range(ready.first_step + 1, 13))
    ended = [e for e in told if isinstance(e, EpochEnd)][-1]
    assert ended.predicted.shape == ended.confidence.shape == (10,)
    assert [m.values.shape for m in ended.probes] == [(2, 8 * 8 + 4 * 4 + 2 * 2)]
    finished = told[-1]
    assert isinstance(finished, Finished)
    assert checkpoints.read(finished.path).about == finished.about
    assert finished.about["training"]["devices"] == 2
    assert [c["epoch"] for c in finished.about["curves"]] == [1, 2, 3]
    assert not list(spec.folder.glob("ranks-*"))


def test_a_rank_says_what_a_person_can_mend(spec: RunSpec) -> None:
    spec.train.files[3].write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    with pytest.raises(MlError, match=f"{spec.train.files[3].name} cannot be read"):
        list(train(spec))
