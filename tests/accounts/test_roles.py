"""Who may send what: every operation of the document and every page, by everybody.

The rules are the tables below. A route without a rule fails here; so does one that lets somebody in
whom its rule keeps out, or the reverse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import APIRoute

from app.main import PAGES
from app.web.http.openapi import DOCUMENT
from tests.support.contract import CLIP_ONLY
from tests.support.roles import Site
from tests.support.web import shared_server

VISITORS = {"nobody", "visitor", "owner"}
BROWSERS = {"user", "admin"}
PROGRAMS = {"read token", "analyse token", "train token", "admin token"}
DEAD = {"expired token", "revoked token"}
# Sets of roles, from the most to the fewest.
EVERYBODY = VISITORS | BROWSERS | PROGRAMS | DEAD
NOT_DEAD = EVERYBODY - DEAD
UPLOADERS = NOT_DEAD - {"read token", "train token"}
SIGNED_IN = BROWSERS | PROGRAMS
READERS = SIGNED_IN - {"analyse token"}
TRAINERS = READERS - {"read token"}
THEMSELVES = BROWSERS | {"admin token"}
ADMINS = {"admin", "admin token"}
OWNER = {"owner"}

# Who may read (GET) and who may write, by the start of the path. None: each has to be named below.
STARTS: dict[str, tuple[set[str], set[str] | None]] = {
    "/api/v1/media": (NOT_DEAD, None),
    "/api/v1/analyses": (NOT_DEAD, None),
    "/api/v1/heatmaps": (NOT_DEAD, None),
    "/api/v1/models": (NOT_DEAD, ADMINS),
    "/api/v1/account": (THEMSELVES, THEMSELVES),
    "/api/v1/audit": (ADMINS, ADMINS),
    "/api/v1/people": (ADMINS, ADMINS),
    "/api/v1/storage": (ADMINS, ADMINS),
    "/api/v1/datasets": (READERS, TRAINERS),
    "/api/v1/training-form": (READERS, TRAINERS),
    "/api/v1/training-runs": (READERS, TRAINERS),
    "/api/v1/trials": (READERS, TRAINERS),
    "/api/v1/studies": (READERS, TRAINERS),
    "/healthz": (EVERYBODY, None),
    "/readyz": (EVERYBODY, None),
    "/metrics": (READERS, None),
}
EXCEPTIONS = {
    "POST /api/v1/media": UPLOADERS,
    "DELETE /api/v1/media": UPLOADERS,  # removes one's own
    "DELETE /api/v1/media/{media_id}": OWNER | ADMINS,
    "POST /api/v1/analyses": UPLOADERS,
    "DELETE /api/v1/analyses": OWNER,
    "DELETE /api/v1/analyses/{analysis_id}": OWNER | ADMINS,
    "POST /api/v1/analyses/{analysis_id}/cancel": OWNER,
    "GET /api/v1/account": SIGNED_IN,
    "POST /api/v1/training-runs/{run_id}/publish": ADMINS,
    "POST /api/v1/training-runs/{run_id}/unpublish": ADMINS,
}
PAGE_RULES = {
    "GET /": NOT_DEAD,
    "GET /api": EVERYBODY,
    "GET /api/explorer/{path:path}": EVERYBODY,
    "GET /docs": EVERYBODY,
    "GET /study": EVERYBODY,
    "GET /yours": NOT_DEAD,
    "GET /analyses/{analysis_id}": NOT_DEAD,
    "GET /models": NOT_DEAD,
    "GET /models/{model_id}": NOT_DEAD,
    "GET /sign-in": NOT_DEAD,
    "POST /sign-in": EVERYBODY,  # with a link
    "GET /sign-in/password": THEMSELVES,
    "POST /sign-in/password": THEMSELVES,  # for an hour after a link
    "POST /sign-out": NOT_DEAD,
    "GET /invitation": EVERYBODY,  # with a link
    "POST /invitation": EVERYBODY,
    "GET /account": THEMSELVES,
    "GET /audit": ADMINS,
    "GET /storage": ADMINS,
    "GET /datasets": READERS,
    "GET /datasets/{dataset_id}": READERS,
    "GET /training": READERS,
    "GET /training/new": READERS,
    "GET /training/{study_id}": READERS,
}
# What the allowed get from a server without worker, checkpoint or study.
NOT_HERE = {
    "GET /readyz": 503,
    "GET /study": 404,
    "GET /api/v1/analyses/{analysis_id}/figure.{file_format}": 422,
    "POST /api/v1/models/import": 422,
    "POST /api/v1/datasets/from-folder": 404,  # without SIGHTLINE_DATA
}


def documented() -> dict[str, bool]:
    """Every operation of the document, and whether it says that one has to be signed in."""
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    return {
        f"{method.upper()} {path}": "security" in about
        for path, operations in paths.items()
        for method, about in operations.items()
    }


def pages() -> list[str]:
    """Method and path of every page."""
    routes = [route for part in PAGES for route in part.router.routes]
    assert all(isinstance(route, APIRoute) for route in routes)
    return [f"{method} {route.path}" for route in routes for method in sorted(route.methods)]  # type: ignore[attr-defined]


def rule(operation: str) -> set[str]:
    """Who may send an operation or ask for a page; LookupError if no rule tells."""
    method, path = operation.split(" ")
    if (named := (EXCEPTIONS | PAGE_RULES).get(operation)) is not None:
        return named
    for start, (readers, writers) in STARTS.items():
        if f"{path}/".startswith(f"{start}/"):
            found = readers if method == "GET" else writers
            if found is not None:
                return found
    raise LookupError(f"{operation}: say in a table of this test who may send it")


RULES = {name: rule(name) for name in [*documented(), *pages()]}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    server = shared_server()
    server.reset()
    made = Site(server)
    yield made
    made.close()


def is_refusal(response: httpx.Response) -> bool:
    """Whether the sender is told to sign in, or that they may not."""
    to_sign_in = urlsplit(response.headers.get("location", "")).path == "/sign-in"
    return response.status_code in (401, 403) or (response.status_code == 303 and to_sign_in)


def is_done(operation: str, response: httpx.Response) -> bool:
    """Whether the request was carried out, or failed for what has nothing to do with the sender."""
    usual = {409} | ({404} if CLIP_ONLY.search(operation) else set())
    status = response.status_code
    return (status < 400 and not is_refusal(response)) or status in usual | {
        NOT_HERE.get(operation)
    }


def wrong(site: Site, operation: str, allowed: set[str]) -> dict[str, int]:
    """Statuses, by role, that the rule does not allow; everybody sends one request."""
    found = {}
    for role, headers in site.everybody().items():
        response = site.send(operation, role, headers)
        right = is_done(operation, response) if role in allowed else is_refusal(response)
        if not right:
            found[role] = response.status_code
    return found


@pytest.mark.parametrize("operation", RULES)
def test_everybody_gets_what_the_rule_says(site: Site, operation: str) -> None:
    assert wrong(site, operation, RULES[operation]) == {}


def test_who_is_refused_does_not_learn_what_exists(site: Site) -> None:
    guarded = [name for name, needs in documented().items() if needs and "_id}" in name]
    assert len(guarded) > 20
    roles = site.everybody()
    for operation in guarded:
        for role in ("nobody", "analyse token"):
            answer = site.send_about_nothing(operation, roles[role])
            assert is_refusal(answer), (operation, role, answer.status_code)


def test_the_document_says_where_one_has_to_be_signed_in() -> None:
    for operation, guarded in documented().items():
        assert guarded == RULES[operation].isdisjoint(VISITORS), operation


def test_every_role_is_allowed_something_and_refused_something(site: Site) -> None:
    for role in site.everybody():
        assert {role in allowed for allowed in RULES.values()} == {True, False}, role


def test_no_rule_is_left_over() -> None:
    """Of a route that is gone; and no page is written down twice."""
    assert set(EXCEPTIONS) <= set(documented())
    assert set(PAGE_RULES) == set(pages())
    paths = [name.split(" ")[1] for name in documented()]
    assert all(any(path.startswith(start) for path in paths) for start in STARTS)


@pytest.mark.parametrize(
    "operation",
    ["GET /api/v1/new", "POST /api/v1/media/new", "GET /api/v1/models-of-others", "GET /new-page"],
)
def test_a_new_route_needs_a_rule(operation: str) -> None:
    with pytest.raises(LookupError, match="who may send it"):
        rule(operation)


def test_a_check_that_is_missing_or_too_much_is_noticed(site: Site) -> None:
    """As if the rule of an operation were another than what its code checks."""
    admins_only, open_to_all = "GET /api/v1/audit", "GET /api/v1/models"
    assert set(wrong(site, admins_only, READERS)) == READERS - ADMINS
    assert set(wrong(site, open_to_all, SIGNED_IN)) == NOT_DEAD - SIGNED_IN
