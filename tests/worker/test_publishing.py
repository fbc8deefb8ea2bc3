"""From a run to a row of a photo's table and back, with a worker that is never restarted.

That what is published is offered again after a restart of everything is in `test_delivery.py`.
"""

from __future__ import annotations

import json

import pytest

from app.db import models
from app.training import control
from app.training.models import importing
from tests.support.backend import Server, photo
from tests.support.training import act, add_dataset, import_model, launched, run_of, wait_run


def test_a_run_joins_the_table_and_leaves_it(celery_server: Server):
    """With Celery; a local worker offers a run's model in the next test."""
    server = celery_server
    (run_id,) = launched(server, add_dataset(server), mechanisms=["gated"])
    wait_run(server, run_id)
    with server.sessions.begin() as session:
        name = control.publish(session, control.find_run(session, run_id)).id
    assert name.startswith("gated-")
    assert server.models()[-1] == name
    media = server.add_photo(photo())
    both = server.ask(media, models=["plain", name])
    assert server.wait(both).state == "succeeded"
    found = server.result(both)
    assert found[name][1][1] in ("blue", "red")  # its own classes
    assert f"{name}/early/attention" in found
    act(server, "unpublish", run_id)
    assert name not in server.models()
    late = server.wait(server.ask(media, models=[name]))
    assert (late.state, late.error) == ("failed", "not_found")
    assert server.result(both) == found


def test_an_import_is_loaded_before_it_is_offered(local_server: Server):
    server = local_server
    (run_id,) = launched(server, add_dataset(server), mechanisms=["gated"], config={"epochs": 1})
    wait_run(server, run_id)
    kept = set(server.blobs.keys("models"))  # of the other tests
    weights = server.blobs.get(run_of(server, run_id).checkpoint_key)
    card = server.blobs.get(f"runs/{run_id}/model.json")
    row = import_model(server, weights, card)
    assert row.id.startswith("gated-")
    assert row.card["source"]["kind"] == "import"
    assert set(server.blobs.keys("models")) > kept
    media = server.add_photo(photo())
    assert server.wait(server.ask(media, models=[row.id])).state == "succeeded"
    with server.sessions.begin() as session:
        assert models.get(session, row.id) is None  # nobody sees it before it is published
        importing.publish(session, models.get(session, row.id, models.SERVER), None)
        importing.remove(session, server.blobs, models.get(session, row.id))
    assert set(server.blobs.keys("models")) == kept
    # a card that says another mechanism than the weights have: refused by the worker
    about = json.loads(card)
    said = json.dumps({**about, "mechanism": "cbam", "parameters": {"dropout": 0.1}}).encode()
    with pytest.raises(importing.Unprocessable, match="does not fit"):
        import_model(server, weights, said)
    assert set(server.blobs.keys("models")) == kept
