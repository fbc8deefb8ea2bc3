"""Limits on guessing passwords: by address, and by browser where one has signed in before.

Nothing is counted by name alone, or a stranger could keep the right password out. A browser that
has signed in keeps a signed cookie of the name, and has a count of its own: it gets in even where
a stranger shares its address. Guesses for one name from many addresses are answered later and
later, but they are answered (OWASP: Slow Down Online Guessing Attacks with Device Cookies).
"""

from __future__ import annotations

import secrets

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.accounts.secrets import digest
from app.web.http import cookies
from app.web.http.identity import address_of
from app.web.http.proxies import network
from app.web.http.state import AppState, app_state

DEVICE = "sightline_device"
DEVICE_SECONDS = 365 * cookies.DAY
ATTEMPTS = "attempts to sign in"
STEP = 0.1  # seconds that each further failure for a name, from wherever, adds to an answer
LONGEST = 3.0


async def admit(request: Request, name: str) -> None:
    """Let an attempt to sign in as `name` begin, perhaps a little later; TooMany if it may not."""
    web = app_state(request)
    limit = {_who(request, name): web.settings.sign_ins_per_minute}
    await run_in_threadpool(web.limiter.count, limit, ATTEMPTS)
    if _device(request, name) is None:
        await anyio.sleep(await run_in_threadpool(delay, web, name))


def failed(request: Request, name: str) -> None:
    """Count a wrong password."""
    app_state(request).limiter.add(_failures(name))


def succeeded(request: Request, name: str) -> None:
    """Forget the attempt, and know this browser from now on."""
    web = app_state(request)
    web.limiter.forgive(_who(request, name))
    device = _device(request, name) or f"{_mark(name)}-{secrets.token_hex(16)}"
    cookies.give(request, DEVICE, web.devices.sign(device), DEVICE_SECONDS)


def delay(web: AppState, name: str) -> float:
    """Return the seconds for which a strange browser waits for an answer about this name."""
    limit = web.settings.sign_ins_per_minute
    excess = web.limiter.number(_failures(name)) - limit if limit else 0
    return min(LONGEST, STEP * max(0, excess))


def _who(request: Request, name: str) -> str:
    device = _device(request, name)
    return f"sign-in: {device or f'address {network(address_of(request))}'}"


def _failures(name: str) -> str:
    return f"sign-in: failures of {name}"


def _device(request: Request, name: str) -> str | None:
    """Return the id of a browser that has signed in as `name` before, or None."""
    device = app_state(request).devices.read(cookies.read(request, DEVICE))
    return device if device is not None and device.startswith(f"{_mark(name)}-") else None


def _mark(name: str) -> str:
    return digest(name)[:32]
