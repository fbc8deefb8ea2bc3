"""The names that a server answers to (`SIGHTLINE_ALLOWED_HOSTS`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.core.settings import Settings
from tests.support.web import Api, running


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with names."""
    hosts = "Sightline.example.org, *.example.net, [2001:db8::7]"
    with running(Settings(home=tmp_path_factory.mktemp("named"), allowed_hosts=hosts)) as api:
        yield api


@pytest.mark.parametrize(
    ("host", "answers"),
    [
        ("sightline.example.org", True),
        ("SIGHTLINE.example.org:8443", True),
        ("a.example.net", True),
        ("[2001:db8::7]:8000", True),
        ("localhost:8000", True),
        ("example.net", False),
        ("badexample.net", False),
        ("sightline.example.org.evil.example", False),
        ("evil.example", False),
        ("evil.example:127.0.0.1", False),
        ("", False),
    ],
)
def test_only_its_own_names_are_answered(named: Api, host: str, answers: bool) -> None:
    for path in ("/", "/api/v1/models"):
        response = named.client.get(path, headers={"Host": host})
        assert response.is_success == answers
        if not answers:
            assert (response.status_code, response.json()["error"]) == (400, "unknown_host")
            assert response.headers["x-content-type-options"] == "nosniff"
    assert named.client.get("/healthz", headers={"Host": host}).is_success


def test_a_page_that_points_its_own_name_here_cannot_write(named: Api) -> None:
    rebound = {"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}
    response = named.client.post("/sign-out", headers=rebound)
    assert response.json()["error"] == "unknown_host"


def test_without_the_setting_any_name_is_answered(api: Api) -> None:
    assert api.client.get("/api/v1/models", headers={"Host": "any.example"}).is_success


@pytest.mark.parametrize("hosts", ["https://a.example", "a.example:8000", "a.*.example", "*"])
def test_what_is_no_name_stops_the_start(tmp_path: Path, hosts: str) -> None:
    with pytest.raises(ValidationError, match="allowed_hosts"):
        Settings(home=tmp_path, allowed_hosts=hosts)
