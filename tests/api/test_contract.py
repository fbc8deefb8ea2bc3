"""Schemathesis over the whole document, against a real server with a real worker."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from app.core.security import COOKIE
from app.web.openapi import DOCUMENT
from tests.support import clip_models as clips
from tests.support.backend import photo, wait_for
from tests.support.signing_in import bearer
from tests.support.training import TINY, add_dataset
from tests.support.web import Api

# A cursor, a class name, a photo: no schema can say which of them are good.
load_all_checks()
PASSWORD = "a few words in a row"
EXCLUDED = [CHECKS.get_one("positive_data_acceptance")]
schema = schemathesis.openapi.from_path(DOCUMENT)  # a test holds it to the code


@dataclass
class Site:
    """A server where something exists to ask for."""

    api: Api
    ids: dict[str, str]
    owner: requests.Session
    stranger: requests.Session
    admin: dict[str, str]
    weak: dict[str, str]
    clip: dict[str, Any]

    def send(self, case: schemathesis.Case) -> None:
        """Send a case, three of four of the valid ones at what exists."""
        case_is_valid = case.meta is not None and case.meta.generation.mode.is_positive
        if case_is_valid and chance(case) > 0:
            self.aim(case)
        removes = case.method == "DELETE" or case.path.endswith("/imagenette")  # a download
        session = self.stranger if removes else self.owner
        headers = (self.weak if removes else self.admin) if is_guarded(case) else None
        case.call_and_validate(
            self.api.url, session, headers=headers, excluded_checks=EXCLUDED, timeout=60
        )

    def aim(self, case: schemathesis.Case) -> None:
        """Ask for what exists; what takes a worker seconds is asked in one way only."""
        for name in set(case.path_parameters) & set(self.ids):
            case.path_parameters[name] = self.ids[name]
        if CLIP_ONLY.search(case.path):
            case.path_parameters |= {k: v for k, v in self.clip.items() if k in case.path}
        case.query = next((q for end, q in QUERIES.items() if case.path.endswith(end)), case.query)
        if case.method == "POST" and case.path.endswith("/analyses"):
            case.body = {"media_id": self.ids["media_id"], "input_size": 96}
        if case.method == "POST" and case.path in BODIES:
            case.body = {"dataset_id": self.ids["dataset_id"], **BODIES[case.path]}
        if case.path.endswith("/move"):
            case.body = {"before": None}
        if "/probes/" in case.path:
            case.path_parameters |= {"epoch": "1", "method": "gradcam"}
        if case.path.endswith("/account/password"):
            case.body = {"current": PASSWORD, "new": PASSWORD}


QUERIES: dict[str, dict[str, Any]] = {
    "figure.{file_format}": {},
    "overlay.{file_format}": {},
    "/confusion": {},
    "/confusion/images": {"true": 0, "predicted": 1},
}
CLIP_ONLY = re.compile(r"/(tracks|frames|flow|overlay|playable|times)\b")
SMALL = {**TINY, "epochs": 1}
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/training-runs": {"mechanisms": ["plain"], "config": SMALL},
    "/api/v1/trials": {"kind": "cost", "mechanism": "plain", "config": SMALL},
}
ACTIONS = ("cancel", "pause", "resume", "move", "publish")  # not in every state


def is_guarded(case: schemathesis.Case) -> bool:
    """Whether the operation is for those who are signed in."""
    return "security" in case.operation.definition.raw


def chance(case: schemathesis.Case) -> int:
    """0 to 3, the same for the same case."""
    content = repr((case.path_parameters, case.query, case.headers))
    return hashlib.sha256(content.encode()).digest()[0] % 4


@pytest.fixture(scope="module")
def site(live: Api, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The live server with a photo and a clip and their finished analyses."""
    folder = tmp_path_factory.mktemp("checkpoints")
    media_id = live.upload(photo(1, (64, 48)))["id"]
    analysis = live.analyse(media_id, input_size=96)
    wait_for(lambda: ended(live.client, analysis), 120, every=0.2)
    for name in ("figure_png", "figure_svg", "figure_pdf"):  # drawn once, as slowly as it must be
        wait_for(lambda link=analysis["links"][name]: live.client.get(link).is_success, 240)
    heatmap = live.client.get(analysis["links"]["heatmaps"]).json()["items"][0]
    ids = {
        "media_id": media_id,
        "analysis_id": analysis["id"],
        "heatmap_id": heatmap["id"],
        "model_id": analysis["request"]["models"][0],
    }
    owner, stranger = requests.Session(), requests.Session()
    owner.cookies.set(COOKIE, live.client.cookies[COOKIE])
    admin, weak = bearer(live.client, "admin"), bearer(live.client, "analyse")
    first = {"new": PASSWORD}
    assert live.client.post("/api/v1/account/password", json=first, headers=admin).is_success
    return Site(
        live, ids | trained(live, admin), owner, stranger, admin, weak, clip_of(live, folder)
    )


