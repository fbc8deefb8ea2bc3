"""A decoder process as its parent sees it: start, ask with a deadline, kill."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from app.core.errors import Busy
from app.core.settings import Settings

PROGRAM = "ml.media.sandbox"
ROOT = Path(__file__).parents[3]
CHUNK = 1 << 20
START_SECONDS = 60.0  # a busy machine may take long to load even a small program
WALL_FACTOR = 3  # seconds that may pass for one of processor time: a busy server is slow

Role = Literal["photo", "clip"]
Part = Callable[[dict[str, Any], bytes], None]


class DecoderDied(Exception):
    """The process ended before it answered."""


class DecoderNotStarted(DecoderDied):
    """The process never came up: the fault is the server's, not the file's."""


class DecoderOverspent(Exception):
    """The file took more processor time than one may; the process is gone."""


class DecoderTimedOut(Exception):
    """No answer came in time, though the processor time was not used up: the server is busy."""


class DecoderUnsafe(Busy):
    """The system does not let a decoder be locked in, and the settings demand it."""

    default = (
        "This server reads no files, since its system does not let it lock in the process that "
        "does. Whoever runs it finds the reason at /readyz, and what to do in docs/deployment.md."
    )


class DecoderProcess:
    """Runs `ml.media.sandbox` in a process of its own. Only `kill` may be called by any thread.

    Attributes:
        role: Which kind of file it reads.
        requests: How many requests it has been sent.
        sandbox: What of `ml.media.lockdown` is in force there; empty until it has come up.
    """

    def __init__(self, settings: Settings, role: Role = "photo") -> None:
        self.role = role
        self.requests = 0
        self.sandbox: dict[str, bool] = {}
        self._required = settings.require_sandbox
        self._killed = False
        self._requests, theirs = socket.socketpair()  # files' descriptors go through it
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAM, json.dumps(_for_sandbox(settings, role))],
                stdin=theirs.fileno(),
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

        The request names its files as `path` or `paths`; they are opened here. After any
        exception, also one that `part` raises, the process is closed.

        Args:
            request: What to do, as JSON.
            seconds: Processor time that the answer may take.
            part: Called with each part of a file that comes ahead of the answer.

        Raises:
            DecoderDied: The process ended; DecoderNotStarted if it never came up.
            DecoderOverspent: The answer took more than `seconds` of processor time.
            DecoderTimedOut: Far more time than that has passed.
            DecoderUnsafe: It is less locked in than the settings demand.
            OSError: A file cannot be opened.
        """
        try:
            if self.requests == 0:
                self._wait_until_ready()
            self.requests += 1
            deadline = time.monotonic() + WALL_FACTOR * seconds
            self._send(request | {"cpu_seconds": seconds}, deadline)
            while "part" in (answer := self._answer(deadline))[0]:
                if part is not None:
                    part(*answer)
            return answer
        except (BrokenPipeError, ConnectionResetError, DecoderDied) as error:
            self.close()
            if self._process.returncode == -signal.SIGPROF:
                raise DecoderOverspent from error
            raise error if isinstance(error, DecoderDied) else DecoderDied from error
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
        self._requests.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _wait_until_ready(self) -> None:
        try:
            self.sandbox = self._answer(time.monotonic() + START_SECONDS)[0]["sandbox"]
        except (DecoderDied, DecoderTimedOut) as error:
            raise DecoderNotStarted from error
        if self._required and not self.sandbox["seccomp"]:
            raise DecoderUnsafe

    def _send(self, request: dict[str, Any], deadline: float) -> None:
        """Send a request, and with its first bytes the descriptors of its files."""
        paths = request.get("paths") or ([request["path"]] if "path" in request else [])
        body = json.dumps(request).encode()
        message = memoryview(struct.pack(">I", len(body)) + body)
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(Path(path).open("rb", 0)) for path in paths]
            self._requests.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                sent = socket.send_fds(self._requests, [message], [f.fileno() for f in files])
                self._requests.sendall(message[sent:])
            except TimeoutError:
                raise DecoderTimedOut from None

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


def _for_sandbox(settings: Settings, role: Role) -> dict[str, Any]:
    photo = {
        "max_pixels": settings.max_pixels,
        "max_side": settings.max_side,
        "min_side": settings.min_side,
    }
    clip = {
        "seconds": settings.max_clip_seconds,
        "pixels": settings.max_clip_pixels,
        "frames": settings.max_clip_frames,
        "min_side": settings.min_side,
    }
    limits = clip if role == "clip" else photo
    return {"role": role, "memory_bytes": settings.decode_memory_bytes, "limits": limits}
