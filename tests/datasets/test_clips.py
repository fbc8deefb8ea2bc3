"""Datasets of clips: checked, counted and shown as those of images."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from app.core.settings import Settings
from tests.datasets.test_uploads import DATASETS, imported
from tests.support.archives import classes, picture, zip_of
from tests.support.clip_archives import clip_bytes, clip_classes
from tests.support.import_worker import import_all
from tests.support.signing_in import signed_in
from tests.support.web import Api, running


def test_an_archive_of_clips_becomes_a_dataset(api: Api) -> None:
    files = clip_classes(4)
    whole = files["left/0.mp4"]
    odd = {
        "left/cut.mp4": whole[: len(whole) // 2],
        "left/words.mp4": b"no clip at all",
        "right/poster.jpg": picture(1),
        "right/again.mp4": files["right/0.mp4"],
    }
    dataset = imported(api, zip_of({**files, **odd}), name="moves")
    assert (dataset["state"], dataset["kind"]) == ("succeeded", "clips"), dataset["detail"]
    assert dataset["message"] == "9 clips"
    assert dataset["classes"][0] == {"name": "left", "train": 3, "val": 1}
    report = dataset["report"]
    assert {one["name"] for one in report["broken"]} == {"left/cut.mp4", "left/words.mp4"}
    assert report["left_out"] == [
        {"name": "right/poster.jpg", "reason": "the other files are clips", "files": 1}
    ]
    assert report["duplicates"][0]["names"] == ["right/0.mp4", "right/again.mp4"]
    for size in (96, 224):
        address = f"{dataset['links']['images']}/train/0?size={size}"
        poster = api.client.get(address)
        assert poster.headers["content-type"] == "image/jpeg"
        assert max(Image.open(io.BytesIO(poster.content)).size) == 64  # never larger than it is


def test_more_images_than_clips_are_a_dataset_of_images(api: Api) -> None:
    dataset = imported(api, zip_of({**classes("cat", "dog"), "cat/one.mp4": clip_bytes(1)}))
    assert (dataset["kind"], dataset["message"]) == ("images", "20 images")
    assert dataset["report"]["left_out"][0]["reason"] == "the other files are images"


def test_a_folder_of_clips_is_read_in_place(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for split, count, seed in (("train", 3, 0), ("val", 2, 50)):
        for name, data in clip_classes(count, top=f"moves/{split}/", seed=seed).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
    with running(Settings(home=tmp_path / "home", min_free_bytes=0, data=root)) as api:
        client = signed_in(api.client)
        assert client.get(f"{DATASETS}/folders").json()["items"] == ["moves"]
        dataset = client.post(f"{DATASETS}/from-folder", json={"folder": "moves"}).json()
        import_all(api.settings)
        done = client.get(dataset["links"]["self"]).json()
        assert (done["state"], done["kind"]) == ("succeeded", "clips")
        assert done["classes"][1] == {"name": "right", "train": 3, "val": 2}
