"""Signing in, the account and the audit, in a real browser in front of a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.test_access import overflows, serious
from tests.support.signing_in import sign_in

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a few words in a row"


class Started:
    """`python -m app` with a home of its own: it prints a link, and so does `admin-link`."""

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "SIGHTLINE_HOME": str(home), "SIGHTLINE_PORT": "0"}
        self.log = home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 120
        while "link=" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        self.address = re.findall(r"http://[\d.:]+", self.log.read_text())[0]

    def printed_link(self) -> str:
        """The path of the link in the log."""
        return re.findall(r"Sign in as admin: http://[\d.:]+(/\S+)", self.log.read_text())[-1]

    def new_link(self) -> str:
        """The path of a link that the command line prints."""
        command = [sys.executable, "-m", "app", "admin-link"]
        told = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True
        ).stdout
        return re.findall(r"http://[\d.:]+(/\S+)", told)[0]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """A server that nobody has signed in to."""
    started = Started(tmp_path)
    yield started
    started.process.terminate()
    started.process.wait(20)


def press_sign_in(page: Page) -> None:
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()


def test_from_the_printed_link_to_a_password(started: Started, browser: Browser) -> None:
    """The first start's link, a password, signing out and in, a wrong one, a forgotten one."""
    link = started.printed_link()
    page = browser.new_context(base_url=started.address).new_page()
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
    page.wait_for_url(started.address + "/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("some other words")
    press_sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is not right")
    expect(page.get_by_label("Password")).to_be_focused()
    assert serious(page) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(started.address + "/")
    expect(page.get_by_role("link", name="Account of admin")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("used already")

    other = browser.new_context(base_url=started.address).new_page()
    other.goto(started.new_link())
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
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Revoke notebook").click()
    expect(row).to_have_count(0)
    assert httpx.get(account, headers=header).status_code == 401


def test_another_browser_is_signed_out_from_here(visit: Visit, browser: Browser) -> None:
    page = sign_in(visit).open("/account")
    context = browser.new_context(base_url=visit.address)
    there = sign_in(Visit(visit.address, context, context.new_page())).open("/account")
    expect(there.get_by_text("this one")).to_be_visible()
    visit.open("/account")
    here = page.locator('[data-part="sessions"] .row')
    expect(here.filter(has_text="this one")).to_have_count(1)
    count = here.count()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=re.compile("Sign out the browser")).first.click()
    expect(here).to_have_count(count - 1)
    while (buttons := page.get_by_role("button", name=re.compile("Sign out the browser"))).count():
        count = here.count()
        buttons.first.click()
        expect(here).to_have_count(count - 1)
    there.reload()
    expect(there.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/audit", "/models"])
def test_pages(any_visit: Visit, path: str) -> None:
    if path != "/sign-in":
        sign_in(any_visit)
    page = any_visit.open(path)
    if path == "/account":
        page.get_by_text("New token", exact=True).click()
    if path == "/models":
        page.locator(".chart .main-svg").first.wait_for()
    assert serious(page) == []
    assert overflows(page) == 0


def test_the_audit_is_filtered_by_action(visit: Visit) -> None:
    page = sign_in(visit).open("/account")
    page.get_by_text("New token", exact=True).click()
    page.get_by_label("Name").fill("for the audit")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("[data-made]")).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    expect(page.locator(".audit .did").first).to_have_text("token.create")
    page.get_by_label("Show").select_option("token.create")
    page.wait_for_url("**/audit?action=token.create")
    expect(page.locator(".audit .to").first).to_contain_text("for the audit")
    assert set(page.locator(".audit .did").all_inner_texts()) == {"token.create"}
