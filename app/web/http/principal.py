"""What endpoints ask for: somebody who may read, train or administer, and the audit.

`Reader`, `Trainer`, `Admin` answer nobody with 401 (a page with the way to /sign-in) and somebody
with too little scope with 403. `MaybeUser` is anybody.
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

# For the OpenAPI document; who asks is found out by `maybe_user`.
_BEARER = HTTPBearer(
    scheme_name="token",
    description="An API token with the scope that is needed, made at /account.",
    auto_error=False,
)
_COOKIE = APIKeyCookie(
    name=SESSION_COOKIE,
    scheme_name="session",
    description="The cookie of a browser that is signed in at /sign-in.",
    auto_error=False,
)

MaybeUser = Annotated[Principal, Depends(maybe_user)]


def require(scope: Scope | None) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency: the principal, who must have this scope; none: be signed in."""

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
    """Return who manages their own account: a browser, or a token that may do everything."""
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
    """Writes to the audit in the endpoint's own transaction."""

    session: Session
    request: Request
    principal: Principal

    def __call__(self, action: str, target: str | None = None, **detail: Any) -> None:
        """Write that the principal did `action` to `target`; `detail` is JSON."""
        record(self.session, self.request, self.principal, action, target, **detail)


def record(
    session: Session,
    request: Request,
    principal: Principal,
    action: str,
    target: str | None = None,
    **detail: Any,
) -> None:
    """Write an entry in a transaction of one's own (where `Audit` does not fit)."""
    audit.record(
        session,
        action,
        actor=principal.actor,
        address=address_of(request),
        user_id=principal.user_id,
        target=target,
        detail=detail,
    )


def _auditor(session: WriteSession, request: Request, principal: MaybeUser) -> Auditor:
    return Auditor(session, request, principal)


Audit = Annotated[Auditor, Depends(_auditor, scope="function")]
