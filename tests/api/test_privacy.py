"""What others than the owner get: no file's name, no metadata, no answer from others' uploads."""

from __future__ import annotations

import html
import io
import json
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import select

from app.db.tables import Job
from app.jobs.parameters import DrawFigureJob
from app.media.deletion import sweep
from tests.support.backend import photo
from tests.support.clip_files import KINDS, make
from tests.support.import_worker import import_all
from tests.support.signing_in import signed_in
from tests.support.web import Api, files_of

NAME = "grandma's garden.jpg"
SECRET = b"52.5163, 13.3777"  # where it was taken
EXAMPLE = Path(__file__).parents[2] / "static" / "examples" / "church.jpg"


@pytest.fixture
def stranger(api: Api) -> Iterator[httpx.Client]:
    with api.visitor() as client:
        yield client


@pytest.fixture
def admin(api: Api) -> Iterator[httpx.Client]:
    with api.visitor() as client:
        yield signed_in(client)


def told(kind: str) -> bytes:
    """A photo that says where it was taken, in EXIF (with GPS), XMP and a comment."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()  # ImageDescription
    exif[0x8825] = {
        1: "N",
        2: (52.0, 30.0, 58.68),
        3: "E",
        4: (13.0, 22.0, 39.72),
        29: "2026:05:01",
    }
    file, picture = io.BytesIO(), Image.open(io.BytesIO(photo()))
    comment = {} if kind in {"TIFF", "WEBP"} else {"comment": SECRET}
    if kind == "PNG":
        text = PngInfo()
        text.add_text("comment", SECRET.decode())
        comment = {"pnginfo": text}
    picture.save(file, kind, exif=exif.tobytes(), **comment)
    assert SECRET in file.getvalue()
    if kind != "GIF":
        assert Image.open(file).getexif().get_ifd(0x8825)[1] == "N"
    return file.getvalue()


def told_clip(folder: Path) -> bytes:
    """A clip that browsers play, with a place and a title beside its pictures."""
    path = folder / "told.mp4"
    with (
        av.open(make(folder, KINDS["h264 mp4"], list(range(0, 1200, 40)))) as source,
        av.open(path, "w") as made,
    ):
        made.metadata.update({"location": "+52.5163+013.3777/", "title": SECRET.decode()})
        stream = made.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    data = path.read_bytes()
    assert SECRET in data
    assert b"loci" in data, "the place"
    return data


def sent(api: Api, data: bytes, name: str = NAME) -> Any:
    media = api.upload(data, name=name)
    assert media["filename"] == name
    return media


def content(client: httpx.Client, media: Any) -> httpx.Response:
    return client.get(media["links"]["content"])


def has_no_metadata(view: bytes) -> bool:
    with Image.open(io.BytesIO(view)) as image:
        image.load()
        return {name for name, _ in image.applist} <= {"APP0"} and not image.getexif()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_others_get_a_photo_without_what_it_says_of_itself(
    api: Api, stranger: httpx.Client, admin: httpx.Client, kind: str
) -> None:
    data = told(kind)
    media = sent(api, data)
    for one in (api.client, admin):
        answer = content(one, media)
        assert answer.content == data
        assert "grandma" in answer.headers["content-disposition"]
        assert answer.headers["vary"] == "Cookie, Authorization"
    answer = content(stranger, media)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''photo.jpg"
    assert answer.content == stranger.get(media["links"]["view"]).content
    assert has_no_metadata(answer.content)
    assert has_no_metadata(stranger.get(media["links"]["view"], params={"size": "224"}).content)
    own = {"If-None-Match": content(api.client, media).headers["etag"]}
    assert stranger.get(media["links"]["content"], headers=own).status_code == 200


def test_only_the_owner_and_admins_see_the_files_name(
    api: Api, stranger: httpx.Client, admin: httpx.Client
) -> None:
    media = sent(api, told("JPEG"))
    made = api.analyse(media["id"])
    api.finish(made["id"])
    for client, name in ((api.client, NAME), (admin, NAME), (stranger, "photo.jpg")):
        assert client.get(media["links"]["self"]).json()["filename"] == name
        text = html.unescape(client.get(made["links"]["page"]).text)
        assert f"<title>{name} · Sightline" in text
        assert ("grandma" in text) is (name == NAME)
    for address in (made["links"]["self"], made["links"]["events"], made["links"]["heatmaps"]):
        assert "grandma" not in api.client.get(address).text, "streams are shared"


def test_an_analysis_of_somebody_elses_photo_does_not_tell_its_name(
    api: Api, stranger: httpx.Client
) -> None:
    media = sent(api, photo())
    api.analyse(media["id"], stranger)
    (listed,) = stranger.get("/api/v1/analyses").json()["items"]
    assert listed["filename"] == "photo.jpg"
    assert "grandma" not in stranger.get("/").text + stranger.get("/yours").text
    for word, found in (("grandma", 0), ("", 1)):
        part = stranger.get("/api/v1/analyses", params={"search": word}).json()
        assert len(part["items"]) == found
    api.analyse(media["id"])
    assert (
        len(api.client.get("/api/v1/analyses", params={"search": "grandma"}).json()["items"]) == 1
    )


def test_the_export_for_others_has_the_copy_only(
    api: Api, stranger: httpx.Client, admin: httpx.Client
) -> None:
    data = told("JPEG")
    media = sent(api, data)
    made = api.analyse(media["id"])
    api.finish(made["id"])
    for client in (api.client, admin):
        with zipfile.ZipFile(io.BytesIO(client.get(made["links"]["export"]).content)) as archive:
            assert archive.read(f"photo/{NAME}") == data
    answer = stranger.get(made["links"]["export"], params={"drawn": True})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        everything = {name: archive.read(name) for name in archive.namelist()}
    assert has_no_metadata(everything["photo/photo.jpg"])
    manifest = json.loads(everything["manifest.json"])["photo"]
    assert (manifest["filename"], manifest["file"]) == ("photo.jpg", "photo/photo.jpg")
    assert manifest["copy"] is True
    assert b"without the metadata" in everything["README.txt"]
    assert not [name for name, part in everything.items() if b"grandma" in part + name.encode()]


def test_the_figure_for_others_is_drawn_without_the_name(
    api: Api, stranger: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = sent(api, photo())
    made = api.analyse(media["id"])
    api.finish(made["id"])
    monkeypatch.setattr("app.web.analyses.figures.WAIT", 0.0)
    for client in (api.client, stranger):
        assert client.get(made["links"]["figure_svg"]).status_code == 503
    with api.web.readers() as session:
        asked = [
            DrawFigureJob.model_validate(job.params)
            for job in session.scalars(select(Job).where(Job.kind == "draw_figure"))
        ]
    assert {job.named for job in asked} == {True, False}
    assert len({job.key for job in asked}) == 2


def test_others_play_a_copy_of_a_clip(api: Api, stranger: httpx.Client, tmp_path: Path) -> None:
    data = told_clip(tmp_path)
    media = sent(api, data, "grandma.mp4")
    assert (media["playable"], content(api.client, media).content) == ("original", data)
    for part in ("content", "playable"):
        answer = stranger.get(media["links"][part])
        assert answer.status_code == 409
        assert "being made; try again" in answer.json()["detail"]
    seen = stranger.get(media["links"]["self"]).json()
    assert (seen["filename"], seen["playable"]) == ("clip.mp4", "waiting")
    import_all(api.settings)
    assert stranger.get(media["links"]["self"]).json()["playable"] == "ready"
    copy = stranger.get(media["links"]["playable"])
    assert copy.content == content(stranger, media).content != data
    assert not [word for word in (SECRET, b"loci", b"grandma") if word in copy.content]
    with av.open(io.BytesIO(copy.content)) as clip:
        assert set(clip.metadata) <= {
            "major_brand",
            "minor_version",
            "compatible_brands",
            "encoder",
        }
        assert sum(1 for _ in clip.decode(video=0)) == media["frames"]
    assert api.client.get(media["links"]["self"]).json()["playable"] == "original"
    assert api.client.get(media["links"]["playable"]).content == data
    with api.web.readers() as session:
        assert len(session.scalars(select(Job)).all()) == 1, "one copy, however often it is asked"
    with api.web.sessions.begin() as session:
        assert sweep(session, api.web.blobs, older_than=0.0) == 0
    assert api.client.delete(media["links"]["self"]).status_code == 204
    assert files_of(api.settings) == set()


def test_others_do_not_read_the_title_of_a_clips_track(
    api: Api, stranger: httpx.Client, tmp_path: Path
) -> None:
    path = tmp_path / "two.mkv"
    with av.open(path, "w") as made:
        streams = [made.add_stream("mpeg4", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            stream.metadata["title"] = "of “grandma”, (“1”)"
        for at in range(4):
            frame = av.VideoFrame.from_ndarray(np.full((96, 128, 3), 60 * at, np.uint8), "rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 25)
            for stream in streams:
                made.mux(stream.encode(frame))
        for stream in streams:
            made.mux(stream.encode(None))
    media = sent(api, path.read_bytes(), "two.mkv")
    assert "track 1 (“of “grandma”, (“1”)”) is used" in media["note"]
    seen = stranger.get(media["links"]["self"]).json()["note"]
    assert seen.startswith("The file has 2 video tracks: track 1 is used")
    assert "”" not in seen


def test_a_clip_that_cannot_be_copied_stays_its_owners(
    api: Api, stranger: httpx.Client, tmp_path: Path
) -> None:
    data = told_clip(tmp_path)
    media = sent(api, data, "grandma.mp4")
    assert stranger.get(media["links"]["playable"]).status_code == 409
    import_all(api.settings.model_copy(update={"max_clip_bytes": 2000}))
    for part in ("content", "playable"):
        assert stranger.get(media["links"][part]).status_code == 404
    assert stranger.get(media["links"]["self"]).json()["playable"] == "failed"
    assert api.client.get(media["links"]["self"]).json()["playable"] == "original"
    assert api.client.get(media["links"]["playable"]).content == data


def test_what_others_have_asked_answers_nobody_else(any_api: Api) -> None:
    """The same file and question: each visitor gets a computation of their own."""
    api = any_api
    first = api.analyse(api.upload()["id"])
    with api.visitor() as waiting, api.visitor() as later:
        assert api.analyse(api.upload(client=waiting)["id"], waiting)["state"] == "queued"
        api.finish(first["id"])
        for media_id in (api.upload(client=later)["id"], first["media_id"]):
            made = api.analyse(media_id, later)
            assert (made["state"], made["stored"], made["id"] != first["id"]) == (
                "queued",
                False,
                True,
            )
    assert api.analyse(first["media_id"])["id"] == first["id"]


def test_the_examples_are_answered_for_everybody(api: Api, stranger: httpx.Client) -> None:
    data = EXAMPLE.read_bytes()
    first = api.analyse(api.upload(data)["id"])
    api.finish(first["id"])
    own = api.upload(data, stranger)
    for media_id in (own["id"], first["media_id"]):
        made = api.analyse(media_id, stranger)
        assert (made["state"], made["stored"], made["media_id"]) == ("succeeded", True, media_id)
        assert made["id"] != first["id"]