def clip_of(live: Api, folder: Path) -> dict[str, Any]:
    """A clip with a finished analysis, its film drawn: what paths that are of clips only name."""
    model = clips.publish(live.web, folder, "a-clip-model")
    media = live.upload(clips.film(9))
    asked = {"models": [model], "input_size": 96, "segments": 2}
    analysis = live.analyse(media["id"], **asked)
    wait_for(lambda: ended(live.client, analysis), 120, every=0.2)
    for kind in ("mp4", "webm"):
        film = f"{analysis['links']['self']}/overlay.{kind}"
        wait_for(lambda link=film: live.client.get(link).is_success, 240)
    names = {"stream": "flow", "stage": "late", "method": "gradcam", "segment": 1}
    return {"media_id": media["id"], "analysis_id": analysis["id"], "model_id": model, **names}


def trained(live: Api, admin: dict[str, str]) -> dict[str, str]:
    """A tiny study that has been trained, and a trial."""
    dataset = add_dataset(live.web)  # type: ignore[arg-type]
    found = {"dataset_id": dataset}
    for path, body in BODIES.items():
        asked = {"dataset_id": dataset, **body}
        answer = live.client.post(path, json=asked, headers=admin).json()
        found |= {"study_id" if "runs" in answer else "trial_id": answer["id"]}
        if "runs" in answer:
            found["run_id"] = answer["runs"][0]["id"]
    run = f"/api/v1/training-runs/{found['run_id']}"
    wait_for(lambda: live.client.get(run, headers=admin).json()["state"] == "succeeded", 240)
    return found


def ended(client: httpx.Client, analysis: Any) -> bool:
    state = client.get(analysis["links"]["self"]).json()["state"]
    assert state not in {"failed", "cancelled"}
    return bool(state == "succeeded")


# What a schema makes up is no archive, no checkpoint and no folder; nobody may download here.
MADE_UP = {
    "/api/v1/datasets": {"400", "415"},
    "/api/v1/datasets/from-folder": {"20", "404", "422"},
    "/api/v1/datasets/imagenette": {"403"},
    "/api/v1/models/import": {"422"},
}


@schema.parametrize()
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_server_error_and_no_violation(case: schemathesis.Case, site: Site) -> None:
    site.send(case)


def test_the_cases_reached_every_operation(site: Site) -> None:
    """Runs after the cases: each operation has met something that exists."""
    lines = site.api.client.get("/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("sightline_http_requests_total{")]
    missed = []
    for path, operations in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"].items():
        for method in operations:
            wanted = {"403"} if method == "delete" else {"20"}
            if path.endswith(ACTIONS):
                wanted = {"409", "20"}
            wanted = MADE_UP.get(path, wanted) if method == "post" else wanted
            starts = [f'{{method="{method.upper()}",route="{path}",status="{w}' for w in wanted]
            if not any(start in line for line in counted for start in starts):
                missed.append((method, path))
    assert missed == []
