"""The pages: their data, what is escaped, and the files they need."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from app.web.http.static import Static
from app.web.http.templating import ROOT, json_block
from tests.support.backend import photo
from tests.support.web import Api

BROWSER = {"Accept": "text/html"}


def page(api: Api, path: str) -> str:
    response = api.client.get(path, headers=BROWSER)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


def data_of(text: str) -> Any:
    block = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert block is not None
    return json.loads(block[1])


def test_no_page_has_inline_script_or_style(api: Api, analysis: Any) -> None:
    for path in ("/", "/models", "/models/gated", analysis["links"]["page"], "/api"):
        text = page(api, path)
        for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL):
            assert "application/json" in attributes or not content.strip(), path
        assert "<style" not in text
        assert not re.search(r"<[^>]+\sstyle=", text)
        assert not re.search(r"<[^>]+\son[a-z]+=", text)


def test_every_file_of_every_page_exists_and_is_kept_for_ever(api: Api, analysis: Any) -> None:
    urls = set()
    for path in ("/", "/models", "/models/gated", analysis["links"]["page"], "/api"):
        urls |= set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page(api, path)))
    assert len(urls) > 5
    for url in urls:
        response = api.client.get(url.replace("&amp;", "&"))
        assert response.status_code == 200, url
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable", url


def test_the_analysis_page_needs_no_request_for_its_first_paint(api: Api, analysis: Any) -> None:
    text = page(api, analysis["links"]["page"])
    data = data_of(text)
    assert data["analysis"] == analysis
    assert [row["id"] for row in data["rows"]] == ["plain", "gated"]
    assert data["stages"] == ["early", "medium", "late", "combined"]
    items = api.client.get(analysis["links"]["heatmaps"]).json()["items"]
    assert data["heatmaps"] == items
    assert data["owner"] is True
    assert data["methods"] == [
        {"name": "attention", "title": "Learnt mask", "kind": "learnt", "description": "A mask."},
        {"name": "gradcam", "title": "Grad-CAM", "kind": "evidence", "description": "Evidence."},
    ]
    assert data["method_titles"] == {"attention": "learnt mask", "gradcam": "Grad-CAM"}
    for title in ("Plain", "Gated"):
        assert title in text
    with api.visitor() as other:
        assert data_of(other.get(analysis["links"]["page"]).text)["owner"] is False


def test_a_hostile_file_name_stays_text(api: Api) -> None:
    name = "</script><script>alert(1)</script><img src=x onerror=alert(1)>.jpg"
    media = api.client.post("/api/v1/media", files={"file": (name, photo())}).json()
    body = api.analyse(media["id"])
    for path in (body["links"]["page"], "/"):
        text = page(api, path)
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert data_of(page(api, body["links"]["page"]))["media"]["filename"] == media["filename"]


def test_home_shows_ones_own_analyses_and_the_limits(api: Api, analysis: Any) -> None:
    assert analysis["links"]["page"] in page(api, "/")
    text = " ".join(page(api, "/").split())
    assert "A photo up to 20 MB, a clip up to 500 MB and 5 minutes" in text
    with api.visitor() as other:
        assert analysis["links"]["page"] not in other.get("/").text


def test_pages_work_before_any_worker_has_started(api: Api) -> None:
    api.publish()
    for path in ("/", "/models", "/api"):
        page(api, path)


def test_the_api_page_brings_its_explorer_along(api: Api) -> None:
    text = page(api, "/api")
    assert "/api/v1/openapi.json" in text
    addresses = re.findall(r"/api/explorer/\w+/[\w.-]+", text)
    assert len(addresses) == 2
    for address in addresses:
        answer = api.client.get(address)
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
    assert api.client.get("/api/explorer/nothing.js").status_code == 404
    redirect = api.client.get("/docs", headers=BROWSER)
    assert (redirect.status_code, redirect.headers["location"]) == (308, "/api")


@pytest.mark.parametrize("value", ["</script>", "<!--", "a & b", "\u2028", {"k": ["é", None, 1.5]}])
def test_json_in_a_page_is_the_value_and_never_markup(value: Any) -> None:
    block = json_block(value)
    assert isinstance(block, Markup)
    assert not set(block) & set("<>&\u2028")
    assert json.loads(block) == value


def test_static_files_are_compressed_hashed_and_follow_edits(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    script = tmp_path / "js" / "a.js"
    script.write_text("// one\n" * 200)
    static = Static(tmp_path)
    first = static.url("js/a.js")
    script.write_text("// two\n" * 201)
    static.refresh()
    assert static.url("js/a.js") != first
    with pytest.raises(AssertionError, match=r"missing\.js"):
        static.url("missing.js")


def test_static_files_over_http(api: Api) -> None:
    url = api.web.static.url("colormaps.json")
    stored = (ROOT / "static" / "colormaps.json").read_bytes()
    packed = api.client.get(url)
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", stored)
    assert packed.headers["vary"] == "Accept-Encoding"
    plain = api.client.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == stored
    assert plain.headers["etag"] != packed.headers["etag"]
    tag = {"If-None-Match": packed.headers["etag"]}
    assert api.client.get(url, headers=tag).status_code == 304
    for other in ("/static/colormaps.json", "/static/0123456789ab/colormaps.json"):
        assert api.client.get(other).headers["cache-control"] == "public, no-cache"
    for outside in (
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
    ):
        assert api.client.get(outside).status_code == 404
