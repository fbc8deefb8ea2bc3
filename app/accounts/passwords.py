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
LONGEST = 256  # characters; more is a mistake, and would only keep the processor busy


def check_choice(password: str, name: str) -> None:
    """Refuse a password of the wrong length or that anybody guesses; Unprocessable."""
    if len(password) < SHORTEST:
        raise Unprocessable(f"A password has at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Unprocessable(f"A password has at most {LONGEST} characters.")
    rest = password.casefold().replace(name.casefold(), "")
    if len(set(rest)) < 3:
        raise Unprocessable("This password is too easy to guess; a few words in a row are better.")


def hash_password(password: str) -> str:
    """Return what is kept of a password: algorithm, parameters, salt and hash."""
    return _hasher().hash(_bytes(password))


def verify(kept: str | None, password: str) -> bool:
    """Whether a password is the right one. Where none is kept, it takes as long to say no."""
    from argon2.exceptions import InvalidHashError, VerificationError

    decoy = _decoy()
    try:
        _hasher().verify(kept or decoy, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    """Return the same bytes however a keyboard composes an accented letter."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    """Make the hasher; argon2 is imported when somebody signs in, not at the start."""
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _decoy() -> str:
    """Return a hash with today's parameters, to compare with where there is none."""
    return hash_password("nobody has this password")
