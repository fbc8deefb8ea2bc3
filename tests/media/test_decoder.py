"""The decoding process: limited, replaceable, and nobody else's problem."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.core.errors import BadMedia, Busy, TooLarge
from app.core.settings import MIB, Settings
from app.media.decoder.client import Decoder
from app.media.decoder.pool import REQUESTS_A_PROCESS
from tests.media.test_refusals import GOOD, pid
from tests.support import photos
from tests.support.processes import still_running

Save = Callable[[bytes], Path]


def test_a_killed_process_is_replaced(new_decoder: Decoder, save: Save) -> None:
    path = save(GOOD)
    new_decoder.warm()
    for _ in range(3):
        os.kill(pid(new_decoder), signal.SIGKILL)
        assert new_decoder.inspect(path).width == 120


def test_one_that_cannot_start_is_not_the_photo_s_fault(
    new_decoder: Decoder, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.media.decoder.process.PROGRAM", "ml.media.not_installed")
    with pytest.raises(Busy, match="cannot start") as told:
        new_decoder.inspect(save(GOOD))
    assert told.value.retry_after
    monkeypatch.undo()
    assert new_decoder.inspect(save(GOOD)).width == 120


def test_one_killed_in_the_middle_is_replaced_and_asked_again(
    new_decoder: Decoder, save: Save
) -> None:
    path = save(photos.encode(photos.scene(5000, 4000), "PNG", compress_level=1))
    new_decoder.inspect(path)
    doomed = psutil.Process(pid(new_decoder))
    found: list[int] = []
    reading = threading.Thread(target=lambda: found.append(new_decoder.inspect(path).width))
    reading.start()
    busy_since = doomed.cpu_times().user
    while doomed.cpu_times().user == busy_since:
        time.sleep(0.001)
    doomed.kill()
    reading.join()
    assert found == [5000]
    assert pid(new_decoder) != doomed.pid


def test_a_busy_server_is_not_the_photo_s_fault(tmp_path: Path, save: Save) -> None:
    decoder = Decoder(Settings(home=tmp_path, decode_seconds=1))
    decoder.inspect(save(GOOD))
    stopped = psutil.Process(pid(decoder))
    stopped.suspend()
    began = time.monotonic()
    with pytest.raises(Busy, match="too busy to read the photo within 3 seconds") as refusal:
        decoder.inspect(save(GOOD))
    assert (refusal.value.status, refusal.value.retry_after) == (503, 60)
    assert time.monotonic() - began < 60  # it would never have answered
    assert not stopped.is_running()
    assert decoder.inspect(save(GOOD)).width == 120
    decoder.close()


def test_a_photo_that_takes_too_much_processor_time_is_given_up(tmp_path: Path, save: Save) -> None:
    decoder = Decoder(Settings(home=tmp_path, decode_seconds=0.3))
    assert decoder.inspect(save(GOOD)).width == 120
    with pytest.raises(BadMedia, match=r"more than 0\.3 seconds of processor time") as refusal:
        decoder.inspect(save(photos.png_bomb(8900)))
    assert refusal.value.status == 400
    assert decoder.inspect(save(GOOD)).width == 120
    decoder.close()


def test_a_photo_that_needs_too_much_memory_is_refused(tmp_path: Path, save: Save) -> None:
    decoder = Decoder(Settings(home=tmp_path, decode_memory_bytes=256 * MIB))
    before = decoder.inspect(save(GOOD))
    with pytest.raises(TooLarge, match="more memory"):
        decoder.inspect(save(photos.png_bomb(8900)))
    assert decoder.inspect(save(GOOD)) == before
    decoder.close()


def test_the_largest_photo_allowed_fits_into_the_memory_allowed(
    decoder: Decoder, save: Save
) -> None:
    facts = decoder.inspect(save(photos.png_bomb(8900)))
    assert (facts.width, facts.height) == (8900, 8900)


def test_the_process_is_confined(new_decoder: Decoder, settings: Settings) -> None:
    new_decoder.warm()
    assert new_decoder.answers()
    child = psutil.Process(pid(new_decoder))
    limits = {psutil.RLIMIT_FSIZE: 0, psutil.RLIMIT_CORE: 0, psutil.RLIMIT_NOFILE: 64}
    assert {which: child.rlimit(which)[1] for which in limits} == limits
    of_itself = child.rlimit(psutil.RLIMIT_AS)[1] - settings.decode_memory_bytes
    assert 0 < of_itself < 512 * MIB
    assert set(child.environ()) <= {"OPENBLAS_NUM_THREADS", "PYTHONDONTWRITEBYTECODE", "LC_CTYPE"}
    assert os.getsid(child.pid) == child.pid


def test_a_process_is_replaced_after_its_last_file(new_decoder: Decoder, save: Save) -> None:
    path = save(GOOD)
    seen = []
    for _ in range(REQUESTS_A_PROCESS + 1):
        new_decoder.pixels(path, 96, "shape")
        seen.append(pid(new_decoder))
    assert len(set(seen[:-1])) == 1
    assert seen[-1] != seen[0]
    assert not psutil.pid_exists(seen[0])


def test_threads_take_turns(decoder: Decoder, save: Save) -> None:
    path = save(GOOD)
    widths: list[int] = []

    def read() -> None:
        widths.extend(decoder.inspect(path).width for _ in range(5))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widths == [120] * 20


def test_the_process_ends_with_its_parent(save: Save, settings: Settings) -> None:
    script = (
        "import os; from pathlib import Path; from app.core.settings import Settings;"
        "from app.media.decoder.client import Decoder; d = Decoder(Settings());"
        f"d.inspect(Path({str(save(GOOD))!r})); print(d.pool.processes[0].pid, flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    child = int(run.stdout)
    if psutil.pid_exists(child):
        assert not still_running([psutil.Process(child)], seconds=60)


def test_the_process_needs_no_torch(decoder: Decoder, save: Save) -> None:
    decoder.pixels(save(GOOD), 224, "shape")
    maps = [region.path for region in psutil.Process(pid(decoder)).memory_maps()]
    assert any("numpy" in path for path in maps)
    assert not any("torch" in path for path in maps)
