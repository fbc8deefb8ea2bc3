"""The process that opens strangers' files: limited, locked in, and alone.

`python -m ml.media.sandbox SETTINGS` reads requests on stdin, a socket, and answers on stdout, one
at a time: four bytes of length (big-endian), that much JSON and, in an answer, `payload` bytes
more. With a request come the descriptors of its files, one for each of `paths`, or for `path`: the
process itself can open none. It first sends `{"ready": true, "sandbox": ...}`, what of
`ml.media.lockdown` is in force, and ends when stdin does. Parts of a file that it makes come ahead
of the answer, each with `part`, its place in the file. SETTINGS is JSON: memory_bytes, role (photo
or clip), and limits, the fields of `Limits` or `ClipLimits`. A request has at most `cpu_seconds` of
processor time, after which SIGPROF ends the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ml.errors import MlError
from ml.media import lockdown, preload
from ml.media.open_file import OpenFile
from ml.media.photo_requests import Answer, Send

TOO_MUCH = "The file needs more memory than one file may take; make it smaller."
MOST_FILES = 64  # open at the same time
Answerer = Callable[[dict[str, Any], dict[str, Any], Send], Answer]


def main(answer: Answerer | None = None) -> None:
    """Serve requests until stdin ends; `answer` does so instead of what reads the files."""
    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a C library prints must not land among the answers
    requests = socket.socket(fileno=0)
    isolated = lockdown.isolate()
    of_role = preload.everything(settings["role"])
    _confine(settings["memory_bytes"])
    report = lockdown.lock(isolated=isolated)
    _send(answers, {"ready": True, "sandbox": report}, b"")
    while (received := _receive(requests)) is not None:
        request, descriptors = received
        _allow_cpu(request["cpu_seconds"])
        header, payload = _answer(
            answer or of_role, request, settings["limits"], lambda *part: _send(answers, *part)
        )
        for descriptor in descriptors:
            os.close(descriptor)
        _send(answers, header, payload)


def _answer(
    answer: Answerer, request: dict[str, Any], limits: dict[str, Any], send: Send
) -> Answer:
    try:
        header, payload = answer(request, limits, send)
    except MlError as error:
        return {"ok": False, "kind": type(error).__name__, "detail": error.detail}, b""
    except MemoryError:
        return {"ok": False, "kind": "TooLarge", "detail": TOO_MUCH}, b""
    return {"ok": True, **header}, payload


def _confine(memory_bytes: int) -> None:
    _limit(resource.RLIMIT_AS, _mapped_bytes() + memory_bytes)
    _limit(resource.RLIMIT_NOFILE, MOST_FILES)
    _limit(resource.RLIMIT_FSIZE, 0)  # it writes to its pipe, and to no file
    _limit(resource.RLIMIT_CORE, 0)


def _mapped_bytes() -> int:
    """Return what the programs themselves have mapped: a file's share comes on top."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _allow_cpu(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of all threads; the default action is to end


def _limit(which: int, value: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # not every system knows every limit
        resource.setrlimit(which, (value, value))


def _receive(requests: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    head, descriptors, _, _ = socket.recv_fds(requests, 4, MOST_FILES)
    head += _rest(requests, 4 - len(head))
    if len(head) < 4:
        return None
    request: dict[str, Any] = json.loads(_rest(requests, struct.unpack(">I", head)[0]))
    files = [OpenFile.of(descriptor) for descriptor in descriptors]
    if "paths" in request:
        request["paths"] = files
    elif files:
        request["path"] = files[0]
    return request, descriptors


def _rest(requests: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count > 0 and (part := os.read(requests.fileno(), count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _send(stream: IO[bytes], header: dict[str, Any], payload: bytes) -> None:
    body = json.dumps(header | {"payload": len(payload)}).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.write(payload)
    stream.flush()


if __name__ == "__main__":
    main()
