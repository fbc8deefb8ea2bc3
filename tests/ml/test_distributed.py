"""Two processes over gloo compute what one does, and a killed one ends the run resumably.

`make soak` has every mechanism, and kills and stops at other moments.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from ml.errors import MlError
from ml.train import resume
from ml.train.events import EpochEnd
from ml.train.start import train
from tests.support import two_processes as two
from tests.support.backend import wait_for
from tests.support.processes import still_running

MECHANISMS = ("gated", "cbam")  # one with votes of its own in the loss, one with norms of its own


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> list[two.Found]:
    """What each of two processes computed."""
    return two.computed(tmp_path_factory.mktemp("ranks"), MECHANISMS)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_gradients_are_those_of_one_process(mechanism: str, shared: list[two.Found]) -> None:
    two.check_gradients(shared, mechanism)


def test_validation_is_shared_and_whole(shared: list[two.Found]) -> None:
    two.check_validation(shared)


def test_a_run_that_lost_a_rank_is_resumed(tmp_path: Path) -> None:
    """The first try loses a rank after two steps of twenty; the second, alone, ends the run."""
    spec = two.run_of(tmp_path, epochs=10)
    events = train(spec)
    two.until(events, EpochEnd)
    two.check_kill(events)

    alone = replace(spec, devices=1)
    two.check_end(alone, list(train(alone)), least=2)


def test_a_rank_s_sentence_is_the_run_s(tmp_path: Path) -> None:
    spec = two.run_of(tmp_path)
    broken = spec.train.files[0]
    broken.write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    with pytest.raises(MlError, match=f"{broken.name} cannot be read"):
        list(train(spec))
    assert not two.rank_processes()


def test_no_rank_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    spec = two.run_of(tmp_path, epochs=1000)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        training = pool.submit(two.train_all, spec)
        parent = psutil.Process(next(iter(pool._processes)))
        wait_for((spec.folder / resume.NAME).exists)
        ranks = two.rank_processes(parent)
        assert len(ranks) == 2
        parent.kill()
        assert not still_running(ranks, 20)
        assert isinstance(training.exception(), BrokenProcessPool)
