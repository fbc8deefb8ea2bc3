"""Visitors are identified by a signed cookie: a random id and its HMAC, nothing else."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from app.core.home import make_home
from app.core.settings import Settings

COOKIE = "sightline_visitor"


def load_secret(settings: Settings) -> bytes:
    """Return `SECRET_KEY`, or the key in `HOME/secret.key`, which is created on first use."""
    if settings.secret_key:
        return settings.secret_key.encode()
    make_home(settings.home)
    path = settings.home / "secret.key"
    if not path.exists():
        _create_once(path, secrets.token_hex(32).encode())
    return path.read_bytes()


def derive(secret: bytes, purpose: str) -> bytes:
    """Return a secret for one purpose: what is signed for it is worth nothing for another."""
    return hmac.digest(secret, purpose.encode(), "sha256")


def _create_once(path: Path, content: bytes) -> None:
    """Write a file that only this user can read; if two processes race, the first wins."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        os.link(temporary, path)  # unlike a rename, it never replaces an existing key
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


class Visitors:
    """Creates and verifies the value of the visitor cookie; with another secret, of another."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def new(self) -> str:
        """Return a new visitor's id: 32 hex digits."""
        return secrets.token_hex(16)

    def sign(self, visitor: str) -> str:
        """Return the cookie's value for a visitor."""
        return f"{visitor}.{self._signature(visitor)}"

    def read(self, cookie: str | None) -> str | None:
        """Return the visitor that a cookie names, or None if its signature is not ours."""
        visitor, _, signature = (cookie or "").partition(".")
        if not visitor or not signature.isascii():
            return None
        genuine = hmac.compare_digest(signature, self._signature(visitor))
        return visitor if genuine else None

    def _signature(self, visitor: str) -> str:
        return hmac.new(self._secret, visitor.encode(), hashlib.sha256).hexdigest()
