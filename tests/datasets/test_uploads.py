"""Datasets over REST, on each kind of database: brought, followed, looked at, deleted."""

from __future__ import annotations

import io
import json
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from app.core.settings import Settings
from app.db import accounts
from app.db.tables import Base
from app.db.training_tables import Study
from app.web.http.multipart import PIECE
from tests.support.archives import classes, picture, split, tar_of, zip_of
from tests.support.backend import wait_for
from tests.support.import_worker import import_all
from tests.support.signing_in import signed_in
from tests.support.web import Api, files_of, running

DATASETS = "/api/v1/datasets"


def upload(client: httpx.Client, data: bytes, name: str = "pets.zip", **fields: Any) -> Any:
    response = client.post(DATASETS, files={"file": (name, data)}, data=fields)
    assert response.status_code == 202, response.text
    assert response.headers["location"] == response.json()["links"]["self"]
    return response.json()


def refused(response: httpx.Response, status: int, says: str) -> None:
    assert response.status_code == status, response.text
    assert re.search(says, response.json()["detail"])


def imported(api: Api, data: bytes, **fields: Any) -> Any:
    client = signed_in(api.client)
    dataset = upload(client, data, **fields)
    import_all(api.settings)
    return client.get(dataset["links"]["self"]).json()


def test_an_archive_becomes_a_dataset(any_api: Api) -> None:
    dataset = imported(any_api, tar_of(split("cat", "dog"), "w:gz"), name="Haustiere")
    assert (dataset["state"], dataset["name"], dataset["progress"]) == ("succeeded", "Haustiere", 1)
    assert dataset["classes"] == [
        {"name": "cat", "train": 8, "val": 4},
        {"name": "dog", "train": 8, "val": 4},
    ]
    assert (dataset["train_images"], dataset["val_images"]) == (16, 8)
    assert dataset["created_by"] == "admin"
    assert files_of(any_api.settings) == {
        f"datasets/{dataset['id']}/index.json",
        *(f"datasets/{dataset['id']}/{n:06d}" for n in range(24)),
    }
    listed = any_api.client.get(DATASETS).json()
    assert listed == {"items": [dataset], "next": None}


def test_the_split_is_asked_for(api: Api) -> None:
    dataset = imported(api, zip_of(classes("cat", "dog", count=20)), val_share="0.4", seed="7")
    assert dataset["classes"][0] == {"name": "cat", "train": 12, "val": 8}
    report = dataset["report"]
    assert (report["split"], report["seed"], report["val_share"]) == ("made", 7, 0.4)


