"""A decoder process as its parent sees it: start, ask with a deadline, kill."""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.core.settings import Settings

PROGRAM = "ml.media.sandbox"
ROOT = Path(__file__).parents[3]
CHUNK = 1 << 20
START_SECONDS = 60.0  # a busy machine may take long to load even a small program
CLIP_THREADS = 4  # decode a clip at most; each uses its own share of the processor time

Part = Callable[[dict[str, Any], bytes], None]


class DecoderDied(Exception):
    """The process ended before it answered."""


class DecoderNotStarted(DecoderDied):
    """The process never came up: the fault is the server's, not the file's."""


class DecoderTimedOut(Exception):
    """The process took too long, and was killed."""


class DecoderProcess:
    """Runs `ml.media.sandbox` in a process of its own. Only `kill` may be called by any thread.

    Attributes:
        requests: How many requests it has been sent.
    """

    def __init__(self, settings: Settings) -> None:
        self.requests = 0
        self._killed = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, json.dumps(_for_sandbox(settings))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process's ID."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True until the process ends or is killed."""
        return not self._killed and self._process.poll() is None

    def ask(
        self, request: dict[str, Any], seconds: float, part: Part | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """Return the answer and its payload; pass what comes ahead of it to `part`.

        After any exception, also one that `part` raises, the process is closed.

        Raises:
            DecoderDied: The process ended; DecoderNotStarted if it never came up.
            DecoderTimedOut: The answer took more than `seconds`.
        """
        body = json.dumps(request).encode()
        try:
            if self.requests == 0:
                self._wait_until_ready()
            self.requests += 1
            assert self._process.stdin is not None
            self._process.stdin.write(struct.pack(">I", len(body)) + body)
            self._process.stdin.flush()
            deadline = time.monotonic() + seconds
            while "part" in (answer := self._answer(deadline))[0]:
                if part is not None:
                    part(*answer)
            return answer
        except (BrokenPipeError, ConnectionResetError) as error:
            self.close()
            raise DecoderDied from error
        except BaseException:
            self.close()
            raise

    def kill(self) -> None:
        """Kill the process; a thread that is in `ask` gets DecoderDied."""
        self._killed = True
        self._process.kill()

    def close(self) -> None:
        """Kill the process, wait until it is gone, and close its pipes."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not sent stays unsent
                    pipe.close()

    def _wait_until_ready(self) -> None:
        try:
            self._answer(time.monotonic() + START_SECONDS)
        except (DecoderDied, DecoderTimedOut) as error:
            raise DecoderNotStarted from error

    def _answer(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        (length,) = struct.unpack(">I", self._read(4, deadline))
        answer: dict[str, Any] = json.loads(self._read(length, deadline))
        return answer, self._read(answer["payload"], deadline)

    def _read(self, count: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        parts: list[bytes] = []
        while count > 0:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise DecoderTimedOut
            part = os.read(descriptor, min(count, CHUNK))
            if not part:
                raise DecoderDied
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _for_sandbox(settings: Settings) -> dict[str, Any]:
    return {
        "memory_bytes": settings.decode_memory_bytes,
        "photo": {
            "cpu_seconds": settings.decode_seconds,
            "limits": {
                "max_pixels": settings.max_pixels,
                "max_side": settings.max_side,
                "min_side": settings.min_side,
            },
        },
        "clip": {
            "cpu_seconds": settings.clip_decode_seconds * CLIP_THREADS,
            "limits": {
                "seconds": settings.max_clip_seconds,
                "pixels": settings.max_clip_pixels,
                "frames": settings.max_clip_frames,
                "min_side": settings.min_side,
            },
        },
    }
