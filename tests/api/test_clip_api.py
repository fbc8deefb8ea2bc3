"""A clip over HTTP, with a real worker: tracks, motion, films, ranges, and what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from app.db.tables import Analysis
from tests.api.test_events import read_all
from tests.support import clip_models as clips
from tests.support.backend import photo, wait_for
from tests.support.import_worker import import_all
from tests.support.web import Api

pytestmark = pytest.mark.xdist_group("live")
SIZE = (96, 72)
ASKED: dict[str, Any] = {"models": ["tiny-clips"], "input_size": 96, "segments": 4}


@pytest.fixture(scope="module")
def media(live: Api, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An uploaded clip of two seconds; a model that looks at clips is on offer."""
    clips.publish(live.web, tmp_path_factory.mktemp("checkpoints"), "tiny-clips")
    files = {"file": ("moving.mp4", clips.film(4))}
    response = live.client.post("/api/v1/media", files=files)
    assert response.status_code in (200, 201), response.text
    return response.json()


@pytest.fixture(scope="module")
def clip(live: Api, media: Any) -> Any:
    """Its finished analysis."""
    body = live.analyse(media["id"], **ASKED)
    last = json.loads(read_all(live, body["links"]["events"])[-1]["data"])
    assert (last["state"], last["detail"]) == ("succeeded", None)
    return last


@pytest.fixture(scope="module")
def tracks(live: Api, clip: Any) -> list[Any]:
    """Its tracks."""
    return list(live.client.get(clip["links"]["tracks"]).json()["items"])


def array(response: httpx.Response) -> np.ndarray:
    assert response.status_code == 200, response.text
    return np.asarray(np.load(io.BytesIO(response.content)))


def test_shares_add_up_to_the_logit(clip: Any) -> None:
    assert clip["request"]["segments"] == 4
    said = clip["predictions"]["tiny-clips"]
    scores = said["clip"]
    total = sum(sum(values) for values in scores["shares"].values()) + scores["rest"]
    assert total == pytest.approx(said["target"]["logit"], rel=1e-5)
    weights = {name: stream["weight"] for name, stream in scores["streams"].items()}
    assert weights["flow"] / weights["rgb"] == pytest.approx(1.5)
    fused = sum(
        weights[name] * np.array(stream["consensus"]) @ np.array(stream["logits"])
        for name, stream in scores["streams"].items()
    ) / sum(weights.values())
    best = int(np.argmax(fused))
    assert (best, scores["classes"][best]) == (said["target"]["index"], said["target"]["name"])
    assert len(scores["times"]) == len(scores["bounds"]) == 4


def test_a_track_is_its_maps_one_after_another(live: Api, tracks: list[Any]) -> None:
    kinds = {(t["stream"], t["stage"], t["method"]) for t in tracks}
    assert {(s, "combined", "gradcam") for s in ("rgb", "flow")} < kinds
    for track in tracks:
        values = array(live.client.get(track["npy"]))
        assert list(values.shape) == track["shape"]
        assert (float(values.min()), float(values.max())) == (track["min"], track["max"])
        for frame, map_id in enumerate(track["heatmaps"]):
            one = array(live.client.get(f"/api/v1/heatmaps/{map_id}.npy"))
            assert one.dtype == values.dtype
            np.testing.assert_array_equal(one, values[frame])
    record = live.client.get(f"/api/v1/heatmaps/{map_id}", params={"values": True}).json()
    np.testing.assert_allclose(record["values"], one, rtol=1e-5)
    assert (record["frame"], record["time_s"]) == (3, track["times"][3])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"stream": "flow", "stage": "late", "method": "gradcam"}, 4),
        ({"stream": "flow", "stage": "late", "method": "gradcam", "from_s": 0.9}, 2),
        ({"stream": "rgb", "stage": "early", "method": "attention", "to_s": 0.4}, 1),
        ({"model": "another"}, 0),
    ],
)
def test_maps_are_chosen(live: Api, clip: Any, query: dict[str, Any], expected: int) -> None:
    items = live.client.get(clip["links"]["heatmaps"], params=query).json()["items"]
    assert len(items) == expected
    for item in items:
        assert all(item[name] == query[name] for name in ("stream", "stage") if name in query)
        assert query.get("from_s", 0) <= item["time_s"] <= query.get("to_s", 2)


def test_a_map_is_drawn_over_its_own_frame(live: Api, clip: Any, tracks: list[Any]) -> None:
    style = {"overlay": True, "alpha": 0, "size": 96}
    for segment, map_id in enumerate(tracks[0]["heatmaps"]):
        drawn = live.client.get(f"/api/v1/heatmaps/{map_id}.png", params=style)
        frame = live.client.get(f"{clip['links']['self']}/frames/{segment}.jpg")
        seen = Image.open(io.BytesIO(frame.content))
        assert seen.size == (128, 96)
        expected = np.asarray(seen.resize(SIZE, Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(drawn.content))), expected)
    shared = {"scale": "shared", "size": 64}
    assert live.client.get(f"/api/v1/heatmaps/{map_id}.png", params=shared).is_success


