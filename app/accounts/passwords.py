"""Passwords: argon2id by argon2-cffi, with the parameters that it recommends.

A hash takes 64 MiB and a tenth of a second: call these in a thread, a few at a time.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from app.core.errors import Unprocessable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10
LONGEST = 256  # characters


def check_choice(password: str, name: str) -> None:
    """Raise Unprocessable if a new password is too short, too long or easy to guess."""
    if len(password) < SHORTEST:
        raise Unprocessable(f"A password has at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Unprocessable(f"A password has at most {LONGEST} characters.")
    rest = password.casefold().replace(name.casefold(), "")
    if len(set(rest)) < 3:
        raise Unprocessable("This password is too easy to guess; a few words in a row are better.")


def hash_password(password: str) -> str:
    """Return the string to store: algorithm, parameters, salt and hash."""
    return _hasher().hash(_bytes(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether the password matches; without a stored hash, False takes just as long."""
    from argon2.exceptions import InvalidHashError, VerificationError

    decoy = _decoy()
    try:
        _hasher().verify(stored or decoy, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other than the current parameters."""
    return _hasher().check_needs_rehash(stored)


def _bytes(password: str) -> bytes:
    """Return the same bytes whether an accented letter is one code point or two."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    """Return the hasher; argon2 is imported at the first sign-in, not at startup."""
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _decoy() -> str:
    """Return a hash with the current parameters, to verify against if none is stored."""
    return hash_password("nobody has this password")
