"""Processes of servers and workers."""

import time
from collections.abc import Iterable

import psutil


def still_running(processes: Iterable[psutil.Process], seconds: float = 0) -> list[psutil.Process]:
    """Return those of `processes` that have not exited after `seconds`.

    A zombie counts as exited: its new parent may read its exit status late, or never.
    """
    deadline = time.monotonic() + seconds
    running = [process for process in processes if not _ended(process)]
    while running and time.monotonic() < deadline:
        time.sleep(0.05)
        running = [process for process in running if not _ended(process)]
    return running


def command_line(process: psutil.Process) -> list[str]:
    """Its arguments; an empty list if it has exited."""
    try:
        return [] if _ended(process) else process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
