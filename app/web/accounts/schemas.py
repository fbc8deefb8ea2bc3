"""Schemas of accounts, sessions, tokens and the audit. Their field names are part of the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from app.accounts.passwords import LONGEST, SHORTEST
from app.accounts.scopes import Scope
from app.db.tables import utcnow
from app.web.http.schemas import Answer, Id, RequestBody, Whole, example

DEFAULT_TOKEN = timedelta(days=90)
AT = "2026-11-22T09:30:00Z"
ID = "5d0f6c1e8b9a4c3d9e7f2a1b0c4d6e8f"
TOKEN: dict[str, Any] = {
    "id": ID,
    "name": "nightly training",
    "hint": "sl_Yw3k",
    "scopes": ["read", "train"],
    "created_at": AT,
    "seen_at": None,
    "expires_at": "2027-02-20T09:30:00Z",
}
INVITATION: dict[str, Any] = {
    "id": ID,
    "made_by": "admin",
    "created_at": AT,
    "expires_at": "2026-11-29T09:30:00Z",
}
Label = Annotated[
    str,
    StringConstraints(
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
    ),
]


Password = Annotated[
    str | None,
    Field(
        max_length=LONGEST,
        description="The user's password, for an invitation or a token with the scope `admin`; "
        "not needed within an hour of signing in by a link, or as long as there is none.",
    ),
]


def _in_three_months() -> datetime:
    return utcnow() + DEFAULT_TOKEN


class Account(Answer):
    """The user whom the request comes from."""

    model_config = example(
        {
            "id": ID,
            "name": "admin",
            "admin": True,
            "has_password": True,
            "via": "token",
            "scopes": ["read", "train"],
            "created_at": AT,
        }
    )

    id: Id
    name: str
    admin: bool
    has_password: bool
    via: str = Field(description="`session`: a browser; `token`: an API token.")
    scopes: list[Scope] = Field(description="What this request may do, implied scopes included.")
    created_at: datetime


class PasswordChange(RequestBody):
    """A new password; within an hour of signing in by a link, `current` is not needed."""

    model_config = example(
        {
            "current": "correct horse battery",
            "new": "staple and a few words",
            "revoke_tokens": False,
        }
    )

    current: str | None = Field(default=None, max_length=LONGEST)
    new: str = Field(min_length=SHORTEST, max_length=LONGEST)
    revoke_tokens: bool = Field(default=False, description="Revoke every API token as well.")


class Session(Answer):
    """A browser that is signed in."""

    model_config = example(
        {
            "id": ID,
            "address": "192.0.2.7",
            "agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
            "created_at": AT,
            "seen_at": AT,
            "expires_at": "2026-12-22T09:30:00Z",
            "current": True,
        }
    )

    id: Id
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool = Field(description="True for the session of this request.")


class TokenCreate(RequestBody):
    """A token to make."""

    model_config = example(
        {
            "name": "nightly training",
            "scopes": ["read", "train"],
            "expires_at": "2027-02-20T09:30:00Z",
            "password": None,
        }
    )

    name: Label = Field(description="To tell it apart from others.")
    scopes: list[Scope] = Field(
        min_length=1, max_length=4, description="`admin` has all; `train` has `read`."
    )
    expires_at: AwareDatetime | None = Field(
        default_factory=_in_three_months,
        description="At most ten years from now; left out: 90 days; null: until it is revoked.",
    )
    password: Password = None


class Token(Answer):
    """A token, without its secret."""

    model_config = example(TOKEN)

    id: Id
    name: str
    hint: str = Field(description="Its first letters.")
    scopes: list[Scope]
    created_at: datetime
    seen_at: datetime | None = Field(description="Last used, to the minute.")
    expires_at: datetime | None


class NewToken(Token):
    """A new token, with its secret, which is in no other response."""

    model_config = example({**TOKEN, "token": "sl_Yw3kPzq0bR8mT5vN2xC7dF1gH4jK6lS9aQ_eUiOyZ-W"})

    token: str


class Person(Answer):
    """Somebody who may sign in."""

    model_config = example(
        {"id": ID, "name": "ada", "admin": True, "created_at": AT, "current": False}
    )

    id: Id
    name: str
    admin: bool
    created_at: datetime
    current: bool = Field(description="True for the user of this request.")


class InvitationCreate(RequestBody):
    """An invitation to make."""

    model_config = example({"days": 7, "password": None})

    days: Whole = Field(default=7, ge=1, le=30, description="For how long its link works.")
    password: Password = None


class Invitation(Answer):
    """An invitation that nobody has used, without its link."""

    model_config = example(INVITATION)

    id: Id
    made_by: str = Field(description="Name of the admin who made it.")
    created_at: datetime
    expires_at: datetime


class NewInvitation(Invitation):
    """A new invitation, with its link, which is in no other response."""

    model_config = example(
        {**INVITATION, "link": "/invitation?link=Yw3kPzq0bR8mT5vN2xC7dF1gH4jK6lS9aQ_eUiOyZ-W"}
    )

    link: str = Field(description="A path of this server; whoever opens it first becomes an admin.")


class AuditEntry(Answer):
    """An action of a user, a token or the command line."""

    model_config = example(
        {
            "id": 42,
            "at": AT,
            "actor": "admin by token nightly training",
            "user_id": ID,
            "action": "run.publish",
            "target": "1f0e9d8c7b6a59483726150493827160",
            "detail": {"model": "gated-2"},
            "address": "192.0.2.7",
        }
    )

    id: int
    at: datetime
    actor: str
    user_id: str | None
    action: str
    target: str | None
    detail: dict[str, Any]
    address: str
