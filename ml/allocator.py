"""How the memory of a process that runs models is taken from the system."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD = -1
M_TOP_PAD = -2
M_MMAP_MAX = -4
NEVER = 2**31 - 1
MIB = 1024 * 1024


def tune() -> bool:
    """Keep freed memory for the next image instead of giving it back; False where not glibc.

    By default glibc maps every large tensor anew and unmaps it afterwards, so each inference pays
    for the kernel's zeroing of the same pages again (see docs/benchmarks.md).
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, 64 * MIB))
    done = [libc.mallopt(option, value) == 1 for option, value in settings]
    return all(done)
