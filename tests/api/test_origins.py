"""Which `Origin` headers count as this server's own where a browser sends nothing better."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from app.web.http.middleware import is_cross_origin

SAME = [
    ("http", "sightline.example", "http://sightline.example"),
    ("http", "sightline.example", "http://sightline.example:80"),
    ("http", "sightline.example:80", "http://sightline.example"),
    ("https", "sightline.example", "https://sightline.example:443"),
    ("https", "sightline.example:443", "https://sightline.example"),
    ("http", "Sightline.Example:8000", "http://sightline.example:8000"),
    ("http", "[::1]:8000", "http://[::1]:8000"),
]
OTHER = [
    ("https", "sightline.example", "http://sightline.example"),
    ("http", "sightline.example", "https://sightline.example"),
    ("http", "sightline.example", "http://sightline.example:8000"),
    ("http", "sightline.example:443", "https://sightline.example"),
    ("http", "sightline.example", "http://sightline.example.evil.example"),
    ("http", "sightline.example", "null"),
    ("http", "", "null"),
    ("http", "sightline.example", "http://sightline.example:port"),
    ("http", "sightline.example", ""),
]


@pytest.mark.parametrize(("scheme", "host", "origin"), SAME)
def test_the_same_scheme_host_and_port_is_the_same_origin(
    scheme: str, host: str, origin: str
) -> None:
    assert not is_cross_origin(Headers({"host": host, "origin": origin}), scheme)


@pytest.mark.parametrize(("scheme", "host", "origin"), OTHER)
def test_another_scheme_host_or_port_is_another_origin(scheme: str, host: str, origin: str) -> None:
    assert is_cross_origin(Headers({"host": host, "origin": origin}), scheme)


def test_a_program_that_sends_no_origin_passes() -> None:
    assert not is_cross_origin(Headers({"host": "sightline.example"}), "http")
