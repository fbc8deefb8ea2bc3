"""Blobs: immutable files under names that the server makes."""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from app.core.errors import DiskFull, NotFound

log = logging.getLogger(__name__)
KEY = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FOLDER_TRIES = 100
TEMPORARY = ".incoming"  # a folder that no key can name


class BlobStore(Protocol):
    """Where files are kept: `media/{id}/original`, `maps/{analysis}/{name}.npy`, ..."""

    def put(self, key: str, data: bytes) -> None:
        """Store all of `data` or nothing; DiskFull where it does not fit."""
        ...

    def create(self, key: str) -> AbstractContextManager[Path]:
        """Yield a name to write a file to, which is a blob after the `with`; DiskFull as `put`."""
        ...

    def put_file(self, key: str, source: Path) -> None:
        """Store a flushed file made by `incoming`, which is gone afterwards."""
        ...

    def incoming(self) -> Path:
        """Return a new name for a file that is still being received."""
        ...

    def get(self, key: str) -> bytes:
        """Return a blob's content; NotFound where there is none."""
        ...

    def path(self, key: str) -> Path:
        """Return where a blob lies on the local disk."""
        ...

    def exists(self, key: str) -> bool:
        """Say whether there is such a blob."""
        ...

    def keys(self, prefix: str, older_than: float = 0.0) -> Iterator[str]:
        """Yield the blobs under a folder older than `older_than` seconds."""
        ...

    def folders(self, prefix: str, older_than: float = 0.0) -> Iterator[str]:
        """Yield the names of folders that have not changed for `older_than` seconds."""
        ...

    def delete(self, key: str) -> None:
        """Remove a blob; one that is gone already is no error."""
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Remove a folder of blobs."""
        ...

    def free_bytes(self) -> int:
        """Return how much more the disk can take."""
        ...


class LocalBlobs:
    """Blobs as files under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._temporary = self.root / TEMPORARY
        self._temporary.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, data: bytes) -> None:
        """Store a blob: a reader sees all of it or nothing."""
        with self.create(key) as path:
            path.write_bytes(data)

    @contextmanager
    def create(self, key: str) -> Iterator[Path]:
        """Yield a new file's name; at the end of the `with` flush it and rename it to the blob."""
        self.path(key)
        temporary = self.incoming()
        try:
            with no_space_is_disk_full():
                yield temporary
                with temporary.open("rb") as file:
                    flush(file)
                self._rename(temporary, key)
        finally:
            temporary.unlink(missing_ok=True)

    def put_file(self, key: str, source: Path) -> None:
        """Rename a file that was written and flushed under `incoming`'s name."""
        with no_space_is_disk_full():
            self._rename(source, key)

    def incoming(self) -> Path:
        """Return a new name on the same disk, so that a rename can finish the job."""
        return self._temporary / secrets.token_hex(16)

    def get(self, key: str) -> bytes:
        """Return a blob's content."""
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            raise NotFound("The file behind this is gone from the server's disk.") from None

    def path(self, key: str) -> Path:
        """Return a blob's file; ValueError for a name that could leave the folder."""
        if not KEY.fullmatch(key):
            raise ValueError(f"not a blob's name: {key!r}")
        return self.root / key

    def exists(self, key: str) -> bool:
        """Say whether there is such a file."""
        return self.path(key).is_file()

    def keys(self, prefix: str, older_than: float = 0.0) -> Iterator[str]:
        """Yield the names under a folder, leaving out files younger than `older_than` seconds."""
        newest = time.time() - older_than
        for folder, _, names in os.walk(self.path(prefix)):
            for path in (Path(folder, name) for name in names):
                if path.stat().st_mtime <= newest:
                    yield path.relative_to(self.root).as_posix()

    def folders(self, prefix: str, older_than: float = 0.0) -> Iterator[str]:
        """Yield the names of folders that have not changed for `older_than` seconds."""
        newest = time.time() - older_than
        with suppress(FileNotFoundError):
            for path in self.path(prefix).iterdir():
                if path.is_dir() and path.stat().st_mtime <= newest:
                    yield path.name

    def delete(self, key: str) -> None:
        """Remove a file, and its folder with the last one in it."""
        path = self.path(key)
        path.unlink(missing_ok=True)
        with suppress(OSError):  # others are in it, or it is gone
            path.parent.rmdir()

    def delete_prefix(self, prefix: str) -> None:
        """Remove a folder with all in it."""
        shutil.rmtree(self.path(prefix), ignore_errors=True)

    def free_bytes(self) -> int:
        """Return the bytes that an ordinary user may still write."""
        return shutil.disk_usage(self.root).free

    def sweep_temporary(self, older_than: float) -> int:
        """Remove what interrupted writers left behind; return how many files."""
        newest = time.time() - older_than
        left = [path for path in self._temporary.iterdir() if path.stat().st_mtime <= newest]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _rename(self, source: Path, key: str) -> None:
        target = self.path(key)
        for _ in range(FOLDER_TRIES):  # `delete` may remove the folder between the steps
            with suppress(FileNotFoundError, FileExistsError):
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
                return
        raise FileNotFoundError(f"{source} could not become {target}")


def flush(file: IO[bytes]) -> None:
    """Wait until the file's content is on the disk."""
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def no_space_is_disk_full() -> Iterator[None]:
    """Turn the system's "no space left" (or quota, or file size limit) into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            log.error("the disk is full: %s", error)
            raise DiskFull from error
        raise
