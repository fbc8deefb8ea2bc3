"""Signing in, the account and the audit, in a real browser in front of a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.accounts import sessions
from app.accounts.passwords import hash_password
from app.core.security import COOKIE
from app.db.engine import make_engine, make_sessions
from tests.support.backend import photo
from tests.support.pages import ROOT, Visit, agree, overflows, serious
from tests.support.server_settings import settings_of
from tests.support.signing_in import sign_in

PASSWORD = "a few words in a row"


def printed_link(server: str) -> str:
    """The path of the link in the log of the server's first start."""
    log = (settings_of(server).home / "log").read_text()
    return re.findall(r"Sign in as admin: http://[\d.:]+(/\S+)", log)[-1]


def new_link(server: str) -> str:
    """The path of a link that the command line prints."""
    told = subprocess.run(
        [sys.executable, "-m", "app", "admin-link"],
        cwd=ROOT,
        env={**os.environ, **settings_of(server).as_environment()},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return re.findall(r"http://[\d.:]+(/\S+)", told)[0]


@contextmanager
def own_password(visit: Visit, password: str | None) -> Iterator[None]:
    """Give the admin this password, or none, and afterwards the one that there was."""
    engine = make_engine(settings_of(visit.address))
    opened = make_sessions(engine)
    with opened.begin() as session:
        admin = sessions.ensure_admin(session)
        before, admin.password_hash = admin.password_hash, password and hash_password(password)
    try:
        yield
    finally:
        with opened.begin() as session:
            sessions.ensure_admin(session).password_hash = before
        engine.dispose()


def press_sign_in(page: Page) -> None:
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()


def test_from_the_printed_link_to_a_password(server: str, browser: Browser) -> None:
    """The first start's link, a password, signing out and in, a wrong one, a forgotten one."""
    link = printed_link(server)
    page = browser.new_context(base_url=server).new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="Sign in as admin")).to_be_visible()
    assert serious(page) == []
    press_sign_in(page)
    page.wait_for_url("**/sign-in/password**")
    assert serious(page) == []
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    page.wait_for_url("**/training")
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(server + "/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("some other words")
    press_sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is not right")
    expect(page.get_by_label("Password")).to_be_focused()
    assert serious(page) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(server + "/")
    expect(page.get_by_role("link", name="Account of admin")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("used already")

    other = browser.new_context(base_url=server).new_page()
    other.goto(new_link(server))
    press_sign_in(other)
    other.get_by_label("New password").fill("forgotten, so new words")
    other.get_by_role("button", name="Set password").click()
    other.wait_for_url("**/training")
    page.goto("/account")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()  # signed out by it
    page.context.close()
    other.context.close()


def test_a_token_is_shown_once_and_revoked(visit: Visit) -> None:
    page = sign_in(visit).open("/account")
    page.get_by_text("New token", exact=True).click()
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("alert")).to_contain_text("Give the token a name")
    page.get_by_label("Name").fill("notebook")
    page.get_by_label("train").check()
    assert serious(page) == []
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("[data-made]")).to_be_visible()
    assert serious(page) == []
    token = page.locator("[data-secret]").inner_text()
    assert re.fullmatch(r"sl_[\w-]{43}", token)
    row = page.locator(".row", has_text="notebook")
    expect(row).to_contain_text("never used")
    header = {"Authorization": f"Bearer {token}"}
    account = f"{visit.address}/api/v1/account"
    assert httpx.get(account, headers=header).json()["scopes"] == ["read", "train"]
    visit.open("/account")
    assert token not in page.content()
    expect(row).to_contain_text("used just now")
    row.get_by_role("button", name="Revoke notebook").click()
    agree(page, "Revoke")
    expect(row).to_have_count(0)
    assert httpx.get(account, headers=header).status_code == 401


def test_who_has_no_password_is_warned_before_signing_out(visit: Visit) -> None:
    with own_password(visit, None):
        page = sign_in(visit).open("/account")
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_role("dialog")).to_contain_text("you will need a new link")
        assert serious(page) == []
        agree(page, "Stay")
        visit.open("/account")
        page.get_by_role("button", name="Sign out", exact=True).click()
        agree(page, "Sign out")
        page.wait_for_url(visit.address + "/")


def test_a_token_for_everything_asks_for_the_password(visit: Visit) -> None:
    with own_password(visit, PASSWORD):
        page = sign_in(visit).open("/account")
        page.get_by_text("New token", exact=True).click()
        page.get_by_label("Name").fill("mighty")
        asked = page.get_by_label("since admin may")
        expect(asked).to_be_hidden()
        page.get_by_role("checkbox", name="admin").check()
        asked.fill(PASSWORD)
        assert serious(page) == []
        assert overflows(page) == 0
        page.get_by_role("button", name="Make token").click()
        expect(page.locator("[data-made]")).to_be_visible()
        expect(asked).to_be_hidden()


