"""Middleware: security headers, names of this server, no writes from other sites, HEAD as GET.

It is plain ASGI, which neither buffers streams nor adds a task to each request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", PERMISSIONS.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"private, no-cache"),
)
TLS_HEADERS = (*HEADERS, (b"strict-transport-security", b"max-age=31536000"))
DEFAULT_PORTS = {"http": 80, "https": 443}
PORT = re.compile(r":[0-9]*$")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})  # nobody else's name can be one of these
ANY_NAME = frozenset({"/healthz", "/readyz"})  # load balancers ask by address
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SecurityHeaders:
    """Adds the security headers that a response does not set itself, and its cookies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cookies: list[str] = []  # see `app.web.http.cookies`
        scope["state"] = {**scope.get("state", {}), "set_cookies": cookies}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                present = {name.lower() for name, _ in headers}
                wanted = headers_for(scope["scheme"])
                headers += [header for header in wanted if header[0] not in present]
                headers += [(b"set-cookie", cookie.encode()) for cookie in cookies]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def headers_for(scheme: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the security headers; over https also that browsers are to stay with it."""
    return TLS_HEADERS if scheme == "https" else HEADERS


class AllowedHosts:
    """Rejects requests that address this server by a name that is not its own.

    A page of another site can point its own name at this server (DNS rebinding); to the browser
    both are then one origin. Loopback names always pass: no other site can have them.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._names = LOOPBACK.union(allowed) if allowed else frozenset[str]()
        self._ends = tuple(name[1:] for name in allowed if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        asked = scope["type"] == "http" and bool(self._names) and scope["path"] not in ANY_NAME
        if asked and not self._is_ours(Headers(scope=scope).get("host", "")):
            detail = (
                "This server is not known by that name. Use its own address, or have the name "
                "added to SIGHTLINE_ALLOWED_HOSTS."
            )
            refusal = JSONResponse({"error": "unknown_host", "detail": detail}, 400)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        name = PORT.sub("", host.lower())
        return name in self._names or name.endswith(self._ends)


class SameOriginWrites:
    """Rejects writes that a browser sends on behalf of another site.

    `Sec-Fetch-Site` decides if it is sent, `Origin` otherwise. A program that sends neither is let
    through: it does not send a visitor's cookie unknowingly.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        writes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if writes and is_cross_origin(Headers(scope=scope), scope["scheme"]):
            detail = "Another site asked for this; open Sightline itself and do it there."
            refusal = JSONResponse({"error": "cross_origin", "detail": detail}, 403)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def is_cross_origin(headers: Headers, scheme: str) -> bool:
    """Return True if a browser declares that the request comes from another origin.

    With `Origin` alone, scheme, host and port are compared, the port with its default filled in
    (RFC 6454, section 4). `scheme` is that of the request.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    target = f"{scheme}://{headers.get('host', '')}"
    return origin is not None and (_origin(origin) is None or _origin(origin) != _origin(target))


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port of a URL; None if it is not an origin, for example `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # the port is not a number
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


class HeadAsGet:
    """Handles HEAD as GET, and drops the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET", "head": True}, receive, send_without_body)
