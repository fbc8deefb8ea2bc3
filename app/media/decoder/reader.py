"""Photos or clips through a decoder process; errors are sentences for the visitor."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from app.core.errors import BadMedia, Busy, NotFound, SightlineError, TooLarge
from app.media.decoder.pool import DecoderPool, DecodersBusy
from app.media.decoder.process import (
    WALL_FACTOR,
    DecoderDied,
    DecoderNotStarted,
    DecoderOverspent,
    DecoderTimedOut,
    Part,
)

log = logging.getLogger(__name__)
TRIES = 2
CANNOT_START = (
    "The server cannot start the process that reads {kind}s, so none can be taken now. Try again "
    "in a minute; if it stays so, tell whoever runs this server."
)
FAILED_TWICE = (
    "Reading the {kind} failed twice: it is damaged, or made to do harm. Open it in {editor}, "
    "save it anew and try again."
)
TOO_COSTLY = (
    "Reading the {kind} took more than {seconds:g} seconds of processor time, the most that one "
    "may take. Save it smaller, or in another format, and try again."
)
TOO_BUSY = (
    "The server was too busy to read the {kind} within {seconds:g} seconds, which need not be its "
    "fault; try again in a minute."
)
GONE = "The file of this {kind} is gone from the server's disk, or cannot be opened there."
TOO_LARGE = {"PhotoTooLarge", "ClipTooLarge", "TooLarge"}
BROKEN = {"BrokenPhoto", "BrokenClip"}


@dataclass(frozen=True)
class MediaReader:
    """Reads one kind of file.

    Attributes:
        pool: The processes that do it.
        kind: "photo" or "clip", for the sentences.
        editor: The program that can save such a file anew.
        seconds: Processor time that an answer may take.
    """

    pool: DecoderPool
    kind: str
    editor: str
    seconds: float

    def ask(
        self, request: dict[str, Any], part: Part | None = None, seconds: float | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """Return the answer and its payload.

        Raises:
            BadMedia: The file is damaged, of no known kind, or takes too much processor time.
            TooLarge: It exceeds a limit.
            Busy: Others keep the processes or the server occupied, or none starts.
            NotFound: There is no such file.
        """
        answer, payload = self._answer(request, part, seconds or self.seconds)
        if answer["ok"]:
            return answer, payload
        raise _refusal(answer["kind"], answer["detail"])

    def _answer(
        self, request: dict[str, Any], part: Part | None, seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        """Ask again if the process dies: it may have been killed for another reason."""
        not_started = False
        for attempt in range(TRIES):
            try:
                return self.pool.ask(request, seconds, part, wait_seconds=2 * self.seconds)
            except DecodersBusy:
                detail = f"Other {self.kind}s are being read; try again in a few seconds."
                raise Busy(detail, retry_after=5) from None
            except OSError as error:
                log.warning("cannot open a %s: %s", self.kind, error)
                raise NotFound(GONE.format(kind=self.kind)) from None
            except DecoderOverspent:
                detail = TOO_COSTLY.format(kind=self.kind, seconds=seconds)
                raise BadMedia(detail, status=400) from None
            except DecoderTimedOut:
                detail = TOO_BUSY.format(kind=self.kind, seconds=WALL_FACTOR * seconds)
                raise Busy(detail, retry_after=60) from None
            except DecoderDied as error:
                not_started = isinstance(error, DecoderNotStarted)
                log.warning("the decoder process died (try %d of %d)", attempt + 1, TRIES)
        if not_started:
            raise Busy(CANNOT_START.format(kind=self.kind), retry_after=60)
        raise BadMedia(FAILED_TWICE.format(kind=self.kind, editor=self.editor), status=400)


def _refusal(error: str, detail: str) -> SightlineError:
    if error in TOO_LARGE:
        return TooLarge(detail)
    return BadMedia(detail, status=400 if error in BROKEN else 415)
