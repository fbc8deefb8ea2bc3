"""Analyses: asking, defaults, refusals, answers from the store, stopping, deleting."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from app.db import analyses as rows
from app.db import jobs as job_rows
from app.db import models as model_rows
from app.db.tables import Analysis, Job, Prediction
from app.jobs.doorbell import Doorbell
from app.jobs.service import request_cancel
from app.web.http.examples import MODEL
from ml.media.photo import made_small
from ml.media.place import Place
from tests.support.backend import photo
from tests.support.web import CLASSES, Api, card, files_of


def ask(api: Api, **body: Any) -> Any:
    return api.client.post("/api/v1/analyses", json=body)


def test_asking_queues_a_job_and_says_where_to_look(api: Api) -> None:
    media = api.upload()
    response = ask(api, media_id=media["id"])
    assert response.status_code == 202
    body = response.json()
    assert response.headers["location"] == body["links"]["self"]
    assert (body["state"], body["progress"], body["stored"]) == ("queued", 0, False)
    assert body["request"] == {
        "media_id": media["id"],
        "models": ["plain", "gated"],
        "methods": ["attention", "gradcam"],
        "target": "top",
        "input_size": 224,
        "fit": "shape",
    }
    with api.web.readers() as session:
        job = session.scalars(select(Job)).one()
    assert (job.kind, job.queue, job.params) == (
        "analyse_image",
        "inference",
        {"analysis_id": body["id"]},
    )


def test_the_doorbell_rings_after_the_row_can_be_seen(api: Api) -> None:
    seen: list[bool] = []

    class Watching(Doorbell):
        def ring(self, queue: str, job_id: str) -> None:
            with api.web.readers() as session:
                seen.append(queue == "inference" and job_rows.get(session, job_id) is not None)

    api.web.sessions.configure(info={"doorbell": Watching()})
    api.analyse(api.upload()["id"])
    assert seen == [True]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"models": ["nobody"]}, "there is no nobody; there are plain, gated"),
        ({"methods": ["guessing"]}, "guessing"),
        ({"models": ["plain"], "methods": ["attention"]}, "no attention"),
        ({"target": "zebra"}, "no class 'zebra'"),
        ({"target": 3}, "0 to 2"),
        ({"target": -1}, "0 to 2"),
        ({"target": ""}, "target"),
        ({"target": True}, "target"),
        ({"models": []}, "models"),
        ({"input_size": 95}, "96"),
        ({"input_size": 513}, "512"),
        ({"input_size": 224.5}, "integer"),
        ({"fit": "stretch"}, "'shape', 'squash' or 'crop'"),
        ({"place": {"share": 0.05, "x": 0, "y": 0}}, "0.1"),
        ({"place": {"share": 1.5, "x": 0, "y": 0}}, "place.share"),
        ({"place": {"share": 0.5, "x": -0.1, "y": 0}}, "place.x"),
        ({"place": {"share": 0.5, "x": 0}}, "place.y"),
        ({"place": {"share": True, "x": 0, "y": 0}}, "place.share"),
        ({"place": "0.5,0,1"}, "place"),
        ({"speed": "fast"}, "speed"),
        ({"media_id": "x"}, "media_id"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said(api: Api, asked: dict[str, Any], words: str) -> None:
    response = ask(api, **{"media_id": api.upload()["id"], **asked})
    assert response.status_code == 422
    assert response.json()["error"] == "unprocessable"
    assert words in response.json()["detail"]


def test_targets_are_known_by_index_and_by_name_in_any_case(api: Api) -> None:
    media_id = api.upload()["id"]
    assert api.analyse(media_id, target=1)["request"]["target"] == 1
    assert api.analyse(media_id, target="CHURCH")["request"]["target"] == "church"
    assert api.analyse(media_id, input_size=160.0)["request"]["input_size"] == 160


def test_a_photo_keeps_its_shape_unless_asked_otherwise(api: Api) -> None:
    media_id = api.upload()["id"]
    given = api.analyse(media_id)
    assert given["request"]["fit"] == "shape"
    assert api.analyse(media_id, fit="shape")["id"] == given["id"]
    for fit in ("squash", "crop"):
        other = api.analyse(media_id, fit=fit)
        assert (other["request"]["fit"], other["id"] != given["id"]) == (fit, True)


def test_a_photo_made_small_is_another_question_with_its_own_picture(api: Api) -> None:
    media = api.upload()
    whole = api.analyse(media["id"])
    assert "place" not in whole["request"]
    assert api.analyse(media["id"], place=None)["id"] == whole["id"]
    place = {"share": 0.5, "x": 1.0, "y": 0.0}
    small = api.analyse(media["id"], place=place)
    assert small["request"] == whole["request"] | {"place": place}
    assert small["id"] != whole["id"]
    assert whole["links"]["view"] == media["links"]["view"]
    seen = _pixels(api.client.get(small["links"]["view"]))
    view = Image.open(io.BytesIO(api.client.get(media["links"]["view"]).content))
    expected = made_small(view, 896, Place(**place)).astype(int)
    assert seen.shape == expected.shape == (896, 896, 3)
    assert np.abs(seen - expected).mean() < 4, "but for JPEG they are equal"
    thumbnail = _pixels(api.client.get(small["links"]["view"], params={"size": 224}))
    assert thumbnail.shape == (224, 224, 3)
    listed = {
        one["id"]: one["links"]["view"]
        for one in api.client.get("/api/v1/analyses").json()["items"]
    }
    assert listed[small["id"]] == small["links"]["view"]
    page = api.client.get(small["links"]["page"]).text
    assert "data-placed" in page
    assert small["links"]["view"] in page


def _pixels(response: httpx.Response) -> np.ndarray:
    assert response.headers["content-type"] == "image/jpeg"
    return np.asarray(Image.open(io.BytesIO(response.content)), int)


def test_a_result_of_an_earlier_version_reads_as_squashed(api: Api) -> None:
    media_id = api.upload()["id"]
    first = api.analyse(media_id, fit="squash")
    api.finish(first["id"])
    with api.web.sessions.begin() as session:
        row = session.get_one(Analysis, first["id"])
        row.request = {name: value for name, value in row.request.items() if name != "fit"}
    read = api.client.get(first["links"]["self"]).json()
    assert read["request"] == first["request"]
    assert "squashed to a square" in api.client.get(first["links"]["page"]).text
    assert api.analyse(media_id, fit="squash")["id"] == first["id"]


def test_a_class_needs_one_model_that_has_it(api: Api) -> None:
    """The others explain none; an index counts in each model's own list."""
    with api.web.sessions.begin() as session:
        wide = card(0, "wide", classes=["zebra", *CLASSES, "Golfcart"])
        model_rows.publish(session, [wide, card(1, "plain")])
    media_id = api.upload()["id"]
    for target, kept in (("golfCART", "Golfcart"), (4, 4), ("church", "church")):
        asked = api.analyse(media_id, target=target)["request"]
        assert (asked["target"], asked["models"]) == (kept, ["wide", "plain"])
    for target, words in (
        ("quagga", "wide has no class 'quagga'"),
        (5, "wide has the classes 0 to 4"),
    ):
        refused = ask(api, media_id=media_id, target=target)
        assert refused.status_code == 422
        assert words in refused.json()["detail"]
    refused = ask(api, media_id=media_id, target="golfcart", models=["plain"])
    assert refused.status_code == 422


