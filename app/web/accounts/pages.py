"""The pages of signing in, the account and the audit, with what each template gets.

sign_in.html.jinja
- `state`: `form`, `link` (a button that uses the link), `dead` (the link is used or expired).
- `next`: the page after it; `name`: as typed, or the link's user; `link`: its secret or None;
  `problem`: a sentence or None.

sign_in_password.html.jinja
- `name`, `next`, `shortest`, `problem`; `again`: true if there was a password before.

account.html.jinja
- `account`: Account JSON; `sessions`: [Session JSON]; `tokens`: [Token JSON and `expired`];
  `scopes`: [{name, what}]; `needs_current`: the form needs the current password;
  `shortest`; `session_days`: a browser is signed out after this time without use;
  for admins `people`: [Person JSON] and `invitations`: [Invitation JSON], else both are None.

audit.html.jinja
- `entries`: [{at, who, token, did: [Part], action, address}], see `app.web.accounts.sentences`;
  `actions`: [{name, title}]; `action`: the name of the chosen one or None; `next`: cursor of the
  older ones or None; `first`: whether these are the newest.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.accounts import passwords, sessions
from app.accounts.scopes import SCOPES
from app.core.errors import Busy, Forbidden, SightlineError, TooMany, Unauthorised, Unprocessable
from app.db import accounts as rows
from app.db.account_tables import ApiToken, AuditEntry
from app.db.tables import utcnow
from app.web.accounts import present, schemas, sentences
from app.web.accounts import sign_in as signing
from app.web.accounts.sign_in import HOME
from app.web.http import forms
from app.web.http.deps import ReadSession, StateDep
from app.web.http.identity import Principal
from app.web.http.principal import Admin, MaybeUser, Owner
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)
AUDIT_PART = 100
SCOPE_WORDS = {
    "read": "see datasets, studies and runs",
    "analyse": "upload photos and analyse them",
    "train": "bring data, start and stop training; includes read",
    "admin": "everything, also publishing, tokens and the audit",
}
Context = dict[str, Any]


@router.get("/sign-in")
def sign_in(request: Request, principal: MaybeUser, session: ReadSession) -> Response:
    """Show the form; for a link, show a button, because link previews fetch addresses too."""
    target = forms.local(request.query_params.get("next"), HOME)
    secret = request.query_params.get("link")
    if secret is not None:
        user = sessions.user_of_link(session, secret)
        if user is None:
            return _sign_in(request, 401, state="dead", next=target, problem=sessions.DEAD_LINK)
        return _sign_in(request, state="link", next=target, name=user.name, link=secret)
    if principal.user_id is not None:
        return _go(target)
    return _sign_in(request, state="form", next=target)


@router.post("/sign-in")
async def do_sign_in(request: Request) -> Response:
    """Sign in with the form's fields, and redirect."""
    form = await forms.fields(request)
    target, link = forms.local(form.get("next"), HOME), form.get("link")
    name = form.get("name", "")
    try:
        if link is not None:
            await run_in_threadpool(signing.by_link, request, link)
            return _go(f"/sign-in/password?{urlencode({'next': target})}")
        await signing.by_password(request, name, form.get("password", ""))
    except (Unauthorised, TooMany, Busy) as error:
        dead = isinstance(error, Unauthorised)
        state = "form" if link is None else "dead" if dead else "link"
        context = {"state": state, "next": target, "name": name, "link": link}
        render = partial(_sign_in, request, error.status, _headers(error), problem=error.detail)
        return await run_in_threadpool(render, **context)
    return _go(target)


@router.get("/sign-in/password")
def ask_password(request: Request, principal: Owner, session: ReadSession) -> Response:
    """Offer to set a password after signing in by a link."""
    target = forms.local(request.query_params.get("next"), HOME)
    if not _needs_no_password(principal, session):
        return _go(HOME)
    return _password(request, principal, target)


