"""The account: password, signed-in browsers, tokens; and the audit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, status
from starlette.concurrency import run_in_threadpool

from app.accounts import tokens
from app.core.errors import Forbidden, NotFound, Unprocessable
from app.db import accounts as rows
from app.db.tables import utcnow
from app.web.accounts import present, schemas, sign_in
from app.web.http import cookies
from app.web.http.deps import ReadSession, WriteSession
from app.web.http.identity import SESSION_COOKIE
from app.web.http.parameters import Cursor, Limit, PathId, errors
from app.web.http.principal import Admin, Audit, Owner, Principal, SignedIn, record
from app.web.http.schemas import Page
from app.web.http.state import app_state

router = APIRouter(tags=["account"])
LONGEST_TOKEN = timedelta(days=3653)
REFUSALS = (401, 403)


@router.get("/account", summary="Who is asking", responses=errors(401))
def get_account(principal: SignedIn, session: ReadSession) -> schemas.Account:
    """The user behind the token or the session, and what this request may do."""
    return present.account(session, principal)


@router.post(
    "/account/password",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Change the password",
    responses=errors(400, *REFUSALS, 429, 503),
)
async def change_password(request: Request, body: schemas.PasswordChange, principal: Owner) -> None:
    """Set a new password; every other browser is signed out. Tokens stay, unless they are to go."""
    await sign_in.change_password(
        request, principal, body.current, body.new, revoke_tokens=body.revoke_tokens
    )


@router.get("/account/sessions", summary="List the signed-in browsers", responses=errors(*REFUSALS))
def list_sessions(principal: Owner, session: ReadSession) -> Page[schemas.Session]:
    """Where this user is signed in, the last seen first; all in one part."""
    return Page(items=present.logins(session, principal))


@router.delete(
    "/account/sessions",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Sign out everywhere",
    responses=errors(*REFUSALS),
)
def revoke_sessions(
    request: Request, principal: Owner, session: WriteSession, audit: Audit
) -> None:
    """Sign every browser of this user out, this one too; tokens stay."""
    count = rows.revoke_logins(session, principal.user_id or "", utcnow())
    audit("session.revoke", "all", sessions=count)
    cookies.take_away(request, SESSION_COOKIE)


@router.delete(
    "/account/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Sign one browser out",
    responses=errors(*REFUSALS, 404),
)
def revoke_session(
    session_id: PathId, request: Request, principal: Owner, session: WriteSession, audit: Audit
) -> None:
    """Its cookie is invalid from now on."""
    if not rows.revoke_logins(session, principal.user_id or "", utcnow(), only=session_id):
        raise NotFound("There is no such session. It may have ended already.")
    audit("session.revoke", session_id)
    if session_id == principal.credential_id:
        cookies.take_away(request, SESSION_COOKIE)


@router.get("/account/tokens", summary="List the tokens", responses=errors(*REFUSALS))
def list_tokens(principal: Owner, session: ReadSession) -> Page[schemas.Token]:
    """This user's tokens, newest first, expired ones too; all in one part."""
    owned = rows.tokens(session, principal.user_id or "")
    return Page(items=[schemas.Token.model_validate(row) for row in owned])


@router.post(
    "/account/tokens",
    status_code=status.HTTP_201_CREATED,
    summary="Make a token",
    responses=errors(400, *REFUSALS, 429, 503),
)
async def create_token(
    request: Request, body: schemas.TokenCreate, principal: Owner
) -> schemas.NewToken:
    """Only this response has the token: it cannot be read again."""
    expires = _expiry(body.expires_at)
    missing = [scope for scope in body.scopes if not principal.may(scope)]
    if missing:
        raise Forbidden(f"You lack the scope {missing[0]}, so no token of yours can have it.")
    if "admin" in body.scopes:
        await sign_in.confirm(request, principal, body.password)
    return await run_in_threadpool(_add_token, request, principal, body, expires)


def _add_token(
    request: Request, principal: Principal, body: schemas.TokenCreate, expires: datetime | None
) -> schemas.NewToken:
    user_id = principal.user_id or ""
    with app_state(request).sessions.begin() as session:
        row, token = tokens.create(session, user_id, body.name, body.scopes, expires)
        made = {"name": row.name, "scopes": row.scopes}
        record(session, request, principal, "token.create", row.id, **made)
        public = schemas.Token.model_validate(row)
    return schemas.NewToken(**public.model_dump(), token=token)


@router.delete(
    "/account/tokens/{token_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke a token",
    responses=errors(*REFUSALS, 404),
)
def revoke_token(token_id: PathId, principal: Owner, session: WriteSession, audit: Audit) -> None:
    """The token is invalid from now on; what was made with it stays."""
    row = rows.token(session, principal.user_id or "", token_id)
    if row is None:
        raise NotFound("There is no such token. It may have been revoked already.")
    row.revoked_at = utcnow()
    audit("token.revoke", row.id, name=row.name)


@router.get("/audit", summary="Who did what", responses=errors(*REFUSALS))
def list_audit(
    _admin: Admin,
    session: ReadSession,
    action: Annotated[
        str | None, Query(pattern=r"^[a-z.-]{1,64}$", description="Only these: `sign-in`, ...")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[schemas.AuditEntry]:
    """Sign-ins, also failed ones, and actions of users, newest first."""
    return present.audit_page(session, limit, cursor, action)


def _expiry(expires: datetime | None) -> datetime | None:
    """Return the time in UTC; Unprocessable unless it is within ten years."""
    if expires is None:
        return None
    if not utcnow() < expires < utcnow() + LONGEST_TOKEN:
        raise Unprocessable("expires_at: a time within the next ten years, or none.")
    return expires.astimezone(UTC)
