"""An import that waits: what it has understood over REST, and a person's decisions."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.datasets.test_names import encoded_zip
from tests.datasets.test_uploads import refused, upload
from tests.support.archives import classes, picture, zip_of
from tests.support.import_worker import import_all
from tests.support.signing_in import signed_in
from tests.support.web import Api, files_of


def planned(api: Api, data: bytes, **fields: Any) -> tuple[Any, Any]:
    """A dataset that waits, and its plan."""
    client = signed_in(api.client)
    dataset = upload(client, data, review="true", **fields)
    import_all(api.settings)
    dataset = client.get(dataset["links"]["self"]).json()
    assert (dataset["state"], dataset["classes"]) == ("paused", [])
    return dataset, client.get(dataset["links"]["plan"]).json()


def confirmed(api: Api, dataset: Any, **decisions: Any) -> Any:
    address = dataset["links"]["self"]
    response = api.client.post(f"{address}/confirm", json=decisions)
    assert response.status_code == 200, response.text
    import_all(api.settings)
    return api.client.get(address).json()


def test_a_plan_is_looked_at_changed_and_made(any_api: Api) -> None:
    files = {
        **classes("cat", "dog", "bird", count=5, top="train/"),
        **{f"test/{n}.jpg": picture(900 + n) for n in range(3)},
        "docs/1.jpg": picture(99),
    }
    files["train/dog/wrong.jpg"] = files["train/cat/0.jpg"]
    dataset, plan = planned(any_api, zip_of(files), val_share="0.4")
    folders = {one["folder"]: one for one in plan["folders"]}
    assert folders["train/cat"] == {
        "folder": "train/cat",
        "root": "train",
        "files": 5,
        "use": "divide",
        "class_name": "cat",
        "reason": None,
    }
    assert (folders["test"]["files"], folders["test"]["use"]) == (3, None)
    assert folders["docs"]["reason"]
    assert plan["classes"][0] == {"name": "bird", "train": 3, "val": 2}
    (conflict,) = plan["conflicts"]
    assert (conflict["classes"], plan["question"]) == (["cat", "dog"], None)
    picked = f"{dataset['links']['plan']}/images/{conflict['sha256']}"
    answer = any_api.client.get(picked)
    assert Image.open(io.BytesIO(answer.content)).size == (48, 32)

    wrong = [{"folder": "test", "use": "val"}]
    address = f"{dataset['links']['self']}/confirm"
    refused(any_api.client.post(address, json={"folders": wrong}), 422, "no class")
    refused(any_api.client.post(address, json={"conflicts": {"0": "cat"}}), 422, "No conflict")
    made = confirmed(
        any_api,
        dataset,
        folders=[
            {"folder": "train", "use": "train"},
            {"folder": "train/bird", "use": "left_out"},
            {"folder": "train/cat", "class_name": "Katze"},
            {"folder": "test", "use": "val", "class_name": "Katze"},
        ],
        conflicts={conflict["sha256"]: "Katze"},
    )
    assert made["state"] == "succeeded", made["detail"]
    assert made["classes"] == [
        {"name": "Katze", "train": 5, "val": 3},
        {"name": "dog", "train": 5, "val": 0},
    ]
    kept = {name.rsplit("/", 1)[-1] for name in files_of(any_api.settings)}
    assert kept == {"index.json", *(f"{n:06d}" for n in range(13))}
    refused(any_api.client.get(dataset["links"]["plan"]), 409, "does not wait")
    refused(any_api.client.post(address, json={}), 409, "does not wait")


def test_split_words_are_no_classes_unless_a_person_says_so(api: Api) -> None:
    data = zip_of(classes("train", "bus", count=4))
    client = signed_in(api.client)
    hasty = upload(client, data)
    import_all(api.settings)
    hasty = client.get(hasty["links"]["self"]).json()
    assert (hasty["state"], "review" in hasty["detail"]) == ("failed", True)
    dataset, plan = planned(api, data)
    assert plan["question"]
    assert plan["problem"]
    refused(client.post(f"{dataset['links']['self']}/confirm", json={}), 422, "only one class")
    decision = {"folder": "train", "use": "divide", "class_name": "train"}
    made = confirmed(api, dataset, folders=[decision])
    assert [one["name"] for one in made["classes"]] == ["bus", "train"]


def test_another_encoding_is_another_plan(api: Api) -> None:
    """A cat in GBK is valid UTF-8, for another letter."""
    data = encoded_zip(classes("猫", "狗", count=4), "gbk")
    dataset, plan = planned(api, data)
    assert (plan["encoding"], plan["classes"][0]["name"]) == ("gb18030", "狗")
    again = confirmed(api, dataset, encoding="cp949")
    assert again["state"] == "paused"
    plan = api.client.get(dataset["links"]["plan"]).json()
    assert (plan["encoding"], plan["classes"][0]["name"]) == ("cp949", "뭍")
    assert confirmed(api, again, encoding="gb18030")["state"] == "paused"
    made = confirmed(api, again)
    assert [one["name"] for one in made["classes"]] == ["狗", "猫"]


def test_a_waiting_import_is_cancelled_and_leaves_nothing(api: Api) -> None:
    dataset, _ = planned(api, zip_of(classes("cat", "dog", count=3)))
    assert any("staged" in name for name in files_of(api.settings))
    assert api.client.post(f"{dataset['links']['self']}/cancel").json()["state"] == "cancelled"
    assert files_of(api.settings) == set()


def test_work_that_is_lost_is_done_again(api: Api) -> None:
    """A worker may die while it moves the files: the archive is still there."""
    dataset, _ = planned(api, zip_of(classes("cat", "dog", count=3)))
    (work,) = (api.settings.blob_dir / "datasets" / dataset["id"]).glob("work-*")
    min(work.iterdir()).unlink()
    made = confirmed(api, dataset, folders=[{"folder": "cat", "class_name": "Katze"}])
    assert [one["name"] for one in made["classes"]] == ["Katze", "dog"]
    assert made["train_images"] + made["val_images"] == 6


def test_tables_and_shards_get_a_sentence(api: Api) -> None:
    client = signed_in(api.client)
    for files, says in (
        ({"1.jpg": picture(1), "labels.csv": b"file,label"}, "folder for each class"),
        ({"1.jpg": picture(1), "shard-000000.tar": b"x"}, "WebDataset"),
        ({"00.jpg": picture(1), "00.cls": b"3"}, "WebDataset"),
    ):
        dataset = upload(client, zip_of(files))
        import_all(api.settings)
        assert says in client.get(dataset["links"]["self"]).json()["detail"]
