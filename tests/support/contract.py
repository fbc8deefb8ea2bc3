"""Schemathesis on the whole OpenAPI document: cases of each operation, sent to a real server.

Schemathesis is imported lazily: that takes a second, and its systematic cases five.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import requests

from app.core.security import COOKIE
from app.web.http.openapi import DOCUMENT
from tests.support import clip_models as clips
from tests.support.archives import classes, zip_of
from tests.support.backend import photo, wait_for
from tests.support.signing_in import bearer
from tests.support.training import TINY, add_dataset
from tests.support.web import Api

if TYPE_CHECKING:
    import schemathesis

PASSWORD = "a few words in a row"
LONGEST_QUERY = 50_000  # bytes; with its headers a request may have 64 kB
PARTS = 12  # of an operation's systematic cases; each round runs one part


def operations() -> list[tuple[str, str]]:
    """Method and path of every operation in the document."""
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    return [(method.upper(), path) for path, does in paths.items() for method in does]


@dataclass
class Site:
    """A server with one resource of each kind."""

    api: Api
    ids: dict[str, str]
    owner: requests.Session
    stranger: requests.Session
    admin: dict[str, str]
    weak: dict[str, str]
    clip: dict[str, Any]
    plan: dict[str, str]

    def send(self, case: schemathesis.Case) -> None:
        """Send a case; valid ones, but for a quarter of the random, refer to existing resources."""
        if len(quote(repr(case.query))) > LONGEST_QUERY:
            return  # the HTTP parser refuses it before the application sees it
        case_is_valid = case.meta is not None and case.meta.generation.mode.is_positive
        if case_is_valid and (is_systematic(case) or chance(case) > 0):
            self.aim(case)
        removes = case.method == "DELETE" or case.path.endswith("/imagenette")  # a download
        session = self.stranger if removes else self.owner
        headers = (self.weak if removes else self.admin) if is_guarded(case) else None
        case.call_and_validate(
            self.api.url, session, headers=headers, excluded_checks=_excluded(), timeout=60
        )

    def aim(self, case: schemathesis.Case) -> None:
        """Make a case refer to existing resources; requests that start slow jobs are fixed."""
        for name in set(case.path_parameters) & set(self.ids):
            case.path_parameters[name] = self.ids[name]
        if CLIP_ONLY.search(case.path):
            case.path_parameters |= {k: v for k, v in self.clip.items() if k in case.path}
        if PLAN_ONLY.search(case.path):
            case.path_parameters |= {k: v for k, v in self.plan.items() if k in case.path}
        case.query = next((q for end, q in QUERIES.items() if case.path.endswith(end)), case.query)
        if case.method == "DELETE" and case.path.endswith("/analyses"):
            case.query = {"id": [self.ids["analysis_id"]]}
        if case.method == "POST" and case.path.endswith("/analyses"):
            case.body = {"media_id": self.ids["media_id"], **PHOTO}
        if case.method == "POST" and case.path in BODIES:
            case.body = {"dataset_id": self.ids["dataset_id"], **BODIES[case.path]}
        if case.path.endswith("/default"):
            case.body = {"default": True}  # as it is: other tests ask for the usual rows
        if case.path.endswith("/move"):
            case.body = {"before": None}
        if "/probes/" in case.path:
            case.path_parameters |= {"epoch": "1", "method": "gradcam"}
        give_password(case)


PHOTO: dict[str, Any] = {"models": ["gated"], "input_size": 96}
QUERIES: dict[str, dict[str, Any]] = {
    "figure.{file_format}": {},
    "overlay.{file_format}": {},
    "/confusion": {},
    "/confusion/images": {"true": 0, "predicted": 1},
}
CLIP_ONLY = re.compile(r"/(tracks|frames|flow|overlay|playable|times)\b")
PLAN_ONLY = re.compile(r"/plan\b")
SMALL = {**TINY, "epochs": 1}
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/training-runs": {"mechanisms": ["plain"], "config": SMALL},
    "/api/v1/trials": {"kind": "cost", "mechanism": "plain", "config": SMALL},
}
ACTIONS = ("cancel", "pause", "resume", "move", "publish", "confirm")  # not in every state


def give_password(case: schemathesis.Case) -> None:
    """Give the admin's password to the operations that ask for it."""
    if case.path.endswith("/account/password"):
        case.body = {"current": PASSWORD, "new": PASSWORD}
    if case.path.endswith(("/tokens", "/invitations")) and isinstance(case.body, dict):
        case.body = {**case.body, "password": PASSWORD}


def is_guarded(case: schemathesis.Case) -> bool:
    """Whether the operation needs signing in."""
    return "security" in case.operation.definition.raw


def is_systematic(case: schemathesis.Case) -> bool:
    """Whether the case comes from the schema's bounds and examples, not from a random generator."""
    return case.meta is not None and case.meta.phase.name.value != "fuzzing"


