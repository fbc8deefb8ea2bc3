"""Blobs are there whole or not at all, and never outside their folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.core.errors import DiskFull, NotFound
from app.storage.blobs import LocalBlobs

WRITE_UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path
from app.core.errors import DiskFull
from app.storage.blobs import LocalBlobs
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    LocalBlobs(Path(sys.argv[1])).put("maps/a/b.npy", bytes(200_000))
except DiskFull as error:
    print(error.status, error.detail)
"""


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_what_is_put_is_got_until_deleted(blobs: LocalBlobs) -> None:
    blobs.put("maps/a/x.npy", b"one")
    blobs.put("maps/a/x.npy", b"two")
    assert blobs.get("maps/a/x.npy") == b"two"
    assert blobs.exists("maps/a/x.npy")
    assert list(blobs.keys("maps")) == ["maps/a/x.npy"]
    blobs.delete("maps/a/x.npy")
    blobs.delete("maps/a/x.npy")
    assert not blobs.exists("maps/a/x.npy")
    assert not (blobs.root / "maps" / "a").exists()
    with pytest.raises(NotFound, match="gone"):
        blobs.get("maps/a/x.npy")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "maps/../../x",
        "maps//x",
        "maps/",
        ".incoming/x",
        "maps/.hidden",
        "a b",
        "maps\\x",
        "maps/x\n",
        "maps/\0",
    ],
)
def test_a_name_cannot_leave_the_folder(blobs: LocalBlobs, key: str) -> None:
    for action in (blobs.path, blobs.get, blobs.exists, blobs.delete, blobs.delete_prefix):
        with pytest.raises(ValueError, match="not a blob's name"):
            action(key)
    with pytest.raises(ValueError, match="not a blob's name"):
        blobs.put(key, b"x")
    assert files(blobs.root) == []


def test_a_reader_never_sees_half_a_blob(blobs: LocalBlobs) -> None:
    contents = {bytes([value]) * 300_000 for value in range(4)}
    blobs.put("maps/a/x.npy", next(iter(contents)))
    ended = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not ended.is_set():
            seen.append(blobs.get("maps/a/x.npy"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(10):
        for content in contents:
            blobs.put("maps/a/x.npy", content)
    ended.set()
    reader.join()
    assert set(seen) <= contents
    assert len(seen) > 5


def test_writing_and_deleting_in_one_folder_do_not_collide(blobs: LocalBlobs) -> None:
    def churn(name: str) -> None:
        for _ in range(200):
            blobs.put(f"maps/a/{name}", b"x")
            blobs.delete(f"maps/a/{name}")

    threads = [threading.Thread(target=churn, args=(f"{i}.npy",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(blobs.root) == []


def test_a_full_disk_is_said_and_leaves_nothing(tiny_disk: Path) -> None:
    blobs = LocalBlobs(tiny_disk / "blobs")
    blobs.put("maps/a/small.npy", bytes(1000))
    with pytest.raises(DiskFull, match="disk is full"):
        blobs.put("maps/a/large.npy", bytes(2_000_000))
    assert [path.name for path in files(blobs.root)] == ["small.npy"]
    assert blobs.free_bytes() < 2_000_000


def test_a_file_size_limit_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    written = subprocess.run(
        [sys.executable, "-c", WRITE_UNDER_A_LIMIT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert written.stdout.startswith("507 The server's disk is full")
    assert files(tmp_path) == []


def test_old_unfinished_files_are_swept_up(blobs: LocalBlobs) -> None:
    old, new = blobs.incoming(), blobs.incoming()
    old.write_bytes(b"left by a process that was killed")
    new.write_bytes(b"still arriving")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    assert blobs.sweep_temporary(3600) == 1
    assert files(blobs.root) == [new]
