"""Secrets that are shown once; only their SHA-256 is stored.

They have 256 random bits, so a fast hash is enough; only passwords need a slow one.
"""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "sl_"  # noqa: S105 - lets people and scanners recognise a leaked token
HINT_LENGTH = 7


def new_secret() -> str:
    """Return 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """Return an API token: `sl_` and 43 characters."""
    return TOKEN_PREFIX + new_secret()


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hint(token: str) -> str:
    """Return the first characters of a token, which tell it from others."""
    return token[:HINT_LENGTH]