def test_an_invitation_is_a_link_for_one_person(any_visit: Visit, browser: Browser) -> None:
    with own_password(any_visit, PASSWORD):
        page = sign_in(any_visit).open("/account")
        page.get_by_label("Your password").last.fill(PASSWORD)
        page.get_by_role("button", name="Invite an admin").click()
        link = page.locator("[data-link]")
        expect(link).to_be_visible()
        assert serious(page) == []
        assert overflows(page) == 0
        context = browser.new_context(viewport=page.viewport_size)
        there = context.new_page()
        there.goto(link.inner_text())
        assert serious(there) == []
        assert overflows(there) == 0
        name = f"ada{page.viewport_size['width']}"  # type: ignore[index]
        there.get_by_label("Name").fill(name)
        there.get_by_label("Password").fill(PASSWORD)
        there.get_by_role("button", name="Make the account").click()
        there.wait_for_url("**/training")
        any_visit.open("/account")
        page.get_by_role("button", name=f"Remove {name}").click()
        agree(page, "Remove")
        expect(page.get_by_role("button", name=f"Remove {name}")).to_have_count(0)
        there.goto(any_visit.address + "/account")
        expect(there.get_by_role("heading", name="Sign in")).to_be_visible()
        context.close()


def test_another_browser_is_signed_out_from_here(visit: Visit, browser: Browser) -> None:
    page = sign_in(visit).open("/account")
    context = browser.new_context(base_url=visit.address)
    elsewhere = Visit(visit.address, context, context.new_page())
    there = sign_in(elsewhere, "192.0.2.7").open("/account")
    expect(there.get_by_text("this one")).to_be_visible()
    visit.open("/account")
    here = page.locator('[data-part="sessions"] .row')
    expect(here.filter(has_text="this one")).to_have_count(1)
    count = here.count()
    page.get_by_role("button", name="Sign out the browser at 192.0.2.7").click()
    agree(page, "Sign out")
    expect(here).to_have_count(count - 1)
    expect(here.filter(has_text="192.0.2.7")).to_have_count(0)
    there.reload()
    expect(there.get_by_role("heading", name="Sign in")).to_be_visible()
    page.reload()
    expect(here.filter(has_text="this one")).to_have_count(1)
    context.close()
    page.get_by_role("button", name="Sign out everywhere").click()
    agree(page, "Stay")
    expect(here.filter(has_text="this one")).to_have_count(1)
    page.get_by_role("button", name="Sign out everywhere").click()
    agree(page, "Sign out")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/audit", "/storage"])
def test_pages(any_visit: Visit, path: str) -> None:
    if path != "/sign-in":
        sign_in(any_visit)
    page = any_visit.open(path)
    if path == "/account":
        page.get_by_text("New token", exact=True).click()
    assert serious(page) == []
    assert overflows(page) == 0


def test_the_audit_is_filtered_by_action(visit: Visit) -> None:
    page = sign_in(visit).open("/account")
    page.get_by_text("New token", exact=True).click()
    page.get_by_label("Name").fill("for the audit")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("[data-made]")).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    sentence = "admin made the token for the audit"
    expect(page.locator(".audit .did").first).to_have_text(sentence)
    page.get_by_label("Show").select_option("Made a token")
    page.wait_for_url("**/audit?action=token.create")
    expect(page.locator(".audit .did").first).to_have_text(sentence)
    assert all("made the token" in row for row in page.locator(".audit .did").all_inner_texts())


def test_an_admin_takes_an_upload_down_from_the_page(visit: Visit) -> None:
    with httpx.Client(base_url=visit.address) as stranger:
        for seed in (41, 42):
            files = {"file": (f"{seed}.jpg", photo(seed))}
            assert stranger.post("/api/v1/media", files=files).status_code == 201
        owner = stranger.cookies[COOKIE].partition(".")[0]
        page = sign_in(visit).open(f"/storage?owner={owner}")
        rows = page.locator(".row.pictured")
        expect(rows).to_have_count(2)
        rows.filter(has_text="41.jpg").get_by_role("button", name="Delete").click()
        agree(page, "Delete")
        expect(rows).to_have_count(1)
        [left] = stranger.get("/api/v1/media").json()["items"]
    assert left["filename"] == "42.jpg"
    page.goto(f"{visit.address}/audit")
    expect(page.locator(".audit .did").first).to_have_text("admin took down the upload 41.jpg")
