"""One decoding process for one kind of file: started when needed, replaced when dead."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

from app.core.errors import BadMedia, Busy, SightlineError, TooLarge
from app.core.settings import Settings
from app.media.decoder.process import (
    DecoderDied,
    DecoderNotStarted,
    DecoderProcess,
    DecoderTimedOut,
    Part,
)

log = logging.getLogger(__name__)
FILES_A_PROCESS = 100  # then a new process, so that no leak grows
TRIES = 2
CANNOT_START = (
    "The server cannot start the process that reads {kind}s, so none can be taken now. Try again "
    "in a minute; if it stays so, tell whoever runs this server."
)
FAILED_TWICE = (
    "Reading the {kind} failed twice: it is damaged, or made to do harm. Open it in {editor}, "
    "save it anew and try again."
)
TOO_LONG = (
    "Reading the {kind} took more than {seconds:g} seconds. Save it smaller, or in another "
    "format, and try again."
)
TOO_LARGE = {"PhotoTooLarge", "ClipTooLarge", "TooLarge"}
BROKEN = {"BrokenPhoto", "BrokenClip"}


@dataclass(frozen=True)
class Kind:
    """What the sentences speak of."""

    name: str
    editor: str
    seconds: float  # that one answer may take


class DecoderPool:
    """Asks one process after another; for any thread, one at a time."""

    def __init__(self, settings: Settings, kind: Kind) -> None:
        self._settings = settings
        self._kind = kind
        self._lock = threading.Lock()
        self.child: DecoderProcess | None = None

    def ask(
        self,
        request: dict[str, Any],
        part: Part | None = None,
        seconds: float | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        """Return the answer and its payload.

        Raises BadMedia or TooLarge with a sentence for the visitor, Busy where others keep the
        process occupied.
        """
        if not self._lock.acquire(timeout=2 * self._kind.seconds):
            raise Busy(
                f"Other {self._kind.name}s are being read; try again in a few seconds.",
                retry_after=5,
            )
        try:
            answer, payload = self._until_answered(request, part, seconds or self._kind.seconds)
        finally:
            self._lock.release()
        if answer["ok"]:
            return answer, payload
        raise _refusal(answer["kind"], answer["detail"])

    def warm(self) -> None:
        """Start the process ahead of the first file."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._drop()

    def _until_answered(
        self, request: dict[str, Any], part: Part | None, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        """Ask again once where the process died: it may have been killed for another reason."""
        never_started = False
        kind = self._kind
        for attempt in range(TRIES):
            child = self._ready()
            self.child = None
            try:
                answer = child.ask(request, seconds, part)
            except DecoderTimedOut:
                raise BadMedia(
                    TOO_LONG.format(kind=kind.name, seconds=seconds), status=400
                ) from None
            except DecoderDied as error:
                never_started = isinstance(error, DecoderNotStarted)
                log.warning("the decoding process died (try %d of %d)", attempt + 1, TRIES)
            else:
                self.child = child
                return answer
        if never_started:
            raise Busy(CANNOT_START.format(kind=kind.name), retry_after=60)
        raise BadMedia(FAILED_TWICE.format(kind=kind.name, editor=kind.editor), status=400)

    def _ready(self) -> DecoderProcess:
        if self.child is not None and self.child.asked >= FILES_A_PROCESS:
            self._drop()
        self.child = self.child or DecoderProcess(self._settings)
        return self.child

    def _drop(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child = None


def _refusal(kind: str, detail: str) -> SightlineError:
    if kind in TOO_LARGE:
        return TooLarge(detail)
    return BadMedia(detail, status=400 if kind in BROKEN else 415)
