"""Maps over HTTP: numbers exact, pictures right, kept for ever, gone at once when deleted."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.core.settings import Settings
from app.db.tables import Heatmap, new_id
from app.web.analyses.drawing.colormaps import tables
from tests.support.web import Api, npy, running, values_of

Maps = dict[tuple[str, str, str], Any]
LATE = ("gated", "late", "gradcam")


def table(name: str) -> np.ndarray:
    return np.frombuffer(tables()[name].rgb, np.uint8).reshape(256, 3)


def pixels(response: httpx.Response) -> np.ndarray:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(response.content)))


def test_values_and_array_are_the_map_itself(api: Api, heatmaps: Maps) -> None:
    for (_, stage, method), record in heatmaps.items():
        expected = values_of(stage, method)
        array = np.load(io.BytesIO(api.client.get(record["links"]["npy"]).content))
        assert array.dtype == np.float16
        np.testing.assert_array_equal(array, expected)
        full = api.client.get(record["links"]["self"], params={"values": True}).json()
        np.testing.assert_array_equal(np.float16(full.pop("values")), expected)
        assert full == record == api.client.get(record["links"]["self"]).json()


def test_colours_are_those_of_the_table_at_the_maps_own_cells(api: Api, heatmaps: Maps) -> None:
    record = heatmaps[LATE]
    values = values_of("late", "gradcam").astype(float)  # [[-1, -.75], [-.5, -.25]]: nothing for
    options = {"size": 32, "smooth": False, "colormap": "viridis"}
    drawn = pixels(api.client.get(record["links"]["png"], params=options))
    assert drawn.shape == (24, 32, 3)  # the photo is 640 x 480
    assert (drawn == table("viridis")[0]).all()  # no evidence for the class: the colour of zero
    signed = pixels(api.client.get(record["links"]["png"], params={**options, "colormap": "vik"}))
    expected = table("vik")[np.rint((values + 1) / 2 * 255).astype(int)]
    np.testing.assert_array_equal(signed[::12, ::16], expected)
    np.testing.assert_array_equal(signed[11::12, 15::16], expected)


def test_a_mask_goes_from_its_smallest_to_its_largest_value(api: Api, heatmaps: Maps) -> None:
    url = heatmaps["gated", "late", "attention"]["links"]["png"]
    drawn = pixels(api.client.get(url, params={"size": 32, "smooth": False, "colormap": "magma"}))
    np.testing.assert_array_equal(drawn[0, 0], table("magma")[0])
    np.testing.assert_array_equal(drawn[-1, -1], table("magma")[255])
    absolute = {"size": 32, "smooth": False, "colormap": "magma", "scale": "absolute"}
    drawn = pixels(api.client.get(url, params=absolute))
    np.testing.assert_array_equal(
        drawn[-1, -1], table("magma")[64]
    )  # .5 x 4 places of 8 times even


def test_over_the_photo_it_has_the_photos_shape(api: Api, heatmaps: Maps) -> None:
    url = heatmaps[LATE]["links"]["png"]
    drawn = pixels(api.client.get(url, params={"size": 320, "overlay": True}))
    assert drawn.shape == (240, 320, 3)
    bare = pixels(api.client.get(url, params={"size": 320, "overlay": True, "alpha": 0}))
    media = api.client.get("/api/v1/media").json()["items"][0]
    view = Image.open(io.BytesIO(api.client.get(media["links"]["view"]).content))
    photo = np.asarray(view.resize((320, 240), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(bare, photo)
    faint = pixels(api.client.get(url, params={"size": 64, "alpha": 0.5}))
    assert faint.shape == (48, 64, 4)
    assert set(faint[..., 3].flat) == {128}


@pytest.mark.parametrize(
    ("fit", "alone", "over"), [("squash", (64, 64), (48, 64)), ("crop", (64, 64), (64, 64))]
)
def test_a_picture_has_the_shape_of_what_was_seen(
    api: Api, fit: str, alone: tuple[int, int], over: tuple[int, int]
) -> None:
    media = api.upload()
    analysis = api.analyse(media["id"], fit=fit)
    api.finish(analysis["id"])
    first = api.client.get(analysis["links"]["heatmaps"]).json()["items"][0]
    url = first["links"]["png"]
    assert pixels(api.client.get(url, params={"size": 64})).shape[:2] == alone
    drawn = pixels(api.client.get(url, params={"size": 64, "overlay": True, "alpha": 0}))
    view = Image.open(io.BytesIO(api.client.get(media["links"]["view"]).content))
    left = (640 - 480) // 2
    seen = view.crop((left, 0, left + 480, 480)) if fit == "crop" else view
    np.testing.assert_array_equal(drawn, seen.resize(over[::-1], Image.Resampling.BILINEAR))


def test_a_picture_of_a_photo_made_small_is_square(api: Api) -> None:
    analysis = api.analyse(api.upload()["id"], place={"share": 0.3, "x": 0.5, "y": 0.5})
    api.finish(analysis["id"])
    url = api.client.get(analysis["links"]["heatmaps"]).json()["items"][0]["links"]["png"]
    assert pixels(api.client.get(url, params={"size": 64})).shape[:2] == (64, 64)
    drawn = pixels(api.client.get(url, params={"size": 64, "overlay": True, "alpha": 0}))
    seen = Image.open(io.BytesIO(api.client.get(analysis["links"]["view"]).content))
    np.testing.assert_array_equal(drawn, seen.resize((64, 64), Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    "query",
    ["size=31", "size=2049", "colormap=jet", "alpha=1.1", "scale=mine", "channel=min", "size=x"],
)
def test_what_cannot_be_drawn_is_said(api: Api, heatmaps: Maps, query: str) -> None:
    response = api.client.get(f"{heatmaps[LATE]['links']['png']}?{query}")
    assert (response.status_code, response.json()["error"]) == (422, "unprocessable")
    assert query.split("=")[0] in response.json()["detail"]


def test_channels_of_a_wide_mask_are_drawn_one_by_one(api: Api, heatmaps: Maps) -> None:
    values = np.zeros((2, 2, 2), np.float16)
    values[0, 0, 0], values[1, 1, 1] = 0.6, 0.8
    key = f"maps/{new_id()}/wide.npy"
    api.web.blobs.put(key, npy(values))
    with api.web.sessions.begin() as session:
        like = session.get_one(Heatmap, heatmaps[LATE]["id"])
        copied = {c.key: getattr(like, c.key) for c in like.__table__.columns}
        changes = {
            "id": new_id(),
            "method": "attention-channels",
            "unit": "gate",
            "shape": [2, 2, 2],
        }
        session.add(Heatmap(**copied | changes | {"blob_key": key, "max": 0.8, "min": 0.0}))
    url = f"/api/v1/heatmaps/{changes['id']}"
    style: dict[str, Any] = {"size": 32, "smooth": False, "colormap": "cividis"}
    brightest = {}
    for channel in ("mean", "max", "l2", "0", "1"):
        drawn = pixels(api.client.get(f"{url}.png", params={**style, "channel": channel}))
        top = (drawn == table("cividis")[255]).all(-1)
        brightest[channel] = (bool(top[0, 0]), bool(top[-1, -1]))
    assert brightest["0"] == (True, False)
    assert brightest["mean"] == brightest["max"] == brightest["l2"] == (False, True)
    refused = api.client.get(f"{url}.png", params={"channel": "2"})
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "channel: this map has the channels 0 to 1.",
    )


@pytest.mark.parametrize("ending", ["", ".npy", ".png", "?values=true", ".png?overlay=true"])
def test_what_cannot_change_is_kept_for_ever(api: Api, heatmaps: Maps, ending: str) -> None:
    url = heatmaps[LATE]["links"]["self"] + ending
    first = api.client.get(url)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert first.headers["etag"] == f'"{hashlib.sha256(first.content).hexdigest()[:20]}"'
    again = api.client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = api.client.head(url)
    assert head.headers["content-length"] == str(len(first.content))
    assert head.content == b""


def test_a_deleted_map_is_gone_at_once(api: Api, analysis: Any, heatmaps: Maps) -> None:
    url = heatmaps[LATE]["links"]["png"]
    tag = {"If-None-Match": api.client.get(url).headers["etag"]}
    assert api.client.get(url).status_code == 200  # from memory
    assert api.client.delete(analysis["links"]["self"]).status_code == 204
    assert api.client.get(url).status_code == 404
    assert api.client.get(url, headers=tag).status_code == 404


def test_a_map_deleted_elsewhere_is_gone_within_two_seconds(
    tmp_path: Path, api: Api, analysis: Any, heatmaps: Maps
) -> None:
    url = heatmaps[LATE]["links"]["png"]
    shared = Settings(**{**api.settings.model_dump(), "secret_key": ""})
    with running(shared) as second:
        clock = FakeClock()
        second.web.cache._clock = clock
        assert second.client.get(url).status_code == 200
        assert api.client.delete(analysis["links"]["self"]).status_code == 204
        assert second.client.get(url).status_code == 200
        clock.now += 2.0
        assert second.client.get(url).status_code == 404


class FakeClock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now
