"""Uploading: what is good is kept, what is refused leaves nothing on the disk."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from app.core.settings import Settings
from app.db.tables import Media
from tests.support.backend import photo, wait_for
from tests.support.web import Api, files_of, running


def send(
    api: Api, data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg"
) -> httpx.Response:
    return api.client.post("/api/v1/media", files={"file": (name, data, kind)})


def picture(
    size: tuple[int, int], mode: str = "RGB", kind: str = "PNG", **options: object
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 0).save(file, kind, **options)
    return file.getvalue()


def refused(response: httpx.Response, status: int, name: str, words: str) -> None:
    assert response.status_code == status, response.text
    body = response.json()
    assert body["error"] == name
    assert words in body["detail"]
    assert body["detail"].endswith((".", ")"))


def test_a_photo_is_kept_and_described(api: Api) -> None:
    data = photo(size=(320, 200))
    response = send(api, data)
    assert response.status_code == 201
    body = response.json()
    assert response.headers["location"] == body["links"]["self"]
    assert (body["kind"], body["format"], body["content_type"]) == ("image", "JPEG", "image/jpeg")
    assert (body["width"], body["height"], body["bytes"]) == (320, 200, len(data))
    assert body["stored"] is False
    assert api.client.get(body["links"]["content"]).content == data


def test_the_same_file_is_stored_once_for_each_visitor(api: Api) -> None:
    first = send(api, photo()).json()
    files = files_of(api.settings)
    again = send(api, photo())
    assert again.status_code == 200
    assert again.json() == {**first, "stored": True}
    assert files_of(api.settings) == files
    with api.visitor() as other:
        assert api.upload(photo(), other)["id"] != first["id"]


def test_the_same_bytes_under_another_name_are_another_upload(api: Api) -> None:
    first = send(api, photo(), "cat.jpg").json()
    second = send(api, photo(), "dog.jpg")
    assert second.status_code == 201
    assert second.json()["filename"] == "dog.jpg"
    assert second.json()["id"] != first["id"]
    for name, before in (("cat.jpg", first), ("../dog.jpg", second.json())):
        assert send(api, photo(), name).json() == {**before, "stored": True}


def test_what_was_read_otherwise_before_is_read_anew(api: Api) -> None:
    """An upload from before its file's profile or tones were understood keeps its old view."""
    first = send(api, photo()).json()
    with api.web.sessions.begin() as session:
        row = session.get(Media, first["id"])
        api.web.blobs.put(row.view_key, photo(1))
    again = send(api, photo())
    assert (again.status_code, again.json()["stored"]) == (201, False)
    assert api.client.get(again.json()["links"]["view"]).content[:2] == b"\xff\xd8"


