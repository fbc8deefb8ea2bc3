"""The process that opens strangers' files: limited, and alone.

`python -m ml.media.sandbox SETTINGS` reads requests on stdin and answers on stdout, one at a
time: four bytes of length (big-endian), that much JSON and, in an answer, `payload` bytes more.
It first sends `{"ready": true}`, and ends when stdin does. Parts of a file that it makes come ahead
of the answer, each with `part`, its place in the file. SETTINGS is JSON: memory_bytes, and for
photo and clip each cpu_seconds and limits, the fields of `Limits` and `ClipLimits`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import struct
import sys
from typing import IO, Any

from ml.errors import MlError
from ml.media.photo_requests import Answer, Send

TOO_MUCH = "The file needs more memory than one file may take; make it smaller."


def main() -> None:
    """Serve requests until stdin ends."""
    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a C library prints must not land among the answers
    _confine(settings["memory_bytes"])
    _send(answers, {"ready": True}, b"")
    while (request := _receive(sys.stdin.buffer)) is not None:
        header, payload = _answer(request, settings, lambda *part: _send(answers, *part))
        _send(answers, header, payload)


def _answer(request: dict[str, Any], settings: dict[str, Any], send: Send) -> Answer:
    is_clip = request["do"].startswith("clip")
    own = settings["clip" if is_clip else "photo"]
    _allow_cpu(request.get("seconds", own["cpu_seconds"]))
    try:
        if is_clip:  # a process that sees photos only never loads FFmpeg
            from ml.media.clip.requests import answer
        else:
            from ml.media.photo_requests import answer
        header, payload = answer(request, own["limits"], send)
    except MlError as error:
        return {"ok": False, "kind": type(error).__name__, "detail": error.detail}, b""
    except MemoryError:
        return {"ok": False, "kind": "TooLarge", "detail": TOO_MUCH}, b""
    return {"ok": True, **header}, payload


def _confine(memory_bytes: int) -> None:
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_NOFILE, 32)
    _limit(resource.RLIMIT_FSIZE, 0)  # it writes to its pipe, and to no file
    _limit(resource.RLIMIT_CORE, 0)


def _allow_cpu(seconds: float) -> None:
    """Allow this request `seconds` of processor time beyond what earlier ones have used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime + seconds) + 1
    _limit(resource.RLIMIT_CPU, allowed, resource.getrlimit(resource.RLIMIT_CPU)[1])


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    with contextlib.suppress(ValueError, OSError):  # not every system knows every limit
        resource.setrlimit(which, (soft, soft if hard is None else hard))


def _receive(stream: IO[bytes]) -> dict[str, Any] | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    request: dict[str, Any] = json.loads(stream.read(struct.unpack(">I", head)[0]))
    return request


def _send(stream: IO[bytes], header: dict[str, Any], payload: bytes) -> None:
    body = json.dumps(header | {"payload": len(payload)}).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.write(payload)
    stream.flush()


if __name__ == "__main__":
    main()
