"""A pool of decoder processes serves as many at once as it is large, and none once closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.core.settings import Settings
from app.media.decoder.pool import DecoderPool, DecodersBusy
from app.media.decoder.process import DecoderDied, DecoderNotStarted
from tests.support import photos
from tests.support.pages import until
from tests.support.processes import still_running


def test_a_pool_of_two(settings: Settings, save: Callable[[bytes], Path]) -> None:
    pool = DecoderPool(settings, size=2)
    request = {"do": "verify", "paths": [str(save(photos.encode(photos.scene(), "JPEG")))]}
    died: list[Exception] = []

    def ask_stopped() -> None:
        with pytest.raises(DecoderDied) as error:
            pool.ask(request, seconds=600)
        died.append(error.value)

    threads = []
    for _ in range(2):
        assert pool.ask(request, 60)[0]["verdicts"] == [
            [120, 80, None, None]
        ]  # the other one serves
        idle = pool._idle[0]
        psutil.Process(idle.pid).suspend()
        threads.append(threading.Thread(target=ask_stopped))
        threads[-1].start()
        until(lambda: not pool._idle)
    stopped = [psutil.Process(process.pid) for process in pool.processes]
    assert len(stopped) == 2
    with pytest.raises(DecodersBusy):
        pool.ask(request, 60, wait_seconds=0.1)
    pool.close()
    for thread in threads:
        thread.join(60)
    assert len(died) == 2
    assert still_running(stopped) == []
    pool.warm()
    with pytest.raises(DecoderNotStarted):
        pool.ask(request, 60)
    assert pool.processes == []
