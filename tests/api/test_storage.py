"""What uploads may take, how long they stay, and who may remove whose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from app.core.settings import Settings
from app.db.account_tables import AuditEntry
from app.db.tables import Analysis, Media, utcnow
from app.media.retention import delete_unused
from tests.support.backend import photo
from tests.support.signing_in import as_user, bearer, signed_in
from tests.support.web import Api, files_of, running

MEDIA, STORAGE = "/api/v1/media", "/api/v1/storage"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Api]:
    """A server where a visitor keeps three uploads, two analyses, and all together 200 kB."""
    limits = {"visitor_files": 3, "visitor_analyses": 2, "upload_bytes": 200_000}
    with running(Settings(home=tmp_path, min_free_bytes=0, **limits)) as api:  # type: ignore[arg-type]
        api.publish("plain")
        yield api


def send(api: Api, number: int, client: httpx.Client | None = None) -> httpx.Response:
    files = {"file": (f"{number}.jpg", photo(number))}
    return (client or api.client).post(MEDIA, files=files)


def test_a_visitor_keeps_so_much(small: Api) -> None:
    kept = [send(small, number) for number in range(3)]
    assert {answer.status_code for answer in kept} == {201}
    refused = send(small, 3)
    assert (refused.status_code, refused.json()["error"]) == (507, "quota_full")
    assert "delete some at /yours" in refused.json()["detail"]
    with small.visitor() as other:
        assert send(small, 4, other).status_code == 201
    assert small.client.delete(kept[0].json()["links"]["self"]).status_code == 204
    assert send(small, 3).status_code == 201


def test_analyses_have_a_limit_too(small: Api) -> None:
    media = [send(small, number).json()["id"] for number in range(3)]
    codes = [
        small.client.post("/api/v1/analyses", json={"media_id": one}).status_code for one in media
    ]
    assert codes == [202, 202, 507]


def test_all_together_keep_so_much_and_nothing_is_left_of_the_refused(small: Api) -> None:
    size = len(photo(0))
    accepted = 0
    for number in range(40):
        with small.visitor() as other:
            answer = send(small, number, other)
        if answer.status_code == 507:
            break
        accepted += 1
    assert answer.json()["error"] == "quota_full"
    assert (accepted - 1) * size < 200_000 < (accepted + 2) * size
    assert len([name for name in files_of(small.settings) if "original" in name]) == accepted


def test_unused_uploads_of_visitors_are_deleted(api: Api) -> None:
    """Not those of users, and not those that were analysed since."""
    old, used = api.upload(photo(1)), api.upload(photo(2))
    fresh = api.analyse(used["id"])
    token = bearer(api.client, "analyse")
    with api.visitor(headers=token) as program:
        kept = api.upload(photo(3), program)
    with api.web.sessions.begin() as session:
        session.execute(update(Media).values(created_at=utcnow() - timedelta(days=40)))
    new = api.upload(photo(4))
    assert delete_unused(api.web.sessions, api.web.blobs, 0) == 0
    assert delete_unused(api.web.sessions, api.web.blobs, 30) == 1
    with api.web.readers() as session:
        left = set(session.scalars(select(Media.id)))
    assert left == {used["id"], kept["id"], new["id"]}
    assert not any(old["id"] in name for name in files_of(api.settings))
    with api.web.sessions.begin() as session:
        session.execute(update(Analysis).values(created_at=utcnow() - timedelta(days=40)))
    assert delete_unused(api.web.sessions, api.web.blobs, 30) == 1
    assert api.client.get(fresh["links"]["self"]).status_code == 404


def test_a_visitor_deletes_everything_of_theirs_and_nothing_else(api: Api) -> None:
    with api.visitor() as other:
        theirs = api.upload(photo(9), other)
        mine = [api.upload(photo(number)) for number in range(3)]
        analysis = api.analyse(mine[0]["id"])
        foreign = api.analyse(theirs["id"])  # asked for by me, of another's photo
        assert api.client.delete(MEDIA).status_code == 204
        assert api.client.get(MEDIA).json()["items"] == []
        for gone in (analysis, foreign):
            assert api.client.get(gone["links"]["self"]).status_code == 404
        assert other.get(theirs["links"]["self"]).status_code == 200
    with api.visitor() as nobody:
        assert nobody.delete(MEDIA).status_code == 204


def test_an_admin_takes_down_what_is_anothers_and_the_audit_says_so(api: Api) -> None:
    upload, second = api.upload(photo(1)), api.upload(photo(2))
    analysis = api.analyse(second["id"])
    with api.visitor() as other, api.visitor() as user, api.visitor() as admin:
        as_user(user)
        signed_in(admin)
        for stranger in (other, user):
            assert stranger.delete(upload["links"]["self"]).status_code == 403
            assert stranger.delete(analysis["links"]["self"]).status_code == 403
        assert admin.delete(upload["links"]["self"]).status_code == 204
        assert admin.delete(analysis["links"]["self"]).status_code == 204
        assert api.client.get(upload["links"]["self"]).status_code == 404
        assert "took down the upload" in admin.get("/audit").text
    with api.web.readers() as session:
        made = session.execute(select(AuditEntry.action, AuditEntry.target)).all()
    assert ("takedown.upload", upload["id"]) in made
    assert ("takedown.analysis", analysis["id"]) in made


def test_an_own_deletion_is_nobodys_business(api: Api) -> None:
    assert api.client.delete(api.upload()["links"]["self"]).status_code == 204
    with api.web.readers() as session:
        assert session.scalars(select(AuditEntry)).all() == []


def test_the_admin_sees_what_takes_space_and_deletes_an_owners(api: Api) -> None:
    big, small = photo(1, size=(900, 700)), photo(2)
    with api.visitor() as other, api.visitor() as admin:
        api.upload(small)
        api.upload(big, other)
        for client in (api.client, other):
            assert client.get(STORAGE).status_code == 401
            assert client.get("/storage", follow_redirects=False).status_code in (303, 401)
        signed_in(admin)
        body = admin.get(STORAGE).json()
        assert body["uploads"] == {"bytes": len(big) + len(small), "files": 2, "analyses": 0}
        assert [owner["bytes"] for owner in body["owners"]] == [len(big), len(small)]
        [media] = [folder for folder in body["folders"] if folder["name"] == "media"]
        assert media["files"] == len(files_of(api.settings))
        owner = body["owners"][0]["owner"]
        page = admin.get(f"/storage?owner={owner}")
        assert page.status_code == 200
        assert "photo.jpg" in page.text
        assert admin.get("/storage").text.count("Delete all<") == 2
        assert other.delete(f"{STORAGE}/{owner}").status_code == 401
        assert admin.delete(f"{STORAGE}/{owner}").status_code == 204
        assert admin.delete(f"{STORAGE}/{owner}").status_code == 404
        assert other.get(MEDIA).json()["items"] == []
        assert len(api.client.get(MEDIA).json()["items"]) == 1
        assert "took down all uploads of" in admin.get("/audit").text


def test_visitors_are_told_how_long_uploads_stay(api: Api) -> None:
    assert "not used them for 30 days" in api.client.get("/").text
