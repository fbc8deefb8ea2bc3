"""Several admins: invitations by link, removing one another, and never the last one."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from app.accounts import people
from app.core.errors import SightlineError
from app.db import people as rows
from app.db.account_tables import Invitation
from app.db.tables import utcnow
from tests.accounts.test_account import header, make_token
from tests.accounts.test_sign_in import PAGE, PASSWORD, actions, enter, is_signed_in, set_password
from tests.support.signing_in import as_user, bearer, signed_in
from tests.support.web import Api

PEOPLE, INVITATIONS = "/api/v1/people", "/api/v1/people/invitations"


def invite(client: httpx.Client, **body: Any) -> Any:
    response = client.post(INVITATIONS, json=body)
    assert response.status_code == 201, response.text
    return response.json()


def join(client: httpx.Client, link: str, name: str = "ada", password: str = PASSWORD):
    form = {"link": link.partition("=")[2], "name": name, "password": password}
    return client.post("/invitation", data=form, headers=PAGE)


def names(client: httpx.Client) -> list[str]:
    return [person["name"] for person in client.get(PEOPLE).json()["items"]]


@pytest.fixture
def admin(any_api: Api) -> httpx.Client:
    """The first admin, signed in."""
    return signed_in(any_api.client)


def test_an_invitation_makes_one_admin(any_api: Api, admin: httpx.Client) -> None:
    made = invite(admin)
    assert made["made_by"] == "admin"
    (listed,) = admin.get(INVITATIONS).json()["items"]
    assert listed == {name: value for name, value in made.items() if name != "link"}
    with any_api.visitor() as ada, any_api.visitor() as second:
        for _ in range(2):  # looking at it, as a preview does, uses nothing up
            assert "Become an admin" in ada.get(made["link"], headers=PAGE).text
        response = join(ada, made["link"])
        assert (response.status_code, response.headers["location"]) == (303, "/training")
        account = ada.get("/api/v1/account").json()
        assert (account["name"], account["admin"], account["has_password"]) == ("ada", True, True)
        again = join(second, made["link"], "bob")
        assert again.status_code == 401
        assert "used already" in again.text
        assert enter(second, name="ada").status_code == 303
        assert names(ada) == ["admin", "ada"]
    assert admin.get(INVITATIONS).json()["items"] == []
    assert actions(any_api)[-3:] == ["sign-in", "invitation.accept", "invitation.create"]


def test_who_has_a_password_gives_it_to_invite(api: Api) -> None:
    """A browser left open, or a leaked token, makes no other admin."""
    set_password(api)
    enter(api.client)
    strong = bearer(api.client, "admin")
    for headers in ({}, strong):
        for body, status in (
            ({}, 403),
            ({"password": "a guess"}, 403),
            ({"password": PASSWORD}, 201),
        ):
            answer = api.client.post(INVITATIONS, json=body, headers=headers)
            assert answer.status_code == status


def test_an_invitation_ends_and_can_be_taken_back(any_api: Api, admin: httpx.Client) -> None:
    ended, back = invite(admin, days=1), invite(admin, days=30)
    with any_api.web.sessions.begin() as session:
        change = update(Invitation).where(Invitation.id == ended["id"])
        session.execute(change.values(expires_at=utcnow() - timedelta(seconds=1)))
    assert [one["id"] for one in admin.get(INVITATIONS).json()["items"]] == [back["id"]]
    assert admin.delete(f"{INVITATIONS}/{back['id']}").status_code == 204
    assert admin.delete(f"{INVITATIONS}/{back['id']}").status_code == 404
    with any_api.visitor() as ada:
        for link in (ended["link"], back["link"], "/invitation?link=", "/invitation"):
            page = ada.get(link, headers=PAGE)
            assert page.status_code == 401
            assert "no longer good" in page.text
            assert join(ada, link).status_code == 401
        assert not is_signed_in(ada)
    assert names(admin) == ["admin"]
    for days in (0, 31, "x"):
        assert admin.post(INVITATIONS, json={"days": days}).status_code == 422


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [
        ("Admin", PASSWORD, 409),
        ("", PASSWORD, 422),
        ("visitor", PASSWORD, 422),
        ("ada by token ci", PASSWORD, 422),
        ("<b>", PASSWORD, 422),
        ("a" * 65, PASSWORD, 422),
        ("ada", "short", 422),
        ("ada", "ada" * 4, 422),
    ],
)
def test_a_refused_choice_leaves_the_invitation(
    api: Api, name: str, password: str, status: int
) -> None:
    made = invite(signed_in(api.client))
    with api.visitor() as ada:
        refused = join(ada, made["link"], name, password)
        assert refused.status_code == status
        assert "Become an admin" in refused.text
        assert not is_signed_in(ada)
        assert join(ada, made["link"], "Æda.L-2").status_code == 303


def test_of_many_who_open_a_link_at_once_one_gets_in(any_api: Api, admin: httpx.Client) -> None:
    secret = invite(admin)["link"].partition("=")[2]

    def accept(name: str) -> None:
        with any_api.web.sessions.begin() as session:
            people.accept(session, secret, name, "a hash")

    assert sum(at_once([lambda n=n: accept(f"ada{n}") for n in range(4)])) == 1
    assert len(names(admin)) == 2


def test_an_admin_removes_another_and_all_that_lets_them_in(
    any_api: Api, admin: httpx.Client
) -> None:
    with any_api.visitor() as ada:
        join(ada, invite(admin)["link"])
        token, invitation = make_token(ada, "read")["token"], invite(ada, password=PASSWORD)
        ada_id = ada.get("/api/v1/account").json()["id"]
        assert admin.delete(f"{PEOPLE}/{ada_id}").status_code == 204
        assert admin.delete(f"{PEOPLE}/{ada_id}").status_code == 404
        assert not is_signed_in(ada)
        assert ada.get("/api/v1/account", headers=header(token)).status_code == 401
        assert join(ada, invitation["link"], "bob").status_code == 401
        assert enter(ada, name="ada").status_code == 401
    (entry,) = admin.get("/api/v1/audit?action=person.remove").json()["items"]
    assert (entry["actor"], entry["detail"]) == ("admin", {"person": "ada"})
    assert "Removed a person" in admin.get("/audit", headers=PAGE).text


def test_nobody_removes_themselves_and_so_the_last_stays(any_api: Api, admin: httpx.Client) -> None:
    own = admin.get("/api/v1/account").json()["id"]
    for headers in ({}, bearer(admin, "admin")):
        refused = admin.delete(f"{PEOPLE}/{own}", headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (409, "conflict")
    with any_api.visitor() as ada:
        join(ada, invite(admin)["link"])
        other = ada.get("/api/v1/account").json()["id"]

    def remove(user_id: str, by: str) -> None:
        with any_api.web.sessions.begin() as session:
            people.remove(session, user_id, by)

    done = at_once([lambda: remove(own, other), lambda: remove(other, own)])
    assert sum(done) == 1
    with any_api.web.readers() as session:
        assert len(rows.users(session)) == 1


def test_only_admins_see_the_form(api: Api) -> None:
    signed_in(api.client)
    with api.visitor() as somebody:
        as_user(somebody)
        assert "Invite an admin" not in somebody.get("/account", headers=PAGE).text
    assert "Invite an admin" in api.client.get("/account", headers=PAGE).text


def test_other_sites_cannot_accept_for_a_browser(api: Api) -> None:
    link = invite(signed_in(api.client))["link"]
    with api.visitor(headers={"Sec-Fetch-Site": "cross-site"}) as ada:
        assert join(ada, link).json()["error"] == "cross_origin"


def at_once(deeds: list[Any]) -> list[bool]:
    """Do all of them at the same moment; return which were not refused."""
    start, done = threading.Barrier(len(deeds)), [False] * len(deeds)

    def run(place: int) -> None:
        start.wait()
        try:
            deeds[place]()
            done[place] = True
        except SightlineError:
            pass

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done
