"""Who guesses passwords is slowed down; who knows theirs gets in meanwhile."""

from __future__ import annotations

import httpx
import pytest

from app.web.accounts.guessing import DEVICE, LONGEST, STEP, delay
from tests.accounts.test_sign_in import enter, is_signed_in, link_of, set_password
from tests.support.signing_in import as_user
from tests.support.web import Api

STRANGER, ADMIN = "127.0.0.3", "127.0.0.4"


def client_at(api: Api, address: str) -> httpx.Client:
    """A new browser at an address of its own."""
    return api.visitor(transport=httpx.HTTPTransport(local_address=address))


def guess(api: Api, times: int, address: str = STRANGER, **more: str) -> list[int]:
    """Try wrong passwords for the admin; return the statuses."""
    with client_at(api, address) as stranger:
        return [enter(stranger, "a wrong password", **more).status_code for _ in range(times)]


def test_fifty_wrong_passwords_of_a_stranger_keep_nobody_out(api: Api) -> None:
    set_password(api)
    with client_at(api, STRANGER) as known:
        assert enter(known).status_code == 303
        known.post("/sign-out")
        assert guess(api, 50) == [401] * 10 + [429] * 40
        with client_at(api, STRANGER) as unknown:
            refused = enter(unknown)
        assert refused.status_code == 429  # the stranger's own address is not answered for a while
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert "more than 10 attempts to sign in a minute; try again in" in refused.text
        assert enter(known).status_code == 303
        assert is_signed_in(known)
    with client_at(api, ADMIN) as admin:
        assert enter(admin).status_code == 303
        assert is_signed_in(admin)


def test_a_link_works_whatever_strangers_do(api: Api) -> None:
    set_password(api)
    guess(api, 11)
    with client_at(api, STRANGER) as admin:
        for _ in range(12):
            assert admin.post("/sign-in", data={"link": "x" * 43}).status_code == 401
        assert admin.post("/sign-in", data={"link": link_of(api)}).status_code == 303
        admin.post("/sign-out")
        assert enter(admin).status_code == 303  # by the link the browser became a known one


def test_a_known_browser_is_limited_too_and_only_known_by_its_own_name(api: Api) -> None:
    set_password(api)
    with client_at(api, STRANGER) as known:
        enter(known)
        device = known.cookies[DEVICE]
        statuses = [enter(known, "a wrong password").status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        as_user(api.client, "somebody")
        others = [enter(known, "wrong", name="somebody").status_code for _ in range(11)]
        assert others == [401] * 10 + [429]  # counted by address
    name, signature = device.split(".")
    forged = [f"{name}.{signature[::-1]}", f"{name}.{api.web.visitors.sign(name)}", "x.y", ""]
    for cookie in forged:
        with client_at(api, STRANGER) as stranger:
            stranger.cookies.set(DEVICE, cookie)
            assert enter(stranger).status_code == 429


def test_who_knows_the_password_is_not_counted(api: Api) -> None:
    set_password(api)
    for _ in range(12):
        with client_at(api, ADMIN) as admin:
            assert enter(admin).status_code == 303


def test_guesses_from_everywhere_are_answered_later_and_later(api: Api) -> None:
    set_password(api)
    assert delay(api.web, "admin") == 0
    for last in (5, 6):
        assert guess(api, 6, f"127.0.0.{last}") == [401] * 6
    assert delay(api.web, "admin") == pytest.approx(2 * STEP)
    assert delay(api.web, "other") == 0
    for _ in range(1000):
        api.web.limiter.add("sign-in: failures of admin")
    assert delay(api.web, "admin") == LONGEST
