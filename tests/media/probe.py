"""What a stranger's code would try in a decoder's place; `test_sandbox.py` runs it.

`python -m tests.media.probe SETTINGS` starts just as `ml.media.sandbox` does, and is locked in by
it; with `--bare TARGETS` it tries the same without, and prints what it could do.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.media import sandbox
from ml.media.photo_requests import Answer, Send

PTRACE_ATTACH = 16
Targets = dict[str, Any]


def read_the_environment_of_the_parent(_: Targets) -> object:
    return Path(f"/proc/{os.getppid()}/environ").read_bytes()


def open_its_memory_for_writing(_: Targets) -> object:
    return os.open(f"/proc/{os.getppid()}/mem", os.O_RDWR)


def read_the_secret_key(targets: Targets) -> object:
    return Path(targets["secret"]).read_bytes()


def overwrite_a_file(targets: Targets) -> object:
    with Path(targets["victim"]).open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:4] = b"HARM"
        return True


def reach_the_database(targets: Targets) -> object:
    return socket.create_connection(("127.0.0.1", targets["database"]), 5)


def reach_the_broker(targets: Targets) -> object:
    return socket.create_connection(("127.0.0.1", targets["broker"]), 5)


def reach_a_local_socket(targets: Targets) -> object:
    client = socket.socket(socket.AF_UNIX)
    client.connect(targets["local"])
    return client


def run_a_program(_: Targets) -> object:
    return os.posix_spawn("/bin/true", ["true"], {})


def make_a_process(_: Targets) -> object:
    child = os.fork()
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)


def trace_the_parent(_: Targets) -> object:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_ATTACH, os.getppid(), None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(os.getppid(), 0)
    return libc.ptrace(17, os.getppid(), None, None)


ACTS: tuple[Callable[[Targets], object], ...] = (
    read_the_environment_of_the_parent,
    open_its_memory_for_writing,
    read_the_secret_key,
    overwrite_a_file,
    reach_the_database,
    reach_the_broker,
    reach_a_local_socket,
    run_a_program,
    make_a_process,
    trace_the_parent,
)


def succeeded(targets: Targets) -> list[str]:
    """Return which acts the system allows."""
    done = []
    for act in ACTS:
        try:
            act(targets)
        except OSError:
            continue
        done.append(act.__name__)
    return done


def answer(request: dict[str, Any], _: dict[str, Any], __: Send) -> Answer:
    """Try all, in a decoder's place."""
    if request["do"] == "spin":
        while True:
            pass
    return {"succeeded": succeeded(request["targets"])}, b""


if __name__ == "__main__":
    if sys.argv[1] == "--bare":
        print(json.dumps(succeeded(json.loads(sys.argv[2]))))
    else:
        sandbox.main(answer)
