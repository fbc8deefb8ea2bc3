"""Cookies of the response, whichever code makes it: `SecurityHeaders` adds them."""

from __future__ import annotations

from starlette.requests import Request

DAY = 24 * 3600


def give(request: Request, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read; 0 seconds delete it."""
    secure = "; Secure" if request.url.scheme == "https" else ""
    cookie = f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"
    request.state.set_cookies.append(cookie)


def take_away(request: Request, name: str) -> None:
    """Delete a cookie, also one that this request has set."""
    cookies = request.state.set_cookies
    cookies[:] = [cookie for cookie in cookies if not cookie.startswith(f"{name}=")]
    give(request, name, "", 0)