def test_lists_come_in_parts(api: Api) -> None:
    client = signed_in(api.client)
    made = [upload(client, zip_of(classes("a", "b", count=1)), f"{n}.zip")["id"] for n in range(3)]
    part = client.get(DATASETS, params={"limit": 2}).json()
    rest = client.get(DATASETS, params={"limit": 2, "cursor": part["next"]}).json()
    assert [one["id"] for one in part["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None


def test_what_fails_says_why_and_leaves_nothing(api: Api) -> None:
    files = {**classes("cat"), "dog/1.jpg": b"broken"}
    dataset = imported(api, zip_of(files))
    assert (dataset["state"], dataset["error"]) == ("failed", "unprocessable")
    assert "only one class" in dataset["detail"]
    assert dataset["report"]["broken"][0]["name"] == "dog/1.jpg"
    assert files_of(api.settings) == set()


def test_what_is_no_archive_is_refused_at_once(api: Api) -> None:
    client = signed_in(api.client)
    for data, status, says in ((b"text", 415, "neither"), (b"", 400, "0 bytes")):
        refused(client.post(DATASETS, files={"file": ("a.zip", data)}), status, says)
    refused(client.post(DATASETS, files={"other": ("a.zip", b"x")}), 422, "called `file`")
    data = {"val_share": "2"}
    good = {"file": ("a.zip", zip_of(classes("cat", "dog")))}
    refused(client.post(DATASETS, files=good, data=data), 422, "val_share")
    assert files_of(api.settings) == set()
    assert client.get(DATASETS).json()["items"] == []


def test_limits_and_broken_connections_leave_nothing(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, min_free_bytes=0, max_archive_bytes=400_000)
    with running(settings) as api:
        client = signed_in(api.client)
        data = zip_of(classes("cat", "dog", count=40)) + bytes(400_000)
        refused(client.post(DATASETS, files={"file": ("a.zip", data)}), 413, "larger than")
        assert files_of(settings) == set()
        host, port = api.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = (
                f"POST {DATASETS} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 350000\r\n"
                f"Cookie: {'; '.join(f'{k}={v}' for k, v in client.cookies.items())}\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\nContent-Disposition: "
                'form-data; name="file"; filename="a.zip"\r\n\r\nPK\x03\x04'
            )
            connection.sendall(head.encode() + bytes(PIECE))
            wait_for(lambda: files_of(settings) != set())
        wait_for(lambda: files_of(settings) == set())
    full = settings.model_copy(update={"min_free_bytes": 1 << 60})
    with running(full) as api:
        client = signed_in(api.client)
        good = zip_of(classes("cat", "dog", count=2))
        refused(client.post(DATASETS, files={"file": ("a.zip", good)}), 507, "no room")
    assert files_of(full) == set()


def test_a_folder_is_read_in_place(tmp_path: Path) -> None:
    root, outside = tmp_path / "data", tmp_path / "outside"
    for name, data in split("cat", "dog", top="pets/").items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(picture(99))
    (root / "pets/train/cat/out.jpg").symlink_to(outside / "secret.jpg")
    (root / "pets/train/cat/loop").symlink_to(root / "pets/train")
    (root / "shared.jpg").write_bytes(picture(98))
    (root / "pets/train/cat/in.jpg").symlink_to(root / "shared.jpg")
    (root / "escape").symlink_to(outside)
    (root / "videos/train/x").mkdir(parents=True)
    with running(Settings(home=tmp_path / "home", min_free_bytes=0, data=root)) as api:
        client = signed_in(api.client)
        assert client.get(f"{DATASETS}/folders").json()["items"] == ["pets"]
        wrong = ("../outside", "escape", "/etc", ".", "nothing", "pets/../..", "a\0b", "0" * 1000)
        for folder in wrong:
            response = client.post(f"{DATASETS}/from-folder", json={"folder": folder})
            refused(response, 404, "no such folder")
        dataset = client.post(f"{DATASETS}/from-folder", json={"folder": "pets"}).json()
        import_all(api.settings)
        done = client.get(dataset["links"]["self"]).json()
        assert (done["state"], done["name"], done["source"]) == ("succeeded", "pets", "folder")
        assert done["classes"][0] == {"name": "cat", "train": 9, "val": 4}
        named = {one["name"] for one in done["report"]["left_out"]}
        assert named == {"train/cat/out.jpg", "train/cat/loop"}
        assert files_of(api.settings) == {f"datasets/{done['id']}/index.json"}
        image = client.get(f"{done['links']['images']}/train/0?size=96")
        assert image.headers["content-type"] == "image/jpeg"
        assert client.delete(done["links"]["self"]).status_code == 204
        assert files_of(api.settings) == set()
        assert len(list(root.rglob("pets/**/*.jpg"))) == 26


def test_images_are_small_kept_and_right(api: Api) -> None:
    files = split("cat", "dog")
    dataset = imported(api, zip_of(files))
    images = dataset["links"]["images"]
    names = sorted(name for name in files if name.startswith("val/"))
    for index, name in enumerate(names):
        answer = api.client.get(f"{images}/val/{index}?size=full")
        shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"), np.float32)
        true = np.asarray(Image.open(io.BytesIO(files[name])).convert("RGB"), np.float32)
        assert shown.shape == true.shape
        assert np.abs(shown - true).mean() < 8
    first = api.client.get(f"{images}/train/3?size=96")
    assert "immutable" in first.headers["cache-control"]
    tag = {"If-None-Match": first.headers["etag"]}
    assert api.client.get(f"{images}/train/3?size=96", headers=tag).status_code == 304
    assert api.client.get(f"{images}/train/3?size=96").content == first.content
    refused(api.client.get(f"{images}/val/8"), 404, "0 to 7")
    assert api.client.get(f"{images}/test/0").status_code == 404
    assert api.client.get(f"{images}/val/0?size=9000").status_code == 422


def test_events_tell_of_the_import(api: Api) -> None:
    client = signed_in(api.client)
    dataset = upload(client, zip_of(split("cat", "dog")))
    seen = []
    with client.stream("GET", dataset["links"]["events"]) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                seen.append(json.loads(line.removeprefix("data:")))
                if len(seen) == 1:
                    import_all(api.settings)
    assert seen[0]["state"] == "queued"
    assert seen[-1]["state"] == "succeeded"
    assert seen[-1]["train_images"] == 16
    revisions = [one["revision"] for one in seen]
    assert revisions == sorted(set(revisions))


def test_deleting_removes_everything(any_api: Api) -> None:
    dataset = imported(any_api, zip_of(split("cat", "dog")))
    address = dataset["links"]["self"]
    any_api.client.get(f"{dataset['links']['images']}/train/0?size=96")
    with any_api.web.sessions.begin() as session:
        study = Study(name="s", dataset_id=dataset["id"], request={}, probes=[], created_by="admin")
        session.add(study)
    refused(any_api.client.delete(address), 409, "study uses")
    with any_api.web.sessions.begin() as session:
        session.delete(session.get(Study, study.id))
    assert any_api.client.delete(address).status_code == 204
    assert any_api.client.get(address).status_code == 404
    assert any_api.client.get(f"{dataset['links']['images']}/train/0").status_code == 404
    assert files_of(any_api.settings) == set()
    with any_api.web.readers() as session:
        tables = {table.name: table for table in Base.metadata.sorted_tables}
        assert session.execute(tables["jobs"].select()).all() == []
        acted = {entry.action for entry in accounts.audit_page(session, 10, None, None)}
    assert {"dataset.create", "dataset.delete"} <= acted


def test_a_waiting_import_is_cancelled(api: Api) -> None:
    client = signed_in(api.client)
    dataset = upload(client, zip_of(split("cat", "dog")))
    assert client.post(f"{dataset['links']['self']}/cancel").json()["state"] == "cancelled"
    assert files_of(api.settings) == set()
    refused(client.post(f"{dataset['links']['self']}/cancel"), 409, "ended already")
    import_all(api.settings)
    assert client.get(dataset["links"]["self"]).json()["state"] == "cancelled"


def test_the_pages_are_only_for_those_who_signed_in(api: Api) -> None:
    asks = {"accept": "text/html"}
    answer = api.client.get("/datasets", headers=asks, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")
    dataset = imported(api, zip_of(split("<i>cat", "dog")))
    for path in ("/datasets", dataset["links"]["page"]):
        page = api.client.get(path, headers=asks)
        assert page.status_code == 200
        assert "<i>cat" not in page.text