def test_a_broken_body_gets_the_same_shape(api: Api) -> None:
    json_type = {"Content-Type": "application/json"}
    for content in (b"{", b"[]", b"null", b'{"media_id": "\\ud800"}', b'{"\\ud800": 1}'):
        response = api.client.post("/api/v1/analyses", content=content, headers=json_type)
        assert response.status_code == 422, content
        assert set(response.json()) == {"error", "detail"}


def test_without_the_photo_or_without_models_there_is_no_analysis(api: Api) -> None:
    missing = ask(api, media_id="0" * 32)
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")
    media_id = api.upload()["id"]
    api.publish()
    busy = ask(api, media_id=media_id)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
    assert "loading" in busy.json()["detail"]


def test_the_same_question_is_answered_from_the_store(api: Api) -> None:
    media_id = api.upload()["id"]
    first = api.analyse(media_id)
    waiting = ask(api, media_id=media_id, models=["plain", "gated", "plain"])
    assert (waiting.status_code, waiting.json()["id"]) == (202, first["id"])  # under way already
    api.finish(first["id"])
    again = ask(api, media_id=media_id, methods=["gradcam", "attention"])
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["stored"]) == (first["id"], True)
    others = {"models": ["plain"]}, {"target": 1}, {"input_size": 160}, {"fit": "crop"}
    for other in others:
        assert ask(api, media_id=media_id, **other).status_code == 202


