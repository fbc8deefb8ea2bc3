"""The page of the shipped models' study shows what `python -m ml study --page` wrote."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from app.web.models import pages
from ml.study.tables import page_json, study_json
from tests.ml.study.test_tables import run
from tests.support.web import Api

HTML = {"accept": "text/html"}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Two seeds of one row and one of another, in both arms."""
    path = tmp_path / "study.json"
    monkeypatch.setattr(pages, "STUDY", path)
    photos = {"ordinary": (0.98, None, None), "placed35": (0.7, 0.4, 0.9)}
    runs = [run("plain", seed, arm, **photos) for seed in (0, 1) for arm in ("ordinary", "placed")]
    shown = page_json(
        study_json([*runs, run("cbam", **photos)], {}), 42, {"plain": "Plain", "cbam": "CBAM"}
    )
    path.write_text(json.dumps(shown), encoding="utf-8")
    return shown


def test_every_table_is_on_the_page(api: Api, study: dict[str, Any]) -> None:
    text = unescape(api.client.get("/study", headers=HTML).text)
    assert "5 of 42 runs are finished" in text
    assert {arm["name"] for arm in study["arms"]} == {"ordinary", "placed"}
    for arm in study["arms"]:
        for number, table in enumerate(arm["tables"]):
            box = text.split(f'data-table="{arm["name"]} {number}"')[1].split("</table>")[0]
            assert table["words"] in box
            for row in table["rows"]:
                name = study["titles"].get(row[0], row[0])
                assert f'<th scope="row">{name}</th>' in box
                assert all(f">{cell}</td>" in box for cell in row[1:])
    for goal in study["goals"]:
        assert goal["result"] in text
    assert text.count("data-series=") == 2


def test_it_is_linked_once_there_is_something_to_see(
    api: Api, study: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert study["finished"]
    assert 'href="/study"' in api.client.get("/models", headers=HTML).text
    monkeypatch.setattr(pages, "STUDY", "no-such-file.json")
    assert 'href="/study"' not in api.client.get("/models", headers=HTML).text
    missing = api.client.get("/study", headers=HTML)
    assert missing.status_code == 404
    assert "No run of the study is finished" in missing.text
