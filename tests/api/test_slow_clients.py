"""Clients that send slowly, endlessly or too much get an answer; others do not notice them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from app.core.settings import Settings
from app.web.http import arrival, bodies, connections
from tests.support.backend import photo, wait_for
from tests.support.web import Api, running

BOUNDARY = b"--x\r\nContent-Disposition: form-data; name=file; filename=a.jpg\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with few places and few connections."""
    limits = {"open_uploads": 2, "max_connections": 40, "max_body_bytes": 10_000}
    home = tmp_path_factory.mktemp("home")
    with running(Settings(home=home, min_free_bytes=0, **limits)) as api:  # type: ignore[arg-type]
        yield api


@pytest.fixture
def impatient(server: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The server, with short patience."""
    monkeypatch.setattr(arrival, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(arrival, "YOUNG_SECONDS", 0.2)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(connections, "SETTLED_SECONDS", 0.2)
    return server


def connect(api: Api) -> socket.socket:
    host, port = api.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def head(path: str, length: int, kind: str = "multipart/form-data; boundary=x") -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: a",
        f"Content-Length: {length}",
        f"Content-Type: {kind}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def answer(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """The status and the JSON of what the server answers."""
    reply = b""
    while part := connection.recv(65536):
        reply += part
        if reply.rstrip().endswith(b"}"):
            break
    status, _, rest = reply.partition(b"\r\n")
    return int(status.split()[1]), json.loads(rest[rest.index(b"{") :])


def closed(connection: socket.socket) -> bool:
    """Wait for the end of the connection."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def test_an_upload_that_trickles_is_stopped_and_leaves_nothing(impatient: Api) -> None:
    with closing(connect(impatient)) as slow:
        slow.sendall(head("/api/v1/media", 100_000) + BOUNDARY)
        status, body = answer(slow)
    assert (status, body["error"]) == (408, "too_slow")
    assert "8 KB a second" in body["detail"]
    assert [*(impatient.settings.blob_dir / ".incoming").iterdir()] == []


def test_slow_uploads_of_an_address_never_keep_another_out(impatient: Api) -> None:
    """The slowest one gives its place up; who is refused is told why."""
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(connect(impatient))) for _ in range(12)]
        for connection in slow:
            connection.sendall(head("/api/v1/media", 100_000) + BOUNDARY)
        for _ in range(3):
            with impatient.visitor() as other:
                wait_for(lambda other=other: "id" in sent(other))
        statuses = {answer(connection)[0] for connection in slow}
    assert statuses <= {408, 429}


def sent(client: httpx.Client) -> dict[str, str]:
    response = client.post("/api/v1/media", files={"file": ("a.jpg", photo())})
    assert response.status_code in (200, 201, 429), response.text
    answered: dict[str, str] = response.json()
    return answered


@pytest.mark.parametrize("path", ["/api/v1/analyses", "/api/v1/studies", "/sign-in", "/nowhere"])
def test_a_large_body_without_a_file_is_refused_before_it_is_read(
    impatient: Api, path: str
) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(head(path, 600_000_000, "application/json"))
        status, body = answer(connection)
    assert (status, body["error"]) == (413, "too_large")


def test_a_body_of_unknown_length_is_read_up_to_the_limit(impatient: Api) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 1000

    reply = impatient.client.post("/api/v1/analyses", content=endless())
    assert reply.status_code == 413
    short = impatient.client.post("/api/v1/analyses", content=iter([b"{", b"}"]))
    assert short.status_code == 422


def test_a_slow_body_without_a_file_is_stopped(impatient: Api) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(head("/api/v1/analyses", 5000, "application/json") + b"{")
        assert answer(connection)[0] == 408


