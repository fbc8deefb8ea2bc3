"""All pages share a frame: one left edge, and no page is wider than its window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.support.pages import PHONE, WIDE, Visit, Windows, overflows
from tests.support.signing_in import sign_in
from tests.support.web import Api, shared_server

PAGES = [
    "/",
    "/yours",
    "/models",
    "/models/gated",
    "/training",
    "/training/new",
    "/datasets",
    "/api",
]
PAGES += ["/account", "/audit", "/nothing", "/sign-in", "/storage"]
EDGES = """() => {
  const left = (element) => {
    const box = element.getBoundingClientRect();
    return box.left + parseFloat(getComputedStyle(element).paddingLeft);
  };
  return [left(document.querySelector(".brand")), left(document.querySelector("main > *")),
    document.querySelector("main h1").getBoundingClientRect().left];
}"""


@pytest.fixture
def api() -> Api:
    server = shared_server()
    server.reset()
    return server


@pytest.fixture(params=[WIDE, PHONE])
def visit(request: pytest.FixtureRequest, windows: Windows, api: Api) -> Iterator[Visit]:
    yield from windows.visiting(api.url, request.param, "light")


def test_one_left_edge(visit: Visit, api: Api) -> None:
    made = api.analyse(api.upload()["id"])
    api.finish(made["id"])
    seen = {path: edges(visit.open(path)) for path in ("/sign-in", made["links"]["page"])}
    sign_in(visit)
    seen |= {path: edges(visit.open(path)) for path in PAGES if path not in seen}
    one = seen["/"][0]
    assert {path: e for path, e in seen.items() if e != [one] * 3} == {}
    visit.complaints.clear()  # the browser notes the 404 of /nothing itself


def edges(page: Page) -> list[int]:
    assert overflows(page) == 0, page.url
    return [round(edge) for edge in page.evaluate(EDGES)]
