"""The pages of training: who sees what, and a form that follows what a worker has published."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app.db import capabilities
from app.db import training as rows
from app.db.training_tables import Dataset
from tests.support.signing_in import bearer, signed_in
from tests.support.training import add_dataset
from tests.support.web import Api

BROWSER = {"Accept": "text/html"}
FIELD = {"help": "", "group": "run", "type": "int", "default": 4, "min": 1, "max": 9}
FORM: dict[str, Any] = {
    "fields": [
        {**FIELD, "name": "epochs", "title": "Epochs"},
        {**FIELD, "name": "amp", "title": "Mixed precision", "type": "bool", "default": True},
        {
            **FIELD,
            "name": "schedule",
            "title": "Schedule",
            "type": "choice",
            "choices": ["cosine", "linear"],
            "default": "cosine",
            "group": "of its own",
        },
    ],
    "mechanisms": [
        {
            "name": "newest",
            "title": "The newest idea",
            "summary": "Looks twice. Then again.",
            "position": 0,
            "parameters": [{**FIELD, "name": "looks", "title": "Looks"}],
            "recipe": {"epochs": 2},
        }
    ],
    "stages": ["early", "medium", "late"],
    "device": "cpu",
    "devices": 1,
    "imagenet": True,
}


@pytest.fixture
def offered(api: Api) -> Api:
    """A server whose worker has said what it can train."""
    with api.web.sessions.begin() as session:
        capabilities.put(session, capabilities.TRAINING, FORM)
    return api


@pytest.mark.parametrize("path", ["/training", "/training/new", f"/training/{'0' * 32}"])
def test_nobody_is_sent_to_sign_in(api: Api, path: str) -> None:
    answer = api.client.get(path, headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_a_study_that_is_not_there(api: Api) -> None:
    answer = signed_in(api.client).get(f"/training/{'0' * 32}", headers=BROWSER)
    assert answer.status_code == 404


def test_no_inline_script_or_style(offered: Api) -> None:
    client = signed_in(offered.client)
    for path in ("/training", "/training/new"):
        text = client.get(path, headers=BROWSER).text
        for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.DOTALL):
            assert "application/json" in attributes or not content.strip(), path
        assert "<style" not in text
        assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", text)


def test_the_form_is_made_from_what_is_published(offered: Api) -> None:
    text = signed_in(offered.client).get("/training/new", headers=BROWSER).text
    for words in ("The newest idea", "Looks twice.", "Mixed precision", "Of its own", "linear"):
        assert words in text
    assert re.search(r'<input[^>]*id="config-epochs"[^>]*min="1"[^>]*max="9"[^>]*value="4"', text)
    assert 'id="newest-looks"' in text


def test_without_a_worker_the_pages_say_so(api: Api) -> None:
    client = signed_in(api.client)
    for path in ("/training", "/training/new"):
        assert "No training worker has started" in client.get(path, headers=BROWSER).text


@pytest.mark.parametrize(("scope", "train", "admin"), [("read", 0, 0), ("train", 1, 0)])
def test_what_may_not_be_done_is_not_shown(
    offered: Api, scope: str, train: int, admin: int
) -> None:
    headers = BROWSER | bearer(offered.client, scope)
    text = offered.client.get("/training", headers=headers).text
    assert text.count("data-reproduce") == train
    assert text.count('id="checkpoint"') == admin
    form = offered.client.get("/training/new", headers=headers).text
    assert form.count("data-start ") + form.count("data-start>") == train


def test_what_a_reproduction_costs_is_said_before_it(offered: Api) -> None:
    """By the speed of a finished run; without one, only the steps are known."""
    signed_in(offered.client)
    dataset = add_dataset(offered.web)  # type: ignore[arg-type]
    with offered.web.sessions.begin() as session:
        images = session.get_one(Dataset, dataset).train_images
        form = {**FORM, "automatic_batch": {"images": 64}}
        capabilities.put(session, capabilities.TRAINING, form)
    batch = 64
    while batch > 2 and images // batch < 8:
        batch //= 2
    steps = max(1, images // batch) * 2  # the recipe's epochs
    assert costs(offered)[dataset] == {"runs": 1, "steps": steps, "seconds": None}
    body = {"dataset_id": dataset}
    run = offered.client.post("/api/v1/training-runs", json=body).json()["runs"][0]
    summary: dict[str, Any] = {
        "val_accuracy": 1.0,
        "val_loss": 0.1,
        "best_epoch": 1,
        "seconds": 30.0,
    }
    summary |= {"card": {}, "worst_maps": {}}
    with offered.web.sessions.begin() as session:
        rows.change(session, run["id"], summary=summary, epoch=1, checkpoint_key="a")
    assert costs(offered)[dataset]["seconds"] == pytest.approx(60.0)


def costs(api: Api) -> Any:
    """What the page of training says of each dataset."""
    text = api.client.get("/training", headers=BROWSER).text
    block = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert block
    return json.loads(block[1])["costs"]
