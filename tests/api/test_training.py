"""Studies, runs and their results over REST, with rows as a worker writes them."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
import pytest

from app.db import capabilities
from ml.train.form import form
from tests.support.signing_in import signed_in
from tests.support.training import add_dataset
from tests.support.training_rows import work, write_epoch
from tests.support.web import Api

BASE = "/api/v1"


@pytest.fixture
def dataset(api: Api) -> str:
    """A dataset, a published form, and a client that is signed in."""
    signed_in(api.client)
    with api.web.sessions.begin() as session:
        capabilities.put(session, capabilities.TRAINING, form())
    return add_dataset(api.web)  # type: ignore[arg-type]


def launch(api: Api, dataset: str, **options: Any) -> Any:
    response = api.client.post(f"{BASE}/training-runs", json={"dataset_id": dataset, **options})
    assert response.status_code == 202, response.text
    assert response.headers["location"] == response.json()["links"]["self"]
    return response.json()


def test_nothing_touched_trains_all_six_as_shipped(api: Api, dataset: str):
    study = launch(api, dataset)
    runs = study["runs"]
    assert [r["mechanism"] for r in runs] == [
        "plain", "l2pa", "gated", "gated-grid", "residual", "cbam",
    ]  # fmt: skip
    assert study["probes"] == [0, 4]
    residual = next(r for r in runs if r["mechanism"] == "residual")
    assert residual["config"]["size"] == 224
    assert residual["config"]["parameters"]["mask_start"] == "identity"
    assert runs[0]["config"]["size"] == 160
    assert {r["state"] for r in runs} == {"queued"}
    assert study["request"] == {"dataset_id": dataset}
    assert api.client.get(study["links"]["self"]).json() == study


def test_touched_values_win_and_seeds_make_runs(api: Api, dataset: str):
    options = {"mechanisms": ["cbam"], "seeds": [3, 5], "config": {"epochs": 7, "stages": ["late"]}}
    runs = launch(api, dataset, **options)["runs"]
    assert [r["seed"] for r in runs] == [3, 5]
    assert {r["config"]["epochs"] for r in runs} == {7}
    assert {tuple(r["config"]["stages"]) for r in runs} == {("late",)}
    scratch = launch(api, dataset, mechanisms=["cbam"], config={"start": "scratch"})["runs"][0]
    assert scratch["config"]["frozen_blocks"] == 0


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"mechanisms": ["nothing"]}, "there is no nothing"),
        ({"config": {"lrr": 1}}, "config: there is no lrr"),
        ({"config": {"epochs": 0}}, "config.epochs: a whole number, at least 1"),
        ({"config": {"epochs": 1.5}}, "config.epochs: a whole number"),
        ({"config": {"epochs": "2"}}, "config.epochs"),
        ({"config": {"epochs": True}}, "config.epochs"),
        ({"config": {"epochs": 10**400}}, "config.epochs"),
        ({"parameters": {"plain": {"dropout": 10**400}}}, "parameters.plain.dropout"),
        ({"name": "a\x00b"}, "name"),
        ({"config": {"amp": 1}}, "config.amp: true or false"),
        ({"config": {"optimiser": "lion"}}, "config.optimiser: one of adamw, sgd"),
        ({"config": {"optimiser": []}}, "config.optimiser"),
        ({"config": {"stages": ["top"]}}, "config.stages"),
        ({"config": {"stages": []}}, "config.stages"),
        ({"parameters": {"l2pa": {"depth": 3}}}, "parameters.l2pa: there is no depth"),
        ({"parameters": {"nothing": {}}}, "there is no nothing"),
        ({"probes": [8]}, "0 to 7"),
        ({"config": {"start": "checkpoint"}}, "start_run"),
        ({"start_run": "0" * 32}, "start_run: there is no such run"),
        ({"seeds": list(range(16))}, "at most 64 runs"),
        ({"seeds": [-1]}, "seeds"),
    ],
)
def test_a_wrong_launch_is_rejected(api: Api, dataset: str, options: Any, part: str):
    response = api.client.post(f"{BASE}/training-runs", json={"dataset_id": dataset, **options})
    assert response.status_code == 422
    assert part in response.json()["detail"]
    assert api.client.get(f"{BASE}/studies").json()["items"] == []


def test_nan_is_rejected(api: Api, dataset: str):
    for number in ("NaN", "Infinity", "-Infinity"):
        body = f'{{"dataset_id": "{dataset}", "config": {{"lr": {number}}}}}'
        headers = {"content-type": "application/json"}
        response = api.client.post(f"{BASE}/training-runs", content=body, headers=headers)
        assert response.status_code == 422


def test_without_a_worker_it_is_busy(api: Api):
    signed_in(api.client)
    assert api.client.get(f"{BASE}/training-form").status_code == 503
    body = {"dataset_id": "0" * 32}
    assert api.client.post(f"{BASE}/training-runs", json=body).status_code == 503


def test_pause_resume_cancel_move_and_delete(api: Api, dataset: str):
    runs = launch(api, dataset, mechanisms=["plain"], seeds=[0, 1, 2])["runs"]
    first, second, third = (run["links"]["self"] for run in runs)
    post = api.client.post
    assert post(f"{first}/resume").status_code == 409
    assert post(f"{first}/pause").json()["state"] == "paused"
    assert post(f"{first}/pause").status_code == 409
    assert post(f"{first}/move", json={"before": None}).status_code == 409
    assert post(f"{first}/resume").json()["state"] == "queued"
    assert post(f"{third}/move", json={"before": runs[0]["id"]}).status_code == 200
    assert queue(api) == [runs[2]["id"], runs[0]["id"], runs[1]["id"]]
    assert post(f"{third}/move", json={"before": None}).status_code == 200
    assert queue(api) == [run["id"] for run in runs]
    assert post(f"{second}/cancel").json()["state"] == "cancelled"
    assert post(f"{second}/cancel").status_code == 409
    assert api.client.delete(second).status_code == 204
    assert api.client.get(second).status_code == 404
    entries = api.client.get(f"{BASE}/audit").json()["items"]
    assert {"study.create", "run.pause", "run.move", "run.cancel", "run.delete"} <= {
        entry["action"] for entry in entries
    }


def queue(api: Api) -> list[str]:
    items = api.client.get(f"{BASE}/training-runs", params={"queue": True}).json()["items"]
    return [item["id"] for item in items]


def test_what_a_run_has_said(api: Api, dataset: str):
    run = launch(api, dataset, mechanisms=["gated"])["runs"][0]
    work(api, run)
    get, at = api.client.get, run["links"]["self"]
    whole = get(f"{at}/metrics").json()
    assert whole["points"]["step"] == list(range(1, 41))
    assert [epoch["step"] for epoch in whole["epochs"]] == [20, 40]
    later = get(f"{at}/metrics?after=30").json()
    assert (later["points"]["step"][0], len(later["epochs"]), later["last_step"]) == (31, 1, 40)
    thin = get(f"{at}/metrics?points=10").json()["points"]
    assert len(thin["step"]) <= 10
    assert thin["step"][0] == 1
    assert thin["step"][-1] == 40
    assert 9.0 in thin["loss"]  # the one peak
    lines = get(f"{at}/metrics.csv").text.splitlines()
    assert len(lines) == 41
    assert lines[20].split(",")[5] == "1"
    assert [note["text"] for note in get(f"{at}/log").json()["items"]] == ["Epoch 1", "Epoch 2"]
    maps = get(f"{at}/probes/2/attention.npy")
    assert np.load(io.BytesIO(maps.content)).shape == (2, 5)
    assert get(f"{at}/probes/3/attention.npy").status_code == 404
    assert get(f"{at}/checkpoint").content == b"abc"
    assert get(f"{at}/card").json() == {"mechanism": "gated"}


def test_answers_to_the_probes(api: Api, dataset: str):
    run = launch(api, dataset, mechanisms=["gated"], probes=[2, 7])["runs"][0]
    at = f"{run['links']['self']}/answers"
    assert api.client.get(at).json()["items"] == []
    work(api, run)
    first, second = api.client.get(at).json()["items"]
    assert (first["epoch"], first["predicted"]) == (1, [1, 1])
    assert first["confidence"] == pytest.approx([0.5 + 0.8 / 7, 0.9])
    assert api.client.get(f"{at}?after=1").json()["items"] == [second]


def test_confusion_and_its_images(api: Api, dataset: str):
    run = launch(api, dataset, mechanisms=["gated"])["runs"][0]
    at = run["links"]["self"]
    assert api.client.get(f"{at}/confusion").status_code == 404
    work(api, run)
    confusion = api.client.get(f"{at}/confusion").json()
    assert confusion["epoch"] == 2
    assert confusion["matrix"] == [[3, 1], [1, 3]]
    assert confusion["per_class"][0] == {"name": "blue", "images": 4, "accuracy": 0.75}
    assert [(w["index"], w["true"], w["predicted"]) for w in confusion["worst"]] == [
        (6, 1, 0),
        (2, 0, 1),
    ]
    cell = api.client.get(f"{at}/confusion/images?true=1&predicted=0&epoch=1").json()["items"]
    assert [item["index"] for item in cell] == [6]
    assert api.client.get(cell[0]["href"]).status_code in (200, 400, 404)


def events(api: Api, address: str, until: str, **options: Any) -> list[tuple[str, Any, str]]:
    """(event, data, id) up to the first event of this name."""
    received: list[tuple[str, Any, str]] = []
    with api.client.stream("GET", address, **options) as response:
        event: dict[str, str] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            event[name] = value
            if line == "" and "event" in event:
                received.append((event["event"], json.loads(event["data"]), event.get("id", "")))
                if event["event"] == until:
                    return received
                event = {}
    return received


def test_events_tell_everything_once_and_resume(api: Api, dataset: str):
    study = launch(api, dataset, mechanisms=["gated"])
    run = study["runs"][0]
    work(api, run)
    first = events(api, study["links"]["events"], "notes")
    assert [name for name, _, _ in first] == ["study", "points", "epochs", "notes"]
    assert first[1][1][run["id"]]["step"] == list(range(1, 41))
    assert len(first[2][1][run["id"]]) == 2
    fresh = api.client.get(study["links"]["self"]).json()
    write_epoch(api.web, run["id"], 3)
    last = first[-1][2]
    for options in ({"headers": {"Last-Event-ID": last}}, {"params": {"after": fresh["cursor"]}}):
        news = events(api, study["links"]["events"], "notes", **options)
        assert news[1][1][run["id"]]["step"] == list(range(41, 61))
        assert [note["text"] for note in news[-1][1][run["id"]]] == ["Epoch 3"]
    assert events(api, study["links"]["events"], "never")[-1][0] == "notes"  # all has ended
    alone = events(api, run["links"]["events"], "run")
    assert alone[0][1]["id"] == run["id"]


def test_publish_offers_a_model_and_unpublish_takes_it_back(api: Api, dataset: str):
    run = launch(api, dataset, mechanisms=["gated"])["runs"][0]
    at = run["links"]["self"]
    assert api.client.post(f"{at}/publish", json={}).status_code == 409
    work(api, run)
    made = api.client.post(f"{at}/publish", json={"title": "Mine"}).json()
    assert (made["id"], made["title"], made["source"]["run_id"]) == ("gated-2", "Mine", run["id"])
    models = [m["id"] for m in api.client.get(f"{BASE}/models").json()["items"]]
    assert models[-1] == "gated-2"
    api.publish("plain", "gated")  # a worker starts anew
    assert api.client.get(f"{BASE}/models/gated-2").status_code == 200
    assert api.client.post(f"{at}/publish", json={}).status_code == 409
    assert api.client.delete(at).status_code == 409
    assert api.client.delete(run["links"]["study"]).status_code == 409
    analysis = api.analyse(api.upload()["id"], models=["plain", "gated-2"])
    assert api.client.post(f"{at}/unpublish").json()["model_id"] is None
    assert api.client.get(f"{BASE}/models/gated-2").status_code == 404
    page = api.client.get(analysis["links"]["page"], headers={"accept": "text/html"})
    assert "Mine" in page.text  # a stored analysis still says what it asked for
    assert api.client.delete(run["links"]["study"]).status_code == 204


def test_titles_name_data_and_date_and_are_unique(api: Api, dataset: str):
    runs = launch(api, dataset, mechanisms=["gated"], seeds=[0, 1])["runs"]
    titles = []
    for run in runs:
        work(api, run)
        titles.append(api.client.post(f"{run['links']['self']}/publish", json={}).json()["title"])
    assert re.fullmatch(r"Gated, [^_]+, \d{1,2} [A-Z][a-z]{2} \d{4}", titles[0])
    assert titles[1] == f"{titles[0]} (2)"
    at = runs[1]["links"]["self"]
    assert api.client.post(f"{at}/unpublish").status_code == 200
    taken = api.client.post(f"{at}/publish", json={"title": titles[0].upper()})
    assert taken.status_code == 409
    assert "another title" in taken.json()["detail"]
    renamed = api.client.post(f"{at}/publish", json={"title": "my_own title"})
    assert renamed.json()["title"] == "my own title"


def test_a_taken_name_is_refused(api: Api, dataset: str):
    run = launch(api, dataset, mechanisms=["gated"])["runs"][0]
    work(api, run)
    response = api.client.post(f"{run['links']['self']}/publish", json={"model_id": "plain"})
    assert response.status_code == 409


CARD = {
    "mechanism": "gated",
    "parameters": {},
    "stages": ["early"],
    "backbone": "mobilenet_v2",
    "classes": ["a", "b"],
    "checkpoint": {"sha256": "0" * 64},
}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (json.dumps({**CARD, "mechanism": "none"}).encode(), "there is no none"),
        (json.dumps({**CARD, "classes": ["a", "a"]}).encode(), "same name"),
        (json.dumps({**CARD, "metrics": {"accuracy": "high"}}).encode(), "metrics.accuracy"),
        (json.dumps(CARD).encode(), "safetensors"),
    ],
)
def test_a_bad_import_is_rejected(api: Api, dataset: str, content: bytes, part: str):
    files = {"checkpoint": ("a.safetensors", b"\x80\x04pickle"), "card": ("a.json", content)}
    response = api.client.post(f"{BASE}/models/import", files=files)
    assert response.status_code == 422
    assert part in response.json()["detail"]
    assert list(api.web.blobs.keys("models")) == []


def test_an_import_needs_an_admin_and_both_files(api: Api, dataset: str):
    files = {"checkpoint": ("a", b"1")}
    assert api.visitor().post(f"{BASE}/models/import", files=files).status_code == 401
    assert api.client.post(f"{BASE}/models/import", files=files).status_code == 422
    assert api.client.post(f"{BASE}/models/import", content=b"x").status_code == 422
    assert api.client.delete(f"{BASE}/models/plain").status_code == 409
