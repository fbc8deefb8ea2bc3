"""Whoever takes over a decoder can do nothing but decode."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.core.errors import BadMedia, Busy, NotFound, TooLarge
from app.core.settings import Settings
from app.media.decoder.client import Decoder
from app.media.decoder.pool import LARGE_BYTES, DecoderPool, DecodersBusy
from app.media.decoder.process import DecoderProcess, Role
from app.media.decoder.reader import MediaReader
from tests.media import probe
from tests.media.test_refusals import GOOD
from tests.support import costly, photos

Save = Callable[[bytes], Path]


@pytest.fixture
def targets(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What a probe may reach for: files, and ports and a socket at which somebody listens."""
    for name in ("secret", "victim"):
        (tmp_path / name).write_bytes(b"untouched")
    with ExitStack() as open_now:
        found: dict[str, Any] = {name: str(tmp_path / name) for name in ("secret", "victim")}
        for name in ("database", "broker"):
            server = open_now.enter_context(socket.create_server(("127.0.0.1", 0)))
            found[name] = server.getsockname()[1]
        local = open_now.enter_context(socket.socket(socket.AF_UNIX))
        found["local"] = str(tmp_path / "socket")
        local.bind(found["local"])
        local.listen()
        yield found


@pytest.fixture
def run_instead(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Start another program as decoder."""
    return partial(monkeypatch.setattr, "app.media.decoder.process.PROGRAM")


@pytest.mark.parametrize("program", ["tests.media.probe", "tests.media.only_filtered"])
@pytest.mark.parametrize("role", ["photo", "clip"])
def test_a_probe_in_its_place_can_do_nothing(
    settings: Settings,
    targets: dict[str, Any],
    role: Role,
    program: str,
    run_instead: Callable[[str], None],
) -> None:
    """Not even where the system has neither namespaces nor Landlock, only the filter."""
    run_instead(program)
    process = DecoderProcess(settings, role)
    answer, _ = process.ask({"do": "probe", "targets": targets}, 60)
    process.close()
    assert process.sandbox["no_new_privileges"]
    assert process.sandbox["seccomp"]
    assert answer["succeeded"] == []
    if program == "tests.media.only_filtered":
        assert not process.sandbox["namespaces"]
        assert not process.sandbox["landlock"]
    assert Path(targets["victim"]).read_bytes() == b"untouched"


def test_the_same_probe_elsewhere_can(targets: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "tests.media.probe", "--bare", json.dumps(targets)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    done = json.loads(run.stdout)
    assert len(probe.ACTS) == 10
    assert len(done) >= 7, "what the system itself refuses"
    assert {"read_the_secret_key", "reach_the_broker", "run_a_program"} <= set(done)
    assert Path(targets["victim"]).read_bytes() == b"HARMuched"


def test_the_limit_of_processor_time_is_named(
    settings: Settings, run_instead: Callable[[str], None]
) -> None:
    run_instead("tests.media.probe")
    pool = DecoderPool(settings)
    reader = MediaReader(pool, "photo", "an image editor", seconds=0.2)
    with pytest.raises(BadMedia, match=r"0\.2 seconds of processor time"):
        reader.ask({"do": "spin"})
    pool.close()


def test_a_file_that_is_gone_is_said(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="gone from the server's disk"):
        decoder.inspect(tmp_path / "gone")


def test_it_owns_no_descriptor_but_its_own(new_decoder: Decoder, save: Save) -> None:
    """Those of a request are closed with it."""
    for _ in range(3):
        new_decoder.inspect(save(GOOD))
    (process,) = new_decoder.pool.processes
    links = Path(f"/proc/{process.pid}/fd").iterdir()
    assert not [str(link.readlink()) for link in links if str(link.readlink()).endswith("file")]
    assert psutil.Process(process.pid).num_fds() <= 5


def test_without_a_filter_no_file_is_read_where_it_is_required(
    tmp_path: Path, save: Save, run_instead: Callable[[str], None]
) -> None:
    """As on a system without libseccomp."""
    run_instead("tests.media.unfiltered")
    required, not_required = (
        Decoder(Settings(home=tmp_path, require_sandbox=required)) for required in (True, False)
    )
    with pytest.raises(Busy, match="lock in the process") as refusal:
        required.inspect(save(GOOD))
    assert refusal.value.status == 503
    assert not_required.inspect(save(GOOD)).width == 120
    for decoder in (required, not_required):
        assert decoder.pool.sandbox["seccomp"] is False
        decoder.close()


@pytest.mark.parametrize("attack", [costly.jpeg_of_passes(300), costly.tiff_of_pages(60_000)])
def test_costly_files_hold_nobody_up(new_decoder: Decoder, tmp_path: Path, attack: bytes) -> None:
    """While they are refused, as often as there are processes, a small photo goes through."""
    costs, small = tmp_path / "costly", tmp_path / "small"
    costs.write_bytes(attack)
    small.write_bytes(GOOD)
    before = new_decoder.inspect(small)
    refused: list[str] = []
    used = cpu(new_decoder)

    def attack_once() -> None:
        with pytest.raises(TooLarge, match="would take too long to read") as refusal:
            new_decoder.inspect(costs)
        refused.append(refusal.value.detail)

    threads = [threading.Thread(target=attack_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert new_decoder.inspect(small) == before
    for thread in threads:
        thread.join()
    assert len(refused) == 8
    assert cpu(new_decoder) - used < 8 * 2, "seconds of processor time, starts included"


def cpu(decoder: Decoder) -> float:
    times = [psutil.Process(process.pid).cpu_times() for process in decoder.pool.processes]
    return sum(each.user + each.system for each in times)


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (costly.png_of_chunks(300_000), "more than 1[0-9]{2},[0-9]{3} parts"),
        (costly.gif_of_frames(20_001), "more than 20,000 frames"),
        (costly.jpeg_of_passes(101), "more than 100 passes"),
        (costly.tiff_of_pages(1001), "more than 1,000 pages"),
    ],
)
def test_what_is_counted(decoder: Decoder, save: Save, attack: bytes, words: str) -> None:
    with pytest.raises(TooLarge, match=words):
        decoder.inspect(save(attack))


def test_what_is_usual_is_read(decoder: Decoder, save: Save) -> None:
    progressive = photos.encode(photos.scene(), "JPEG", progressive=True)
    for data in (progressive, costly.jpeg_of_passes(40), costly.tiff_of_pages(300)):
        assert decoder.inspect(save(data)).kind == "image"


def test_neither_clips_nor_pdfs_nor_large_photos_take_the_last_place(
    new_decoder: Decoder, tmp_path: Path
) -> None:
    pool = new_decoder.pool
    small = tmp_path / "small"
    small.write_bytes(GOOD)
    with ExitStack() as held:
        for _ in range(pool._size - 1):
            held.enter_context(pool._place(large=True, wait_seconds=0.0))
        clip, pdf, large = (tmp_path / name for name in ("clip", "pdf", "large"))
        pdf.write_bytes(photos.encode(photos.scene(), "PDF"))
        large.write_bytes(GOOD + bytes(LARGE_BYTES))
        for do, path in (("clip_times", clip), ("inspect", pdf), ("inspect", large)):
            with pytest.raises(DecodersBusy):
                pool.ask({"do": do, "path": str(path)}, 1, wait_seconds=0.0)
        assert new_decoder.inspect(small).width == 120