def test_a_note_is_in_the_record_and_on_the_page(api: Api) -> None:
    cut = photo(size=(320, 200))[:-2]
    body = send(api, cut).json()
    assert body["note"] == "The file ends early: its last bytes are missing."
    assert api.client.get(body["links"]["self"]).json()["note"] == body["note"]
    made = api.client.post("/api/v1/analyses", json={"media_id": body["id"]}).json()
    assert body["note"] in api.client.get(made["links"]["page"]).text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("C:\\photos\\cat.jpg", "cat.jpg"),
        ("/absolute/dog.png", "dog.png"),
        ("..", "photo"),
        ("chat\u0000\u0007 été.jpg", "chat été.jpg"),
    ],
)
def test_path_parts_of_a_name_are_dropped(api: Api, name: str, shown: str) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % name.encode()
    )
    response = api.client.post(
        "/api/v1/media",
        content=body + photo() + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert response.status_code == 201, response.text
    assert response.json()["filename"] == shown
    assert all(key.startswith("media/") for key in files_of(api.settings))


@pytest.mark.parametrize(
    ("data", "status", "name", "words"),
    [
        (b"", 400, "bad_media", "0 bytes"),
        (b"This is a text, whatever its name says.", 415, "bad_media", "not a photo"),
        (photo()[:5000], 400, "bad_media", "cut off"),
        (picture((1, 1)), 400, "bad_media", "1 x 1"),
        (picture((30_000, 1), "1"), 413, "too_large", "30000"),
        (picture((9_500, 9_500), "1"), 413, "too_large", "million"),
    ],
    ids=["empty", "text", "truncated", "1x1", "30000x1", "bomb"],
)
def test_what_is_no_usable_photo_is_refused_in_words(
    api: Api, data: bytes, status: int, name: str, words: str
) -> None:
    refused(send(api, data), status, name, words)
    assert files_of(api.settings) == set()
    assert api.client.get("/api/v1/media").json()["items"] == []


@pytest.mark.parametrize(
    "data",
    [
        picture((40, 30), "CMYK", "JPEG"),
        picture((40, 30), "I;16"),
        picture((40, 30), "P", transparency=0),
        picture((40, 30), "RGB", "WEBP"),
        picture((40, 30), "RGB", "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30))]),
    ],
    ids=["cmyk", "16-bit", "palette", "webp", "animated"],
)
def test_unusual_photos_work(api: Api, data: bytes) -> None:
    body = send(api, data).json()
    assert (body["width"], body["height"]) == (40, 30)
    view = api.client.get(body["links"]["view"])
    assert view.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(view.content)).size == (40, 30)


def test_a_form_without_the_photo_gets_a_sentence(api: Api) -> None:
    forms: list[dict[str, object]] = [
        {"data": {"other": "1"}},
        {"files": {"picture": ("a.jpg", photo())}},
        {"content": photo(), "headers": {"Content-Type": "image/jpeg"}},
        {"headers": {"Content-Type": "multipart/form-data"}},
    ]
    for form in forms:
        response = api.client.post("/api/v1/media", **form)  # type: ignore[arg-type]
        refused(response, 422, "unprocessable", "field called `file`")
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    cut = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    refused(
        api.client.post("/api/v1/media", content=cut, headers=broken), 400, "bad_media", "broken"
    )
    assert files_of(api.settings) == set()


FILE = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


@pytest.mark.parametrize(
    ("boundary", "body"),
    [
        ("x" * 257, b"--" + b"x" * 257),
        ("x", b"--x\r\nContent-Disposition: " + b"a" * 100_000),
        ("x", b"--x\r\n" + b"A" * 100_000 + b": b\r\n\r\n"),
        (
            "x",
            b"".join(
                b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\na\r\n' % n
                for n in range(100)
            )
            + b"--x\r\n"
            + FILE
            + b"abc\r\n--x--",
        ),
        ("x", b"no form at all"),
    ],
)
def test_a_form_that_is_none_is_refused(api: Api, boundary: str, body: bytes) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = api.client.post("/api/v1/media", content=body, headers=headers)
    refused(answer, 400, "bad_media", "broken")
    assert files_of(api.settings) == set()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Api]:
    """A server that takes 100 kB, of whatever kind."""
    most = {"max_image_bytes": 100_000, "max_clip_bytes": 100_000}
    settings = Settings(home=tmp_path / "home", min_free_bytes=0, **most)
    with running(settings) as server:
        yield server


def test_too_large_by_its_own_word_is_refused_before_it_is_sent(small: Api) -> None:
    """The declared length is enough: no byte of the body is needed."""
    host, port = small.url.removeprefix("http://").split(":")
    head = (
        "POST /api/v1/media HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413")
    assert "larger than" in answer


def test_too_large_without_a_length_is_refused_while_it_arrives(small: Api) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        yield head
        for _ in range(40):
            sent += 50_000
            yield bytes(50_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = small.client.post("/api/v1/media", content=body(), headers=headers)
    refused(response, 413, "too_large", "larger than")
    assert files_of(small.settings) == set()


def test_a_client_that_goes_away_leaves_nothing(api: Api) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    head = (
        "POST /api/v1/media HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode() + bytes(3_000_000))
        wait_for(lambda: files_of(api.settings), 60)
    wait_for(lambda: not files_of(api.settings), 60)
    assert api.client.get("/healthz").status_code == 200


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with running(Settings(home=tmp_path, min_free_bytes=1 << 60)) as server:
        refused(send(server, photo()), 507, "disk_full", "full")
        assert files_of(server.settings) == set()
        checks = server.client.get("/readyz").json()["checks"]
        assert "disk" in checks["blobs"]


def test_too_many_uploads_have_to_wait(tmp_path: Path) -> None:
    with running(Settings(home=tmp_path, min_free_bytes=0, uploads_per_minute=2)) as server:
        for seed in range(2):
            assert send(server, photo(seed)).status_code == 201
        response = send(server, photo(2))
        refused(response, 429, "too_many", "2 uploads a minute")
        assert 0 < int(response.headers["retry-after"]) <= 60
        with server.visitor() as other:
            assert api_status(other) == 201
            other.cookies.clear()  # without its cookie it is still the same address
            statuses = {clear_and_send(other) for _ in range(8)}
            assert statuses == {201, 429}


def api_status(client: httpx.Client) -> int:
    return client.post("/api/v1/media", files={"file": ("a.jpg", photo(9))}).status_code


def clear_and_send(client: httpx.Client) -> int:
    client.cookies.clear()
    return api_status(client)
