"""From a run to a row of a photo's table and back, with a worker that is never restarted."""

from __future__ import annotations

import time

import pytest

from app.db import catalogue
from app.training import control, importing
from tests.support.backend import Server, photo, serving, wait_for
from tests.support.training import act, add_dataset, launched, run_of, wait_run


def test_a_run_joins_the_table_and_leaves_it(server: Server):
    dataset = add_dataset(server)
    with serving(server):
        (run_id,) = launched(server, dataset, mechanisms=["gated"])
        wait_run(server, run_id)
        wait_for(lambda: "plain" in server.models())
        with server.sessions.begin() as session:
            name = control.publish(session, control.found_run(session, run_id)).id
        assert name == "gated-2"
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
    with serving(server):  # what is published is offered again after a restart of everything
        with server.sessions.begin() as session:
            control.publish(session, control.found_run(session, run_id), "mine")
        again = server.ask(media, models=["mine"])
        assert server.wait(again).state == "succeeded"
        time.sleep(0.5)
        assert "mine" in server.models()


def test_an_import_is_loaded_before_it_is_offered(local_server: Server):
    server = local_server
    dataset = add_dataset(server)
    with serving(server):
        (run_id,) = launched(server, dataset, mechanisms=["gated"])
        wait_run(server, run_id)
        key = run_of(server, run_id).checkpoint_key
        weights = server.blobs.get(key)
        card = server.blobs.get(f"runs/{run_id}/model.json")
        row = imported(server, weights, card)
        assert (row.id, row.card["source"]["kind"]) == ("gated-2", "import")
        media = server.add_photo(photo())
        assert server.wait(server.ask(media, models=[row.id])).state == "succeeded"
        with server.sessions.begin() as session:
            importing.remove(session, server.blobs, catalogue.get(session, row.id))
        assert list(server.blobs.keys("models")) == []
        # a card that says another mechanism than the weights have: refused by the worker
        said = card.replace(b'"mechanism": "gated"', b'"mechanism": "cbam"', 1)
        said = said.replace(b'"normalisation": "mean_flow",', b"")
        said = said.replace(b'"aggregation": "deep_sup"', b'"dropout": 0.1')
        with pytest.raises(importing.Unprocessable, match="does not fit"):
            imported(server, weights, said)
        assert list(server.blobs.keys("models")) == []


def imported(server: Server, weights: bytes, card: bytes):
    path = server.blobs.incoming()
    path.write_bytes(weights)
    with server.sessions.begin() as session:
        received = importing.receive(session, server.blobs, path, card)
    return importing.outcome(server.readers, received, 120)
