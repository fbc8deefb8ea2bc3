"""What holds for every answer: headers, errors, HEAD, no writes from other sites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from app.core.security import COOKIE
from app.core.settings import Settings
from app.web.http.metrics import Metrics
from tests.support.signing_in import bearer
from tests.support.web import Api, running

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def check_headers(response: httpx.Response) -> None:
    policy = dict(
        part.strip().split(" ", 1)
        for part in response.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["img-src"] == "'self' blob: data:"
    for name in ("object-src", "base-uri", "frame-ancestors"):
        assert policy[name] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    assert "camera=(self)" in response.headers["permissions-policy"]
    assert "cache-control" in response.headers


@pytest.mark.parametrize(
    "path", ["/", "/models", "/api", "/api/v1/models", "/healthz", "/nothing", "/api/v1/nothing"]
)
def test_every_answer_has_the_security_headers(api: Api, path: str) -> None:
    check_headers(api.client.get(path, headers=BROWSER))


def test_an_unexpected_error_is_said_without_its_inside(tmp_path: Path) -> None:
    with running(Settings(home=tmp_path)) as api:
        check_internal_errors(api)


def check_internal_errors(api: Api) -> None:
    @api.app.get("/api/v1/broken")
    def broken() -> None:
        raise RuntimeError("secret inside")

    @api.app.get("/broken")
    def broken_page(request: Request) -> None:
        raise RuntimeError("secret inside")

    for path, kind in (("/api/v1/broken", "application/json"), ("/broken", "text/html")):
        response = api.client.get(path, headers=BROWSER)
        assert response.status_code == 500
        assert response.headers["content-type"].startswith(kind)
        assert "secret" not in response.text
        assert ("Try again" in response.text) == (path == "/broken")
        check_headers(response)
    assert api.client.get("/api/v1/broken").json()["error"] == "internal_error"


def test_errors_are_json_for_programs_and_pages_for_people(api: Api) -> None:
    for path in ("/api/v1/nothing", f"/api/v1/analyses/{'0' * 32}", "/api/v1/heatmaps/x.png"):
        response = api.client.get(path, headers=BROWSER)
        assert response.status_code == 404
        assert response.json()["error"] == "not_found"
        assert response.json()["detail"].endswith(".")
    for path in ("/nothing", f"/analyses/{'0' * 32}", "/models/nobody", "/static/nothing.js"):
        page = api.client.get(path, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "404" in page.text
        assert api.client.get(path).json()["error"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/media", "DELETE, GET, HEAD, POST"),
        ("OPTIONS", f"/api/v1/analyses/{'0' * 32}", "DELETE, GET, HEAD"),
        ("DELETE", "/api/v1/models", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("GET", f"/api/v1/analyses/{'0' * 32}/cancel", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    api: Api, method: str, path: str, allowed: str
) -> None:
    response = api.client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.json()["error"] == "method_not_allowed"


def test_head_is_get_without_its_body(api: Api, analysis: Any) -> None:
    links = analysis["links"]
    for path in ("/", links["page"], links["self"], links["heatmaps"], links["export"], "/readyz"):
        full, head = api.client.get(path), api.client.head(path)
        assert (head.status_code, head.content) == (full.status_code, b"")
        assert head.headers.get("content-length") == full.headers.get("content-length")
        assert head.headers["content-type"] == full.headers["content-type"]


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "SELF"}, True),
        ({"Origin": "https://example.org"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://example.org"}, True),
    ],
    ids=str,
)
def test_other_sites_may_read_but_not_write(
    api: Api, headers: dict[str, str], passes: bool
) -> None:
    headers = {name: api.url if value == "SELF" else value for name, value in headers.items()}
    media = api.upload()
    assert api.client.get(media["links"]["self"], headers=headers).status_code == 200
    response = api.client.delete(media["links"]["self"], headers=headers)
    assert response.status_code == (204 if passes else 403)
    if not passes:
        assert response.json()["error"] == "cross_origin"


def test_the_visitor_is_named_once_by_a_signed_cookie(api: Api) -> None:
    with api.visitor() as client:
        assert client.get("/api/v1/models").cookies.get(COOKIE) is None  # reading names nobody
        raw = client.get("/").headers["set-cookie"]
        assert "HttpOnly" in raw
        assert "SameSite=Lax" in raw
        assert "Secure" not in raw  # plain http here
        assert "set-cookie" not in client.get("/").headers
        media = api.upload(client=client)
        name, signature = client.cookies[COOKIE].split(".")
        forged = {COOKIE: f"{name}.{signature[::-1]}"}
    with api.visitor(cookies=forged) as client:
        assert client.delete(media["links"]["self"]).status_code == 403
        assert client.get("/api/v1/media").json()["items"] == []


def test_health_and_metrics(api: Api) -> None:
    assert api.client.get("/healthz").json() == {"status": "ok"}
    response = api.client.get("/readyz")
    assert response.status_code == 503
    checks = response.json()["checks"]
    assert checks == {
        "database": "ok",
        "blobs": "ok",
        "queue": "no worker process is running",
        "workers": "ok",
        "decoder": "ok",
    }
    assert response.json()["sandbox"]["seccomp"] is True
    before = api.answered("POST", "/analyses", 202)
    api.analyse(api.upload()["id"])
    assert api.answered("POST", "/analyses", 202) == before + 1
    text = api.client.get("/metrics", headers=bearer(api.client, "read")).text
    assert 'sightline_jobs{queue="inference",state="queued"} 1.0' in text
    assert 'sightline_http_request_seconds_bucket{le="+Inf",route="/healthz"}' in text


EXPOSITION = """\
# HELP sightline_http_requests_total Requests answered.
# TYPE sightline_http_requests_total counter
sightline_http_requests_total{method="GET",route="/healthz",status="200"} 2.0
# HELP sightline_http_request_seconds Time until the last byte.
# TYPE sightline_http_request_seconds histogram
sightline_http_request_seconds_bucket{le="0.001",route="/healthz"} 0.0
sightline_http_request_seconds_bucket{le="0.003",route="/healthz"} 1.0
sightline_http_request_seconds_bucket{le="0.01",route="/healthz"} 1.0
sightline_http_request_seconds_bucket{le="0.03",route="/healthz"} 1.0
sightline_http_request_seconds_bucket{le="0.1",route="/healthz"} 1.0
sightline_http_request_seconds_bucket{le="0.3",route="/healthz"} 2.0
sightline_http_request_seconds_bucket{le="1.0",route="/healthz"} 2.0
sightline_http_request_seconds_bucket{le="3.0",route="/healthz"} 2.0
sightline_http_request_seconds_bucket{le="10.0",route="/healthz"} 2.0
sightline_http_request_seconds_bucket{le="30.0",route="/healthz"} 2.0
sightline_http_request_seconds_bucket{le="+Inf",route="/healthz"} 2.0
sightline_http_request_seconds_count{route="/healthz"} 2.0
sightline_http_request_seconds_sum{route="/healthz"} 0.251953125
# HELP sightline_jobs Jobs by queue and state.
# TYPE sightline_jobs gauge
sightline_jobs{queue="inference",state="queued"} 3.0
"""


def test_metrics_keep_their_names_and_two_applications_do_not_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.25, 0.001953125):
        metrics.count("GET", "/healthz", 200, seconds)
    Metrics().count("GET", "/healthz", 200, 1.0)
    assert metrics.text([("training", "queued", 1)]) != metrics.text([("inference", "queued", 3)])
    assert metrics.text([("inference", "queued", 3)]).decode() == EXPOSITION


def test_a_decoder_that_is_not_locked_in_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.media.decoder.process.PROGRAM", "tests.media.unfiltered")
    with running(Settings(home=tmp_path, min_free_bytes=0, require_sandbox=True)) as api:
        ready = api.client.get("/readyz").json()
        assert "lock in the process" in ready["checks"]["decoder"]
        assert ready["sandbox"]["seccomp"] is False
        refused = api.client.post("/api/v1/media", files={"file": ("a.jpg", b"\xff\xd8\xff")})
        assert (refused.status_code, refused.json()["error"]) == (503, "busy")
        assert "docs/deployment.md" in refused.json()["detail"]


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    away = "postgresql://nobody@127.0.0.1:1/nothing"
    with running(Settings(home=tmp_path, database_url=away), migrate=False) as api:
        client = api.client
        response = client.get("/api/v1/models")
        assert (response.status_code, response.json()["error"]) == (503, "busy")
        assert response.headers["retry-after"] == "3"
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "does not answer" in ready.json()["checks"]["database"]
        assert client.get("/healthz").status_code == 200


def test_a_broker_that_is_away_is_said(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, queue="celery", broker_url="redis://127.0.0.1:1/0")
    with running(settings) as api:
        assert "broker" in api.client.get("/readyz").json()["checks"]["queue"]


def test_a_broker_that_answers_is_ready(tmp_path: Path, redis_url: str) -> None:
    settings = Settings(home=tmp_path, queue="celery", broker_url=redis_url)
    with running(settings) as api:
        assert api.client.get("/readyz").json()["checks"]["queue"] == "ok"
