"""What a principal may do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

Scope = Literal["read", "analyse", "train", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
IMPLIED: dict[str, frozenset[str]] = {
    "admin": frozenset(SCOPES),
    "train": frozenset({"train", "read"}),
}
ALL = frozenset(SCOPES)
WITHOUT_ADMIN = ALL - {"admin"}


def expand(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes and those that they imply: `admin` all of them, `train` also `read`."""
    return frozenset().union(*(IMPLIED.get(scope, {scope}) for scope in scopes))


def of_user(*, admin: bool) -> frozenset[str]:
    """Return the scopes of a user who is signed in with a browser."""
    return ALL if admin else WITHOUT_ADMIN