def test_rows_keep_the_order_of_the_request(api: Api) -> None:
    media_id = api.upload()["id"]
    first = api.analyse(media_id)
    api.finish(first["id"])
    turned = [ask(api, media_id=media_id, models=["gated", "plain", "gated"]) for _ in range(2)]
    assert [one.status_code for one in turned] == [200, 200]  # nothing is computed again
    assert turned[0].json()["request"]["models"] == ["gated", "plain"]
    assert turned[0].json()["id"] == turned[1].json()["id"] != first["id"]
    text = api.client.get(turned[0].json()["links"]["page"]).text
    assert text.index('data-row="gated"') < text.index('data-row="plain"')
    assert ask(api, media_id=media_id).json()["id"] == first["id"]


def test_another_checkpoint_is_another_question(api: Api) -> None:
    media_id = api.upload()["id"]
    api.finish(api.analyse(media_id)["id"])
    api.publish("plain", "gated", checkpoint={"sha256": "1" * 64, "bytes": 1})
    assert ask(api, media_id=media_id).status_code == 202


@pytest.mark.parametrize("calibration", [None, {**MODEL["calibration"], "temperature": 0.9}])
def test_another_calibration_is_another_question(api: Api, calibration: Any) -> None:
    media_id = api.upload()["id"]
    api.finish(api.analyse(media_id)["id"])
    api.publish("plain", "gated", calibration=calibration)
    assert ask(api, media_id=media_id).status_code == 202


def test_what_earlier_versions_stored_has_no_logits_and_never_abstains(api: Api) -> None:
    analysis_id = api.analyse(api.upload()["id"])["id"]
    api.finish(analysis_id)  # rows as they were before there were calibrations
    address = f"/api/v1/analyses/{analysis_id}"
    said = api.client.get(address).json()["predictions"]["plain"]
    assert (said["abstained"], said["in_domain"]) == (False, None)
    assert [entry["logit"] for entry in said["top"]] == [None] * 3
    assert said["target"]["logit"] == 3.5


def test_an_answer_says_that_a_model_abstained(api: Api) -> None:
    analysis_id = api.analyse(api.upload()["id"])["id"]
    api.finish(analysis_id)
    with api.web.sessions.begin() as session:
        row = session.get_one(Prediction, (analysis_id, "gated"))
        row.abstained, row.in_domain = True, 0.125
        row.top = [{**entry, "logit": 1.5} for entry in row.top]
    body = api.client.get(f"/api/v1/analyses/{analysis_id}").json()
    said = body["predictions"]["gated"]
    assert (said["abstained"], said["in_domain"]) == (True, 0.125)
    assert said["top"][0]["logit"] == 1.5
    listed = api.client.get("/").text  # recent ones, by their first row
    assert ("none of what it knows" in listed) is (body["request"]["models"][0] == "gated")


def test_the_same_photo_of_another_visitor_shares_the_files(any_api: Api) -> None:
    first = any_api.analyse(any_api.upload()["id"])
    any_api.finish(first["id"])
    maps = {name for name in files_of(any_api.settings) if name.startswith("maps/")}
    with any_api.visitor() as other:
        media = any_api.upload(client=other)
        copy = any_api.analyse(media["id"], other)
        assert (copy["state"], copy["stored"], copy["media_id"]) == ("succeeded", True, media["id"])
        assert copy["id"] != first["id"]
        assert copy["predictions"].keys() == {"plain", "gated"}
        assert {name for name in files_of(any_api.settings) if name.startswith("maps/")} == maps
        assert any_api.client.delete(first["links"]["self"]).status_code == 204
        items = other.get(copy["links"]["heatmaps"]).json()["items"]
        assert len(items) == 12
        assert {other.get(item["links"]["npy"]).status_code for item in items} == {200}
        assert other.delete(copy["links"]["self"]).status_code == 204
    assert not [name for name in files_of(any_api.settings) if name.startswith("maps/")]


