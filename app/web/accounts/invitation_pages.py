"""The page of an invitation: whoever opens its link chooses a name and a password.

invitation.html.jinja
- `link`: the invitation's secret, or None if it cannot be used; `name`: as typed;
  `shortest`: of a password; `problem`: a sentence or None.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app.accounts import passwords, people
from app.core.errors import Busy, Conflict, Unauthorised, Unprocessable
from app.web.accounts import sign_in as signing
from app.web.accounts.sign_in import HOME
from app.web.http import forms
from app.web.http.deps import ReadSession
from app.web.http.templating import page

router = APIRouter(include_in_schema=False, default_response_class=Response)


@router.get("/invitation")
def show(request: Request, session: ReadSession) -> Response:
    """Show the form; looking uses nothing up, because link previews fetch addresses too."""
    secret = request.query_params.get("link", "")
    try:
        people.open_invitation(session, secret)
    except Unauthorised as error:
        return _page(request, error.status, link=None, problem=error.detail)
    return _page(request, link=secret)


@router.post("/invitation")
async def accept(request: Request) -> Response:
    """Make the account, sign in, and redirect."""
    form = await forms.fields(request)
    secret, name = form.get("link", ""), form.get("name", "").strip()
    try:
        await signing.by_invitation(request, secret, name, form.get("password", ""))
    except (Unauthorised, Unprocessable, Conflict, Busy) as error:
        link = None if isinstance(error, Unauthorised) else secret
        render = partial(_page, request, error.status, link=link, name=name)
        return await run_in_threadpool(partial(render, problem=error.detail))
    return RedirectResponse(HOME, status_code=303)


def _page(request: Request, status: int = 200, **context: Any) -> Response:
    base = {"page": "sign-in", "name": "", "problem": None, "shortest": passwords.SHORTEST}
    return page(request, "invitation.html.jinja", {**base, **context}, status)
