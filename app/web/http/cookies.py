"""Cookies of the response, whichever code makes it: `SecurityHeaders` adds them.

Over TLS their names begin with `__Host-`: browsers accept such a cookie only from this host itself
and over TLS, so that neither a neighbouring host nor somebody on the network can plant one.
"""

from __future__ import annotations

from starlette.requests import Request

DAY = 24 * 3600
HOST = "__Host-"


def read(request: Request, name: str) -> str | None:
    """Return a cookie, under the name that it has over this scheme; None without one."""
    return request.cookies.get(_full(request, name))


def read_old(request: Request, name: str) -> str | None:
    """Return a cookie that was set before the visitor came over TLS, if there is no newer one."""
    full = _full(request, name)
    return request.cookies.get(name) if full not in request.cookies else None


def give(request: Request, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read; 0 seconds delete it."""
    _add(request, f"{_full(request, name)}={value}; Max-Age={seconds}")


def take_away(request: Request, name: str) -> None:
    """Delete a cookie, also one that this request has set."""
    cookies, full = request.state.set_cookies, _full(request, name)
    cookies[:] = [cookie for cookie in cookies if not cookie.startswith(f"{full}=")]
    give(request, name, "", 0)


def take_away_old(request: Request, name: str) -> None:
    """Delete the cookie that `read_old` has returned."""
    _add(request, f"{name}=; Max-Age=0")


def _add(request: Request, cookie: str) -> None:
    secure = "; Secure" if request.url.scheme == "https" else ""
    request.state.set_cookies.append(f"{cookie}; Path=/; HttpOnly; SameSite=Lax{secure}")


def _full(request: Request, name: str) -> str:
    return f"{HOST}{name}" if request.url.scheme == "https" else name
