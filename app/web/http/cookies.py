"""Cookies that an answer sets, whoever makes the answer; the middleware adds them."""

from __future__ import annotations

from starlette.requests import Request

DAY = 24 * 3600


def give(request: Request, name: str, value: str, seconds: int) -> None:
    """Set a cookie that no script can read; 0 seconds take it away."""
    secure = "; Secure" if request.url.scheme == "https" else ""
    cookie = f"{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"
    request.state.set_cookies.append(cookie)


def take_away(request: Request, name: str) -> None:
    """Delete a cookie, also one that was about to be set."""
    set_now = [one for one in request.state.set_cookies if not one.startswith(f"{name}=")]
    request.state.set_cookies[:] = set_now
    give(request, name, "", 0)
