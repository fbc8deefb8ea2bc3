"""The admin's one-time link, as the server prints it."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from app.accounts import audit, sessions
from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions

ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to


def addresses(host: str, port: int) -> list[str]:
    """Return the URLs of a server that listens on `host`, the local one first.

    A server that listens on all interfaces has two: the loopback address, and the address that
    other machines see.
    """
    hosts = [host]
    if host in ANYWHERE:
        hosts = ["127.0.0.1" if host == "0.0.0.0" else "::1", *_outward(host)]  # noqa: S104
    return [f"http://{f'[{name}]' if ':' in name else name}:{port}" for name in hosts]


def invite(settings: Settings, urls: Sequence[str], *, only_without_password: bool) -> list[str]:
    """Return a new sign-in link for the admin under each URL; older links become invalid.

    Empty if `only_without_password` and the admin has a password.
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
    return [f"{url}/sign-in?link={secret}" for url in urls]


def _outward(host: str) -> list[str]:
    """Return the address that this machine sends from, if it has a network."""
    family, remote = (
        (socket.AF_INET6, "2001:db8::1") if host == "::" else (socket.AF_INET, "192.0.2.1")
    )
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((remote, 9))  # sends nothing: it only selects the route
            address = str(probe.getsockname()[0])
    except OSError:
        return []
    return [] if address in {"127.0.0.1", "::1"} else [address]
