"""Who sent a request, and how: the peer, or what a trusted proxy says of the client behind it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

CUSTOMER = 64  # bits of an IPv6 address that one customer of a provider keeps


class ClientAddress:
    """Sets the client's address and the scheme from the headers of trusted proxies only.

    Of `X-Forwarded-For` the last address that is not a trusted proxy counts: those before it are
    the client's own words. The server must not read these headers itself: by default uvicorn
    believes whatever 127.0.0.1 sends.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        self._app: Any = ProxyHeadersMiddleware(app, list(trusted))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if client := scope.get("client"):
            scope["client"] = (_unmapped(client[0]), client[1])
        await self._app(scope, receive, send)


def network(address: str) -> str:
    """Return what limits count by: the address, or the /64 network of one of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> CUSTOMER << CUSTOMER))
    return address


def _unmapped(host: str) -> str:
    """Return 192.0.2.7 for ::ffff:192.0.2.7, as a server that listens on :: sees it."""
    return host.removeprefix("::ffff:") if "." in host else host
