"""Behind a proxy on another host: addresses, cookies, limits; and who only pretends to be one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import delete

from app.core.security import COOKIE
from app.core.settings import Settings
from app.db import accounts as rows
from app.db.tables import Rate
from app.web.http.identity import SESSION_COOKIE
from app.web.http.proxies import network
from tests.accounts.test_sign_in import enter, set_password
from tests.support.own_server import own_server
from tests.support.proxy import proxy
from tests.support.web import Api, running

PROXY, CLIENT, OTHER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
LIES = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
HSTS = "strict-transport-security"


@dataclass
class Behind:
    """A server, and the address of the proxy in front of it, which says that it speaks TLS."""

    api: Api
    front: str

    def client(self, source: str = CLIENT, *, direct: bool = False, **more: Any) -> httpx.Client:
        """A client at the address `source`; through the proxy, or straight to the server."""
        transport = httpx.HTTPTransport(local_address=source)
        url = self.api.url if direct else self.front
        return httpx.Client(base_url=url, transport=transport, timeout=60, **more)

    def seen(self) -> str:
        """The address in the last entry of the audit."""
        with self.api.web.readers() as session:
            return rows.audit_page(session, 1, None, None)[0].address


def behind(settings: Settings) -> Iterator[Behind]:
    with running(settings) as api, proxy(api.url, PROXY) as front:
        set_password(api)
        yield Behind(api, front)


@pytest.fixture(scope="module")
def known_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """A server that trusts its proxy."""
    home = tmp_path_factory.mktemp("trusting")
    yield from behind(Settings(home=home, trusted_proxies=f"{PROXY}, 192.0.2.0/24"))


@pytest.fixture
def trusting(known_proxy: Behind) -> Behind:
    with known_proxy.api.web.sessions.begin() as session:
        session.execute(delete(Rate))
    return known_proxy


@pytest.fixture(scope="module")
def doubting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """A server that has not been told of its proxy."""
    yield from behind(Settings(home=tmp_path_factory.mktemp("doubting")))


def cookies_of(response: httpx.Response) -> dict[str, str]:
    """The cookies that a response sets, with their attributes."""
    pairs = (text.split("=", 1) for text in response.headers.get_list("set-cookie"))
    return dict(pairs)  # type: ignore[arg-type]


def test_the_client_behind_a_trusted_proxy_counts(trusting: Behind) -> None:
    with trusting.client() as client:
        response = enter(client)
    assert response.status_code == 303
    assert trusting.seen() == CLIENT
    session = cookies_of(response)[f"__Host-{SESSION_COOKIE}"]
    assert all(part in session for part in ("; Secure", "; Path=/", "; HttpOnly"))
    assert "domain" not in session.lower()
    assert response.headers[HSTS] == "max-age=31536000"
    cookie = {"Cookie": f"__Host-{SESSION_COOKIE}={session.partition(';')[0]}"}
    with trusting.client(headers=cookie) as client:
        assert client.get("/api/v1/account").json()["name"] == "admin"


def test_of_several_addresses_the_last_that_is_no_proxy_counts(trusting: Behind) -> None:
    with trusting.client(headers=LIES) as client:
        enter(client)
    assert trusting.seen() == CLIENT  # the proxy appended it to the client's own words
    chain = {"X-Forwarded-For": f"203.0.113.9, {OTHER}, 192.0.2.1"}
    with trusting.client(PROXY, direct=True, headers=chain) as client:
        enter(client)
    assert trusting.seen() == OTHER  # the nearest one is a proxy of the network


def test_headers_from_anybody_else_are_ignored(trusting: Behind) -> None:
    for source in ("127.0.0.1", OTHER):
        with trusting.client(source, direct=True, headers=LIES) as client:
            response = enter(client)
        assert trusting.seen() == source
        assert set(cookies_of(response)) >= {SESSION_COOKIE}
        assert "Secure" not in response.headers["set-cookie"]
        assert HSTS not in response.headers


def test_the_server_itself_believes_not_even_its_own_machine(tmp_path: Path) -> None:
    """`python -m app`: uvicorn would, by default and by FORWARDED_ALLOW_IPS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORWARDED_ALLOW_IPS", "*")
        with own_server(tmp_path) as server:
            response = httpx.get(server.address, headers=LIES)
    assert response.is_success
    assert "__Host-" not in response.headers["set-cookie"]
    assert HSTS not in response.headers
    assert tmp_path.stat().st_mode & 0o077 == 0


def test_a_proxy_that_is_not_named_is_a_client(doubting: Behind) -> None:
    with doubting.client() as client:
        response = enter(client)
    assert doubting.seen() == PROXY
    assert "__Host-" not in response.headers["set-cookie"]


def test_clients_behind_one_proxy_are_limited_one_by_one(trusting: Behind) -> None:
    with trusting.client() as client, trusting.client(OTHER) as other:
        wrong = [enter(client, "a wrong password").status_code for _ in range(11)]
        assert wrong == [401] * 10 + [429]
        assert enter(other).status_code == 303


def test_writes_over_tls_come_from_the_servers_own_origin(trusting: Behind) -> None:
    name = trusting.front.removeprefix("http://")
    with trusting.client() as client:
        own = client.post("/sign-out", headers={"Origin": f"https://{name}"})
        assert own.status_code == 303
        plain = client.post("/sign-out", headers={"Origin": f"http://{name}"})
        assert plain.json()["error"] == "cross_origin"


def test_a_visitor_keeps_what_is_theirs_when_tls_comes(trusting: Behind) -> None:
    with trusting.client(direct=True) as plain:
        media = trusting.api.upload(client=plain)
        old = f"{COOKIE}={plain.cookies[COOKIE]}"
    with trusting.client(headers={"Cookie": old}) as client:
        response = client.get("/api/v1/media")
    assert [item["id"] for item in response.json()["items"]] == [media["id"]]
    given = cookies_of(response)
    assert given[COOKIE].startswith("; Max-Age=0")
    new = f"__Host-{COOKIE}={given[f'__Host-{COOKIE}'].partition(';')[0]}"
    with trusting.client(headers={"Cookie": new}) as client:
        response = client.get("/api/v1/media")
        assert [item["id"] for item in response.json()["items"]] == [media["id"]]
        assert "set-cookie" not in response.headers
    with trusting.client() as other:
        theirs = cookies_of(other.get("/"))[f"__Host-{COOKIE}"].partition(";")[0]
    both = f"{old}; __Host-{COOKIE}={theirs}"  # one planted, one from the server itself
    with trusting.client(headers={"Cookie": both}) as client:
        assert client.get("/api/v1/media").json()["items"] == []


def test_a_session_does_not_outlive_plain_http(trusting: Behind) -> None:
    """It was sent for everybody to read, or a neighbouring host has planted it."""
    with trusting.client(direct=True) as plain:
        enter(plain)
        old = f"{SESSION_COOKIE}={plain.cookies[SESSION_COOKIE]}"
        assert plain.get("/api/v1/account").status_code == 200
    with trusting.client(headers={"Cookie": old}) as client:
        assert client.get("/api/v1/account").status_code == 401
    with trusting.client(direct=True, headers={"Cookie": f"__Host-{old}"}) as client:
        assert client.get("/api/v1/account").status_code == 401


@pytest.mark.parametrize("proxies", ["*", "proxy.example.org", "10.0.0.1/8", "10.0.0.0/40"])
def test_what_is_no_address_stops_the_start(proxies: str) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies=proxies)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("none", "none"),
    ],
)
def test_limits_count_a_customer_of_ipv6_once(address: str, key: str) -> None:
    assert network(address) == key