@router.post("/sign-in/password")
async def set_password(request: Request, principal: Owner) -> Response:
    """Set the password, and redirect."""
    form = await forms.fields(request)
    target = forms.local(form.get("next"), HOME)
    try:
        await signing.change_password(request, principal, None, form.get("password", ""))
    except (Forbidden, Unprocessable, TooMany, Busy) as error:
        problem = error.detail
        return await run_in_threadpool(
            _password, request, principal, target, error.status, _headers(error), problem
        )
    return _go(target)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Sign this browser out; with `everywhere`, all of the user's."""
    form = await forms.fields(request)
    await run_in_threadpool(signing.leave, request, everywhere="everywhere" in form)
    return _go("/")


@router.get("/account")
def account(request: Request, principal: Owner, session: ReadSession, web: StateDep) -> Response:
    """Password, signed-in browsers and tokens."""
    user = present.account(session, principal)
    context = {
        "page": "account",
        "account": user.model_dump(mode="json"),
        "sessions": [login.model_dump(mode="json") for login in present.logins(session, principal)],
        "tokens": [_token(row) for row in rows.tokens(session, user.id)],
        "scopes": [{"name": name, "what": SCOPE_WORDS[name]} for name in SCOPES],
        "needs_current": not _needs_no_password(principal, session),
        "shortest": passwords.SHORTEST,
        "session_days": web.settings.session_days,
        "people": None,
        "invitations": None,
    }
    if principal.may("admin"):
        who, open_ones = present.people(session, principal), present.invitations(session)
        context["people"] = [person.model_dump(mode="json") for person in who]
        context["invitations"] = [one.model_dump(mode="json") for one in open_ones]
    return page(request, "account.html.jinja", context)


@router.get("/audit")
def audit(
    request: Request,
    _admin: Admin,
    session: ReadSession,
    action: str | None = None,
    cursor: str | None = None,
) -> Response:
    """Who did what, newest first."""
    actions = rows.audit_actions(session)
    chosen = action if action in actions else None
    entries, following = present.audit_rows(session, AUDIT_PART, cursor, chosen)
    did = sentences.sentences(session, entries)
    context = {
        "page": "audit",
        "actions": [{"name": name, "title": sentences.title(name)} for name in actions],
        "action": chosen,
        "first": cursor is None,
        "entries": [_entry(row, parts) for row, parts in zip(entries, did, strict=True)],
        "next": following,
    }
    return page(request, "audit.html.jinja", context)


def _sign_in(
    request: Request, status: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> Response:
    base = {"page": "sign-in", "name": "", "link": None, "problem": None}
    return page(request, "sign_in.html.jinja", {**base, **context}, status, headers)


def _password(
    request: Request,
    principal: Principal,
    target: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    problem: str | None = None,
) -> Response:
    context = {
        "page": "sign-in",
        "name": principal.name,
        "next": target,
        "problem": problem,
        "shortest": passwords.SHORTEST,
    }
    return page(request, "sign_in_password.html.jinja", context, status, headers)


def _go(target: str) -> Response:
    return RedirectResponse(target, status_code=303)


def _headers(error: SightlineError) -> dict[str, str] | None:
    return {"Retry-After": str(error.retry_after)} if error.retry_after else None


def _needs_no_password(principal: Principal, session: ReadSession) -> bool:
    user = rows.user(session, principal.user_id or "")
    return principal.fresh_link or (user is not None and user.password_hash is None)


def _entry(row: AuditEntry, did: list[sentences.Part]) -> Context:
    who, token = sentences.actor(row)
    facts = {"at": row.at.isoformat(), "action": row.action, "address": row.address}
    return {**facts, "who": who, "token": token, "did": did}


def _token(row: ApiToken) -> Context:
    body = schemas.Token.model_validate(row).model_dump(mode="json")
    return {**body, "expired": row.expires_at is not None and row.expires_at <= utcnow()}
