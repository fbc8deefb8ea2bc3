"""Middleware: bodies without a file are read before anybody handles them, up to a limit.

What parses JSON or a form would read a body of any size, slowly or not, also for a stranger whom
the route then turns away.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import Busy, SightlineError, TooLarge
from app.core.settings import MIB, Settings
from app.web.http.arrival import Arrival
from app.web.http.schemas import API

FILES = frozenset({f"{API}/media", f"{API}/datasets", f"{API}/models/import"})  # as multipart
MOST_HELD = 64 * MIB  # bytes of all such bodies at once
RETRY_SECONDS = 5


class BoundedBodies:
    """Reads a request's body and passes it on whole; routes that take a file read their own."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not _has_body(scope) or _takes_file(scope):
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []
        try:
            await self._read(Request(scope, receive), parts)
        except ClientDisconnect:
            return
        except SightlineError as error:
            await _refusal(error)(scope, receive, send)
            return
        finally:
            self._held -= sum(map(len, parts))
        await self._app(scope, _replay(b"".join(parts), receive), send)

    async def _read(self, request: Request, parts: list[bytes]) -> None:
        """Add the body's parts to `parts`; TooLarge, TooSlow or Busy."""
        declared = request.headers.get("content-length", "")
        size, most = 0, self._settings.max_body_bytes
        arrival = Arrival(request, self._settings)
        while True:
            if size > most or (declared.isdecimal() and int(declared) > most):
                raise TooLarge(
                    f"The body of the request is larger than {most / 1024:,.0f} KB, the most that "
                    "one without a file may have."
                )
            if not (part := await arrival.read()):
                return
            parts.append(part)
            size += len(part)
            self._held += len(part)
            if self._held > MOST_HELD:
                raise Busy(retry_after=RETRY_SECONDS)


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in scope["headers"]
    )


def _takes_file(scope: Scope) -> bool:
    return scope["method"] == "POST" and scope["path"] in FILES


def _refusal(error: SightlineError) -> JSONResponse:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    body = {"error": error.name, "detail": error.detail}
    return JSONResponse(body, error.status, headers)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, and then what follows it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
