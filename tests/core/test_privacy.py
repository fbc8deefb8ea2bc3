"""Secrets in the environment stay there."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, os
from pathlib import Path
from app.core.privacy import forbid_inspection

def another_of_the_same_user_reads_it():
    if (child := os.fork()) == 0:
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # the fork has its parent's setting
        try:
            seen = b"SECRET" in Path(f"/proc/{os.getppid()}/environ").read_bytes()
        except PermissionError:
            seen = False
        os._exit(seen)
    return bool(os.waitpid(child, 0)[1])

if os.geteuid() == 0:  # whom nothing is forbidden
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as after a start by that user
before = another_of_the_same_user_reads_it()
forbid_inspection()
print(before, another_of_the_same_user_reads_it(), len(os.listdir("/proc/self/fd")) > 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_no_other_process_of_the_user_reads_the_environment() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={"SECRET": "1"}, capture_output=True, text=True
    )
    assert run.stdout.split() == ["True", "False", "True"], run.stderr
