"""Clips over HTTP: taken in by content, played by range, copied where browsers need it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import select

from app.db.tables import Job
from app.media.deletion import sweep
from tests.support.backend import wait_for
from tests.support.clip_files import KINDS, make, uneven
from tests.support.import_worker import import_all, importing
from tests.support.web import Api, files_of

TIMES = list(range(0, 1200, 40))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make(tmp_path_factory.mktemp("film"), KINDS["h264 mp4"], TIMES).read_bytes()


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """HEVC, turned: browsers do not play it."""
    folder = tmp_path_factory.mktemp("phone")
    return make(folder, KINDS["hevc mp4 10 bit"], TIMES, rotation=90).read_bytes()


def send(api: Api, data: bytes, name: str = "film.jpg") -> httpx.Response:
    return api.client.post("/api/v1/media", files={"file": (name, data, "image/jpeg")})


def jobs(api: Api) -> list[Job]:
    with api.web.readers() as session:
        return list(session.scalars(select(Job)))


def get(api: Api, address: str, **headers: str) -> httpx.Response:
    return api.client.get(address, headers=headers)


def test_a_clip_is_known_by_its_content(api: Api, film: bytes) -> None:
    response = send(api, film)
    assert response.status_code == 201
    body = response.json()
    assert (body["kind"], body["format"], body["content_type"]) == ("clip", "MP4", "video/mp4")
    assert (body["width"], body["height"], body["frames"]) == (128, 96, 30)
    assert (body["fps"], body["duration_s"], body["codec"]) == (25.0, 1.2, "h264")
    assert body["playable"] == "original"
    assert jobs(api) == []
    poster = get(api, body["links"]["poster"])
    assert poster.headers["content-type"] == "image/jpeg"
    assert send(api, film).json()["stored"] is True


def test_the_original_is_played_by_range(api: Api, film: bytes) -> None:
    address = send(api, film).json()["links"]["playable"]
    whole = get(api, address)
    assert (whole.status_code, whole.content) == (200, film)
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-type"] == "video/mp4"
    part = get(api, address, Range="bytes=100-299")
    assert (part.status_code, part.content) == (206, film[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(film)}"
    assert get(api, address, Range=f"bytes={len(film)}-").status_code == 416
    etag = whole.headers["etag"]
    assert get(api, address, **{"If-None-Match": etag}).status_code == 304
    assert get(api, address, Range="bytes=0-9", **{"If-Range": etag}).status_code == 206
    assert get(api, address, Range="bytes=0-9", **{"If-Range": '"old"'}).status_code == 200


def test_the_times_of_the_frames_are_the_clips_own(api: Api, tmp_path: Path) -> None:
    kind = KINDS["h264 mp4"]
    times = uneven(30, kind.unit)
    body = send(api, make(tmp_path, kind, times).read_bytes()).json()
    answer = get(api, body["links"]["times"])
    assert answer.json()["times_s"] == pytest.approx([float(at * kind.unit) for at in times])
    known = {"If-None-Match": answer.headers["etag"]}
    assert get(api, body["links"]["times"], **known).status_code == 304
    with api.web.sessions.begin() as session:
        assert sweep(session, api.web.blobs, older_than=0.0) == 0
    photo = api.upload()
    assert "times" not in photo["links"]
    assert get(api, f"/api/v1/media/{photo['id']}/times").status_code == 404
    assert api.client.delete(body["links"]["self"]).status_code == 204
    assert get(api, body["links"]["times"]).status_code == 404


def test_a_copy_is_made_where_browsers_need_one(api: Api, phone: bytes) -> None:
    body = send(api, phone, "phone.mov").json()
    assert (body["playable"], body["codec"]) == ("waiting", "hevc")
    assert (body["width"], body["height"]) == (128, 96)
    refused = get(api, body["links"]["playable"])
    assert refused.status_code == 409
    assert "being made; try again" in refused.json()["detail"]
    assert [(job.kind, job.queue) for job in jobs(api)] == [("make_playable", "preparation")]
    import_all(api.settings)
    assert get(api, body["links"]["self"]).json()["playable"] == "ready"
    copy = get(api, body["links"]["playable"], Range="bytes=4-7")
    assert (copy.status_code, copy.content) == (206, b"ftyp")
    assert copy.headers["content-type"] == "video/mp4"
    assert get(api, body["links"]["content"]).content == phone
    assert [job.state for job in jobs(api)] == ["succeeded"]


def test_deleting_removes_the_copy_too(api: Api, phone: bytes) -> None:
    body = send(api, phone).json()
    import_all(api.settings)
    assert any(name.endswith("playable.mp4") for name in files_of(api.settings))
    assert api.client.delete(body["links"]["self"]).status_code == 204
    assert files_of(api.settings) == set()
    assert get(api, body["links"]["playable"]).status_code == 404


def test_one_deleted_while_it_waits_leaves_nothing(api: Api, phone: bytes) -> None:
    body = send(api, phone).json()
    assert api.client.delete(body["links"]["self"]).status_code == 204
    import_all(api.settings)
    assert files_of(api.settings) == set()
    assert [job.detail for job in jobs(api)] == ["The clip was deleted."]


def test_a_copy_that_cannot_be_made_is_told(
    api: Api, phone: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = send(api, phone).json()
    small = api.settings.model_copy(update={"max_clip_bytes": 2000})
    import_all(small)
    assert get(api, body["links"]["self"]).json()["playable"] == "failed"
    refused = get(api, body["links"]["playable"])
    assert refused.status_code == 404
    assert "save it as MP4" in refused.json()["detail"]
    assert not any("playable" in name for name in files_of(api.settings))
    (job,) = jobs(api)
    assert (job.state, job.error) == ("failed", "too_large")


def test_a_crash_of_the_decoder_leaves_worker_and_server_at_work(api: Api, tmp_path: Path) -> None:
    long = make(tmp_path, KINDS["mpeg4 avi"], list(range(2500))).read_bytes()
    body = send(api, long, "long.avi").json()
    assert body["playable"] == "waiting"
    killed = threading.Event()

    def kill() -> None:
        own = {child.pid for child in psutil.Process().children()}
        while not killed.is_set():
            for child in psutil.Process().children():
                busy = child.pid not in own and child.cpu_times().user > 0.6
                if busy:
                    child.send_signal(11)
                    killed.set()
            time.sleep(0.005)

    killing = threading.Thread(target=kill)
    killing.start()
    with importing(api.settings):
        wait_for(lambda: jobs(api)[0].state in {"succeeded", "failed"}, 60)
    killing.join()
    assert killed.is_set()
    assert jobs(api)[0].state == "succeeded", "another process has done it"
    assert get(api, body["links"]["playable"]).status_code == 200


ODD: dict[str, tuple[bytes, int, str]] = {
    "a text called .mp4": (
        b"This is a text, whatever its name says.",
        415,
        "not a photo or a clip",
    ),
    "a playlist": (b"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1/x.ts\n", 415, "not a photo or a clip"),
    "the head of a clip": (b"\0\0\0\x18ftypisom\0\0\2\0isommp41", 400, "damaged|no pictures"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_refused_leaves_nothing(api: Api, name: str) -> None:
    data, status, words = ODD[name]
    response = send(api, data, "clip.mp4")
    assert response.status_code == status, response.text
    assert any(word in response.json()["detail"] for word in words.split("|"))
    assert files_of(api.settings) == set()
    assert jobs(api) == []


TWO_TRACKS = {"torchcodec_nasa_13013.mp4"}


def test_every_odd_clip_is_taken_and_what_is_odd_is_told(api: Api, data_dir: Path) -> None:
    for path in sorted((data_dir / "clips_odd").iterdir()):
        response = send(api, path.read_bytes(), path.name)
        body: dict[str, Any] = response.json()
        assert response.status_code == 201, body
        assert body["kind"] == "clip"
        assert ("1 of 50 frames (2 %) cannot be read" in str(body["note"])) == (
            path.name == "decord_corrupted.mp4"
        )
        assert ("2 video tracks" in str(body["note"])) == (path.name in TWO_TRACKS)
        copied = path.name.endswith((".mkv", "10bits.mp4", "corrupted.mp4")) | (
            path.name in TWO_TRACKS
        )
        plays = body["codec"] == "h264" and not copied
        assert body["playable"] == ("original" if plays else "waiting")
