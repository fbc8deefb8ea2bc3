"""The admin's one-time link, as the server prints it."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from app.accounts import audit, sessions
from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions

ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to


def addresses(host: str, port: int) -> list[str]:
    """Return where a browser finds a server that listens on `host`; this machine's own first.

    One that listens everywhere is found at 127.0.0.1, and at the address that others see.
    """
    hosts = [host]
    if host in ANYWHERE:
        hosts = ["127.0.0.1" if host == "0.0.0.0" else "::1", *_outward(host)]  # noqa: S104
    return [f"http://{f'[{one}]' if ':' in one else one}:{port}" for one in hosts]


def invite(settings: Settings, where: Sequence[str], *, only_without_password: bool) -> list[str]:
    """Return the admin's new link at each address; older links die.

    None where the admin has a password already and `only_without_password` is asked for.
    """
    engine = make_engine(settings)
    try:
        with make_sessions(engine).begin() as session:
            admin = sessions.ensure_admin(session)
            if only_without_password and admin.password_hash is not None:
                return []
            secret = sessions.make_link(session, admin)
            audit.record(session, "link.create", actor=audit.COMMAND_LINE, address="")
    finally:
        engine.dispose()
    return [f"{address}/sign-in?link={secret}" for address in where]


def _outward(host: str) -> list[str]:
    """Return the address that this machine sends from, if it has a network."""
    family, far = (
        (socket.AF_INET6, "2001:db8::1") if host == "::" else (socket.AF_INET, "192.0.2.1")
    )
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))  # sends nothing: it only chooses the way
            found = str(probe.getsockname()[0])
    except OSError:
        return []
    return [] if found in {"127.0.0.1", "::1"} else [found]
