"""Dependencies of endpoints: a user who may read, train or administer, and the audit.

`Reader`, `Trainer` and `Admin` raise Unauthorised if nobody is signed in (pages redirect to
/sign-in) and Forbidden if the scope is missing. `MaybeUser` is anybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy.orm import Session
from starlette.requests import Request

from app.accounts import audit
from app.accounts.scopes import Scope
from app.core.errors import Forbidden, Unauthorised
from app.web.http.deps import WriteSession
from app.web.http.identity import (
    SESSION_COOKIE,
    VISITOR,
    Principal,
    address_of,
    identify,
    maybe_user,
)

__all__ = [
    "VISITOR",
    "Admin",
    "Audit",
    "MaybeUser",
    "Owner",
    "Principal",
    "Reader",
    "SignedIn",
    "Trainer",
    "identify",
    "record",
    "require",
]

# For the OpenAPI document only; `maybe_user` reads the credentials.
_BEARER = HTTPBearer(
    scheme_name="token",
    description="An API token with the scope that is needed, made at /account.",
    auto_error=False,
)
_COOKIE = APIKeyCookie(
    name=SESSION_COOKIE,
    scheme_name="session",
    description="The cookie of a browser that is signed in at /sign-in; "
    "over TLS, `__Host-` precedes its name.",
    auto_error=False,
)

MaybeUser = Annotated[Principal, Depends(maybe_user)]


def require(scope: Scope | None) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency on a principal with this scope; None: who is signed in."""

    async def check(
        principal: MaybeUser,
        _bearer: Annotated[Any, Depends(_BEARER)],
        _cookie: Annotated[Any, Depends(_COOKIE)],
    ) -> Principal:
        if principal.user_id is None:
            raise Unauthorised
        if scope is not None and not principal.may(scope):
            raise Forbidden(f"This needs the scope `{scope}`, which {principal.actor} lacks.")
        return principal

    return check


async def _owner(principal: Annotated[Principal, Depends(require(None))]) -> Principal:
    """Return a user who may manage their account: in a browser, or with the scope `admin`."""
    if principal.via != "session" and not principal.may("admin"):
        raise Forbidden("This needs a token with the scope `admin`, or a signed-in browser.")
    return principal


SignedIn = Annotated[Principal, Depends(require(None), scope="function")]
Reader = Annotated[Principal, Depends(require("read"), scope="function")]
Trainer = Annotated[Principal, Depends(require("train"), scope="function")]
Owner = Annotated[Principal, Depends(_owner, scope="function")]
Admin = Annotated[Principal, Depends(require("admin"), scope="function")]


@dataclass(frozen=True)
class Auditor:
    """Writes to the audit in the endpoint's transaction."""

    session: Session
    request: Request
    principal: Principal

    def __call__(self, action: str, target: str | None = None, **detail: Any) -> None:
        """Record that the principal did `action` to `target`; `detail` is JSON."""
        record(self.session, self.request, self.principal, action, target, **detail)


def record(
    session: Session,
    request: Request,
    principal: Principal,
    action: str,
    target: str | None = None,
    **detail: Any,
) -> None:
    """Write an entry of the audit in a given session, where `Audit` cannot be a dependency."""
    audit.record(
        session,
        action,
        actor=principal.actor,
        address=address_of(request),
        user_id=principal.user_id,
        target=target,
        detail=detail,
    )


def may_take_down(owner: str, visitor: str | None, principal: Principal) -> bool:
    """Return True if an admin removes what is another's; Forbidden for everybody else but them."""
    if owner == visitor:
        return False
    if not principal.may("admin"):
        raise Forbidden
    return True


def _auditor(session: WriteSession, request: Request, principal: MaybeUser) -> Auditor:
    return Auditor(session, request, principal)


Audit = Annotated[Auditor, Depends(_auditor, scope="function")]
