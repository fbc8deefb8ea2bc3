"""A file that is open already, in place of its path: the sandbox can open none."""

from __future__ import annotations

import io
import os
from pathlib import PosixPath
from typing import Any


class OpenFile(PosixPath):
    """Reads a descriptor, as often as wanted, each time from its start.

    Its name says which file it is, so that two of the same file are equal.
    """

    descriptor: int

    @classmethod
    def of(cls, descriptor: int) -> OpenFile:
        """Return one for a descriptor, which stays the caller's to close."""
        facts = os.fstat(descriptor)
        made = cls(f"{facts.st_dev}-{facts.st_ino}")
        made.descriptor = descriptor
        return made

    def open(self, mode: str = "r", buffering: int = -1, *_: Any, **__: Any) -> Any:
        """Return a stream of bytes (`mode` is "rb") with a place of its own."""
        assert mode == "rb", mode
        raw = _Stream(self.descriptor)
        return raw if buffering == 0 else io.BufferedReader(raw)

    def read_bytes(self) -> bytes:
        """Return the whole file."""
        with self.open("rb") as file:
            data: bytes = file.read()
        return data

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002
        """Return the facts of the file."""
        return os.fstat(self.descriptor)


class _Stream(io.RawIOBase):
    """A descriptor's bytes; closing it leaves the descriptor open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        bases = (0, self._at, os.fstat(self._descriptor).st_size)
        at = bases[whence] + offset
        if at < 0:
            raise ValueError(f"cannot seek to {at}")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at