def test_all_such_bodies_together_have_a_limit(
    impatient: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_HELD", 8000)
    monkeypatch.setattr(arrival, "GRACE_SECONDS", 30.0)
    with closing(connect(impatient)) as first, closing(connect(impatient)) as second:
        first.sendall(head("/api/v1/analyses", 9000, "application/json") + b" " * 5000)
        time.sleep(0.2)
        second.sendall(head("/api/v1/analyses", 9000, "application/json") + b" " * 5000)
        assert answer(second)[0] == 503
    wait_for(lambda: impatient.client.post("/api/v1/analyses", json={}).status_code == 422)


@pytest.mark.parametrize(
    "lines",
    [
        b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        b"X: " + b"a" * 100_000,  # without an end
        b"X: a\r\n" * 200 + b"\r\n",
    ],
)
def test_a_large_head_is_refused(impatient: Api, lines: bytes) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n" + lines)
        status, body = answer(connection)
    assert (status, body["error"]) == (431, "too_large")


def test_a_long_address_is_refused(impatient: Api) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer(connection)[0] == 431


def test_a_head_that_never_ends_is_closed(impatient: Api) -> None:
    with closing(connect(impatient)) as silent, closing(connect(impatient)) as partial:
        partial.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert closed(silent)
        assert closed(partial)


def test_half_requests_over_the_limit_do_not_keep_others_out(
    impatient: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 60.0)
    with ExitStack() as stack:
        for _ in range(120):
            half = stack.enter_context(closing(connect(impatient)))
            half.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(5):
            with impatient.visitor() as other:
                assert other.get("/healthz").status_code == 200


def test_an_early_answer_is_readable_while_the_body_is_still_sent(impatient: Api) -> None:
    """The rest of the body is read and dropped for a while, so that the client sees the answer."""
    reply = impatient.client.post("/api/v1/analyses", content=b" " * 3_000_000)
    assert reply.status_code == 413
    assert impatient.client.get("/healthz").status_code == 200


def test_pipelined_requests_are_answered_and_bounded(impatient: Api) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    with closing(connect(impatient)) as connection:
        connection.sendall(one * 3)
        reply = b""
        while reply.count(b"HTTP/1.1 200") < 3:
            reply += connection.recv(65536)
    with closing(connect(impatient)) as connection:
        connection.sendall(one * 5000)
        assert closed(connection)


def test_the_limit_of_connections_is_what_the_system_grants(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _, pair: asked.append(pair))
    for soft, hard, most in ((256, 300, 172), (1024, 1 << 20, 2000), (1 << 20, 1 << 20, 2000)):
        monkeypatch.setattr(connections.resource, "getrlimit", lambda _, p=(soft, hard): p)
        assert connections.limited(Settings(home=tmp_path)).most == most
    assert asked == [(300, 300), (2128, 1 << 20)]


def test_many_streams_cost_one_reader(api: Api) -> None:
    """All streams of an analysis get each event, which is made once; others are answered."""
    body = api.analyse(api.upload()["id"])
    url, made, ended = body["links"]["events"], [], []
    watch = api.web.watched_analyses
    read = watch._read
    watch._read = lambda ids: made.append(len(ids)) or read(ids)  # type: ignore[func-returns-value]
    try:
        threads = [
            threading.Thread(target=lambda: ended.append(_last(api, url))) for _ in range(30)
        ]
        for thread in threads:
            thread.start()
        wait_for(lambda: sum(map(len, watch._followers.values())) == 30)
        before, began = len(made), time.monotonic()
        wait_for(lambda: time.monotonic() > began + 1.0)
        assert len(made) - before < 30  # ten a second, whatever the number of streams
        assert api.client.get("/healthz").status_code == 200
        api.finish(body["id"])
        for thread in threads:
            thread.join(60)
    finally:
        watch._read = read
    assert ended == ["succeeded"] * 30
    assert set(made) == {1}


def _last(api: Api, url: str) -> str:
    with api.visitor() as client, client.stream("GET", url) as response:
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    state: str = json.loads(lines[-1].removeprefix("data: "))["state"]
    return state
