"""Settings of the C allocator for processes that run models."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD = -1
M_TOP_PAD = -2
M_MMAP_MAX = -4
NEVER = 2**31 - 1
MIB = 1024 * 1024


def tune() -> bool:
    """Let glibc keep freed memory for the next image; False if this is not glibc.

    By default glibc maps and unmaps every large tensor, so each inference pays for the kernel
    zeroing the same pages again (see docs/benchmarks.md).
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, 64 * MIB))
    accepted = [libc.mallopt(option, value) == 1 for option, value in settings]
    return all(accepted)
