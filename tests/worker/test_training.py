"""Studies through real workers: SQLite with local ones, PostgreSQL with Celery."""

from __future__ import annotations

from app.db import training as rows
from tests.support.backend import Server
from tests.support.training import add_dataset, launched, run_of, said, wait_run


def test_a_study_of_two_mechanisms_trains(server: Server):
    dataset = add_dataset(server)
    runs = launched(server, dataset, mechanisms=["plain", "gated"])
    for run_id in runs:
        wait_run(server, run_id)
    assert [run_of(server, run_id).mechanism for run_id in runs] == ["plain", "gated"]
    for run_id in runs:
        run = run_of(server, run_id)
        found = said(server, run_id)
        assert [point[0] for point in found["points"]] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert [epoch[0] for epoch in found["epochs"]] == [1, 2]
        assert (run.step, run.steps, run.epoch) == (8, 8, 2)
        assert run.summary is not None
        assert 0 <= run.summary["val_accuracy"] <= 1
        assert run.summary["card"]["classes"] == ["blue", "red"]
        assert run.status["memory_bytes"] > 1e6
        assert server.blobs.exists(f"runs/{run_id}/model.safetensors")
        assert server.blobs.exists(f"runs/{run_id}/model.json")
        assert not (server.settings.home / "runs" / run_id).exists()
        with server.readers() as session:
            texts = [note.text for note in rows.notes(session, run_id)]
        assert texts[0].startswith("Started: 8 steps of 4 (2 epochs)")
        assert texts[-1].startswith("Finished: validation")
    with server.readers() as session:
        methods = {e: set(epoch.probes) for e, epoch in enumerate(rows.epochs(session, runs[1]))}
    assert all("attention" in found for found in methods.values())
