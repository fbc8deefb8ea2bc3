"""Who may sign in: admins, and invitations to become one."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, status
from starlette.concurrency import run_in_threadpool

from app.accounts import people
from app.core.errors import NotFound
from app.db import people as rows
from app.db.tables import utcnow
from app.web.accounts import present, schemas, sign_in
from app.web.http.deps import ReadSession, WriteSession
from app.web.http.parameters import PathId, errors
from app.web.http.principal import Admin, Audit, Principal, record
from app.web.http.schemas import Page
from app.web.http.state import app_state

router = APIRouter(prefix="/people", tags=["account"])
REFUSALS = (401, 403)


@router.get("", summary="List the people", responses=errors(*REFUSALS))
def list_people(admin: Admin, session: ReadSession) -> Page[schemas.Person]:
    """Everybody who may sign in, the oldest first; all in one part."""
    return Page(items=present.people(session, admin))


@router.delete(
    "/{user_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove somebody",
    responses=errors(*REFUSALS, 404, 409),
)
def remove_person(user_id: PathId, admin: Admin, session: WriteSession, audit: Audit) -> None:
    """Their sessions, tokens and invitations end now; what they made stays.

    Nobody can remove themselves, so one admin always stays.
    """
    user = people.remove(session, user_id, admin.user_id or "")
    audit("person.remove", user_id, person=user.name)


@router.get("/invitations", summary="List the invitations", responses=errors(*REFUSALS))
def list_invitations(_admin: Admin, session: ReadSession) -> Page[schemas.Invitation]:
    """Those that can still be used, newest first; all in one part."""
    return Page(items=present.invitations(session))


@router.post(
    "/invitations",
    status_code=status.HTTP_201_CREATED,
    summary="Invite an admin",
    responses=errors(400, *REFUSALS, 429, 503),
)
async def create_invitation(
    request: Request, body: schemas.InvitationCreate, admin: Admin
) -> schemas.NewInvitation:
    """Only this response has the link: it cannot be read again. It works once."""
    await sign_in.confirm(request, admin, body.password)
    return await run_in_threadpool(_invite, request, admin, body.days)


def _invite(request: Request, admin: Principal, days: int) -> schemas.NewInvitation:
    with app_state(request).sessions.begin() as session:
        expires = utcnow() + timedelta(days=days)
        row, secret = people.invite(session, admin.user_id or "", expires)
        record(session, request, admin, "invitation.create", row.id)
        public = present.invitation(row, admin.name)
    return schemas.NewInvitation(**public.model_dump(), link=f"/invitation?link={secret}")


@router.delete(
    "/invitations/{invitation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Take an invitation back",
    responses=errors(*REFUSALS, 404),
)
def revoke_invitation(
    invitation_id: PathId, _admin: Admin, session: WriteSession, audit: Audit
) -> None:
    """Its link does not work any more."""
    if not rows.drop_invitation(session, invitation_id):
        raise NotFound("There is no such invitation. It may have been used already.")
    audit("invitation.revoke", invitation_id)