def test_motion_as_numbers_and_as_colours(live: Api, clip: Any) -> None:
    mean = array(live.client.get(clip["links"]["flow"]))
    full = array(live.client.get(clip["links"]["flow"], params={"full": True}))
    assert (mean.shape, full.shape) == ((4, 2, 56, 56), (4, 10, 2, 96, 128))
    pixels = (full.astype(np.float64).mean((1, 3, 4)) - 128) * 40 / 255
    in_a_square = pixels * (224 / 128, 224 / 96)
    np.testing.assert_allclose(mean.mean((2, 3)), in_a_square, atol=0.05)
    picture = live.client.get(f"{clip['links']['self']}/flow/0.png", params={"size": 96})
    drawn = np.asarray(Image.open(io.BytesIO(picture.content))).astype(int)
    assert drawn.shape == (72, 96, 3)
    fastest = np.unravel_index(mean[0, 0].argmax(), (56, 56))
    red, green, blue = drawn[fastest[0] * 72 // 56, fastest[1] * 96 // 56]
    assert red > max(green, blue) + 40, "to the right is red"
    for missing in ("flow/4.png", "frames/4.jpg"):
        assert live.client.get(f"{clip['links']['self']}/{missing}").status_code == 404


def test_the_page_has_all_of_it(live: Api, clip: Any, tracks: list[Any]) -> None:
    page = live.client.get(clip["links"]["page"])
    assert page.status_code == 200
    assert tracks[0]["npy"] in page.text
    assert clip["links"]["flow"] in page.text


def test_films_play_and_keep_their_times(live: Api, clip: Any) -> None:
    address = f"{clip['links']['self']}/overlay"
    for kind in ("mp4", "webm"):
        wait_for(lambda k=kind: live.client.get(f"{address}.{k}").is_success, 120)
        content = live.client.get(f"{address}.{kind}", params={"stream": "rgb"}).content
        with av.open(io.BytesIO(content)) as container:
            frames = list(container.decode(video=0))
        assert (len(frames), frames[0].width, frames[0].height) == (30, *SIZE)
        times = [float(frame.pts * frame.time_base) for frame in frames]
        np.testing.assert_allclose(times, np.arange(30) / 15, atol=2e-3)
    part = live.client.get(f"{address}.mp4", headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    for wrong, status in (("bytes=99999999-", 416), ("bytes=x", 400)):
        refused = live.client.get(f"{address}.mp4", headers={"Range": wrong})
        assert (refused.status_code, set(refused.json())) == (status, {"error", "detail"})
    refused = live.client.get(f"{address}.mp4", params={"method": "layercam"})
    assert refused.status_code == 404


def test_an_earlier_versions_replaced_evidence_is_no_film(live: Api, media: Any) -> None:
    """It explained another class where the model lacks the one that was asked for."""
    body = live.analyse(media["id"], **ASKED, target="both")
    read_all(live, body["links"]["events"])
    with live.web.sessions.begin() as session:
        row = session.get_one(Analysis, body["id"])
        row.request = {**row.request, "target": "golfcart"}
    response = live.client.get(f"{body['links']['self']}/overlay.mp4")
    assert response.status_code == 404
    assert "tiny-clips does not know the class" in response.json()["detail"]


def test_the_contact_sheet(live: Api, clip: Any) -> None:
    for name, start in (("figure_png", b"\x89PNG"), ("figure_pdf", b"%PDF"), ("figure_svg", b"<")):
        link = clip["links"][name]
        wait_for(lambda at=link: live.client.get(at).is_success, 120)
        assert live.client.get(link).content.startswith(start)
    text = live.client.get(clip["links"]["figure_svg"]).text
    times = clip["predictions"]["tiny-clips"]["clip"]["times"]
    assert all(f"{moment:.2f} s" in text for moment in times)
    assert "moving.mp4" in text
    with live.visitor() as other:
        link = clip["links"]["figure_svg"]
        wait_for(lambda: other.get(link).is_success, 120)
        text = other.get(link).text
    assert "clip.mp4" in text
    assert "moving.mp4" not in text


def test_everything_is_in_the_zip(live: Api, clip: Any, tracks: list[Any]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(live.client.get(clip["links"]["export"]).content))
    assert archive.testzip() is None
    assert archive.read("clip/moving.mp4") == clips.film(4)
    with np.load(io.BytesIO(archive.read("maps.npz"))) as maps:
        for track in tracks:
            name = "/".join(track[key] for key in ("model", "stream", "stage", "method"))
            assert list(maps[name].shape) == track["shape"]
            np.testing.assert_array_equal(maps[f"times/{name}"], track["times"])
        assert len(maps.files) == 2 * len(tracks)
    request = json.loads(archive.read("request.json"))
    again = live.client.post("/api/v1/analyses", json=request)
    assert (again.status_code, again.json()["id"]) == (200, clip["id"])


def test_the_zip_for_others_has_a_copy_without_name_and_metadata(live: Api, clip: Any) -> None:
    with live.visitor() as other:
        page = other.get(clip["links"]["page"])  # has the copy made
        assert page.is_success
        assert "<title>clip.mp4" in page.text
        assert "moving.mp4" not in page.text
        waiting = other.get(clip["links"]["export"])
        assert waiting.status_code == 409
        assert "being made; try again" in waiting.json()["detail"]
        import_all(live.settings)
        wait_for(lambda: other.get(clip["links"]["export"]).is_success)
        archive = zipfile.ZipFile(io.BytesIO(other.get(clip["links"]["export"]).content))
        assert archive.testzip() is None
        assert archive.read("clip/clip.mp4") != clips.film(4)
        assert not [name for name in archive.namelist() if "moving" in name]
        assert b"moving.mp4" not in archive.read("manifest.json") + archive.read("README.txt")


def test_the_same_clip_under_another_name_is_answered_from_what_is_stored(
    live: Api, clip: Any, tracks: list[Any]
) -> None:
    client, media = live.client, live.upload(clips.film(4), name="same.mp4")
    body = live.analyse(media["id"], **ASKED)
    assert (body["state"], body["stored"], body["id"] != clip["id"]) == ("succeeded", True, True)
    own = client.get(body["links"]["tracks"]).json()["items"]
    assert [t["times"] for t in own] == [t["times"] for t in tracks]
    np.testing.assert_array_equal(
        array(client.get(own[0]["npy"])), array(client.get(tracks[0]["npy"]))
    )
    assert array(client.get(body["links"]["flow"], params={"full": True})).shape[0] == 4
    assert client.get(f"{body['links']['self']}/frames/0.jpg").is_success
    assert client.delete(f"/api/v1/media/{media['id']}").status_code == 204
    assert live.client.get(f"{clip['links']['self']}/frames/0.jpg").is_success


def test_only_a_range(live: Api, media: Any) -> None:
    body = live.analyse(media["id"], **ASKED, from_s=0.5, to_s=1.5, flow="farneback")
    last = json.loads(read_all(live, body["links"]["events"])[-1]["data"])
    times = last["predictions"]["tiny-clips"]["clip"]["times"]
    assert 0.5 <= min(times) < max(times) <= 1.5
    assert (last["request"]["from_s"], last["request"]["flow"]) == (0.5, "farneback")
    full = live.analyse(media["id"], **ASKED, from_s=0, to_s=media["duration_s"])
    assert full["state"] == "succeeded", "the whole clip is the whole clip"
    live.client.delete(last["links"]["self"])


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"from_s": 1.0, "to_s": 0.5}, "to_s"),
        ({"from_s": 30.0}, "from_s"),
        ({"to_s": 30.0}, "to_s"),
        ({"from_s": 1.0, "to_s": 1.01}, "frame"),
        ({"segments": 33}, "segments"),
        ({"flow": "magic"}, "flow"),
        ({"fit": "crop"}, "seen whole"),
        ({"place": {"share": 0.5, "x": 0, "y": 0}}, "place: only a photo can be made small"),
        ({"models": ["plain"]}, "plain looks at photos"),
    ],
)
def test_what_cannot_be_asked_of_a_clip(
    live: Api, media: Any, asked: dict[str, Any], word: str
) -> None:
    response = live.client.post(
        "/api/v1/analyses", json={"media_id": media["id"], **ASKED, **asked}
    )
    assert (response.status_code, response.json()["error"]) == (422, "unprocessable")
    assert word in response.json()["detail"]


def test_what_cannot_be_asked_of_a_photo(live: Api, media: Any) -> None:
    own = live.upload(photo(3, (64, 48)))["id"]
    for asked, word in (
        ({"models": ["tiny-clips"]}, "tiny-clips looks at clips"),
        ({"segments": 8}, "segments"),
        ({"from_s": 0.0}, "from_s"),
    ):
        response = live.client.post("/api/v1/analyses", json={"media_id": own, **asked})
        assert response.status_code == 422
        assert word in response.json()["detail"]
    assert "playable" in media["links"]


def test_deleted_with_all_its_files(live: Api, media: Any, clip: Any) -> None:
    """The last one: afterwards nothing of the clip is on the disk."""
    assert live.client.delete(f"/api/v1/media/{media['id']}").status_code == 204
    root: Path = live.settings.blob_dir
    left = [p for p in root.rglob("*") if clip["id"] in str(p) or media["id"] in str(p)]
    assert [path for path in left if path.is_file()] == []
    assert live.client.get(clip["links"]["tracks"]).status_code == 404
