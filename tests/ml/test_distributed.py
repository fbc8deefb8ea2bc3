"""Two processes over gloo compute what one does, and a killed one ends the run resumably.

`make soak` has every mechanism, and kills and stops at other moments.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ml.errors import MlError
from ml.train.events import EpochEnd
from ml.train.parallel import launch
from ml.train.parallel.event_log import write_failure
from ml.train.start import train
from tests.support import two_processes as two

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
    """Six steps in two tries: the first loses a rank, the second, on one device, ends the run.

    Nothing here depends on the clock: at an epoch's end, here every other step, the ranks wait
    until the next event is asked for.
    """
    spec = two.run_of(tmp_path)
    events = train(spec)
    two.until(events, EpochEnd)
    two.check_kill(spec, events)

    alone = replace(spec, devices=1)
    two.check_end(alone, list(train(alone)), least=2)


def test_a_rank_says_what_a_person_can_mend(tmp_path: Path) -> None:
    """Its sentence is raised again; of a rank that only lost its peers nothing is said."""
    log = tmp_path / launch.LOG
    log.write_text("rank 0 ended with exitcode: 1")
    write_failure(tmp_path, 0, RuntimeError("gloo: connection closed by peer"), "Connection closed")
    assert "was killed" in str(launch._why(2, tmp_path))
    write_failure(tmp_path, 1, MlError("3.png cannot be read."), "Traceback")
    found = launch._why(2, tmp_path)
    assert isinstance(found, MlError)
    assert found.detail == "3.png cannot be read."
