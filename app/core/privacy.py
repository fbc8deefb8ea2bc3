"""Keeps this process's memory and environment, where secrets are, from others of the same user."""

from __future__ import annotations

import ctypes
import sys

SET_DUMPABLE = 4  # prctl(2)


def forbid_inspection() -> None:
    """Let no process of the same user read or trace this one; root still may. Only on Linux.

    It holds until this process runs another program.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_DUMPABLE, 0, 0, 0, 0)
