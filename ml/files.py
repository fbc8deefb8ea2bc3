"""Files that are whole or not there: written aside, flushed to the disk, renamed into place."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: Path, *, flush: bool = True) -> Iterator[Path]:
    """Yield the name of a new file beside `path`, which replaces it at the end of the `with`.

    Any exception (OSError for a full disk, say) leaves the old file as it was and nothing new.

    Args:
        path: The file to write or replace; its folder is made if it is missing.
        flush: Wait for the disk, so that the file outlasts a power cut. A cache need not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # processes may share the folder
    try:
        yield part
        if flush:
            _flush(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if flush and os.name == "posix":
        _flush(path.parent)  # the rename too


def write_whole(path: Path, data: bytes) -> None:
    """Replace the content of `path`, flushed to the disk; see `replacing`."""
    with replacing(path) as part:
        part.write_bytes(data)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_full(error: OSError) -> bool:
    """Return True if the disk, the quota or the file's limit is used up."""
    return error.errno in FULL