def test_progress_predictions_and_maps_appear_as_they_are_made(any_api: Api) -> None:
    body = any_api.analyse(any_api.upload()["id"])
    assert any_api.client.get(body["links"]["heatmaps"]).json() == {"items": [], "next": None}
    any_api.finish(body["id"])
    done = any_api.client.get(body["links"]["self"]).json()
    assert (done["state"], done["progress"], done["stored"]) == ("succeeded", 1, False)
    assert done["revision"] > body["revision"]
    assert done["predictions"]["plain"]["target"] == {
        "index": 0,
        "name": "tench",
        "probability": 0.5,
        "logit": 3.5,
    }
    assert done["provenance"] == {"checkpoints": {"plain": "0" * 64}}
    items = any_api.client.get(body["links"]["heatmaps"]).json()["items"]
    assert [(item["model"], item["stage"], item["method"]) for item in items][:4] == [
        ("gated", "combined", "attention"),
        ("gated", "combined", "gradcam"),
        ("gated", "early", "attention"),
        ("gated", "early", "gradcam"),
    ]


def test_stopping_is_for_the_owner_and_for_what_still_runs(api: Api) -> None:
    body = api.analyse(api.upload()["id"])
    url = f"{body['links']['self']}/cancel"
    with api.visitor() as other:
        assert other.post(url).status_code == 403
    stopped = api.client.post(url)
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    again = api.client.post(url)
    assert (again.status_code, again.json()["error"]) == (409, "conflict")
    assert "cancelled" in again.json()["detail"]


def test_what_was_stopped_is_asked_anew(api: Api) -> None:
    media_id = api.upload()["id"]
    first = api.analyse(media_id)
    with api.web.sessions.begin() as session:
        row = session.get_one(Analysis, first["id"])
        assert job_rows.claim(session, row.job_id, "worker") is not None
        assert request_cancel(session, row.job)
    assert api.analyse(media_id)["id"] != first["id"]


def test_deleting_is_for_the_owner(api: Api, analysis: Any) -> None:
    url = analysis["links"]["self"]
    with api.visitor() as other:
        assert other.delete(url).status_code == 403
    assert api.client.delete(url).status_code == 204
    assert api.client.get(url).status_code == 404
    assert {name.split("/")[0] for name in files_of(api.settings)} == {"media"}


def test_a_running_analysis_can_be_deleted(api: Api) -> None:
    body = api.analyse(api.upload(photo(1))["id"])
    with api.web.sessions.begin() as session:
        job_id = session.get_one(Analysis, body["id"]).job_id
        assert job_rows.claim(session, job_id, "worker") is not None
    assert api.client.delete(body["links"]["self"]).status_code == 204
    with api.web.readers() as session:
        assert not job_rows.is_held(session, job_id, "worker")


def test_sharing_and_deleting_at_the_same_moment_never_leaves_a_map_without_its_file(
    any_api: Api,
) -> None:
    """Either the copy was first and keeps the files, or the original is gone and it is computed."""
    with any_api.visitor() as other, ThreadPoolExecutor() as pool:
        media = any_api.upload(client=other)
        for round_ in range(5):
            first = any_api.analyse(any_api.upload()["id"], target=round_ % 3)
            any_api.finish(first["id"])
            deleting = pool.submit(any_api.client.delete, first["links"]["self"])
            copy = pool.submit(any_api.analyse, media["id"], other, target=round_ % 3).result()
            assert deleting.result().status_code == 204
            items = other.get(copy["links"]["heatmaps"]).json()["items"]
            assert len(items) == (12 if copy["stored"] else 0)
            assert {other.get(item["links"]["npy"]).status_code for item in items} <= {200}
            assert other.delete(copy["links"]["self"]).status_code == 204
        assert not [name for name in files_of(any_api.settings) if name.startswith("maps/")]


def test_a_model_that_failed_says_why_and_is_tried_again(api: Api) -> None:
    photo = api.upload()["id"]
    found = api.analyse(photo, models=["plain", "gated"])
    why = {"error": "unprocessable", "detail": "gated is damaged."}
    with api.web.sessions.begin() as session:
        rows.add_problem(session, found["id"], "gated", why)  # type: ignore[arg-type]
    api.finish(found["id"])
    shown = api.client.get(found["links"]["self"]).json()
    assert (shown["state"], shown["problems"]) == ("succeeded", {"gated": why})
    again = api.analyse(photo, models=["plain", "gated"])
    assert (again["state"], again["problems"]) == ("queued", {})