def chance(case: schemathesis.Case) -> int:
    """A number from 0 to 3 that depends on the case only."""
    content = repr((case.path_parameters, case.query, case.headers))
    return hashlib.sha256(content.encode()).digest()[0] % 4


def make_site(live: Api, folder: Path) -> Site:
    """Prepare the live server with a photo, a clip and their finished analyses."""
    media_id = live.upload(photo(1, (64, 48)))["id"]
    analysis = live.analyse(media_id, **PHOTO)
    wait_for(lambda: ended(live.client, analysis), 120, every=0.2)
    for name in ("figure_png", "figure_svg", "figure_pdf"):  # drawn once, which is slow
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
    ids |= trained(live, admin)
    people = (owner, stranger, admin, weak)
    return Site(live, ids, *people, clip_of(live, folder), plan_of(live, admin))


def plan_of(live: Api, admin: dict[str, str]) -> dict[str, str]:
    """Upload a dataset that waits, with a conflict; return the path parameters of its plan."""
    files = classes("cat", "dog", count=2)
    files["dog/wrong.jpg"] = files["cat/0.jpg"]
    sent = {"files": {"file": ("a.zip", zip_of(files))}, "data": {"review": "true"}}
    links = live.client.post("/api/v1/datasets", headers=admin, **sent).json()["links"]

    def state() -> str:
        return str(live.client.get(links["self"], headers=admin).json()["state"])

    wait_for(lambda: state() == "paused", 120, every=0.2)
    plan = live.client.get(links["plan"], headers=admin).json()
    return {
        "dataset_id": links["self"].rsplit("/", 1)[1],
        "sha256": plan["conflicts"][0]["sha256"],
    }


def clip_of(live: Api, folder: Path) -> dict[str, Any]:
    """Analyse a clip and draw its film; return the path parameters of the routes of clips."""
    model = clips.publish(live.web, folder, "a-clip-model")
    media = live.upload(clips.film(9))
    analysis = live.analyse(media["id"], models=[model], input_size=96, segments=2)
    wait_for(lambda: ended(live.client, analysis), 120, every=0.2)
    for kind in ("mp4", "webm"):
        film = f"{analysis['links']['self']}/overlay.{kind}"
        wait_for(lambda link=film: live.client.get(link).is_success, 240)
    names = {"stream": "flow", "stage": "late", "method": "gradcam", "segment": 1}
    return {"media_id": media["id"], "analysis_id": analysis["id"], "model_id": model, **names}


def trained(live: Api, admin: dict[str, str]) -> dict[str, str]:
    """Train a tiny study and run a trial; return their ids."""
    ids = {"dataset_id": add_dataset(live.web)}  # type: ignore[arg-type]
    for path, body in BODIES.items():
        answer = live.client.post(
            path, json={"dataset_id": ids["dataset_id"], **body}, headers=admin
        ).json()
        if "runs" in answer:
            ids |= {"study_id": answer["id"], "run_id": answer["runs"][0]["id"]}
        else:
            ids["trial_id"] = answer["id"]
    run = f"/api/v1/training-runs/{ids['run_id']}"
    wait_for(lambda: live.client.get(run, headers=admin).json()["state"] == "succeeded", 240)
    return ids


def ended(client: httpx.Client, analysis: Any) -> bool:
    state = client.get(analysis["links"]["self"]).json()["state"]
    assert state not in {"failed", "cancelled"}
    return bool(state == "succeeded")


@cache
def _excluded() -> list[Any]:
    """Checks that do not apply: no schema can tell a valid cursor, class name or photo."""
    from schemathesis.checks import CHECKS, load_all_checks

    load_all_checks()
    return [CHECKS.get_one("positive_data_acceptance")]


class Contract:
    """Runs operations of the document with some of their systematic cases and with random ones."""

    def __init__(self, part: int, examples: int, seed: int | None = None) -> None:
        """Use part 0 to `PARTS - 1` of the systematic cases; without a seed, fixed examples."""
        import schemathesis

        self._examples = examples
        self._seed = seed
        self._schema = schemathesis.openapi.from_path(DOCUMENT)
        counts: Counter[str] = Counter()

        def filter_case(_context: Any, case: schemathesis.Case) -> bool:
            if case.meta is None or case.meta.phase.name.value != "coverage":
                return True
            counts[case.operation.label] += 1
            return (counts[case.operation.label] - 1) % PARTS == part

        self._schema.hook(filter_case)

    def try_operation(self, site: Site, method: str, path: str) -> None:
        """Send the cases of one operation; AssertionError if a response breaks the contract."""
        import hypothesis
        from schemathesis.generation.hypothesis.builder import (
            HypothesisTestConfig,
            HypothesisTestMode,
            create_test,
        )

        settings = hypothesis.settings(
            max_examples=self._examples,
            deadline=None,
            database=None,
            derandomize=self._seed is None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        config = HypothesisTestConfig(
            project=self._schema.config,
            modes=list(HypothesisTestMode),
            settings=settings,
            seed=self._seed,
        )

        create_test(operation=self._schema[path][method], test_func=site.send, config=config)()
