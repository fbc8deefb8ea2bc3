"""The process that opens strangers' files: limited, and alone.

`python -m ml.media.sandbox LIMITS` reads requests on stdin and answers on stdout, one at a
time: four bytes of length (big-endian), that much JSON and, in an answer, `payload` bytes more.
It says `{"ready": true}` first, and ends when stdin does. Parts of a file that it makes come ahead
of the answer, each with `part`, where in the file it belongs. LIMITS is JSON: memory_bytes,
cpu_seconds, photo and clip, the last two with the fields of `Limits` and `ClipLimits`, and the
clip's cpu_seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import struct
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

from ml.errors import MlError
from ml.media import photo_requests

Answer = tuple[dict[str, Any], bytes]
SendPart = Callable[[dict[str, Any], bytes], None]
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


def _answer(request: dict[str, Any], settings: dict[str, Any], tell: SendPart) -> Answer:
    about_clips = request["do"].startswith("clip")
    limits = settings["clip"] if about_clips else settings
    _allow_cpu(request.get("seconds", limits["cpu_seconds"]))
    try:
        return _verbs(about_clips)[request["do"]](request, settings, tell)
    except MlError as error:
        return {"ok": False, "kind": type(error).__name__, "detail": error.detail}, b""
    except MemoryError:
        return {"ok": False, "kind": "TooLarge", "detail": TOO_MUCH}, b""


def _verbs(about_clips: bool) -> Mapping[str, Callable[..., Answer]]:
    if about_clips:  # a process that sees photos only never loads FFmpeg
        from ml.media.clip import requests

        return requests.VERBS
    return photo_requests.VERBS


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
